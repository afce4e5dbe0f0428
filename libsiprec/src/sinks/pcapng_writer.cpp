// pcapng blocks in the machine's byte order, which the section header states.
#include "sinks/pcapng_format.hpp"

#include <siprec/pcapng.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace siprec::pcapng {

namespace {

constexpr std::size_t kMaxPayload = 65'507;  // 65,535 less IPv4 and UDP header
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kUdpHeader = 8;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kHopLimit = 64;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

/// Fills a stretch that was reserved for it, front to back.
class Cursor {
  public:
    explicit Cursor(std::byte* at) : at_(at) {}

    template <typename T>
    Cursor& native(T value) {
        std::memcpy(at_, &value, sizeof value);
        at_ += sizeof value;
        return *this;
    }

    Cursor& network16(std::uint16_t value) {
        return native(std::endian::native == std::endian::little
                          ? static_cast<std::uint16_t>((value << 8U) | (value >> 8U))
                          : value);
    }

    template <typename T>
    Cursor& copy(std::span<const T> bytes) {
        if (!bytes.empty()) {
            std::memcpy(at_, bytes.data(), bytes.size());
        }
        at_ += bytes.size();
        return *this;
    }

    Cursor& skip(std::size_t bytes) {
        at_ += bytes;
        return *this;
    }

    [[nodiscard]] std::byte* at() const { return at_; }

  private:
    std::byte* at_;
};

/// The Internet checksum (RFC 1071) in native byte order: its sum is the same in any order.
class Checksum {
  public:
    /// Pieces but the last must be of even length.
    void add(std::span<const std::byte> bytes) {
        while (bytes.size() >= sizeof(std::uint32_t)) {
            std::uint32_t word = 0;
            std::memcpy(&word, bytes.data(), sizeof word);
            sum_ += word;
            bytes = bytes.subspan(sizeof word);
        }
        std::array<std::byte, sizeof(std::uint32_t)> rest{};
        std::copy(bytes.begin(), bytes.end(), rest.begin());
        std::uint32_t word = 0;
        std::memcpy(&word, rest.data(), sizeof word);
        sum_ += word;
    }

    /// To be stored as it is, without a change of byte order.
    [[nodiscard]] std::uint16_t value() const {
        std::uint64_t sum = sum_;
        while (sum > 0xFFFF) {
            sum = (sum & 0xFFFF) + (sum >> 16U);
        }
        return static_cast<std::uint16_t>(~sum);
    }

  private:
    std::uint64_t sum_ = 0;
};

/// Grows `out` by one block, writes its frame, and leaves the cursor at its zeroed body.
Cursor begin_block(std::vector<std::byte>& out, std::uint32_t type, std::size_t body_bytes) {
    const std::size_t total = kBlockOverhead + body_bytes;
    const std::size_t start = out.size();
    out.resize(start + total);
    Cursor(out.data() + start + total - sizeof(std::uint32_t))
        .native(static_cast<std::uint32_t>(total));
    Cursor cursor(out.data() + start);
    cursor.native(type).native(static_cast<std::uint32_t>(total));
    return cursor;
}

constexpr std::size_t kOptionHeader = 4;

std::string_view option_value(std::string_view value) {
    return value.substr(0, 0xFFFF);
}

std::size_t option_bytes(std::string_view value) {
    return value.empty() ? 0 : kOptionHeader + padded(option_value(value).size());
}

void put_option(Cursor& cursor, std::uint16_t code, std::string_view value) {
    if (value.empty()) {
        return;
    }
    const auto bytes = bytes_of(option_value(value));
    cursor.native(code).native(static_cast<std::uint16_t>(bytes.size())).copy(bytes);
    cursor.skip(padded(bytes.size()) - bytes.size());
}

void put_end_of_options(Cursor& cursor) {
    cursor.native(kOptionEnd).native(std::uint16_t{0});
}

std::array<std::uint8_t, 16> as_v6(const IpAddress& address) {
    std::array<std::uint8_t, 16> bytes{};
    if (!address.is_v6()) {
        bytes[10] = 0xFF;
        bytes[11] = 0xFF;
    }
    std::ranges::copy_backward(address.bytes(), bytes.end());
    return bytes;
}

void put_ipv4(Cursor& cursor,
              const IpAddress& source,
              const IpAddress& destination,
              std::size_t udp_bytes) {
    constexpr std::uint16_t kVersionAndLength = 0x4500;
    constexpr std::uint16_t kDontFragment = 0x4000;
    std::byte* header = cursor.at();
    cursor.network16(kVersionAndLength)
        .network16(static_cast<std::uint16_t>(kIpv4Header + udp_bytes))
        .network16(0)
        .network16(kDontFragment)
        .native(kHopLimit)
        .native(kUdp)
        .network16(0)
        .copy(source.bytes())
        .copy(destination.bytes());
    Checksum checksum;
    checksum.add({header, kIpv4Header});
    Cursor(header + 10).native(checksum.value());
}

void put_ipv6(Cursor& cursor,
              const IpAddress& source,
              const IpAddress& destination,
              std::size_t udp_bytes) {
    constexpr std::uint16_t kVersion = 0x6000;
    const auto from = as_v6(source);
    const auto to = as_v6(destination);
    cursor.network16(kVersion)
        .network16(0)
        .network16(static_cast<std::uint16_t>(udp_bytes))
        .native(kUdp)
        .native(kHopLimit)
        .copy(std::span<const std::uint8_t>(from))
        .copy(std::span<const std::uint8_t>(to));
}

void put_udp(Cursor& cursor,
             std::span<const std::byte> addresses,
             const Endpoint& source,
             const Endpoint& destination,
             std::span<const std::byte> payload) {
    const auto length = static_cast<std::uint16_t>(kUdpHeader + payload.size());
    std::byte* header = cursor.at();
    cursor.network16(source.port).network16(destination.port).network16(length).network16(0);
    cursor.copy(payload);

    std::array<std::byte, 4> pseudo_header{};
    Cursor(pseudo_header.data()).network16(kUdp).network16(length);
    Checksum checksum;
    checksum.add(addresses);
    checksum.add(pseudo_header);
    checksum.add({header, length});
    // RFC 768: a sum of zero is sent as all ones, for zero says that there is none.
    const std::uint16_t value = checksum.value();
    Cursor(header + 6).native(value == 0 ? std::uint16_t{0xFFFF} : value);
}

/// The Journal Export Format has a form for text and one for anything.
bool is_text(std::string_view value) {
    return std::ranges::all_of(
        value, [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; });
}

std::size_t field_bytes(const std::pair<std::string_view, std::string_view>& field) {
    const std::size_t separators = is_text(field.second) ? 2 : 2 + sizeof(std::uint64_t);
    return field.first.size() + field.second.size() + separators;
}

void put_field(Cursor& cursor, const std::pair<std::string_view, std::string_view>& field) {
    cursor.copy(bytes_of(field.first));
    if (is_text(field.second)) {
        cursor.native('=');
    } else {
        cursor.native('\n');
        for (std::uint64_t size = field.second.size(), i = 0; i < sizeof size; ++i, size >>= 8U) {
            cursor.native(static_cast<std::uint8_t>(size & 0xFFU));  // little-endian always
        }
    }
    cursor.copy(bytes_of(field.second)).native('\n');
}

}  // namespace

void Writer::section_header(std::vector<std::byte>& out,
                            std::string_view application,
                            std::string_view comment) {
    constexpr std::size_t kFixed = 16;
    constexpr std::uint64_t kLengthUnknown = ~std::uint64_t{0};
    Cursor cursor =
        begin_block(out,
                    kSectionHeaderBlock,
                    kFixed + option_bytes(comment) + option_bytes(application) + kOptionHeader);
    cursor.native(kByteOrderMagic)
        .native(std::uint16_t{1})  // version 1.0
        .native(std::uint16_t{0})
        .native(kLengthUnknown);
    put_option(cursor, kOptionComment, comment);
    put_option(cursor, kSectionApplication, application);
    put_end_of_options(cursor);
}

void Writer::interface(std::vector<std::byte>& out,
                       std::string_view name,
                       std::string_view description) {
    constexpr std::size_t kFixed = 8;
    constexpr std::string_view kNanoseconds = "\x09";
    Cursor cursor = begin_block(out,
                                kInterfaceBlock,
                                kFixed + option_bytes(name) + option_bytes(description) +
                                    option_bytes(kNanoseconds) + kOptionHeader);
    cursor.native(kLinkRaw).native(std::uint16_t{0}).native(std::uint32_t{0});
    put_option(cursor, kInterfaceName, name);
    put_option(cursor, kInterfaceDescription, description);
    put_option(cursor, kInterfaceTimeResolution, kNanoseconds);
    put_end_of_options(cursor);
}

void Writer::datagram(std::vector<std::byte>& out,
                      std::uint32_t interface_id,
                      WallTime time,
                      const Endpoint& source,
                      const Endpoint& destination,
                      std::span<const std::byte> payload) {
    constexpr std::size_t kFixed = 20;
    const bool is_v6 = source.address.is_v6() || destination.address.is_v6();
    const std::size_t headers = (is_v6 ? kIpv6Header : kIpv4Header) + kUdpHeader;
    const auto kept = payload.first(std::min(payload.size(), kMaxPayload));
    const std::size_t captured = headers + kept.size();
    const auto ticks = static_cast<std::uint64_t>(time.time_since_epoch().count());

    Cursor cursor = begin_block(out, kEnhancedPacketBlock, kFixed + padded(captured));
    cursor.native(interface_id)
        .native(static_cast<std::uint32_t>(ticks >> 32U))
        .native(static_cast<std::uint32_t>(ticks & 0xFFFFFFFFU))
        .native(static_cast<std::uint32_t>(captured))
        .native(static_cast<std::uint32_t>(headers + payload.size()));
    const std::size_t udp_bytes = kUdpHeader + kept.size();
    if (is_v6) {
        put_ipv6(cursor, source.address, destination.address, udp_bytes);
    } else {
        put_ipv4(cursor, source.address, destination.address, udp_bytes);
    }
    const std::size_t address_bytes = is_v6 ? 32 : 8;
    put_udp(cursor, {cursor.at() - address_bytes, address_bytes}, source, destination, kept);
}

void Writer::journal_entry(std::vector<std::byte>& out,
                           std::span<const std::pair<std::string_view, std::string_view>> fields) {
    std::size_t bytes = 0;
    for (const auto& field : fields) {
        bytes += field_bytes(field);
    }
    Cursor cursor = begin_block(out, kJournalBlock, padded(bytes));
    for (const auto& field : fields) {
        put_field(cursor, field);
    }
}

}  // namespace siprec::pcapng
