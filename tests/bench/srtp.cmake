# Decryption alone, with libsrtp2's own ciphers and with OpenSSL's.
add_executable(bench_srtp "${CMAKE_CURRENT_LIST_DIR}/srtp_bench.cpp")
target_link_libraries(bench_srtp PRIVATE siprec_srtp siprec_base fmt::fmt)
siprec_warnings(bench_srtp)
