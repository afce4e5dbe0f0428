#include "capture/events.hpp"

#include "unit/server_capture/capture_fixture.hpp"

#include <catch2/catch.hpp>

namespace siprec::server::testing {
namespace {

/// Writes an event into a capture of its own and reads it back.
Event through_file(const Event& event) {
    std::vector<std::byte> bytes;
    pcapng::Writer::section_header(bytes, "unit");
    append_event(bytes, event);
    std::size_t position = 0;
    pcapng::Reader reader([&](std::span<std::byte> out) -> Result<std::size_t> {
        const std::size_t count = std::min(out.size(), bytes.size() - position);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(position), count, out.begin());
        position += count;
        return count;
    });
    const auto block = reader.next();
    REQUIRE(block.has_value());
    REQUIRE(block->has_value());
    const auto read = read_event(std::get<pcapng::JournalEntry>(**block));
    REQUIRE(read.has_value());
    REQUIRE(read->has_value());
    return **read;
}

const WallTime kTime{std::chrono::nanoseconds{1'773'480'360'123'456'789}};

TEST_CASE("capture events: a session comes back whole when written and read", "[unit][capture]") {
    SessionInfo session = session_info(kTime);
    session.source = endpoint("[2001:db8::7]:5061");
    const Event event = through_file({kTime, SessionStarted{session}});
    const SessionInfo& read = std::get<SessionStarted>(event.body).session;
    CHECK(event.time == kTime);
    CHECK(read.id == session.id);
    CHECK(read.call_id == session.call_id);
    CHECK(read.from_uri == session.from_uri);
    CHECK(read.from_display == session.from_display);
    CHECK(read.to_uri == session.to_uri);
    CHECK(read.request_uri == session.request_uri);
    CHECK(read.contact_uri == session.contact_uri);
    CHECK(read.user_agent == session.user_agent);
    CHECK(read.headers == session.headers);
    CHECK(read.transport == session.transport);
    CHECK(read.source == session.source);
    CHECK(read.local == session.local);
    CHECK(read.evidence.require_tag);
    CHECK_FALSE(read.evidence.supported_tag);
    CHECK(read.evidence.contact_tag);
    CHECK(read.evidence.metadata_part);
    CHECK(read.started == session.started);
}

TEST_CASE("capture events: a stream comes back whole when written and read", "[unit][capture]") {
    StreamInfo stream = stream_info(3, "label with \n line end");
    stream.direction = sdp::Direction::Inactive;
    stream.rtcp_mux = true;
    stream.remote_rtcp = endpoint("192.0.2.10:30001");
    const Event event = through_file({kTime, StreamOpened{4, stream}});
    const auto& opened = std::get<StreamOpened>(event.body);
    CHECK(opened.interface_id == 4);
    CHECK(opened.stream.id == stream.id);
    CHECK(opened.stream.media_index == 3);
    CHECK(opened.stream.label == stream.label);
    CHECK(opened.stream.formats == stream.formats);
    CHECK(opened.stream.direction == sdp::Direction::Inactive);
    CHECK(opened.stream.rtcp_mux);
    CHECK(opened.stream.local_rtp == stream.local_rtp);
    CHECK(opened.stream.local_rtcp == stream.local_rtcp);
    CHECK(opened.stream.remote_rtp == stream.remote_rtp);
    CHECK(opened.stream.remote_rtcp == stream.remote_rtcp);
}

TEST_CASE("capture events: statistics and ends come back when written and read",
          "[unit][capture]") {
    StreamStats stats;
    stats.packets = 7;
    stats.lost = -2;
    stats.jitter = 3ms;
    stats.rtcp_packets = 5;
    const Uuid id = Uuid::random();
    const auto closed = std::get<StreamClosed>(through_file({kTime, StreamClosed{id, stats}}).body);
    CHECK(closed.stream == id);
    CHECK(closed.stats.packets == 7);
    CHECK(closed.stats.lost == -2);
    CHECK(closed.stats.jitter == 3ms);
    CHECK(closed.stats.rtcp_packets == 5);

    const auto ended =
        std::get<SessionEnded>(through_file({kTime, SessionEnded{"bye", "Q.850;cause=16"}}).body);
    CHECK(ended.cause == "bye");
    CHECK(ended.reason == "Q.850;cause=16");

    const auto gap = std::get<Gap>(through_file({kTime, Gap{kTime, kTime + 1s, 12}}).body);
    CHECK(gap.from == kTime);
    CHECK(gap.until == kTime + 1s);
    CHECK(gap.packets == 12);
}

TEST_CASE("capture events: a metadata document keeps every byte when it is no UTF-8",
          "[unit][capture]") {
    const std::string document("<a>\n\xff\xfe\0\n</a>", 13);
    const auto read = std::get<MetadataReceived>(
        through_file({kTime, MetadataReceived{document, "application/rs-metadata", "BYE", false}})
            .body);
    CHECK(read.document == document);
    CHECK(read.content_type == "application/rs-metadata");
    CHECK(read.method == "BYE");
    CHECK_FALSE(read.usable);
}

TEST_CASE("capture events: text that is no UTF-8 is replaced when it stands in a field",
          "[unit][capture]") {
    SessionInfo session = session_info(kTime);
    session.user_agent = "bad\xff";
    const auto event = through_file({kTime, SessionStarted{session}});
    CHECK(std::get<SessionStarted>(event.body).session.user_agent == "bad\xef\xbf\xbd");
}

TEST_CASE("capture events: an entry is refused when its data contradicts its name",
          "[unit][capture]") {
    const pcapng::JournalEntry broken{
        {{"SIPREC_EVENT", "gap"}, {"SIPREC_DATA", "{\"packets\":\"x\"}"}}};
    CHECK(read_event(broken).error().code() == ErrorCode::Malformed);
    const pcapng::JournalEntry foreign{{{"MESSAGE", "from another program"}}};
    CHECK_FALSE(read_event(foreign).value().has_value());
    const pcapng::JournalEntry later{
        {{"SIPREC_EVENT", "from-a-later-version"}, {"SIPREC_DATA", "{\"time_ns\":1}"}}};
    CHECK_FALSE(read_event(later).value().has_value());
}

}  // namespace
}  // namespace siprec::server::testing
