siprec_fuzzer(codec LINK siprec_codec siprec_base)
