#include "sinks/track_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace siprec {

Result<std::unique_ptr<TrackFile>> TrackFile::create(std::string path) {
    std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "w+be"));
    if (!file) {
        return Error(ErrorCode::Io,
                     fmt::format("create {}: {}", path, std::system_category().message(errno)));
    }
    return std::unique_ptr<TrackFile>(new TrackFile(std::move(path), std::move(file)));
}

TrackFile::TrackFile(std::string path, std::unique_ptr<std::FILE, Closer> file)
    : path_(std::move(path)), file_(std::move(file)) {}

Error TrackFile::failure(const char* what, int reason) const {
    return {ErrorCode::Io,
            fmt::format("{} {}: {}", what, path_, std::system_category().message(reason))};
}

void TrackFile::write(std::span<const std::int16_t> samples) {
    if (!error_ && std::fwrite(samples.data(), sizeof(std::int16_t), samples.size(), file_.get()) !=
                       samples.size()) {
        error_ = failure("write", errno);
    }
}

Result<void> TrackFile::rewind() {
    if (!error_ && std::fflush(file_.get()) != 0) {
        error_ = failure("write", errno);
    }
    if (!error_ && std::fseek(file_.get(), 0, SEEK_SET) != 0) {
        error_ = failure("read", errno);
    }
    if (error_) {
        return *error_;
    }
    return {};
}

std::size_t TrackFile::read(std::span<std::int16_t> samples) {
    return std::fread(samples.data(), sizeof(std::int16_t), samples.size(), file_.get());
}

Result<void> TrackFile::remove() {
    if (std::remove(path_.c_str()) != 0) {
        return failure("remove", errno);
    }
    return {};
}

}  // namespace siprec
