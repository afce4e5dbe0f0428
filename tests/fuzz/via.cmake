siprec_fuzzer(via LINK siprec_tls siprec_base)
