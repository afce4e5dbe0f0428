// What OggWriter and make_ogg_recorder write, as ffmpeg reads it.
#include "unit/assembler/rtp_stream.hpp"

#include <siprec/sinks.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using siprec::OggWriter;
using siprec::test::format;
using siprec::test::kOrigin;
using siprec::test::Sender;

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "siprec-ogg-XXXXXX").string();
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

std::string output_of(const std::string& command) {
    struct Closer {
        void operator()(std::FILE* pipe) const noexcept { static_cast<void>(::pclose(pipe)); }
    };

    const std::unique_ptr<std::FILE, Closer> pipe(::popen(command.c_str(), "r"));
    REQUIRE(pipe);
    std::string output;
    std::array<char, 65536> buffer{};
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
        output.append(buffer.data(), size);
    }
    return output;
}

/// The channels of a file, at a rate, by a decoder that is not ours.
std::vector<std::vector<double>> decode(const std::filesystem::path& file,
                                        std::size_t channels,
                                        std::uint32_t rate) {
    const std::string bytes = output_of("ffmpeg -v error -i '" + file.string() + "' -ar " +
                                        std::to_string(rate) + " -f s16le - </dev/null");
    std::vector<std::vector<double>> decoded(channels);
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        const auto low = static_cast<unsigned char>(bytes[i]);
        const auto high = static_cast<signed char>(bytes[i + 1]);
        decoded[i / 2 % channels].push_back(high * 256 + low);
    }
    return decoded;
}

/// How much of a tone there is: its amplitude (Goertzel).
double amplitude(const std::vector<double>& samples, double hertz, std::uint32_t rate) {
    const double step = 2 * std::numbers::pi * hertz / rate;
    double before = 0;
    double last = 0;
    for (const double sample : samples) {
        before = std::exchange(last, sample + 2 * std::cos(step) * last - before);
    }
    const double power = last * last + before * before - 2 * std::cos(step) * last * before;
    return 2 * std::sqrt(power) / static_cast<double>(samples.size());
}

double tone_of(std::size_t channel) {
    return 400.0 + 350.0 * static_cast<double>(channel);
}

}  // namespace

TEST_CASE("ogg: another decoder hears each channel where it was written", "[unit][sinks][ogg]") {
    const std::size_t channels = GENERATE(1U, 2U);
    const std::uint32_t rate = GENERATE(8000U, 16'000U);
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.ogg";
    auto writer = OggWriter::create(path.string(), rate, static_cast<std::uint16_t>(channels));
    REQUIRE(writer);
    std::vector<std::int16_t> frames;
    for (std::size_t i = 0; i < 3 * rate; ++i) {
        for (std::size_t channel = 0; channel < channels; ++channel) {
            const double angle =
                2 * std::numbers::pi * tone_of(channel) * static_cast<double>(i) / rate;
            frames.push_back(static_cast<std::int16_t>(8000 * std::sin(angle)));
        }
    }
    REQUIRE((*writer)->write(frames));
    REQUIRE((*writer)->close());
    CHECK(output_of("ffprobe -v error -show_entries stream=codec_name,channels -of csv=p=0 '" +
                    path.string() + "'") == "opus," + std::to_string(channels) + "\n");
    const auto decoded = decode(path, channels, rate);
    for (std::size_t channel = 0; channel < channels; ++channel) {
        INFO("channel " << channel << " of " << channels << " at " << rate);
        CHECK(std::abs(static_cast<double>(decoded[channel].size()) - 3.0 * rate) <= 1);
        CHECK(amplitude(decoded[channel], tone_of(channel), rate) > 6500);
        // The other parties do not come through.
        for (std::size_t other = 0; other < channels; ++other) {
            if (other != channel) {
                CHECK(amplitude(decoded[channel], tone_of(other), rate) < 400);
            }
        }
    }
}

TEST_CASE("ogg: the bit rate is a channel's", "[unit][sinks][ogg]") {
    const TemporaryFolder folder;
    const auto size_at = [&folder](std::uint32_t bits_a_second) {
        const auto path = folder.path() / "a.ogg";
        auto writer = OggWriter::create(path.string(), 16'000, 1, bits_a_second);
        REQUIRE(writer);
        std::vector<std::int16_t> noise(16'000 * 4);
        std::uint32_t random = 1;
        for (std::int16_t& sample : noise) {
            random = random * 1'664'525U + 1'013'904'223U;
            sample = static_cast<std::int16_t>(static_cast<std::int32_t>(random >> 16U) - 32'768);
        }
        REQUIRE((*writer)->write(noise));
        REQUIRE((*writer)->close());
        return static_cast<double>(std::filesystem::file_size(path));
    };
    // Noise takes what it is given, and somewhat more: 4 s of it, and headers.
    CHECK(size_at(64'000) == Approx(32'000).epsilon(0.35));
    CHECK(size_at(16'000) < size_at(64'000) / 2);
}

TEST_CASE("ogg: what cannot be written is reported", "[unit][sinks][ogg]") {
    const TemporaryFolder folder;
    const std::string path = (folder.path() / "a.ogg").string();
    CHECK(OggWriter::create((folder.path() / "no" / "a.ogg").string(), 8000, 1).error().code() ==
          siprec::ErrorCode::Io);
    CHECK(OggWriter::create(path, 44'100, 1).error().code() == siprec::ErrorCode::InvalidArgument);
    CHECK_FALSE(OggWriter::create(path, 8000, 0));
    CHECK_FALSE(OggWriter::create(path, 8000, 3));  // surround sound mixes them
    CHECK_FALSE(OggWriter::create(path, 8000, 1, 5999));
    CHECK_FALSE(OggWriter::create(path, 8000, 1, 256'001));
    auto writer = OggWriter::create(path, 8000, 2);
    REQUIRE(writer);
    const std::array<std::int16_t, 3> half_a_frame{};
    CHECK_FALSE((*writer)->write(half_a_frame));
    REQUIRE((*writer)->close());
    CHECK_FALSE((*writer)->write(std::span(half_a_frame).first(2)));
    CHECK((*writer)->close());
}

TEST_CASE("ogg: a session becomes one file on the session's time line", "[unit][sinks][ogg]") {
    // With three streams each has a file of its own.
    const std::uint32_t count = GENERATE(2U, 3U);
    const TemporaryFolder folder;
    siprec::SessionInfo session;
    session.id = siprec::Uuid::random();
    session.started = kOrigin;
    {
        // 11,025 Hz is none of Opus': 12,000 is the next.
        const auto factory = siprec::make_ogg_recorder(folder.path().string(), 11'025);
        const auto sink = factory->open_session(session);
        REQUIRE(sink);
        std::vector<std::unique_ptr<siprec::MediaSink>> streams;
        for (std::uint32_t i = 0; i < count; ++i) {
            siprec::StreamInfo stream;
            stream.id = siprec::Uuid::random();
            stream.media_index = i;
            stream.media_type = "audio";
            stream.formats = {format(0, "PCMU")};
            streams.push_back(sink->open_stream(stream));
            REQUIRE(streams.back());
        }
        Sender sender;
        sender.clock = 1s;
        for (int i = 0; i < 50; ++i) {
            streams[1]->on_rtp(sender.next().packet());
        }
        for (const auto& stream : streams) {
            stream->on_closed({}, kOrigin + 3s);
        }
        sink->on_ended({});
    }
    const auto base = (folder.path() / session.id.to_string()).string();
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) ==
          (count == 2 ? 1 : 3));
    const auto decoded = count == 2 ? decode(base + ".ogg", 2, 12'000)
                                    : std::vector{decode(base + ".0.ogg", 1, 12'000).at(0),
                                                  decode(base + ".1.ogg", 1, 12'000).at(0)};
    REQUIRE(decoded[0].size() >= 35'999);
    CHECK(decoded[0].size() <= 36'001);
    const auto loudness = [](const std::vector<double>& samples, std::size_t from, std::size_t to) {
        double sum = 0;
        for (std::size_t i = from; i < to; ++i) {
            sum += samples[i] * samples[i];
        }
        return std::sqrt(sum / static_cast<double>(to - from));
    };
    // One second of the second party, in its second.
    CHECK(loudness(decoded[1], 12'600, 23'400) > 1000);
    CHECK(loudness(decoded[1], 0, 11'400) < 100);
    CHECK(loudness(decoded[1], 25'000, 35'000) < 100);
    CHECK(loudness(decoded[0], 0, 35'000) < 100);
}
