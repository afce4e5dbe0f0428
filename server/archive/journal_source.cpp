#include "archive/journal_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace siprec::server {
namespace {

constexpr std::size_t kWindowBytes = std::size_t{64} * 1024;
constexpr std::size_t kBlockHeaderBytes = 8;  // type and length
constexpr std::uint32_t kMinBlockBytes = 12;
constexpr std::uint32_t kEnhancedPacket = 6;

std::uint32_t word(std::span<const std::byte> bytes) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace

Result<JournalSource> JournalSource::open(const std::string& path) {
    auto file = open_file(path, O_RDONLY);
    if (!file) {
        return std::move(file).error();
    }
    return JournalSource(std::move(*file), path);
}

Result<std::size_t> JournalSource::read(std::span<std::byte> out) {
    if (block_left_ == 0) {
        if (auto found = find_block(); !found) {
            return std::move(found).error();
        }
    }
    const std::size_t wanted = std::min<std::uint64_t>(out.size(), block_left_);
    const auto count = read_at(position_, out.first(wanted));
    if (count) {
        position_ += *count;
        block_left_ -= *count;
    }
    return count;
}

void JournalSource::release() noexcept {
    window_ = {};
    window_start_ = 0;
}

Result<void> JournalSource::find_block() {
    struct stat status {};

    if (::fstat(file_.get(), &status) != 0) {
        return file_error("look at", path_, errno);
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    while (position_ + kBlockHeaderBytes <= size) {
        const auto header = peek(kBlockHeaderBytes);
        if (!header) {
            return header.error();
        }
        if (header->size() < kBlockHeaderBytes) {
            return {};
        }
        const std::uint32_t length = word(header->subspan(4));
        if (length < kMinBlockBytes || length % 4 != 0) {
            return Error(ErrorCode::Malformed,
                         path_ + ": block length " + std::to_string(length) + " at byte " +
                             std::to_string(position_));
        }
        if (position_ + length > size) {
            return {};
        }
        if (word(*header) != kEnhancedPacket) {
            block_left_ = length;
            return {};
        }
        position_ += length;
    }
    return {};
}

Result<std::span<const std::byte>> JournalSource::peek(std::size_t bytes) {
    const bool is_inside =
        position_ >= window_start_ && position_ + bytes <= window_start_ + window_.size();
    if (!is_inside) {
        window_.resize(kWindowBytes);
        const auto count = read_at(position_, window_);
        window_.resize(count ? *count : 0);
        window_start_ = position_;
        if (!count) {
            return count.error();
        }
    }
    const auto rest = std::span<const std::byte>(window_).subspan(position_ - window_start_);
    return rest.first(std::min(bytes, rest.size()));
}

Result<std::size_t> JournalSource::read_at(std::uint64_t position, std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t count = ::pread(
            file_.get(), out.data() + done, out.size() - done, static_cast<off_t>(position + done));
        if (count < 0 && errno != EINTR) {
            return file_error("read", path_, errno);
        }
        if (count == 0) {
            break;
        }
        done += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return done;
}

}  // namespace siprec::server
