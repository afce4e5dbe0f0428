#include "assembler/format_table.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace siprec::assembler {

namespace {

bool same_name(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, [](unsigned char a, unsigned char b) {
        return std::toupper(a) == std::toupper(b);
    });
}

PayloadUse use_of(std::string_view encoding) {
    if (same_name(encoding, "CN")) {
        return PayloadUse::ComfortNoise;
    }
    if (same_name(encoding, "RED")) {
        return PayloadUse::Redundancy;
    }
    return same_name(encoding, "telephone-event") ? PayloadUse::TelephoneEvent : PayloadUse::Audio;
}

PayloadFormat static_format(std::uint8_t payload_type, const char* encoding) {
    PayloadFormat format;
    format.payload_type = payload_type;
    format.encoding = encoding;
    return format;
}

}  // namespace

void FormatTable::set(const std::vector<PayloadFormat>& formats) {
    by_type_.fill(nullptr);
    // RFC 3551 6: these types mean this whatever was negotiated, and clients do send them without.
    for (const auto& [type, encoding] : {std::pair{0, "PCMU"}, {8, "PCMA"}, {13, "CN"}}) {
        const auto payload_type = static_cast<std::uint8_t>(type);
        by_type_.at(payload_type) = intern(static_format(payload_type, encoding));
    }
    for (const PayloadFormat& format : formats) {
        if (format.payload_type < by_type_.size() && format.clock_rate > 0) {
            by_type_.at(format.payload_type) = intern(format);
        }
    }
}

const Reading* FormatTable::find(std::uint8_t payload_type) const noexcept {
    return payload_type < by_type_.size() ? by_type_[payload_type] : nullptr;
}

const Reading* FormatTable::intern(const PayloadFormat& format) {
    const auto known = std::ranges::find(readings_, format, &Reading::format);
    if (known != readings_.end()) {
        return &*known;
    }
    return &readings_.emplace_back(Reading{.format = format, .use = use_of(format.encoding)});
}

}  // namespace siprec::assembler
