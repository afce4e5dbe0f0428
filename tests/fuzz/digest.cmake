siprec_fuzzer(digest LINK siprec_sip siprec_body siprec_tls siprec_base PkgConfig::SofiaSip fmt::fmt)
