#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace siprec::base {

/// Reads network-order integers from a span, checking what is left before each read. A failed read
/// returns nothing and moves nothing.
class ByteReader {
  public:
    explicit ByteReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size(); }

    [[nodiscard]] std::optional<std::uint8_t> u8() noexcept { return integer<std::uint8_t>(); }

    [[nodiscard]] std::optional<std::uint16_t> u16() noexcept { return integer<std::uint16_t>(); }

    [[nodiscard]] std::optional<std::uint32_t> u32() noexcept { return integer<std::uint32_t>(); }

    [[nodiscard]] std::optional<std::uint64_t> u64() noexcept { return integer<std::uint64_t>(); }

    [[nodiscard]] std::optional<std::span<const std::byte>> take(std::size_t count) noexcept {
        if (bytes_.size() < count) {
            return std::nullopt;
        }
        const auto taken = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return taken;
    }

  private:
    template <typename T>
    std::optional<T> integer() noexcept {
        if (bytes_.size() < sizeof(T)) {
            return std::nullopt;
        }
        std::uint64_t value = 0;
        for (const std::byte byte : bytes_.first(sizeof(T))) {
            value = (value << 8U) | std::to_integer<std::uint64_t>(byte);
        }
        bytes_ = bytes_.subspan(sizeof(T));
        return static_cast<T>(value);
    }

    std::span<const std::byte> bytes_;
};

}  // namespace siprec::base
