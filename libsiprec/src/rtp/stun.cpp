#include "rtp/stun.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace siprec::rtp {

namespace {

// RFC 8489 5: type, length, magic cookie, transaction id.
constexpr std::size_t kHeader = 20;
constexpr std::array kCookie{std::byte{0x21}, std::byte{0x12}, std::byte{0xA4}, std::byte{0x42}};

void put16(std::vector<std::byte>& out, std::uint32_t value) {
    out.push_back(static_cast<std::byte>(value >> 8U & 0xFFU));
    out.push_back(static_cast<std::byte>(value & 0xFFU));
}

bool is_binding_request(std::span<const std::byte> datagram) {
    if (datagram.size() < kHeader || datagram[0] != std::byte{0} || datagram[1] != std::byte{1}) {
        return false;
    }
    const auto length =
        std::to_integer<std::size_t>(datagram[2]) << 8U | std::to_integer<std::size_t>(datagram[3]);
    return length + kHeader == datagram.size() &&
           std::ranges::equal(datagram.subspan(4, 4), kCookie);
}

}  // namespace

std::optional<std::vector<std::byte>> answer_stun(std::span<const std::byte> datagram,
                                                  const Endpoint& source) {
    if (!is_binding_request(datagram)) {
        return std::nullopt;
    }
    const auto address = source.address.bytes();
    std::vector<std::byte> answer;
    put16(answer, 0x0101);
    put16(answer, static_cast<std::uint32_t>(8 + address.size()));
    const auto rest = datagram.subspan(4, kHeader - 4);
    answer.insert(answer.end(), rest.begin(), rest.end());
    // XOR-MAPPED-ADDRESS (RFC 8489 14.2): XORed with the cookie, and for IPv6 the transaction id.
    put16(answer, 0x0020);
    put16(answer, static_cast<std::uint32_t>(4 + address.size()));
    put16(answer, source.address.is_v6() ? 2 : 1);
    put16(answer, source.port ^ 0x2112U);
    for (std::size_t i = 0; i < address.size(); ++i) {
        answer.push_back(static_cast<std::byte>(address[i]) ^ rest[i]);
    }
    return answer;
}

}  // namespace siprec::rtp
