siprec_fuzzer(rtcp LINK siprec_rtp siprec_srtp siprec_sdp siprec_fork siprec_base)
