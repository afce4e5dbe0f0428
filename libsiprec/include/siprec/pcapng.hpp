#pragma once

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

#include <siprec/clock.hpp>
#include <siprec/export.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>

/// pcapng, as far as a recorder needs it: written so that Wireshark opens it, read back to the last
/// whole block of a file that was cut off. Layout: draft-ietf-opsawg-pcapng.
namespace siprec::pcapng {

/// Appends blocks to a byte buffer; the caller decides when and where the bytes go. Nanosecond time
/// stamps, link type RAW (101). Owned by one thread.
class SIPREC_EXPORT Writer {
  public:
    /// Starts a section: must be first in a file, and once.
    static void section_header(std::vector<std::byte>& out, std::string_view application, std::string_view comment = {});

    /// Declares an interface; the first one of a file is number 0, then in order.
    static void interface(std::vector<std::byte>& out, std::string_view name, std::string_view description);

    /// One UDP datagram as an enhanced packet: IP and UDP headers are made up around `payload`, with a
    /// right checksum. Payloads over 65,507 bytes (IPv4) are cut, the original length is stated.
    static void datagram(std::vector<std::byte>& out,
                         std::uint32_t interface_id,
                         WallTime time,
                         const Endpoint& source,
                         const Endpoint& destination,
                         std::span<const std::byte> payload);

    /// One systemd journal entry. Values may hold any bytes, line feeds included.
    static void journal_entry(std::vector<std::byte>& out,
                              std::span<const std::pair<std::string_view, std::string_view>> fields);
};

/// One datagram read back.
struct Datagram {
    std::uint32_t interface_id = 0;
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

struct Interface {
    std::string name;
    std::string description;
};

using Block = std::variant<Datagram, JournalEntry, Interface>;

/// Reads a capture from front to back: ours, or anybody's with UDP over IPv4/IPv6 on link types RAW,
/// EN10MB, LINUX_SLL or NULL, either byte order. Blocks of other kinds are skipped. Owned by one thread.
class SIPREC_EXPORT Reader {
  public:
    /// @param read  fills the buffer with the next bytes; returns how many, 0 at the end
    using Source = std::function<Result<std::size_t>(std::span<std::byte>)>;

    explicit Reader(Source read);

    /// The next block; nothing at the end of the file. A file that stops in the middle of a block ends
    /// there: `truncated()` then says so.
    /// @return Malformed with the byte offset for a block that contradicts itself; Io from the source
    [[nodiscard]] Result<std::optional<Block>> next();

    [[nodiscard]] bool truncated() const noexcept { return truncated_; }

    /// Bytes up to the end of the last whole block: what a cut-off file can be shortened to.
    [[nodiscard]] std::uint64_t good_bytes() const noexcept { return good_bytes_; }

  private:
    Source read_;
    std::vector<std::byte> block_;
    std::vector<std::uint16_t> link_types_;
    std::vector<std::uint64_t> ticks_per_second_;
    bool swapped_ = false;
    bool truncated_ = false;
    std::uint64_t good_bytes_ = 0;
};

/// A `Source` that reads a file. @return NotFound or Io when it cannot be opened
[[nodiscard]] SIPREC_EXPORT Result<Reader::Source> file_source(const std::string& path);

}  // namespace siprec::pcapng
