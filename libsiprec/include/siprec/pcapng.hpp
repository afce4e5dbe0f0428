#pragma once

#include <siprec/clock.hpp>
#include <siprec/export.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// pcapng, as far as a recorder needs it: written so that Wireshark opens it, read back to the last
/// whole block of a file that was cut off. Layout: draft-ietf-opsawg-pcapng.
namespace siprec::pcapng {

/// Appends blocks to a byte buffer; the caller decides when and where the bytes go. Nanosecond time
/// stamps, link type RAW (101). Owned by one thread.
class SIPREC_EXPORT Writer {
  public:
    /// Starts a section: must be first in a file, and once.
    static void section_header(std::vector<std::byte>& out,
                               std::string_view application,
                               std::string_view comment = {});

    /// Declares an interface; the first one of a file is number 0, then in order.
    static void interface(std::vector<std::byte>& out,
                          std::string_view name,
                          std::string_view description);

    /// One UDP datagram as an enhanced packet: IP and UDP headers are made up around `payload`,
    /// with right checksums. Payloads over 65,507 bytes are cut, the original length is stated. SIP
    /// that came over TCP or TLS is written in this form too, one message a datagram. When only one
    /// of the addresses is IPv6, the other is written as IPv4-mapped.
    static void datagram(std::vector<std::byte>& out,
                         std::uint32_t interface_id,
                         WallTime time,
                         const Endpoint& source,
                         const Endpoint& destination,
                         std::span<const std::byte> payload);

    /// One systemd journal entry (Journal Export Format). Values may hold any bytes, line feeds
    /// included; names are upper-case letters, digits and `_`. Wireshark takes the block's time
    /// from a field `__REALTIME_TIMESTAMP`, microseconds since 1970 in decimal, and wants one in
    /// each entry.
    static void journal_entry(
        std::vector<std::byte>& out,
        std::span<const std::pair<std::string_view, std::string_view>> fields);
};

/// One datagram read back.
struct Datagram {
    std::uint32_t interface_id = 0;  ///< counts the `Interface` blocks of the file, from 0
    WallTime time;
    Endpoint source;
    Endpoint destination;
    std::span<const std::byte> payload;  ///< valid until the next call of `next`
};

/// One journal entry read back.
struct JournalEntry {
    std::vector<std::pair<std::string, std::string>> fields;

    /// The first value of a field; empty when there is none.
    [[nodiscard]] std::string_view get(std::string_view name) const noexcept;
};

/// One interface of the file; the n-th that is read is the one that `interface_id` n means.
struct Interface {
    std::string name;
    std::string description;
};

using Block = std::variant<Datagram, JournalEntry, Interface>;

/// Reads a capture from front to back: ours, or anybody's with UDP over IPv4/IPv6 on link types
/// RAW, EN10MB, LINUX_SLL, LINUX_SLL2 or NULL, either byte order, several sections. Blocks of other
/// kinds, IP fragments, what is not UDP, and datagrams that the capturing program cut are skipped.
/// Owned by one thread.
class SIPREC_EXPORT Reader {
  public:
    /// @param read  fills the buffer with the next bytes; returns how many, 0 at the end
    using Source = std::function<Result<std::size_t>(std::span<std::byte>)>;

    explicit Reader(Source read);

    /// The next block; nothing at the end of the file. A file that stops in the middle of a block,
    /// or goes on with zeros (space that was allocated and never written), ends there:
    /// `truncated()` then says so.
    /// @return Malformed with the byte offset for a block that contradicts itself or is longer than
    ///         16 MiB, and the same again for each further call; Io from the source
    [[nodiscard]] Result<std::optional<Block>> next();

    [[nodiscard]] bool truncated() const noexcept { return truncated_; }

    /// Bytes up to the end of the last whole block: what a cut-off file can be shortened to.
    [[nodiscard]] std::uint64_t good_bytes() const noexcept { return good_bytes_; }

  private:
    struct LinkLayer {
        std::uint16_t link_type = 0;
        std::uint64_t ticks_per_second = 1'000'000;
        std::int64_t offset_seconds = 0;
    };

    enum class Filled : std::uint8_t { Enough, End };

    Result<Filled> fill(std::size_t bytes);
    Result<std::optional<std::span<const std::byte>>> next_block();
    Result<std::optional<Block>> read_block(std::span<const std::byte> block);
    Result<std::optional<Block>> read_interface(std::span<const std::byte> body);
    Result<std::optional<Block>> read_packet(std::span<const std::byte> body);
    [[nodiscard]] Error malformed(std::string_view what) const;

    [[nodiscard]] std::uint16_t u16(std::span<const std::byte> bytes, std::size_t at) const;
    [[nodiscard]] std::uint32_t u32(std::span<const std::byte> bytes, std::size_t at) const;

    Source read_;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0;  // of what was read and not yet consumed
    std::size_t end_ = 0;
    std::size_t consumed_ = 0;  // the block that `next` returned last, still in the buffer
    bool at_end_ = false;
    bool in_section_ = false;
    bool swapped_ = false;
    std::vector<LinkLayer> links_;     // of this section
    std::uint32_t earlier_links_ = 0;  // of the sections before
    bool truncated_ = false;
    std::uint64_t good_bytes_ = 0;
};

/// A `Source` that reads a file. @return NotFound or Io when it cannot be opened
[[nodiscard]] SIPREC_EXPORT Result<Reader::Source> file_source(const std::string& path);

}  // namespace siprec::pcapng
