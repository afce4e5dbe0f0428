// An Authorization header: nobody who does not know a password gets in.
#include "sip/digest.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using siprec::sip::DigestGuard;
    static DigestGuard guard([] {
        siprec::DigestConfig config;
        config.users = {{.name = "src", .password = "secret", .ha1_md5 = {}, .ha1_sha256 = {}}};
        return config;
    }());
    const std::string header(reinterpret_cast<const char*>(data), size);
    const auto outcome = guard.check("INVITE", {header}, siprec::SteadyTime{});
    if (outcome.verdict == DigestGuard::Verdict::Good) {
        std::abort();
    }
    return 0;
}
