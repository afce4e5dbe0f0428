siprec_fuzzer(dtls LINK siprec_rtp siprec_srtp siprec_fork siprec_sdp siprec_base fmt::fmt)
