// What TLS clients send, on its way to the SIP stack: the same bytes must come out however they
// were cut on the way.
#include "tls/via_rewriter.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using siprec::Endpoint;
    constexpr std::size_t kMostHead = 4096;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto client = Endpoint::parse("[2001:db8::1]:5061");
    const auto rewrite = [&client](std::string head) {
        return siprec::tls::for_client(
            siprec::tls::with_transport(std::move(head), "TCP"), *client, *client);
    };
    siprec::tls::StreamRewriter whole(kMostHead);
    siprec::tls::StreamRewriter pieces(kMostHead);
    std::string out_whole;
    std::string out_pieces;
    const bool good = whole.push(bytes, out_whole, rewrite);
    bool still_good = true;
    for (std::size_t i = 0; i < size && still_good; ++i) {
        still_good = pieces.push(bytes.substr(i, 1), out_pieces, rewrite);
    }
    if (good && still_good && out_whole != out_pieces) {
        std::abort();
    }
    return 0;
}
