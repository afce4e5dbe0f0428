// Any text is read as an a=crypto, a=fingerprint or a=setup line or refused; what is read is
// written so that it reads back the same, and its keys can be used.
#include <siprec/keying.hpp>
#include <siprec/srtp.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        static_cast<void>(std::fprintf(stderr, "does not hold: %s\n", what));
        std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<char> bytes(data, data + size);
    const std::string_view text(bytes.data(), bytes.size());
    if (const auto crypto = siprec::sdp::parse_crypto(text)) {
        const auto again = siprec::sdp::parse_crypto(siprec::sdp::write_crypto(*crypto));
        require(again.has_value(), "what was written is read");
        require(again->tag == crypto->tag && again->suite_name == crypto->suite_name, "same line");
        require(again->protection.keys == crypto->protection.keys, "same keys");
        require(siprec::srtp::Receiver::create(crypto->protection).has_value(),
                "what is read can be used");
    }
    if (const auto fingerprint = siprec::sdp::parse_fingerprint(text)) {
        require(siprec::sdp::parse_fingerprint(siprec::sdp::write_fingerprint(*fingerprint)) ==
                    fingerprint,
                "same fingerprint");
    }
    static_cast<void>(siprec::sdp::parse_setup(text));
    return 0;
}
