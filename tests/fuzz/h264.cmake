siprec_fuzzer(h264 LINK siprec_base)
# Files of the renderer that read what strangers sent; the server is not part of this build.
target_sources(h264_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/server/render/video_depacketiser.cpp"
  "${PROJECT_SOURCE_DIR}/server/render/h264_units.cpp" "${PROJECT_SOURCE_DIR}/server/render/media_clock.cpp")
target_include_directories(h264_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/server")
