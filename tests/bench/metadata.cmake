# Reading and merging metadata of every size: the cost of a byte stays the same.
add_executable(bench_metadata "${CMAKE_CURRENT_LIST_DIR}/metadata_bench.cpp")
target_link_libraries(bench_metadata PRIVATE siprec_metadata siprec_base XercesC::XercesC fmt::fmt)
siprec_warnings(bench_metadata)
