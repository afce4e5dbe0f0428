#include "render/spill.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace siprec::server {
namespace {

constexpr std::size_t kBufferSamples = std::size_t{32} * 1024;

}  // namespace

Result<SampleSpill> SampleSpill::create(const std::string& directory) {
    std::string name = directory + "/.spill-XXXXXX";
    UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
    if (!file) {
        return file_error("create temporary file in", directory, errno);
    }
    if (::unlink(name.c_str()) != 0) {
        return file_error("remove", name, errno);
    }
    return SampleSpill(std::move(file), directory);
}

void SampleSpill::append(std::span<const std::int16_t> samples) {
    buffer_.insert(buffer_.end(), samples.begin(), samples.end());
    size_ += samples.size();
    if (buffer_.size() >= kBufferSamples) {
        flush();
    }
}

void SampleSpill::append_silence(std::uint64_t samples) {
    while (samples > 0) {
        const auto count = std::min<std::uint64_t>(samples, kBufferSamples);
        buffer_.resize(buffer_.size() + count);
        size_ += count;
        samples -= count;
        flush();
    }
}

void SampleSpill::flush() {
    if (!failure_ && !buffer_.empty()) {
        const WriteOutcome outcome = write_some(file_.get(), std::as_bytes(std::span(buffer_)));
        if (outcome.error_number != 0) {
            failure_ = file_error("write temporary file in", directory_, outcome.error_number);
        }
    }
    buffer_.clear();
}

Result<void> SampleSpill::rewind() {
    flush();
    if (failure_) {
        return *failure_;
    }
    if (::lseek(file_.get(), 0, SEEK_SET) < 0) {
        return file_error("rewind temporary file in", directory_, errno);
    }
    return {};
}

Result<void> SampleSpill::read(std::span<std::int16_t> out) {
    auto bytes = std::as_writable_bytes(out);
    while (!bytes.empty()) {
        const ssize_t count = ::read(file_.get(), bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) {
            return file_error("read temporary file in", directory_, errno);
        }
        if (count == 0) {
            std::fill(bytes.begin(), bytes.end(), std::byte{0});
            break;
        }
        bytes = bytes.subspan(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    return {};
}

}  // namespace siprec::server
