#include "render/h264_units.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace siprec::server {
namespace {

constexpr unsigned kTypeMask = 0x1F;
constexpr std::array kStartCode = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};

void look_at(std::span<const std::byte> unit, H264Contents& contents) {
    const H264Unit type = unit_type(unit);
    if (type == H264Unit::SequenceParameters || type == H264Unit::PictureParameters) {
        append_unit(contents.parameter_sets, unit);
        contents.has_sequence_parameters |= type == H264Unit::SequenceParameters;
    }
    contents.has_slice |= type >= H264Unit::FirstSlice && type <= H264Unit::IdrSlice;
    contents.is_idr |= type == H264Unit::IdrSlice;
}

std::optional<unsigned> base64_value(char c) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = kAlphabet.find(c);
    return value != std::string_view::npos ? std::optional(static_cast<unsigned>(value))
                                           : std::nullopt;
}

/// RFC 4648 4, with its padding or without; nothing where it is none.
std::vector<std::byte> from_base64(std::string_view text) {
    while (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    std::vector<std::byte> bytes;
    unsigned bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const auto value = base64_value(c);
        if (!value) {
            return {};
        }
        bits = ((bits << 6U) | *value) & 0xFFFFU;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes.push_back(static_cast<std::byte>((bits >> count) & 0xFFU));
        }
    }
    return bytes;
}

/// The value of a parameter whose name is lower case; its first occurrence counts.
std::string_view parameter(std::string_view fmtp, std::string_view name) {
    while (!fmtp.empty()) {
        std::string_view one = fmtp.substr(0, fmtp.find(';'));
        fmtp.remove_prefix(std::min(fmtp.size(), one.size() + 1));
        one.remove_prefix(std::min(one.size(), one.find_first_not_of(' ')));
        if (one.starts_with(name) && one.substr(name.size()).starts_with('=')) {
            one.remove_prefix(name.size() + 1);
            return one.substr(0, one.find(' '));
        }
    }
    return {};
}

}  // namespace

H264Unit unit_type(std::span<const std::byte> unit) {
    return static_cast<H264Unit>(std::to_integer<unsigned>(unit[0]) & kTypeMask);
}

void append_unit(std::vector<std::byte>& annex_b, std::span<const std::byte> unit) {
    annex_b.insert(annex_b.end(), kStartCode.begin(), kStartCode.end());
    annex_b.insert(annex_b.end(), unit.begin(), unit.end());
}

H264Contents look_into(std::span<const std::byte> annex_b) {
    H264Contents contents;
    const auto end = annex_b.end();
    auto start = std::search(annex_b.begin(), end, kStartCode.begin(), kStartCode.end());
    while (start != end) {
        const auto unit = start + static_cast<std::ptrdiff_t>(kStartCode.size());
        start = std::search(unit, end, kStartCode.begin(), kStartCode.end());
        if (unit != start) {
            look_at({unit, start}, contents);
        }
    }
    return contents;
}

std::vector<std::byte> parameter_sets_of(std::string_view fmtp) {
    std::vector<std::byte> sets;
    std::string_view list = parameter(fmtp, "sprop-parameter-sets");
    while (!list.empty()) {
        const std::string_view one = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), one.size() + 1));
        if (const auto unit = from_base64(one); !unit.empty()) {
            append_unit(sets, unit);
        }
    }
    // Some clients put other units beside them.
    return look_into(sets).parameter_sets;
}

}  // namespace siprec::server
