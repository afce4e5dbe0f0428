#pragma once

#include <siprec/export.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace siprec {

/// A UUID (RFC 9562). Value type; the nil UUID when default-constructed.
class SIPREC_EXPORT Uuid {
  public:
    Uuid() = default;

    explicit Uuid(std::array<std::uint8_t, 16> bytes) : bytes_(bytes) {}

    /// A random (version 4) UUID from the kernel's random source.
    [[nodiscard]] static Uuid random();

    /// The same name in the same namespace gives the same UUID, for ids that must come out equal
    /// when a step is repeated after a crash. Version 8: the digest is FNV-1a, 2 x 64 bits, because
    /// the names are our own and need no resistance against forgery.
    [[nodiscard]] static Uuid derived(const Uuid& name_space, std::string_view name);

    /// Reads the 36-character form, either case, without braces or prefix.
    [[nodiscard]] static std::optional<Uuid> parse(std::string_view text) noexcept;

    /// The 36-character lower-case form.
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] bool is_nil() const noexcept { return *this == Uuid{}; }

    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

    auto operator<=>(const Uuid&) const = default;

  private:
    std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace siprec

template <>
struct std::hash<siprec::Uuid> {
    std::size_t operator()(const siprec::Uuid& id) const noexcept;
};
