#include "unit/assembler/rtp_stream.hpp"

#include <siprec/sinks.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using siprec::SessionInfo;
using siprec::StreamInfo;
using siprec::WavWriter;
using siprec::test::code_at;
using siprec::test::format;
using siprec::test::kOrigin;
using siprec::test::pcm_of;
using siprec::test::Sender;

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "siprec-wav-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }

    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// A WAV file as libsndfile writes it: 44 bytes of header, then samples.
struct Wav {
    std::uint16_t channels = 0;
    std::uint32_t sample_rate = 0;
    std::uint32_t data_bytes = 0;
    std::vector<std::int16_t> samples;
};

Wav read_wav(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    REQUIRE(bytes.size() >= 44);
    REQUIRE(bytes.substr(0, 4) == "RIFF");
    REQUIRE(bytes.substr(36, 4) == "data");
    Wav wav;
    std::memcpy(&wav.channels, bytes.data() + 22, sizeof wav.channels);
    std::memcpy(&wav.sample_rate, bytes.data() + 24, sizeof wav.sample_rate);
    std::memcpy(&wav.data_bytes, bytes.data() + 40, sizeof wav.data_bytes);
    wav.samples.resize((bytes.size() - 44) / 2);
    std::memcpy(wav.samples.data(), bytes.data() + 44, wav.samples.size() * 2);
    return wav;
}

StreamInfo audio_stream(std::uint32_t media_index) {
    StreamInfo stream;
    stream.id = siprec::Uuid::random();
    stream.media_index = media_index;
    stream.media_type = "audio";
    stream.formats = {format(0, "PCMU")};
    return stream;
}

SessionInfo session_at_origin() {
    SessionInfo session;
    session.id = siprec::Uuid::random();
    session.started = kOrigin;
    return session;
}

std::size_t files_in(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

TEST_CASE("wav: samples and header are on disk after each write", "[unit][sinks][wav]") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.wav";
    const auto writer = WavWriter::create(path.string(), 16'000, 2);
    REQUIRE(writer);
    const std::array<std::int16_t, 4> samples{1, -2, 32'767, -32'768};
    REQUIRE((*writer)->write(samples));
    const Wav open = read_wav(path);
    CHECK(open.channels == 2);
    CHECK(open.sample_rate == 16'000);
    CHECK(open.data_bytes == 8);
    REQUIRE((*writer)->write(samples));
    REQUIRE((*writer)->close());
    const Wav closed = read_wav(path);
    CHECK(closed.data_bytes == 16);
    CHECK(closed.samples ==
          std::vector<std::int16_t>{1, -2, 32'767, -32'768, 1, -2, 32'767, -32'768});
}

TEST_CASE("wav: what cannot be written is reported", "[unit][sinks][wav]") {
    const TemporaryFolder folder;
    const auto nowhere = WavWriter::create((folder.path() / "no" / "a.wav").string(), 8000, 1);
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().code() == siprec::ErrorCode::Io);
    CHECK_FALSE(WavWriter::create((folder.path() / "b.wav").string(), 8000, 0));

    const auto writer = WavWriter::create((folder.path() / "c.wav").string(), 8000, 2);
    REQUIRE(writer);
    const std::array<std::int16_t, 3> half_a_frame{};
    CHECK_FALSE((*writer)->write(half_a_frame));
    REQUIRE((*writer)->close());
    CHECK_FALSE((*writer)->write(std::span(half_a_frame).first(2)));
    CHECK((*writer)->close());
}

TEST_CASE("wav: a session becomes one file with a channel for each stream on one time line",
          "[unit][sinks][wav]") {
    const TemporaryFolder folder;
    const auto target = folder.path() / "made" / "when needed";
    const SessionInfo session = session_at_origin();
    {
        const auto factory = siprec::make_wav_recorder(target.string());
        const auto sink = factory->open_session(session);
        REQUIRE(sink);
        // The second m-line opens first: the order of channels is that of the m-lines.
        const auto right = sink->open_stream(audio_stream(1));
        const auto left = sink->open_stream(audio_stream(0));
        REQUIRE(left);
        REQUIRE(right);
        StreamInfo video = audio_stream(2);
        video.media_type = "video";
        CHECK_FALSE(sink->open_stream(video));
        Sender one;
        Sender two;
        two.clock = 500ms;
        two.signal = 70'000;
        for (int i = 0; i < 50; ++i) {
            left->on_rtp(one.next().packet());
            right->on_rtp(two.next().packet());
        }
        left->on_closed({}, kOrigin + 2s);
        right->on_closed({}, kOrigin + 2s);
        sink->on_ended({});
    }
    const Wav wav = read_wav(target / (session.id.to_string() + ".wav"));
    CHECK(wav.channels == 2);
    CHECK(wav.sample_rate == 8000);
    REQUIRE(wav.samples.size() == 32'000);
    for (std::size_t i = 0; i < 8000; ++i) {
        REQUIRE(wav.samples[2 * i] == pcm_of(code_at(i)));
        REQUIRE(wav.samples[2 * (i + 4000) + 1] == pcm_of(code_at(70'000 + i)));
    }
    CHECK(wav.samples[1] == 0);
    CHECK(wav.samples[2 * 8000] == 0);
    CHECK(files_in(target) == 1);
}

TEST_CASE("wav: a session without audio leaves no file", "[unit][sinks][wav]") {
    const TemporaryFolder folder;
    {
        const auto factory = siprec::make_wav_recorder(folder.path().string());
        const auto sink = factory->open_session(session_at_origin());
        sink->on_ended({});
    }
    CHECK(files_in(folder.path()) == 0);
}

TEST_CASE("wav: streams beyond 32 channels are refused", "[unit][sinks][wav]") {
    const TemporaryFolder folder;
    const auto factory = siprec::make_wav_recorder(folder.path().string());
    const auto sink = factory->open_session(session_at_origin());
    std::vector<std::unique_ptr<siprec::MediaSink>> streams;
    for (std::uint32_t i = 0; i < 32; ++i) {
        streams.push_back(sink->open_stream(audio_stream(i)));
        REQUIRE(streams.back());
    }
    CHECK_FALSE(sink->open_stream(audio_stream(32)));
}

TEST_CASE("wav: a folder that cannot be written is logged and the session goes on",
          "[unit][sinks][wav]") {
    class Lines final : public siprec::Logger {
      public:
        void write(siprec::LogLevel level,
                   std::string_view /*component*/,
                   std::string_view /*message*/,
                   std::span<const siprec::LogField> /*fields*/) noexcept override {
            errors += level == siprec::LogLevel::Error ? 1 : 0;
        }

        int errors = 0;
    };

    const TemporaryFolder folder;
    std::ofstream(folder.path() / "file") << "in the way";
    Lines lines;
    const auto factory =
        siprec::make_wav_recorder((folder.path() / "file" / "below").string(), 8000, lines);
    const auto sink = factory->open_session(session_at_origin());
    REQUIRE(sink);
    CHECK_FALSE(sink->open_stream(audio_stream(0)));
    CHECK(lines.errors == 2);
}
