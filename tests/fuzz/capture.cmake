siprec_fuzzer(capture
  LINK siprec_sinks siprec_assembler siprec_codec siprec_rtp siprec_srtp siprec_sdp siprec_fork siprec_base
       fmt::fmt PkgConfig::Opus PkgConfig::SndFile)
