#include <siprec/net.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace siprec {

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) noexcept {
    IpAddress address;
    std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
    return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) noexcept {
    IpAddress address;
    address.is_v6_ = true;
    address.bytes_ = bytes;
    return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
        text = text.substr(1, text.size() - 2);
    }
    std::array<char, INET6_ADDRSTRLEN + 1> terminated{};
    // inet_pton reads to the first zero: one inside the text would hide what is behind it.
    if (text.size() >= terminated.size() || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::ranges::copy(text, terminated.begin());
    std::array<std::uint8_t, 4> four{};
    if (::inet_pton(AF_INET, terminated.data(), four.data()) == 1) {
        return v4(four);
    }
    std::array<std::uint8_t, 16> sixteen{};
    if (::inet_pton(AF_INET6, terminated.data(), sixteen.data()) == 1) {
        return v6(sixteen);
    }
    return std::nullopt;
}

bool IpAddress::is_unspecified() const noexcept {
    return std::ranges::all_of(bytes(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const noexcept {
    if (!is_v6_) {
        return bytes_[0] == 127;
    }
    return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) {
               return byte == 0;
           });
}

std::string IpAddress::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const char* written =
        ::inet_ntop(is_v6_ ? AF_INET6 : AF_INET, bytes_.data(), text.data(), text.size());
    return written == nullptr ? std::string{} : std::string{written};
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) noexcept {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view host = text.substr(0, colon);
    const std::string_view port_text = text.substr(colon + 1);
    std::uint16_t port = 0;
    const char* end = port_text.data() + port_text.size();
    const auto [stop, error] = std::from_chars(port_text.data(), end, port);
    if (error != std::errc{} || stop != end) {
        return std::nullopt;
    }
    const auto address = IpAddress::parse(host);
    if (!address || (address->is_v6() && host.front() != '[')) {
        return std::nullopt;
    }
    return Endpoint{.address = *address, .port = port};
}

std::string Endpoint::to_string() const {
    return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), port)
                           : fmt::format("{}:{}", address.to_string(), port);
}

namespace {

IpAddress unmapped(const IpAddress& address) noexcept {
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const auto bytes = address.bytes();
    if (!address.is_v6() || !std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) {
        return address;
    }
    return IpAddress::v4({bytes[12], bytes[13], bytes[14], bytes[15]});
}

}  // namespace

std::optional<Subnet> Subnet::parse(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    const auto written = IpAddress::parse(text.substr(0, slash));
    if (!written) {
        return std::nullopt;
    }
    const IpAddress address = unmapped(*written);
    const auto bits = static_cast<unsigned>(address.bytes().size() * 8);
    if (slash == std::string_view::npos) {
        return Subnet{.address = address, .prefix = bits};
    }
    const std::string_view digits = text.substr(slash + 1);
    unsigned prefix = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, prefix);
    // A prefix of the written form of a mapped address counts its 96 leading bits.
    const unsigned hidden = written->is_v6() && !address.is_v6() ? 96 : 0;
    if (error != std::errc{} || stop != end || prefix < hidden || prefix - hidden > bits) {
        return std::nullopt;
    }
    return Subnet{.address = address, .prefix = prefix - hidden};
}

bool Subnet::contains(const IpAddress& other) const noexcept {
    const IpAddress plain = unmapped(other);
    if (plain.is_v6() != address.is_v6()) {
        return false;
    }
    const auto ours = address.bytes();
    const auto theirs = plain.bytes();
    for (unsigned bit = 0; bit < prefix; bit += 8) {
        const unsigned counted = std::min(8U, prefix - bit);
        const auto differ = static_cast<unsigned>(ours[bit / 8] ^ theirs[bit / 8]);
        if ((differ >> (8U - counted)) != 0) {
            return false;
        }
    }
    return true;
}

std::string_view to_string(Transport transport) noexcept {
    switch (transport) {
        case Transport::Udp:
            return "udp";
        case Transport::Tcp:
            return "tcp";
        case Transport::Tls:
            return "tls";
    }
    return "udp";
}

}  // namespace siprec
