# From the sink's call to the capture file, against the 1.5 µs that a packet may cost in all.
add_executable(capture_bench "${CMAKE_CURRENT_LIST_DIR}/capture_bench.cpp")
target_link_libraries(capture_bench PRIVATE server_capture fmt::fmt)
siprec_warnings(capture_bench)
