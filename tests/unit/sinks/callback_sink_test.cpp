#include "unit/assembler/rtp_stream.hpp"

#include <siprec/callback_sink.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using siprec::AudioBlock;
using siprec::AudioCallbackConfig;
using siprec::AudioCallbacks;
using siprec::SessionInfo;
using siprec::StreamInfo;
using siprec::test::code_at;
using siprec::test::format;
using siprec::test::kOrigin;
using siprec::test::pcm_of;
using siprec::test::Sender;

StreamInfo audio_stream(const std::string& type = "audio") {
    StreamInfo stream;
    stream.id = siprec::Uuid::random();
    stream.media_type = type;
    stream.label = "96";
    stream.formats = {format(0, "PCMU")};
    return stream;
}

SessionInfo session_at_origin() {
    SessionInfo session;
    session.id = siprec::Uuid::random();
    session.call_id = "call-1";
    session.started = kOrigin;
    return session;
}

const siprec::DecoderRegistry& decoders() {
    static const auto registry = siprec::DecoderRegistry::with_defaults();
    return registry;
}

class Lines final : public siprec::Logger {
  public:
    void write(siprec::LogLevel level,
               std::string_view /*component*/,
               std::string_view /*message*/,
               std::span<const siprec::LogField> /*fields*/) noexcept override {
        const std::scoped_lock lock(mutex_);
        errors_ += level == siprec::LogLevel::Error ? 1 : 0;
    }

    int errors() {
        const std::scoped_lock lock(mutex_);
        return errors_;
    }

  private:
    std::mutex mutex_;
    int errors_ = 0;
};

/// Says when the worker of a stream has let go of its functions: then everything was called.
class Latch {
  public:
    std::shared_ptr<void> token() {
        return {nullptr, [this](void*) {
                    const std::scoped_lock lock(mutex_);
                    is_open_ = true;
                    opened_.notify_all();
                }};
    }

    [[nodiscard]] bool wait() {
        std::unique_lock lock(mutex_);
        return opened_.wait_for(lock, 10s, [this] { return is_open_; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable opened_;
    bool is_open_ = false;
};

/// One stream of 50 packets that begins after half a second.
void play(AudioCallbacks callbacks, AudioCallbackConfig config, siprec::Logger& logger) {
    Latch latch;
    callbacks.on_audio = [inner = std::move(callbacks.on_audio), token = latch.token()](
                             const SessionInfo& session,
                             const StreamInfo& stream,
                             const AudioBlock& frame) { inner(session, stream, frame); };
    {
        auto sinks = siprec::make_audio_callback(config, std::move(callbacks), decoders(), logger);
        REQUIRE(sinks);
        const auto session = (*sinks)->open_session(session_at_origin());
        REQUIRE(session);
        CHECK(session->open_stream(audio_stream("video")) == nullptr);
        const auto sink = session->open_stream(audio_stream());
        REQUIRE(sink);
        Sender sender;
        sender.clock = 500ms;
        for (int i = 0; i < 50; ++i) {
            sink->on_rtp(sender.next().packet());
        }
        sink->on_closed({}, kOrigin + 1500ms);
        session->on_ended({});
    }
    REQUIRE(latch.wait());
}

}  // namespace

TEST_CASE("callback: gets every sample in frames of its length on the session's time line",
          "[unit][sinks]") {
    std::vector<std::int16_t> heard;
    std::vector<std::uint64_t> positions;
    std::vector<std::size_t> lengths;
    AudioCallbacks callbacks;
    callbacks.on_audio =
        [&](const SessionInfo& session, const StreamInfo& stream, const AudioBlock& frame) {
            CHECK(session.call_id == "call-1");
            CHECK(stream.label == "96");
            CHECK(frame.sample_rate == 8000);
            positions.push_back(frame.position);
            lengths.push_back(frame.samples.size());
            heard.insert(heard.end(), frame.samples.begin(), frame.samples.end());
        };
    play(callbacks, {.sample_rate = 8000, .frame = 30ms}, siprec::null_logger());
    REQUIRE(heard.size() == 8000);
    for (std::size_t i = 0; i < heard.size(); ++i) {
        REQUIRE(heard[i] == pcm_of(code_at(i)));
    }
    REQUIRE(positions.size() == 34);  // 33 frames of 240 samples, and 80 that are left
    for (std::size_t i = 0; i < positions.size(); ++i) {
        CHECK(positions[i] == 4000 + 240 * i);
        CHECK(lengths[i] == (i < 33 ? 240 : 80));
    }
}

TEST_CASE("callback: one that throws gets nothing more of the stream", "[unit][sinks]") {
    int calls = 0;
    Lines lines;
    AudioCallbacks callbacks;
    callbacks.on_audio = [&](const SessionInfo&, const StreamInfo&, const AudioBlock&) {
        ++calls;
        throw std::runtime_error("defect of the program");
    };
    play(callbacks, {}, lines);
    CHECK(calls == 1);
    CHECK(lines.errors() == 1);
}

TEST_CASE("callback: one that is too slow is told what it lost", "[unit][sinks]") {
    std::mutex gate;
    std::uint64_t dropped = 0;
    AudioCallbacks callbacks;
    callbacks.on_audio = [&](const SessionInfo&, const StreamInfo&, const AudioBlock&) {
        const std::scoped_lock wait(gate);
    };
    callbacks.on_dropped = [&](const SessionInfo&, const StreamInfo&, std::uint64_t packets) {
        dropped = packets;
    };
    Latch latch;
    callbacks.on_audio = [inner = callbacks.on_audio, token = latch.token()](
                             const SessionInfo& session,
                             const StreamInfo& stream,
                             const AudioBlock& frame) { inner(session, stream, frame); };
    {
        auto sinks = siprec::make_audio_callback(
            {.queue_packets = 4}, std::move(callbacks), decoders(), siprec::null_logger());
        REQUIRE(sinks);
        const auto session = (*sinks)->open_session(session_at_origin());
        const auto sink = session->open_stream(audio_stream());
        {
            const std::scoped_lock shut(gate);
            Sender sender;
            for (int i = 0; i < 100; ++i) {
                sink->on_rtp(sender.next().packet());  // never waits for the function
            }
        }
        sink->on_closed({}, kOrigin + 2s);
    }
    REQUIRE(latch.wait());
    CHECK(dropped >= 80);  // all but the queue and what the assembler holds
    CHECK(dropped < 100);
}

TEST_CASE("callback: settings that make no sense are refused", "[unit][sinks]") {
    AudioCallbacks callbacks;
    CHECK_FALSE(siprec::make_audio_callback({}, callbacks, decoders()));
    callbacks.on_audio = [](const SessionInfo&, const StreamInfo&, const AudioBlock&) {};
    CHECK(siprec::make_audio_callback({}, callbacks, decoders()));
    CHECK_FALSE(siprec::make_audio_callback({.sample_rate = 7999}, callbacks, decoders()));
    CHECK_FALSE(siprec::make_audio_callback({.frame = 9ms}, callbacks, decoders()));
    CHECK_FALSE(siprec::make_audio_callback({.queue_packets = 0}, callbacks, decoders()));
}
