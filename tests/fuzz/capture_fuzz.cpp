// Any bytes as a capture file; the datagrams in it, as far as they are RTP, through an assembler.
#include <siprec/assembler.hpp>
#include <siprec/pcapng.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

using namespace std::chrono_literals;

class Checker final : public siprec::AudioConsumer {
  public:
    void on_audio(const siprec::AudioBlock& block) override {
        if (block.position != position_ || block.samples.empty()) {
            std::abort();
        }
        position_ += block.samples.size();
    }

  private:
    std::uint64_t position_ = 0;
};

siprec::PayloadFormat format(std::uint8_t payload_type, const char* encoding, std::uint32_t rate) {
    siprec::PayloadFormat out;
    out.payload_type = payload_type;
    out.encoding = encoding;
    out.clock_rate = rate;
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto decoders = siprec::DecoderRegistry::with_defaults();
    const auto input = std::as_bytes(std::span(data, size));
    std::size_t position = 0;
    siprec::pcapng::Reader reader([&](std::span<std::byte> into) -> siprec::Result<std::size_t> {
        // Pieces of odd sizes, so that blocks lie across their borders.
        const std::size_t count = std::min({into.size(), input.size() - position, std::size_t{97}});
        std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(position), count, into.begin());
        position += count;
        return count;
    });

    siprec::AssemblerConfig config;
    config.formats = {format(96, "OPUS", 48'000),
                      format(97, "L16", 44'100),
                      format(101, "TELEPHONE-EVENT", 8000)};
    Checker checker;
    const auto assembler = siprec::Assembler::create(config, decoders, checker);
    if (!assembler) {
        std::abort();
    }
    while (true) {
        const auto block = reader.next();
        if (reader.good_bytes() > size) {
            std::abort();
        }
        if (!block || !*block) {
            break;
        }
        const auto* datagram = std::get_if<siprec::pcapng::Datagram>(&**block);
        if (datagram == nullptr) {
            continue;
        }
        // A minute of track at most: silence of days is right, but slow.
        const auto arrival = siprec::WallTime(datagram->time.time_since_epoch() % 60s);
        if (auto packet = siprec::parse_rtp(datagram->payload)) {
            packet->arrival = arrival;
            (*assembler)->push(*packet);
        } else {
            siprec::RtcpPacket report;
            report.bytes = datagram->payload;
            report.arrival = arrival;
            (*assembler)->push_rtcp(report);
        }
    }
    (*assembler)->finish(std::nullopt);
    return 0;
}
