siprec_fuzzer(rtp LINK siprec_rtp siprec_srtp siprec_sdp siprec_fork siprec_base)
