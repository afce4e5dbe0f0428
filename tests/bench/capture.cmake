# From the sink's call to the capture file, against the 1.5 µs that a packet may cost in all.
add_executable(bench_capture "${CMAKE_CURRENT_LIST_DIR}/capture_bench.cpp")
target_link_libraries(bench_capture PRIVATE server_capture fmt::fmt)
siprec_warnings(bench_capture)
