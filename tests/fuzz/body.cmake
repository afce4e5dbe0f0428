siprec_fuzzer(body LINK siprec_body siprec_base fmt::fmt)
