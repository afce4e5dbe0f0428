siprec_fuzzer(rtp LINK siprec_rtp siprec_fork siprec_base)
