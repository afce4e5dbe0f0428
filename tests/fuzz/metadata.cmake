siprec_fuzzer(metadata LINK siprec_metadata siprec_base XercesC::XercesC fmt::fmt)
