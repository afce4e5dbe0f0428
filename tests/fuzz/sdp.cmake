siprec_fuzzer(sdp LINK siprec_sdp siprec_base fmt::fmt)
