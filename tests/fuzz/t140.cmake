siprec_fuzzer(t140 LINK siprec_codec siprec_base)
# The one file of the renderer that reads text; the server is not part of this build.
target_sources(t140_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/server/render/text_stream.cpp")
target_include_directories(t140_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/server")
