siprec_fuzzer(rtcp LINK siprec_rtp siprec_fork siprec_base)
