#pragma once

#include <siprec/export.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace siprec {

/// An IPv4 or IPv6 address, in network order. Value type; `0.0.0.0` when default-constructed.
class SIPREC_EXPORT IpAddress {
  public:
    IpAddress() = default;

    [[nodiscard]] static IpAddress v4(std::array<std::uint8_t, 4> bytes) noexcept;
    [[nodiscard]] static IpAddress v6(std::array<std::uint8_t, 16> bytes) noexcept;

    /// Reads `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`; never asks a name server.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text) noexcept;

    [[nodiscard]] bool is_v6() const noexcept { return is_v6_; }

    /// 4 or 16 bytes, network order.
    [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
        return {bytes_.data(), is_v6_ ? bytes_.size() : 4U};
    }

    [[nodiscard]] bool is_unspecified() const noexcept;
    [[nodiscard]] bool is_loopback() const noexcept;

    /// Without brackets.
    [[nodiscard]] std::string to_string() const;

    auto operator<=>(const IpAddress&) const = default;

  private:
    bool is_v6_ = false;
    std::array<std::uint8_t, 16> bytes_{};
};

/// An address and a UDP or TCP port (host order).
struct SIPREC_EXPORT Endpoint {
    IpAddress address;
    std::uint16_t port = 0;

    /// Reads `HOST:PORT`; IPv6 in brackets. The host is an address, not a name.
    [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text) noexcept;

    /// `192.0.2.1:5060` or `[2001:db8::1]:5060`.
    [[nodiscard]] std::string to_string() const;

    auto operator<=>(const Endpoint&) const = default;
};

/// A block of addresses, `192.0.2.0/24` or a single one. IPv4 addresses written as IPv6
/// (`::ffff:192.0.2.1`, RFC 4291 2.5.5.2) are taken as IPv4.
struct SIPREC_EXPORT Subnet {
    IpAddress address;
    unsigned prefix = 0;  ///< bits that count

    /// Reads `ADDRESS` or `ADDRESS/BITS`.
    [[nodiscard]] static std::optional<Subnet> parse(std::string_view text) noexcept;

    [[nodiscard]] bool contains(const IpAddress& other) const noexcept;

    auto operator<=>(const Subnet&) const = default;
};

enum class Transport : std::uint8_t { Udp, Tcp, Tls };

/// "udp", "tcp", "tls".
[[nodiscard]] SIPREC_EXPORT std::string_view to_string(Transport transport) noexcept;

}  // namespace siprec
