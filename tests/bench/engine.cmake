# The native RTP engine against the least that the kernel asks for a datagram.
add_executable(bench_engine "${CMAKE_CURRENT_LIST_DIR}/engine_bench.cpp")
target_link_libraries(bench_engine PRIVATE siprec_rtp siprec_srtp siprec_sdp siprec_fork siprec_base fmt::fmt)
siprec_warnings(bench_engine)
