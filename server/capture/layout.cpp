#include "capture/layout.hpp"

#include "store/files.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

namespace siprec::server {
namespace {

constexpr std::size_t kUuidLength = 36;

}  // namespace

Result<void> DataLayout::create() const {
    for (const std::string& folder : {live(), captures(), recordings(), failed()}) {
        if (auto made = make_directories(folder); !made) {
            return made;
        }
    }
    return {};
}

std::string capture_name(const Uuid& recording_session, std::uint32_t part) {
    const std::string number = part > 1 ? "." + std::to_string(part) : std::string();
    return recording_session.to_string() + number + std::string(kCaptureSuffix);
}

Uuid session_of(std::string_view capture_name) {
    return part_of(capture_name) == 0 ? Uuid{}
                                      : Uuid::parse(capture_name.substr(0, kUuidLength)).value();
}

std::uint32_t part_of(std::string_view capture_name) {
    if (!capture_name.ends_with(kCaptureSuffix) || capture_name.size() < kUuidLength ||
        !Uuid::parse(capture_name.substr(0, kUuidLength))) {
        return 0;
    }
    capture_name.remove_suffix(kCaptureSuffix.size());
    const std::string_view rest = capture_name.substr(std::min(kUuidLength, capture_name.size()));
    if (rest.empty()) {
        return 1;
    }
    std::uint32_t part = 0;
    const char* const end = rest.data() + rest.size();
    const auto [stop, failure] = std::from_chars(rest.data() + 1, end, part);
    return rest.front() == '.' && failure == std::errc() && stop == end && part > 1 ? part : 0;
}

Result<void> set_aside(const DataLayout& layout, const std::string& path, std::string_view reason) {
    const std::string target =
        layout.failed() + "/" + std::filesystem::path(path).filename().string();
    std::error_code unknown;
    const bool was_moved =
        !std::filesystem::exists(path, unknown) && std::filesystem::exists(target, unknown);
    if (was_moved) {
        return sync_path(layout.failed());
    }
    if (auto written = write_file_durably(target + ".reason", std::string(reason) + "\n");
        !written) {
        return written;
    }
    return rename_durably(path, target);
}

}  // namespace siprec::server
