siprec_fuzzer(crypto LINK siprec_sdp siprec_srtp siprec_base fmt::fmt)
