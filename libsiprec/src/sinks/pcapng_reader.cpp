// Reads pcapng block by block out of a buffer that is filled in large pieces. Every length comes
// from outside and is checked before it is used.
#include "base/unique_fd.hpp"
#include "sinks/ip_datagram.hpp"
#include "sinks/pcapng_format.hpp"

#include <siprec/pcapng.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>

namespace siprec::pcapng {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kChunk = std::size_t{64} * 1024;
constexpr std::size_t kMaxBlock = std::size_t{512} * 1024 * 1024;

template <typename T>
T load(Bytes bytes, std::size_t at, bool swapped) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        const bool little = (std::endian::native == std::endian::little) != swapped;
        const std::size_t index = little ? sizeof(T) - 1 - i : i;
        value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[at + index]);
    }
    return static_cast<T>(value);
}

std::string text_of(Bytes bytes) {
    std::string text(bytes.size(), '\0');
    std::ranges::transform(bytes, text.begin(), [](std::byte byte) {
        return static_cast<char>(std::to_integer<unsigned char>(byte));
    });
    return text;
}

/// if_tsresol: a power of ten, or of two when the top bit is set; 0 when no clock can be that fine.
std::uint64_t ticks_per_second(std::uint8_t resolution) {
    const unsigned exponent = resolution & 0x7FU;
    if ((resolution & 0x80U) != 0) {
        return exponent < 64 ? std::uint64_t{1} << exponent : 0;
    }
    if (exponent > 19) {
        return 0;
    }
    std::uint64_t ticks = 1;
    for (unsigned i = 0; i < exponent; ++i) {
        ticks *= 10;
    }
    return ticks;
}

/// Times that nanoseconds since 1970 cannot express come out as the nearest that they can.
WallTime to_wall_time(std::uint64_t ticks, std::uint64_t per_second, std::int64_t offset_seconds) {
    constexpr std::uint64_t kNanoseconds = 1'000'000'000;
    constexpr std::int64_t kMaxSeconds =
        std::numeric_limits<std::int64_t>::max() / std::int64_t{kNanoseconds} - 1;
    const std::uint64_t rest = ticks % per_second;
    const std::uint64_t fraction =
        kNanoseconds % per_second == 0
            ? rest * (kNanoseconds / per_second)
            : static_cast<std::uint64_t>(static_cast<long double>(rest) * kNanoseconds /
                                         static_cast<long double>(per_second));
    const auto whole = static_cast<std::int64_t>(
        std::min<std::uint64_t>(ticks / per_second, std::uint64_t{kMaxSeconds}));
    const std::int64_t seconds = std::clamp(
        whole + std::clamp(offset_seconds, -kMaxSeconds, kMaxSeconds), -kMaxSeconds, kMaxSeconds);
    return WallTime(std::chrono::seconds(seconds) +
                    std::chrono::nanoseconds(static_cast<std::int64_t>(
                        std::min<std::uint64_t>(fraction, kNanoseconds - 1))));
}

/// One field of a journal entry; moves `rest` behind it. @return false at the end or at nonsense
bool read_field(std::string_view& rest, std::pair<std::string, std::string>& field) {
    const std::size_t name_end = rest.find_first_of("=\n");
    if (name_end == std::string_view::npos || name_end == 0) {
        return false;
    }
    field.first = rest.substr(0, name_end);
    const bool is_text = rest[name_end] == '=';
    rest.remove_prefix(name_end + 1);
    std::uint64_t size = 0;
    if (is_text) {
        size = std::min(rest.find('\n'), rest.size());
    } else {
        if (rest.size() < sizeof size) {
            return false;
        }
        for (std::size_t i = sizeof size; i-- > 0;) {
            size = (size << 8U) | static_cast<unsigned char>(rest[i]);
        }
        rest.remove_prefix(sizeof size);
        if (size > rest.size()) {
            return false;
        }
    }
    field.second = rest.substr(0, size);
    rest.remove_prefix(std::min<std::size_t>(size + 1, rest.size()));
    return true;
}

JournalEntry read_journal(Bytes body) {
    const std::string text = text_of(body);
    std::string_view rest = text;
    JournalEntry entry;
    std::pair<std::string, std::string> field;
    while (read_field(rest, field)) {
        entry.fields.push_back(std::move(field));
        field = {};
    }
    return entry;
}

}  // namespace

std::string_view JournalEntry::get(std::string_view name) const noexcept {
    const auto found =
        std::ranges::find_if(fields, [name](const auto& field) { return field.first == name; });
    return found == fields.end() ? std::string_view{} : std::string_view{found->second};
}

Reader::Reader(Source read) : read_(std::move(read)) {}

std::uint16_t Reader::u16(Bytes bytes, std::size_t at) const {
    return load<std::uint16_t>(bytes, at, swapped_);
}

std::uint32_t Reader::u32(Bytes bytes, std::size_t at) const {
    return load<std::uint32_t>(bytes, at, swapped_);
}

Error Reader::malformed(std::string_view what) const {
    return Error(ErrorCode::Malformed, fmt::format("pcapng: {}", what))
        .at(static_cast<std::size_t>(good_bytes_));
}

/// Reads until `bytes` bytes are there. The buffer grows with what arrives, never with what is
/// claimed.
Result<Reader::Filled> Reader::fill(std::size_t bytes) {
    while (end_ - begin_ < bytes) {
        if (at_end_) {
            return Filled::End;
        }
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (buffer_.size() - end_ < kChunk) {
            buffer_.resize(std::max(buffer_.size() * 2, 2 * kChunk));
        }
        const auto room = std::span(buffer_).subspan(end_);
        auto got = read_(room);
        if (!got) {
            return std::move(got).error();
        }
        at_end_ = *got == 0;
        end_ += std::min(*got, room.size());
    }
    return Filled::Enough;
}

/// Brings one whole block into the buffer. @return nothing at the end of the file
Result<std::optional<Bytes>> Reader::next_block() {
    begin_ += std::exchange(consumed_, 0);
    auto head = fill(kBlockOverhead);
    if (!head) {
        return std::move(head).error();
    }
    if (*head == Filled::End) {
        truncated_ = end_ != begin_;
        return std::optional<Bytes>{};
    }
    const Bytes start = Bytes(buffer_).subspan(begin_, kBlockOverhead);
    const std::uint32_t type = u32(start, 0);
    if (type == kSectionHeaderBlock) {
        const std::uint32_t magic = load<std::uint32_t>(start, 8, false);
        if (magic != kByteOrderMagic && magic != 0x4D3C2B1A) {
            return malformed("section header without byte-order magic");
        }
        swapped_ = magic != kByteOrderMagic;
    } else if (!in_section_) {
        return malformed("does not begin with a section header");
    }
    const std::uint32_t length = u32(start, 4);
    if (type == 0 && length == 0) {
        truncated_ = true;
        return std::optional<Bytes>{};
    }
    if (length < kBlockOverhead || length % 4 != 0 || length > kMaxBlock) {
        return malformed(fmt::format("block of {} bytes", length));
    }
    auto whole = fill(length);
    if (!whole) {
        return std::move(whole).error();
    }
    if (*whole == Filled::End) {
        truncated_ = true;
        return std::optional<Bytes>{};
    }
    const Bytes block = Bytes(buffer_).subspan(begin_, length);
    if (u32(block, length - 4) != length) {
        return malformed("a block's two lengths differ");
    }
    return std::optional<Bytes>{block};
}

Result<std::optional<Block>> Reader::next() {
    while (true) {
        auto found = next_block();
        if (!found) {
            return std::move(found).error();
        }
        const std::optional<Bytes> block = found.value();
        if (!block) {
            return std::optional<Block>{};
        }
        const std::size_t length = block->size();
        auto read = read_block(*block);
        if (!read) {
            return read;
        }
        good_bytes_ += length;
        consumed_ = length;
        if (*read) {
            return read;
        }
    }
}

/// @return nothing for a block that is skipped
Result<std::optional<Block>> Reader::read_block(Bytes block) {
    const std::uint32_t type = u32(block, 0);
    const Bytes body = block.subspan(8, block.size() - kBlockOverhead);
    switch (type) {
        case kSectionHeaderBlock:
            in_section_ = true;
            earlier_links_ += static_cast<std::uint32_t>(links_.size());
            links_.clear();
            return std::optional<Block>{};
        case kInterfaceBlock:
            return read_interface(body);
        case kEnhancedPacketBlock:
            return read_packet(body);
        case kJournalBlock:
            return std::optional<Block>{read_journal(body)};
        default:
            return std::optional<Block>{};
    }
}

Result<std::optional<Block>> Reader::read_interface(Bytes body) {
    constexpr std::size_t kFixed = 8;
    constexpr std::size_t kOptionHeader = 4;
    if (body.size() < kFixed) {
        return malformed("interface description too short");
    }
    LinkLayer link{.link_type = u16(body, 0)};
    Interface found;
    Bytes options = body.subspan(kFixed);
    while (options.size() >= kOptionHeader && u16(options, 0) != kOptionEnd) {
        const std::size_t length = u16(options, 2);
        if (padded(length) > options.size() - kOptionHeader) {
            return malformed("interface option longer than its block");
        }
        const Bytes value = options.subspan(kOptionHeader, length);
        const std::uint16_t code = u16(options, 0);
        if (code == kInterfaceName) {
            found.name = text_of(value);
        } else if (code == kInterfaceDescription) {
            found.description = text_of(value);
        } else if (code == kInterfaceTimeResolution && length == 1) {
            link.ticks_per_second = ticks_per_second(std::to_integer<std::uint8_t>(value[0]));
        } else if (code == kInterfaceTimeOffset && length == 8) {
            link.offset_seconds = load<std::int64_t>(value, 0, swapped_);
        }
        options = options.subspan(kOptionHeader + padded(length));
    }
    if (link.ticks_per_second == 0) {
        return malformed("time resolution that no clock has");
    }
    links_.push_back(link);
    return std::optional<Block>{std::move(found)};
}

Result<std::optional<Block>> Reader::read_packet(Bytes body) {
    constexpr std::size_t kFixed = 20;
    if (body.size() < kFixed) {
        return malformed("enhanced packet too short");
    }
    const std::uint32_t id = u32(body, 0);
    if (id >= links_.size()) {
        return malformed(fmt::format("packet of interface {}, which is not declared", id));
    }
    const std::size_t captured = u32(body, 12);
    if (captured > body.size() - kFixed) {
        return malformed("packet longer than its block");
    }
    const LinkLayer& link = links_[id];
    const auto datagram = find_datagram(link.link_type, body.subspan(kFixed, captured));
    if (!datagram) {
        return std::optional<Block>{};
    }
    const std::uint64_t ticks = (std::uint64_t{u32(body, 4)} << 32U) | u32(body, 8);
    return std::optional<Block>{
        Datagram{.interface_id = earlier_links_ + id,
                 .time = to_wall_time(ticks, link.ticks_per_second, link.offset_seconds),
                 .source = datagram->source,
                 .destination = datagram->destination,
                 .payload = datagram->payload}};
}

Result<Reader::Source> file_source(const std::string& path) {
    // Shared only because a std::function has to be copyable.
    const auto file = std::make_shared<base::UniqueFd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!*file) {
        const int reason = errno;
        return Error(reason == ENOENT ? ErrorCode::NotFound : ErrorCode::Io,
                     fmt::format("open {}: {}", path, std::system_category().message(reason)));
    }
    return Reader::Source{[file, path](std::span<std::byte> into) -> Result<std::size_t> {
        while (true) {
            const ssize_t got = ::read(file->get(), into.data(), into.size());
            if (got >= 0) {
                return static_cast<std::size_t>(got);
            }
            if (errno != EINTR) {
                return Error(
                    ErrorCode::Io,
                    fmt::format("read {}: {}", path, std::system_category().message(errno)));
            }
        }
    }};
}

}  // namespace siprec::pcapng
