siprec_fuzzer(explain
  LINK siprec_metadata siprec_body siprec_sdp siprec_base XercesC::XercesC fmt::fmt)
# The one file of the command line that reads what strangers wrote; the server is not part of this build.
target_sources(explain_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/server/cli/explanation.cpp")
target_include_directories(explain_fuzz PRIVATE "${PROJECT_SOURCE_DIR}/server")
