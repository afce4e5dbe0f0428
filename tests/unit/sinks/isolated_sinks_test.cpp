#include <siprec/isolated_sinks.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using siprec::IsolationConfig;
using siprec::MediaSink;
using siprec::RtpPacket;
using siprec::SessionInfo;
using siprec::SessionSink;
using siprec::SessionSinkFactory;
using siprec::StreamInfo;
using siprec::StreamStats;
using siprec::WallTime;

/// What sinks were told, in order. Thread-safe, and outlives sinks that never return.
class Diary {
  public:
    void note(std::string entry) {
        const std::scoped_lock lock(mutex_);
        entries_.push_back(std::move(entry));
    }

    [[nodiscard]] std::vector<std::string> entries() const {
        const std::scoped_lock lock(mutex_);
        return entries_;
    }

    [[nodiscard]] bool has(const std::string& entry) const {
        const auto all = entries();
        return std::find(all.begin(), all.end(), entry) != all.end();
    }

    /// The test's own time limit ends a wait for what never comes.
    void wait_for(const std::string& entry) const {
        while (!has(entry)) {
            std::this_thread::sleep_for(1ms);
        }
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> entries_;
};

using OnRtp = std::function<void(const std::string& session)>;

class DiaryMedia final : public MediaSink {
  public:
    DiaryMedia(std::shared_ptr<Diary> diary, std::string session, OnRtp on_rtp)
        : diary_(std::move(diary)), session_(std::move(session)), on_rtp_(std::move(on_rtp)) {}

    DiaryMedia(const DiaryMedia&) = delete;
    DiaryMedia& operator=(const DiaryMedia&) = delete;

    ~DiaryMedia() override { diary_->note(session_ + " destroyed"); }

    void on_rtp(const RtpPacket& packet) override {
        if (on_rtp_) {
            on_rtp_(session_);
        }
        diary_->note(session_ + " rtp " + std::to_string(packet.sequence) + " of " +
                     std::to_string(packet.payload.size()) + " from " + packet.source.to_string());
    }

    void on_rtcp(const siprec::RtcpPacket& packet) override {
        diary_->note(session_ + " rtcp " + std::to_string(packet.bytes.size()));
    }

    void on_changed(const StreamInfo& stream) override {
        diary_->note(session_ + " changed " + stream.label);
    }

    void on_dropped(std::uint64_t packets) override {
        diary_->note(session_ + " dropped " + std::to_string(packets));
    }

    void on_closed(const StreamStats& stats, WallTime /*when*/) override {
        diary_->note(session_ + " closed " + std::to_string(stats.packets));
    }

  private:
    std::shared_ptr<Diary> diary_;
    std::string session_;
    OnRtp on_rtp_;
};

class DiarySession final : public SessionSink {
  public:
    DiarySession(std::shared_ptr<Diary> diary, std::string session, OnRtp on_rtp)
        : diary_(std::move(diary)), session_(std::move(session)), on_rtp_(std::move(on_rtp)) {}

    void on_sip(const siprec::SipMessage& message) override {
        diary_->note(session_ + " sip " + std::string(message.bytes));
    }

    void on_metadata(const siprec::MetadataEvent& event) override {
        diary_->note(session_ + " metadata " + std::string(event.document) + " by " +
                     std::string(event.method) + (event.parsed ? " usable" : " unusable"));
    }

    std::unique_ptr<MediaSink> open_stream(const StreamInfo& stream) override {
        diary_->note(session_ + " open " + stream.label);
        return std::make_unique<DiaryMedia>(diary_, session_, on_rtp_);
    }

    void on_ended(const siprec::SessionEnd& end) override {
        diary_->note(session_ + " ended " + end.reason);
    }

  private:
    std::shared_ptr<Diary> diary_;
    std::string session_;
    OnRtp on_rtp_;
};

class DiaryFactory final : public SessionSinkFactory {
  public:
    DiaryFactory(std::shared_ptr<Diary> diary, OnRtp on_rtp)
        : diary_(std::move(diary)), on_rtp_(std::move(on_rtp)) {}

    std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override {
        if (session.call_id == "unwanted") {
            return nullptr;
        }
        return std::make_unique<DiarySession>(diary_, session.call_id, on_rtp_);
    }

  private:
    std::shared_ptr<Diary> diary_;
    OnRtp on_rtp_;
};

struct Fixture {
    std::shared_ptr<Diary> diary = std::make_shared<Diary>();
    std::unique_ptr<SessionSinkFactory> sinks;

    explicit Fixture(const IsolationConfig& config = {}, OnRtp on_rtp = {})
        : sinks(siprec::isolate(std::make_unique<DiaryFactory>(diary, std::move(on_rtp)), config)) {
    }

    std::unique_ptr<SessionSink> open(const std::string& name) const {
        SessionInfo info;
        info.id = siprec::Uuid::random();
        info.call_id = name;
        return sinks->open_session(info);
    }
};

StreamInfo stream_of(std::string label) {
    StreamInfo stream;
    stream.label = std::move(label);
    return stream;
}

/// A G.711 packet of 4 bytes.
void send_rtp(MediaSink& sink, std::uint8_t sequence) {
    std::array<std::byte, 16> bytes{};
    bytes[0] = std::byte{0x80};
    bytes[3] = std::byte{sequence};
    auto packet = siprec::parse_rtp(bytes);
    REQUIRE(packet);
    packet->source = {.address = siprec::IpAddress::v4({127, 0, 0, 1}), .port = 4000};
    sink.on_rtp(*packet);
}

void end(std::unique_ptr<SessionSink>& session, std::unique_ptr<MediaSink>& media) {
    media->on_closed(StreamStats{.packets = 7}, WallTime{});
    media.reset();
    session->on_ended({.cause = siprec::EndCause::Bye, .reason = "done", .time = {}});
    session.reset();
}

TEST_CASE("isolated sinks: every call arrives whole and in order", "[unit][sinks]") {
    Fixture fixture;
    auto session = fixture.open("a");
    siprec::SipMessage invite;
    invite.bytes = "INVITE";
    session->on_sip(invite);
    const siprec::Result<siprec::metadata::ParsedDocument> parsed{
        siprec::metadata::ParsedDocument{}};
    session->on_metadata({.document = "<recording/>",
                          .content_type = "application/rs-metadata+xml",
                          .method = "UPDATE",
                          .received = {},
                          .parsed = parsed,
                          .state = siprec::metadata::State{}});
    auto media = session->open_stream(stream_of("96"));
    send_rtp(*media, 1);
    media->on_rtcp({.bytes = std::array<std::byte, 8>{}, .arrival = {}, .source = {}, .local = {}});
    media->on_changed(stream_of("97"));
    send_rtp(*media, 2);
    end(session, media);
    fixture.sinks.reset();
    CHECK(fixture.diary->entries() == std::vector<std::string>{"a sip INVITE",
                                                               "a metadata <recording/> by UPDATE "
                                                               "usable",
                                                               "a open 96",
                                                               "a rtp 1 of 4 from 127.0.0.1:4000",
                                                               "a rtcp 8",
                                                               "a changed 97",
                                                               "a rtp 2 of 4 from 127.0.0.1:4000",
                                                               "a closed 7",
                                                               "a destroyed",
                                                               "a ended done"});
}

TEST_CASE("isolated sinks: one that never returns changes nothing for others", "[unit][sinks]") {
    std::promise<void> never;
    const std::shared_future<void> gate(never.get_future());
    Fixture fixture({.threads = 1, .queue_bytes = 64, .patience = 20ms},
                    [gate](const std::string& session) {
                        if (session == "stuck") {
                            gate.wait();
                        }
                    });
    auto stuck = fixture.open("stuck");
    auto stuck_media = stuck->open_stream(stream_of("1"));
    auto good = fixture.open("good");
    auto good_media = good->open_stream(stream_of("2"));
    for (std::uint8_t i = 0; i < 100; ++i) {
        send_rtp(*stuck_media,
                 i);  // returns although nothing is taken, and holds no more than 64 B
    }
    send_rtp(*good_media, 9);
    end(good, good_media);
    // Reached only by a thread that took the place of the one that is stuck.
    fixture.diary->wait_for("good ended done");
    CHECK(fixture.diary->has("good rtp 9 of 4 from 127.0.0.1:4000"));
    end(stuck, stuck_media);
    fixture.sinks.reset();  // returns although a call does not
    CHECK_FALSE(fixture.diary->has("stuck closed 7"));
    never.set_value();
    fixture.diary->wait_for("stuck destroyed");
}

TEST_CASE("isolated sinks: one that throws is destroyed and the others go on", "[unit][sinks]") {
    Fixture fixture({}, [](const std::string& session) {
        if (session == "bad") {
            throw std::runtime_error("no disk");
        }
    });
    auto bad = fixture.open("bad");
    auto bad_media = bad->open_stream(stream_of("1"));
    auto good = fixture.open("good");
    auto good_media = good->open_stream(stream_of("2"));
    send_rtp(*bad_media, 1);
    send_rtp(*good_media, 2);
    end(bad, bad_media);
    end(good, good_media);
    fixture.sinks.reset();
    CHECK(fixture.diary->has("bad destroyed"));
    CHECK_FALSE(fixture.diary->has("bad closed 7"));
    CHECK(fixture.diary->has("good rtp 2 of 4 from 127.0.0.1:4000"));
    CHECK(fixture.diary->has("good ended done"));
}

TEST_CASE("isolated sinks: a full queue drops media and says how much", "[unit][sinks]") {
    std::promise<void> open;
    const std::shared_future<void> gate(open.get_future());
    // Room for two packets of 16 bytes.
    Fixture fixture({.threads = 1, .queue_bytes = 40, .patience = 60s},
                    [gate](const std::string&) { gate.wait(); });
    auto session = fixture.open("slow");
    auto media = session->open_stream(stream_of("1"));
    send_rtp(*media, 0);
    fixture.diary->wait_for("slow open 1");
    for (std::uint8_t i = 1; i < 10; ++i) {
        send_rtp(*media, i);
    }
    open.set_value();
    end(session, media);
    fixture.sinks.reset();
    const auto entries = fixture.diary->entries();
    const auto received = std::count_if(entries.begin(), entries.end(), [](const auto& entry) {
        return entry.starts_with("slow rtp");
    });
    CHECK(received >= 2);
    CHECK(received < 10);
    CHECK(fixture.diary->has("slow dropped " + std::to_string(10 - received)));
    CHECK(fixture.diary->has("slow closed 7"));
}

TEST_CASE("isolated sinks: a session that nobody wants costs nothing", "[unit][sinks]") {
    Fixture fixture;
    auto session = fixture.open("unwanted");
    auto media = session->open_stream(stream_of("1"));
    send_rtp(*media, 1);
    end(session, media);
    fixture.sinks.reset();
    CHECK(fixture.diary->entries().empty());
}

}  // namespace
