#include <siprec/uuid.hpp>

#include <fmt/format.h>
#include <sys/random.h>

#include <cstring>
#include <random>

namespace siprec {

namespace {

// FNV-1a, 64 bits; two of them with different starts give the 128 of a UUID.
std::uint64_t fnv1a(std::uint64_t hash, const std::uint8_t* data, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        hash ^= std::uint64_t{data[i]};
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

std::array<std::uint8_t, 16> mark(std::array<std::uint8_t, 16> bytes, std::uint8_t version) {
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0FU) | (unsigned{version} << 4U));
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3FU) | 0x80U);
    return bytes;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

}  // namespace

Uuid Uuid::random() {
    std::array<std::uint8_t, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        std::random_device device;
        for (auto& byte : bytes) {
            byte = static_cast<std::uint8_t>(device());
        }
    }
    return Uuid{mark(bytes, 4)};
}

Uuid Uuid::derived(const Uuid& name_space, std::string_view name) {
    std::array<std::uint8_t, 16> bytes{};
    std::uint64_t start = 0xcbf29ce484222325ULL;
    for (std::size_t half = 0; half < 2; ++half) {
        std::uint64_t hash = fnv1a(start, name_space.bytes_.data(), name_space.bytes_.size());
        for (const char c : name) {
            const auto byte = static_cast<std::uint8_t>(c);
            hash = fnv1a(hash, &byte, 1);
        }
        std::memcpy(bytes.data() + half * sizeof hash, &hash, sizeof hash);
        start = ~start;
    }
    return Uuid{mark(bytes, 8)};
}

std::optional<Uuid> Uuid::parse(std::string_view text) noexcept {
    if (text.size() != 36) {
        return std::nullopt;
    }
    std::array<std::uint8_t, 16> bytes{};
    std::size_t digit = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text[i] != '-') {
                return std::nullopt;
            }
            continue;
        }
        const int value = hex_digit(text[i]);
        if (value < 0) {
            return std::nullopt;
        }
        auto& byte = bytes[digit / 2];
        byte = static_cast<std::uint8_t>((static_cast<unsigned>(byte) << 4U) |
                                         static_cast<unsigned>(value));
        ++digit;
    }
    return Uuid{bytes};
}

std::string Uuid::to_string() const {
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text += '-';
        }
        fmt::format_to(std::back_inserter(text), "{:02x}", bytes_[i]);
    }
    return text;
}

}  // namespace siprec

std::size_t std::hash<siprec::Uuid>::operator()(const siprec::Uuid& id) const noexcept {
    std::size_t value = 0;
    std::memcpy(&value, id.bytes().data(), sizeof value);
    return value;
}
