#pragma once

// The page at /: its files, built into the program.

#include <span>
#include <string_view>

namespace siprec::server {

struct PortalFile {
    std::string_view path;  // of the URL
    std::string_view content_type;
    std::string_view content;
};

[[nodiscard]] std::span<const PortalFile> portal_files() noexcept;

}  // namespace siprec::server
