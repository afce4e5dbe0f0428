#include "capture/layout.hpp"

#include "store/files.hpp"

#include <filesystem>

namespace siprec::server {

Result<void> DataLayout::create() const {
    for (const std::string& folder : {live(), captures(), recordings(), failed()}) {
        if (auto made = make_directories(folder); !made) {
            return made;
        }
    }
    return {};
}

Uuid session_of(std::string_view capture_name) {
    if (!capture_name.ends_with(kCaptureSuffix)) {
        return {};
    }
    capture_name.remove_suffix(kCaptureSuffix.size());
    return Uuid::parse(capture_name).value_or(Uuid{});
}

Result<void> set_aside(const DataLayout& layout, const std::string& path, std::string_view reason) {
    const std::string target =
        layout.failed() + "/" + std::filesystem::path(path).filename().string();
    if (auto written = write_file_durably(target + ".reason", std::string(reason) + "\n");
        !written) {
        return written;
    }
    return rename_durably(path, target);
}

}  // namespace siprec::server
