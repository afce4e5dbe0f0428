#pragma once

// The little of H.264 (ITU-T H.264 annex B and 7.4.1) that one has to know to store it. Pure.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace siprec::server {

enum class H264Unit : unsigned {
    FirstSlice = 1,
    IdrSlice = 5,
    SequenceParameters = 7,
    PictureParameters = 8,
};

/// nal_unit_type. @param unit  not empty
[[nodiscard]] H264Unit unit_type(std::span<const std::byte> unit);

/// Puts a unit with its start code behind others.
void append_unit(std::vector<std::byte>& annex_b, std::span<const std::byte> unit);

/// What of the parameter sets a picture brings.
struct H264Contents {
    std::vector<std::byte> parameter_sets;  ///< with start codes
    bool has_sequence_parameters = false;
    bool has_slice = false;  ///< there is something to see
    bool is_idr = false;
};

/// @param annex_b  units with start codes
[[nodiscard]] H264Contents look_into(std::span<const std::byte> annex_b);

/// The sets that an `a=fmtp` brings (RFC 6184 8.1, sprop-parameter-sets), with start codes; empty
/// where it brings none that can be read.
[[nodiscard]] std::vector<std::byte> parameter_sets_of(std::string_view fmtp);

}  // namespace siprec::server
