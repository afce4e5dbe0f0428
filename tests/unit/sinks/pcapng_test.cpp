#include <siprec/pcapng.hpp>

#include <catch2/catch.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace {

using siprec::Endpoint;
using siprec::WallTime;
using siprec::pcapng::Block;
using siprec::pcapng::Datagram;
using siprec::pcapng::Interface;
using siprec::pcapng::JournalEntry;
using siprec::pcapng::Reader;
using siprec::pcapng::Writer;
using Bytes = std::vector<std::byte>;
using Field = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kTimeField = "__REALTIME_TIMESTAMP";

WallTime at(std::int64_t nanoseconds) {
    return WallTime(std::chrono::nanoseconds(nanoseconds));
}

Endpoint endpoint(const char* text) {
    return Endpoint::parse(text).value();
}

Bytes bytes(std::string_view text) {
    Bytes out(text.size());
    std::ranges::transform(text, out.begin(), [](char c) { return static_cast<std::byte>(c); });
    return out;
}

std::string text(std::span<const std::byte> data) {
    std::string out(data.size(), '\0');
    std::ranges::transform(data, out.begin(), [](std::byte b) { return static_cast<char>(b); });
    return out;
}

/// Hands the bytes out in pieces of `piece` bytes.
Reader::Source memory(Bytes data, std::size_t piece = 1'000'000) {
    const auto shared = std::make_shared<Bytes>(std::move(data));
    return [shared, piece, position = std::size_t{0}](
               std::span<std::byte> into) mutable -> siprec::Result<std::size_t> {
        const std::size_t count = std::min({piece, into.size(), shared->size() - position});
        std::copy_n(shared->begin() + static_cast<std::ptrdiff_t>(position), count, into.begin());
        position += count;
        return count;
    };
}

/// A block whose payloads outlive the reader's buffer.
struct Seen {
    std::vector<Interface> interfaces;
    std::vector<JournalEntry> entries;
    std::vector<Datagram> datagrams;
    std::vector<std::string> payloads;
    std::optional<siprec::Error> error;
    bool truncated = false;
    std::uint64_t good_bytes = 0;
};

Seen read_all(Reader::Source source) {
    Reader reader(std::move(source));
    Seen seen;
    while (true) {
        auto block = reader.next();
        if (!block) {
            seen.error = block.error();
        }
        if (!block || !*block) {
            break;
        }
        if (auto* interface = std::get_if<Interface>(&**block)) {
            seen.interfaces.push_back(*interface);
        } else if (auto* entry = std::get_if<JournalEntry>(&**block)) {
            seen.entries.push_back(*entry);
        } else if (auto* datagram = std::get_if<Datagram>(&**block)) {
            seen.datagrams.push_back(*datagram);
            seen.payloads.push_back(text(datagram->payload));
        }
    }
    seen.truncated = reader.truncated();
    seen.good_bytes = reader.good_bytes();
    return seen;
}

/// Section header and one interface.
Bytes preamble() {
    Bytes out;
    Writer::section_header(out, "test 1.0", "a comment");
    Writer::interface(out, "rtp-0", "label 7");
    return out;
}

Bytes sample_file() {
    Bytes out = preamble();
    Writer::datagram(out,
                     0,
                     at(1'795'292'717'123'456'789),
                     endpoint("192.0.2.1:4000"),
                     endpoint("198.51.100.2:20000"),
                     bytes("odd"));
    Writer::datagram(out,
                     0,
                     at(1'795'292'717'223'456'789),
                     endpoint("[2001:db8::1]:4000"),
                     endpoint("[2001:db8::2]:20000"),
                     bytes("even"));
    const std::array<Field, 3> fields{Field{kTimeField, "1795292717323456"},
                                      Field{"EVENT", "metadata"},
                                      Field{"DOCUMENT", std::string_view("<a>\n\0</a>\n", 11)}};
    Writer::journal_entry(out, fields);
    return out;
}

void put(Bytes& out, std::uint64_t value, std::size_t size, bool big_endian) {
    for (std::size_t i = 0; i < size; ++i) {
        const std::size_t shift = 8 * (big_endian ? size - 1 - i : i);
        out.push_back(static_cast<std::byte>(shift < 64 ? (value >> shift) & 0xFFU : 0));
    }
}

void put_block(Bytes& out, std::uint32_t type, const Bytes& body, bool big_endian) {
    const std::size_t padding = (4 - body.size() % 4) % 4;
    const std::size_t total = body.size() + padding + 12;
    put(out, type, 4, big_endian);
    put(out, total, 4, big_endian);
    out.insert(out.end(), body.begin(), body.end());
    out.insert(out.end(), padding, std::byte{0});
    put(out, total, 4, big_endian);
}

void put_section(Bytes& out, bool big_endian) {
    Bytes body;
    put(body, 0x1A2B3C4D, 4, big_endian);
    put(body, 1, 2, big_endian);
    put(body, 0, 2, big_endian);
    put(body, ~std::uint64_t{0}, 8, big_endian);
    put_block(out, 0x0A0D0D0A, body, big_endian);
}

/// @param resolution  if_tsresol; 0: none
void put_interface(Bytes& out, std::uint16_t link_type, std::uint8_t resolution, bool big_endian) {
    Bytes body;
    put(body, link_type, 2, big_endian);
    put(body, 0, 2, big_endian);
    put(body, 65'535, 4, big_endian);
    if (resolution != 0) {
        put(body, 9, 2, big_endian);
        put(body, 1, 2, big_endian);
        put(body, resolution, 1, big_endian);
        put(body, 0, 3, big_endian);
        put(body, 0, 4, big_endian);
    }
    put_block(out, 1, body, big_endian);
}

void put_packet(Bytes& out,
                std::uint32_t interface_id,
                std::uint64_t ticks,
                const Bytes& frame,
                bool big_endian) {
    Bytes body;
    put(body, interface_id, 4, big_endian);
    put(body, ticks >> 32U, 4, big_endian);
    put(body, ticks & 0xFFFFFFFFU, 4, big_endian);
    put(body, frame.size(), 4, big_endian);
    put(body, frame.size(), 4, big_endian);
    body.insert(body.end(), frame.begin(), frame.end());
    put_block(out, 6, body, big_endian);
}

/// An IPv4 packet with UDP from 10.0.0.1:1000 to 10.0.0.2:2000.
Bytes ipv4_packet(std::string_view payload,
                  std::uint16_t fragment = 0,
                  std::size_t option_bytes = 0) {
    Bytes out;
    put(out, 0x40 | (5 + option_bytes / 4), 1, true);
    put(out, 0, 1, true);
    put(out, 28 + option_bytes + payload.size(), 2, true);
    put(out, 0, 2, true);
    put(out, fragment, 2, true);
    put(out, 64, 1, true);
    put(out, 17, 1, true);
    put(out, 0, 2, true);
    put(out, 0x0A000001, 4, true);
    put(out, 0x0A000002, 4, true);
    put(out, 0, option_bytes, true);
    put(out, 1000, 2, true);
    put(out, 2000, 2, true);
    put(out, 8 + payload.size(), 2, true);
    put(out, 0, 2, true);
    const Bytes data = bytes(payload);
    out.insert(out.end(), data.begin(), data.end());
    return out;
}

Bytes joined(Bytes head, const Bytes& tail) {
    head.insert(head.end(), tail.begin(), tail.end());
    return head;
}

/// Sum over 16-bit words, RFC 1071, the slow and obvious way.
std::uint16_t internet_sum(std::span<const std::byte> data) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
        const auto byte = std::to_integer<std::uint32_t>(data[i]);
        sum += i % 2 == 0 ? byte << 8U : byte;
    }
    while (sum > 0xFFFF) {
        sum = (sum & 0xFFFFU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(sum);
}

}  // namespace

TEST_CASE("pcapng: what is written is read back", "[unit][sinks][pcapng]") {
    const auto piece = GENERATE(std::size_t{1}, 7U, 1'000'000U);
    const Bytes file = sample_file();
    const Seen seen = read_all(memory(file, piece));

    CHECK_FALSE(seen.error);
    CHECK_FALSE(seen.truncated);
    CHECK(seen.good_bytes == file.size());
    REQUIRE(seen.interfaces.size() == 1);
    CHECK(seen.interfaces[0].name == "rtp-0");
    CHECK(seen.interfaces[0].description == "label 7");
    REQUIRE(seen.datagrams.size() == 2);
    CHECK(seen.datagrams[0].time == at(1'795'292'717'123'456'789));
    CHECK(seen.datagrams[0].source == endpoint("192.0.2.1:4000"));
    CHECK(seen.datagrams[0].destination == endpoint("198.51.100.2:20000"));
    CHECK(seen.datagrams[1].source == endpoint("[2001:db8::1]:4000"));
    CHECK(seen.payloads == std::vector<std::string>{"odd", "even"});
    REQUIRE(seen.entries.size() == 1);
    CHECK(seen.entries[0].fields.size() == 3);
    CHECK(seen.entries[0].get("EVENT") == "metadata");
    CHECK(seen.entries[0].get("DOCUMENT") == std::string_view("<a>\n\0</a>\n", 11));
    CHECK(seen.entries[0].get("ABSENT").empty());
}

TEST_CASE("pcapng: IP and UDP checksums are right for payloads of any length",
          "[unit][sinks][pcapng]") {
    const auto size = GENERATE(std::size_t{0}, 1U, 2U, 3U, 5U, 172U, 1459U, 65'507U);
    const bool is_v6 = GENERATE(false, true);
    Bytes payload(size);
    for (std::size_t i = 0; i < size; ++i) {
        payload[i] = static_cast<std::byte>((i * 37 + 11) & 0xFFU);
    }
    Bytes out;
    Writer::datagram(out,
                     0,
                     at(0),
                     endpoint(is_v6 ? "[2001:db8::1]:65535" : "192.0.2.255:65535"),
                     endpoint(is_v6 ? "[fe80::ff]:5060" : "198.51.100.2:5060"),
                     payload);
    const std::size_t ip_bytes = is_v6 ? 40U : 20U;
    const auto packet = std::span(out).subspan(28, ip_bytes + 8 + size);
    if (!is_v6) {
        CHECK(internet_sum(packet.first(ip_bytes)) == 0xFFFF);
    }
    Bytes pseudo(packet.begin() + (is_v6 ? 8 : 12), packet.end());
    pseudo.insert(pseudo.begin(),
                  {std::byte{0}, std::byte{17}, packet[ip_bytes + 4], packet[ip_bytes + 5]});
    CHECK(internet_sum(pseudo) == 0xFFFF);
}

TEST_CASE("pcapng: a payload beyond the largest datagram is cut when it is written",
          "[unit][sinks][pcapng]") {
    Bytes out = preamble();
    Writer::datagram(
        out, 0, at(0), endpoint("192.0.2.1:5060"), endpoint("192.0.2.2:5060"), Bytes(70'000));
    const Seen seen = read_all(memory(out));
    REQUIRE(seen.payloads.size() == 1);
    CHECK(seen.payloads[0].size() == 65'507);
}

TEST_CASE("pcapng: addresses of both families become IPv4-mapped when they meet",
          "[unit][sinks][pcapng]") {
    Bytes out = preamble();
    Writer::datagram(
        out, 0, at(0), endpoint("192.0.2.1:5060"), endpoint("[2001:db8::2]:5060"), bytes("x"));
    const Seen seen = read_all(memory(out));
    REQUIRE(seen.datagrams.size() == 1);
    CHECK(seen.datagrams[0].source == endpoint("[::ffff:192.0.2.1]:5060"));
}

TEST_CASE("pcapng: good_bytes is the end of the last whole block when the file is cut anywhere",
          "[unit][sinks][pcapng]") {
    const Bytes file = sample_file();
    std::vector<std::uint64_t> ends{0};
    for (std::size_t position = 0; position < file.size();) {
        std::uint32_t length = 0;
        std::memcpy(&length, file.data() + position + 4, sizeof length);
        position += length;
        ends.push_back(position);
    }
    for (std::size_t cut = 0; cut <= file.size(); ++cut) {
        const Seen seen =
            read_all(memory(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(cut))));
        const auto last_end = *std::prev(std::ranges::upper_bound(ends, cut));
        CAPTURE(cut);
        REQUIRE_FALSE(seen.error);
        REQUIRE(seen.good_bytes == last_end);
        REQUIRE(seen.truncated == (cut != last_end));
    }
}

TEST_CASE("pcapng: zeros behind the last block count as a cut file", "[unit][sinks][pcapng]") {
    Bytes file = sample_file();
    const std::size_t whole = file.size();
    file.resize(whole + 4096);
    const Seen seen = read_all(memory(file));
    CHECK_FALSE(seen.error);
    CHECK(seen.truncated);
    CHECK(seen.good_bytes == whole);
}

TEST_CASE("pcapng: link types and byte orders of other programs are understood",
          "[unit][sinks][pcapng]") {
    struct Case {
        std::uint16_t link_type;
        Bytes link_header;
    };

    const auto zeros_then = [](std::size_t zeros, std::initializer_list<int> tail) {
        Bytes out(zeros);
        for (const int value : tail) {
            out.push_back(static_cast<std::byte>(value));
        }
        return out;
    };
    const auto which = GENERATE(range(0, 6));
    const std::array<Case, 6> cases{Case{101, {}},
                                    Case{0, zeros_then(0, {2, 0, 0, 0})},
                                    Case{1, zeros_then(12, {0x08, 0x00})},
                                    Case{1, zeros_then(12, {0x81, 0x00, 0x00, 0x05, 0x08, 0x00})},
                                    Case{113, zeros_then(14, {0x08, 0x00})},
                                    Case{276, zeros_then(20, {})}};
    const Case& link = cases[static_cast<std::size_t>(which)];
    const bool big_endian = GENERATE(false, true);

    Bytes file;
    put_section(file, big_endian);
    put_interface(file, link.link_type, 0, big_endian);
    put_packet(file, 0, 1'500'000, joined(link.link_header, ipv4_packet("hello")), big_endian);
    const Seen seen = read_all(memory(file));
    CHECK_FALSE(seen.error);
    REQUIRE(seen.payloads == std::vector<std::string>{"hello"});
    CHECK(seen.datagrams[0].source == endpoint("10.0.0.1:1000"));
    CHECK(seen.datagrams[0].destination == endpoint("10.0.0.2:2000"));
    CHECK(seen.datagrams[0].time == at(1'500'000'000));
}

TEST_CASE("pcapng: time stamps come out in nanoseconds whatever the resolution",
          "[unit][sinks][pcapng]") {
    const auto [resolution, ticks, expected] =
        GENERATE(table<int, std::uint64_t, std::int64_t>({{9, 1'000'000'007, 1'000'000'007},
                                                          {3, 1'500, 1'500'000'000},
                                                          {12, 2'000'000'000'000, 2'000'000'000},
                                                          {0x80 | 10, 1536, 1'500'000'000}}));
    Bytes file;
    put_section(file, false);
    put_interface(file, 101, static_cast<std::uint8_t>(resolution), false);
    put_packet(file, 0, ticks, ipv4_packet("x"), false);
    const Seen seen = read_all(memory(file));
    REQUIRE(seen.datagrams.size() == 1);
    CHECK(seen.datagrams[0].time == at(expected));
}

TEST_CASE("pcapng: interface numbers count on when a new section begins", "[unit][sinks][pcapng]") {
    Bytes file;
    put_section(file, false);
    put_interface(file, 101, 9, false);
    put_interface(file, 101, 9, false);
    put_section(file, true);
    put_interface(file, 101, 9, true);
    put_packet(file, 0, 1, ipv4_packet("second section"), true);
    const Seen seen = read_all(memory(file));
    CHECK(seen.interfaces.size() == 3);
    REQUIRE(seen.datagrams.size() == 1);
    CHECK(seen.datagrams[0].interface_id == 2);
}

TEST_CASE("pcapng: what is no whole UDP datagram is skipped", "[unit][sinks][pcapng]") {
    Bytes tcp = ipv4_packet("tcp");
    tcp[9] = std::byte{6};
    Bytes cut = ipv4_packet("cut");
    cut.pop_back();
    Bytes file;
    put_section(file, false);
    put_interface(file, 101, 9, false);
    put_packet(file, 0, 1, ipv4_packet("first fragment", 0x2000), false);
    put_packet(file, 0, 2, ipv4_packet("second fragment", 0x0001), false);
    put_packet(file, 0, 3, tcp, false);
    put_packet(file, 0, 4, cut, false);
    put_packet(file, 0, 5, {}, false);
    put_block(file, 0x0BAD, bytes("unknown block"), false);
    put_packet(file, 0, 6, ipv4_packet("with options", 0x4000, 8), false);
    const Seen seen = read_all(memory(file));
    CHECK_FALSE(seen.error);
    CHECK(seen.payloads == std::vector<std::string>{"with options"});
}

TEST_CASE("pcapng: IPv6 extension headers are passed over", "[unit][sinks][pcapng]") {
    Bytes written = preamble();
    const std::size_t before = written.size();
    Writer::datagram(written,
                     0,
                     at(0),
                     endpoint("[2001:db8::1]:1000"),
                     endpoint("[2001:db8::2]:2000"),
                     bytes("v6!!"));
    const auto frame = std::span(written).subspan(before + 28, 40 + 8 + 4);
    Bytes packet(frame.begin(), frame.begin() + 40);
    packet[5] = std::byte{8 + 16 + 8 + 4};
    packet[6] = std::byte{0};      // hop-by-hop
    put(packet, 0x3C00, 2, true);  // next: destination options, 8 bytes
    put(packet, 0, 6, true);
    put(packet, 0x1101, 2, true);  // next: UDP, 16 bytes
    put(packet, 0, 14, true);
    packet.insert(packet.end(), frame.begin() + 40, frame.end());

    Bytes file;
    put_section(file, false);
    put_interface(file, 101, 9, false);
    put_packet(file, 0, 1, packet, false);
    CHECK(read_all(memory(file)).payloads == std::vector<std::string>{"v6!!"});
}

TEST_CASE("pcapng: a block that contradicts itself is refused with its offset",
          "[unit][sinks][pcapng]") {
    Bytes file = sample_file();
    const std::size_t start = preamble().size();
    const auto patch = [&](std::size_t offset, std::uint32_t value) {
        std::memcpy(file.data() + start + offset, &value, sizeof value);
    };
    SECTION("length that is no multiple of four") {
        patch(4, 61);
    }
    SECTION("length shorter than a block") {
        patch(4, 8);
    }
    SECTION("length beyond every sense") {
        patch(4, 0xFFFFFFF0U);
    }
    SECTION("two lengths that differ") {
        patch(4, 52);
    }
    SECTION("interface that was not declared") {
        patch(8, 1);
    }
    SECTION("captured length beyond the block") {
        patch(20, 4000);
    }
    const Seen seen = read_all(memory(file));
    REQUIRE(seen.error);
    CHECK(seen.error->code() == siprec::ErrorCode::Malformed);
    CHECK(seen.error->offset() == start);
    CHECK(seen.good_bytes == start);
}

TEST_CASE("pcapng: other files are refused", "[unit][sinks][pcapng]") {
    CHECK(read_all(memory(bytes("RIFF, not a capture at all"))).error);
    Bytes without_magic = sample_file();
    without_magic[8] = std::byte{0};
    CHECK(read_all(memory(without_magic)).error);
    const Seen empty = read_all(memory({}));
    CHECK_FALSE(empty.error);
    CHECK_FALSE(empty.truncated);
}

TEST_CASE("pcapng: an error of the source is passed on", "[unit][sinks][pcapng]") {
    const Seen seen = read_all([](std::span<std::byte>) -> siprec::Result<std::size_t> {
        return siprec::Error(siprec::ErrorCode::Io, "disk on fire");
    });
    REQUIRE(seen.error);
    CHECK(seen.error->code() == siprec::ErrorCode::Io);
    const auto missing = siprec::pcapng::file_source("/nonexistent/capture.pcapng");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code() == siprec::ErrorCode::NotFound);
}

TEST_CASE("pcapng: tshark finds nothing wrong in a written file", "[unit][sinks][pcapng]") {
    if (std::system("command -v tshark >/dev/null 2>&1") !=
        0) {  // NOLINT(cert-env33-c): fixed text
        WARN("tshark is not installed: test skipped");
        return;
    }
    Bytes file = sample_file();
    Writer::datagram(file,
                     0,
                     at(1'795'292'718'000'000'000),
                     endpoint("192.0.2.1:5060"),
                     endpoint("192.0.2.2:5060"),
                     Bytes(65'507));
    std::string path = (std::filesystem::temp_directory_path() / "siprec-pcapng-XXXXXX").string();
    const int fd = ::mkstemp(path.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    std::ofstream(path, std::ios::binary) << text(file);
    const auto source = siprec::pcapng::file_source(path);
    REQUIRE(source);
    CHECK(read_all(*source).datagrams.size() == 3);

    const std::string command =
        "tshark -r " + path +
        " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields -e frame.number -e "
        "frame.interface_name -e udp.srcport -e ip.checksum.status -e udp.checksum.status -e "
        "_ws.malformed -e frame.protocols -e systemd_journal.realtime_timestamp 2>&1";
    // NOLINTNEXTLINE(cert-env33-c): the path is ours
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    REQUIRE(pipe);
    std::string output;
    std::array<char, 4096> chunk{};
    while (std::fgets(chunk.data(), static_cast<int>(chunk.size()), pipe.get()) != nullptr) {
        output += chunk.data();
    }
    std::filesystem::remove(path);
    INFO(output);
    CHECK(output.find("1\trtp-0\t4000\t1\t1\t\t") != std::string::npos);
    CHECK(output.find("2\trtp-0\t4000\t\t1\t\t") != std::string::npos);
    CHECK(output.find("systemd_journal") != std::string::npos);
    CHECK(output.find("4\trtp-0\t5060\t1\t1\t\t") != std::string::npos);
    CHECK(output.find("alformed") == std::string::npos);
}
