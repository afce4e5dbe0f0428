#include "unit/codec/peer.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numbers>

namespace siprec::test {

namespace {

constexpr double kTurn = 2 * std::numbers::pi;

/// A file that goes with its owner.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::span<const std::byte> content) {
        const int file = ::mkstemp(name_.data());
        REQUIRE(file >= 0);
        REQUIRE(::write(file, content.data(), content.size()) ==
                static_cast<ssize_t>(content.size()));
        REQUIRE(::close(file) == 0);
    }

    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    ~TemporaryFile() { std::remove(name_.c_str()); }

    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    std::string name_ = "/tmp/siprec-codec-XXXXXX";
};

}  // namespace

Bytes run(const std::string& command) {
    INFO(command);
    std::FILE* pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    Bytes out;
    std::array<std::byte, 65536> piece{};
    for (std::size_t count = 1; count > 0;) {
        count = std::fread(piece.data(), 1, piece.size(), pipe);
        out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
    }
    REQUIRE(::pclose(pipe) == 0);
    return out;
}

Bytes ffmpeg_tone(std::uint32_t rate, int frequency, const std::string& encode) {
    return run("ffmpeg -nostdin -v error -f lavfi -i sine=frequency=" + std::to_string(frequency) +
               ":sample_rate=" + std::to_string(rate) + ":duration=1 " + encode + " -");
}

Pcm ffmpeg_decode(std::span<const std::byte> coded, const std::string& input) {
    const TemporaryFile file(coded);
    const Bytes bytes =
        run("ffmpeg -nostdin -v error " + input + " -i " + file.name() + " -ac 1 -f s16le -");
    Pcm out(bytes.size() / 2);
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<std::int16_t>(std::to_integer<unsigned>(bytes[2 * i]) |
                                           (std::to_integer<unsigned>(bytes[2 * i + 1]) << 8U));
    }
    return out;
}

std::vector<Bytes> ogg_packets(std::span<const std::byte> file) {
    constexpr std::size_t kHeader = 27;
    std::vector<Bytes> packets;
    Bytes packet;
    while (file.size() > kHeader) {
        const auto segments = std::to_integer<std::size_t>(file[kHeader - 1]);
        std::size_t at = kHeader + segments;
        for (std::size_t i = 0; i < segments; ++i) {
            const auto size = std::to_integer<std::size_t>(file[kHeader + i]);
            const auto piece = file.subspan(at, size);
            packet.insert(packet.end(), piece.begin(), piece.end());
            at += size;
            if (size < 255) {
                packets.push_back(std::move(packet));
                packet = {};
            }
        }
        file = file.subspan(at);
    }
    return packets;
}

Pcm sine(std::uint32_t rate, int frequency, std::size_t samples) {
    Pcm out;
    for (std::size_t i = 0; i < samples; ++i) {
        out.push_back(static_cast<std::int16_t>(
            std::lround(8000 * std::sin(kTurn * frequency * static_cast<double>(i) / rate))));
    }
    return out;
}

Fit fit_sine(std::span<const std::int16_t> samples, std::uint32_t rate, int frequency) {
    double in_phase = 0;
    double quadrature = 0;
    double power = 0;
    // Over whole periods sine and cosine do not mix.
    const std::size_t count = samples.size() / rate * rate > 0
                                  ? samples.size() / rate * rate
                                  : samples.size() / (rate / 20) * (rate / 20);
    for (std::size_t i = 0; i < count; ++i) {
        const double phase = kTurn * frequency * static_cast<double>(i) / rate;
        in_phase += samples[i] * std::sin(phase);
        quadrature += samples[i] * std::cos(phase);
        power += static_cast<double>(samples[i]) * samples[i];
    }
    const auto n = static_cast<double>(count);
    in_phase *= 2 / n;
    quadrature *= 2 / n;
    const double signal = (in_phase * in_phase + quadrature * quadrature) / 2;
    const double turned = -std::atan2(quadrature, in_phase) / kTurn;
    Fit fit;
    fit.amplitude = std::sqrt(2 * signal);
    fit.delay = (turned < -1e-3 ? turned + 1 : turned) * rate / frequency;
    fit.snr_db = 10 * std::log10(signal / std::max(power / n - signal, 1e-9));
    return fit;
}

double likeness_db(std::span<const std::int16_t> a, std::span<const std::int16_t> b) {
    double signal = 1e-9;
    double difference = 1e-9;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const double apart = static_cast<double>(a[i]) - b[i];
        signal += static_cast<double>(a[i]) * a[i];
        difference += apart * apart;
    }
    return 10 * std::log10(signal / difference);
}

double rms(std::span<const std::int16_t> samples) {
    double sum = 0;
    for (const std::int16_t sample : samples) {
        sum += static_cast<double>(sample) * sample;
    }
    return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(samples.size(), 1)));
}

}  // namespace siprec::test
