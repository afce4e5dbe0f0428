// Hostile payloads for each decoder: the first byte picks it, the rest comes as a run of payloads
// with their lengths in front, now and then with a loss or a pause between.
#include "codec/comfort_noise.hpp"

#include <siprec/codec.hpp>
#include <siprec/redundancy.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

struct Choice {
    const char* encoding;
    std::uint32_t clock_rate;
    std::uint8_t channels;
    const char* parameters;
};

constexpr std::array kChoices = {Choice{"PCMU", 8000, 1, ""},
                                 Choice{"L16", 44'100, 2, ""},
                                 Choice{"OPUS", 48'000, 2, ""},
                                 Choice{"G722", 8000, 1, ""},
                                 Choice{"G726-24", 8000, 1, ""},
                                 Choice{"AAL2-G726-40", 8000, 1, ""},
                                 Choice{"GSM", 8000, 1, ""},
                                 Choice{"AMR", 8000, 1, ""},
                                 Choice{"AMR", 8000, 1, "octet-align=1; crc=1"},
                                 Choice{"AMR-WB", 16'000, 1, ""},
                                 Choice{"AMR-WB", 16'000, 1, "octet-align=1"},
                                 Choice{"SPEEX", 8000, 1, ""},
                                 Choice{"SPEEX", 32'000, 1, ""},
                                 Choice{"G729", 8000, 1, ""},
                                 Choice{"ILBC", 8000, 1, "mode=20"}};

void check_redundancy(std::span<const std::byte> payload) {
    const auto blocks = siprec::parse_redundancy(payload);
    if (!blocks) {
        return;
    }
    require(!blocks->empty());
    for (const siprec::RedundantBlock& block : *blocks) {
        require(block.begin <= payload.size() && block.size <= payload.size() - block.begin);
    }
}

void check_noise(std::span<const std::byte> payload) {
    if (auto noise = siprec::codec::ComfortNoise::parse(payload)) {
        std::vector<std::int16_t> out;
        noise->generate(200, out);
        require(out.size() == 200);
    }
}

void check_gap(siprec::AudioDecoder& decoder, unsigned kind, std::span<const std::byte> next) {
    const std::size_t wanted = 37 * (kind + 1);
    std::vector<std::int16_t> out;
    switch (kind % 4) {
        case 0:
            decoder.conceal(wanted, out);
            require(out.size() == wanted);
            break;
        case 1:
            static_cast<void>(decoder.recover(next, wanted, out));
            require(out.size() == wanted);
            break;
        case 2:
            require(out.size() == (decoder.pause(wanted, out) ? wanted : 0));
            break;
        default:
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto decoders = siprec::DecoderRegistry::with_defaults();
    auto rest = std::as_bytes(std::span(data, size));
    check_redundancy(rest);
    check_noise(rest);
    if (rest.empty()) {
        return 0;
    }
    const Choice& choice = kChoices.at(std::to_integer<std::size_t>(rest[0]) % kChoices.size());
    auto decoder = decoders.create({.payload_type = 96,
                                    .encoding = choice.encoding,
                                    .clock_rate = choice.clock_rate,
                                    .channels = choice.channels,
                                    .parameters = choice.parameters});
    rest = rest.subspan(1);
    std::vector<std::int16_t> out;
    while (decoder && rest.size() > 1) {
        const auto gap = std::to_integer<unsigned>(rest[0]);
        const auto length = std::min(std::to_integer<std::size_t>(rest[1]), rest.size() - 2);
        const auto payload = rest.subspan(2, length);
        check_gap(**decoder, gap, payload);
        out.assign(3, 7);
        if (!(*decoder)->decode(payload, out)) {
            require(out == std::vector<std::int16_t>(3, 7));
        }
        rest = rest.subspan(2 + length);
    }
    return 0;
}
