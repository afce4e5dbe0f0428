#pragma once

// Where things lie in the data directory; the two wings meet in these folders and nowhere else.

#include <siprec/result.hpp>
#include <siprec/uuid.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace siprec::server {

struct DataLayout {
    std::string root;

    [[nodiscard]] std::string live() const { return root + "/live"; }  ///< captures being written

    [[nodiscard]] std::string captures() const { return root + "/captures"; }  ///< finished ones

    [[nodiscard]] std::string recordings() const { return root + "/recordings"; }  ///< the store

    [[nodiscard]] std::string failed() const { return root + "/failed"; }  ///< unreadable captures

    [[nodiscard]] std::string live_lock() const { return root + "/live.lock"; }

    [[nodiscard]] std::string archive_lock() const { return root + "/archive.lock"; }

    /// Makes the folders that are missing.
    [[nodiscard]] Result<void> create() const;
};

inline constexpr std::string_view kCaptureSuffix = ".pcapng";

/// `<session>.pcapng`; the parts that follow a rotation are `<session>.2.pcapng` and so on.
[[nodiscard]] std::string capture_name(const Uuid& recording_session, std::uint32_t part = 1);

/// The recording session that a capture's file name stands for; nil when it is none of ours.
[[nodiscard]] Uuid session_of(std::string_view capture_name);

/// The part that a capture's file name stands for, from 1; 0 when it is none of ours.
[[nodiscard]] std::uint32_t part_of(std::string_view capture_name);

/// Moves a capture that cannot be used to `failed/`, with the reason in a file beside it. Can be
/// repeated: what was moved already is no failure.
[[nodiscard]] Result<void> set_aside(const DataLayout& layout,
                                     const std::string& path,
                                     std::string_view reason);

}  // namespace siprec::server
