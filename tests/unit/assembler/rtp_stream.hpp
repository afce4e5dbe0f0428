#pragma once

// A sender of RTP and a listener to the track, for the assembler's tests.

#include <siprec/assembler.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siprec::test {

using namespace std::chrono_literals;

inline const WallTime kOrigin{std::chrono::seconds(1'795'292'717)};

/// One packet on its way, and when it arrives.
struct Sent {
    std::uint32_t ssrc = 1;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint8_t payload_type = 0;
    bool marker = false;
    std::vector<std::byte> payload;
    std::chrono::nanoseconds arrival{0};  // from kOrigin

    [[nodiscard]] RtpPacket packet() const {
        RtpPacket out;
        out.payload = payload;
        out.ssrc = ssrc;
        out.sequence = sequence;
        out.timestamp = timestamp;
        out.payload_type = payload_type;
        out.marker = marker;
        out.arrival = kOrigin + arrival;
        return out;
    }
};

/// The mu-law code of the n-th sample of a test signal; no two stretches of it look alike.
inline std::byte code_at(std::uint64_t n) {
    const std::uint64_t mixed = (n * 2'654'435'761U) >> 7U;
    return static_cast<std::byte>(mixed & 0xFFU);
}

/// What it decodes to, G.711 table 2.
inline std::int16_t pcm_of(std::byte code) {
    const unsigned inverted = ~std::to_integer<unsigned>(code) & 0xFFU;
    const int magnitude =
        static_cast<int>((((inverted & 0x0FU) << 3U) + 0x84U) << ((inverted & 0x70U) >> 4U)) - 0x84;
    return static_cast<std::int16_t>((inverted & 0x80U) != 0 ? -magnitude : magnitude);
}

/// Sends PCMU at the pace of a clock; its state is what the next packet would carry.
struct Sender {
    std::uint32_t ssrc = 1;
    std::uint16_t sequence = 100;
    std::uint32_t timestamp = 5000;
    std::uint8_t payload_type = 0;
    std::uint64_t signal = 0;           // the next sample of the test signal
    std::chrono::nanoseconds clock{0};  // when it is sent
    std::size_t samples = 160;          // in a packet

    Sent next() {
        Sent sent{.ssrc = ssrc,
                  .sequence = sequence++,
                  .timestamp = timestamp,
                  .payload_type = payload_type,
                  .marker = false,
                  .payload = {},
                  .arrival = clock};
        for (std::size_t i = 0; i < samples; ++i) {
            sent.payload.push_back(code_at(signal++));
        }
        timestamp += static_cast<std::uint32_t>(samples);
        clock += samples * 125us;
        return sent;
    }

    std::vector<Sent> packets(std::size_t count) {
        std::vector<Sent> out;
        for (std::size_t i = 0; i < count; ++i) {
            out.push_back(next());
        }
        return out;
    }

    /// Sends nothing for a while; the RTP clock runs on.
    void pause(std::chrono::milliseconds time) {
        clock += time;
        timestamp += static_cast<std::uint32_t>(time.count() * 8);
    }
};

/// Everything that the assembler says, checked for the promises that always hold.
class Listener final : public AudioConsumer {
  public:
    struct Stretch {
        AudioBlock::Kind kind;
        std::size_t samples;

        bool operator==(const Stretch&) const = default;
    };

    void on_audio(const AudioBlock& block) override {
        is_contiguous = is_contiguous && block.position == pcm.size() && !block.samples.empty();
        if (stretches.empty() || stretches.back().kind != block.kind) {
            stretches.push_back({block.kind, 0});
        }
        stretches.back().samples += block.samples.size();
        pcm.insert(pcm.end(), block.samples.begin(), block.samples.end());
    }

    void on_telephone_event(const TelephoneEvent& event) override { events.push_back(event); }

    std::vector<std::int16_t> pcm;
    std::vector<Stretch> stretches;
    std::vector<TelephoneEvent> events;
    bool is_contiguous = true;
};

inline PayloadFormat format(std::uint8_t payload_type,
                            const char* encoding,
                            std::uint32_t clock_rate = 8000) {
    PayloadFormat out;
    out.payload_type = payload_type;
    out.encoding = encoding;
    out.clock_rate = clock_rate;
    return out;
}

}  // namespace siprec::test
