#include "unit/assembler/rtp_stream.hpp"

#include <siprec/assembler.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <iterator>
#include <memory>
#include <random>

namespace {

using namespace std::chrono_literals;
using siprec::Assembler;
using siprec::AssemblerConfig;
using siprec::AssemblerStats;
using siprec::AudioBlock;
using siprec::DecoderRegistry;
using siprec::test::code_at;
using siprec::test::format;
using siprec::test::kOrigin;
using siprec::test::Listener;
using siprec::test::pcm_of;
using siprec::test::Sender;
using siprec::test::Sent;
using Packets = std::vector<Sent>;
using Kind = AudioBlock::Kind;
using Stretch = Listener::Stretch;

/// G.711 without concealment: these tests are about places, and zeros are easily told.
class Plain final : public siprec::AudioDecoder {
  public:
    explicit Plain(std::unique_ptr<AudioDecoder> decoder) : decoder_(std::move(decoder)) {}

    [[nodiscard]] std::uint32_t sample_rate() const noexcept override {
        return decoder_->sample_rate();
    }

    [[nodiscard]] siprec::Result<void> decode(std::span<const std::byte> payload,
                                              std::vector<std::int16_t>& out) override {
        return decoder_->decode(payload, out);
    }

  private:
    std::unique_ptr<AudioDecoder> decoder_;
};

const DecoderRegistry& registry() {
    static const DecoderRegistry decoders = [] {
        DecoderRegistry made = DecoderRegistry::with_defaults();
        made.add("PCMU",
                 [](const siprec::PayloadFormat& format)
                     -> siprec::Result<std::unique_ptr<siprec::AudioDecoder>> {
                     auto decoder = DecoderRegistry::with_defaults().create(format);
                     if (!decoder) {
                         return decoder;
                     }
                     return std::unique_ptr<siprec::AudioDecoder>(
                         std::make_unique<Plain>(std::move(*decoder)));
                 });
        return made;
    }();
    return decoders;
}

struct Outcome {
    Listener heard;
    AssemblerStats stats;
};

AssemblerConfig config_of(std::uint32_t sample_rate = 8000) {
    AssemblerConfig config;
    config.origin = kOrigin;
    config.formats = {format(0, "PCMU"), format(8, "PCMA"), format(101, "telephone-event")};
    config.sample_rate = sample_rate;
    return config;
}

std::unique_ptr<Outcome> assemble(Packets packets,
                                  std::optional<std::chrono::nanoseconds> end = std::nullopt,
                                  const AssemblerConfig& config = config_of()) {
    std::ranges::stable_sort(packets, {}, &Sent::arrival);
    auto outcome = std::make_unique<Outcome>();
    auto assembler = Assembler::create(config, registry(), outcome->heard);
    REQUIRE(assembler);
    for (const Sent& sent : packets) {
        (*assembler)->push(sent.packet());
    }
    (*assembler)->finish(end ? std::optional(kOrigin + *end) : std::nullopt);
    outcome->stats = (*assembler)->stats();
    REQUIRE(outcome->heard.is_contiguous);
    REQUIRE(outcome->stats.samples_voice + outcome->stats.samples_lost +
                outcome->stats.samples_silence ==
            outcome->heard.pcm.size());
    return outcome;
}

void append(Packets& to, Packets more) {
    to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// A stretch of the expected track: the test signal from a sample on, or zeros.
struct Part {
    std::size_t samples;
    std::optional<std::uint64_t> signal;
};

std::vector<std::int16_t> expected(const std::vector<Part>& parts) {
    std::vector<std::int16_t> out;
    for (const Part& part : parts) {
        for (std::size_t i = 0; i < part.samples; ++i) {
            out.push_back(part.signal ? pcm_of(code_at(*part.signal + i)) : std::int16_t{0});
        }
    }
    return out;
}

/// Without the wall of numbers that Catch prints for vectors.
void check_pcm(const std::vector<std::int16_t>& heard, const std::vector<std::int16_t>& wanted) {
    CHECK(heard.size() == wanted.size());
    const auto [left, right] = std::ranges::mismatch(heard, wanted);
    CHECK(std::distance(heard.begin(), left) ==
          static_cast<std::ptrdiff_t>(std::min(heard.size(), wanted.size())));
}

constexpr std::optional<std::uint64_t> kZeros;

}  // namespace

TEST_CASE("assembler: PCMU is bit-exact and gapless when nothing was lost whatever the network did",
          "[unit][assembler]") {
    struct Case {
        const char* name;
        std::function<void(Sender&)> prepare;
        std::function<void(Packets&)> network;
    };

    const auto jitter = [](std::chrono::microseconds largest) {
        return [largest](Packets& packets) {
            std::minstd_rand random(7);
            for (std::size_t i = 1; i < packets.size(); ++i) {
                packets[i].arrival += std::chrono::microseconds(
                    static_cast<std::int64_t>(random()) % largest.count());
            }
        };
    };
    const auto nothing = [](auto&) {};
    const std::vector<Case> cases{
        {"calm", nothing, nothing},
        {"jitter of 15 ms", nothing, jitter(15ms)},
        {"jitter of 150 ms that reorders", nothing, jitter(150ms)},
        {"sequence wrap", [](Sender& sender) { sender.sequence = 65'500; }, nothing},
        {"time stamp wrap", [](Sender& sender) { sender.timestamp = 0xFFFFF000U; }, nothing},
        {"sign change of the time stamp",
         [](Sender& sender) { sender.timestamp = 0x7FFFF000U; },
         nothing},
        {"both wrap under jitter",
         [](Sender& sender) {
             sender.sequence = 65'500;
             sender.timestamp = 0xFFFFF000U;
         },
         jitter(100ms)},
        {"every packet twice",
         nothing,
         [](Packets& packets) {
             Packets copies = packets;
             for (Sent& copy : copies) {
                 copy.arrival += 3ms;
             }
             append(packets, std::move(copies));
         }},
        {"pairs swapped",
         nothing,
         [](Packets& packets) {
             for (std::size_t i = 1; i + 1 < packets.size(); i += 2) {
                 std::swap(packets[i].arrival, packets[i + 1].arrival);
             }
         }},
        {"network stalls for 900 ms and catches up",
         nothing,
         [](Packets& packets) {
             for (std::size_t i = 100; i < 145; ++i) {
                 packets[i].arrival = packets[145].arrival + (i - 100) * 1us;
             }
         }},
        {"network stalls for 3 s and catches up",
         nothing,
         [](Packets& packets) {
             for (std::size_t i = 100; i < 250; ++i) {
                 packets[i].arrival = packets[250].arrival + (i - 100) * 1us;
             }
         }},
        {"packets of 10 ms", [](Sender& sender) { sender.samples = 80; }, nothing},
        {"packets of 60 ms", [](Sender& sender) { sender.samples = 480; }, jitter(100ms)},
    };
    for (const Case& one : cases) {
        DYNAMIC_SECTION(one.name) {
            Sender sender;
            one.prepare(sender);
            const std::size_t samples = sender.samples * 300;
            Packets packets = sender.packets(300);
            one.network(packets);
            const auto outcome = assemble(packets);
            check_pcm(outcome->heard.pcm, expected({{samples, 0}}));
            CHECK(outcome->stats.lost == 0);
            CHECK(outcome->stats.late == 0);
            CHECK(outcome->stats.samples_voice == samples);
            CHECK(outcome->stats.duplicates == packets.size() - 300);
        }
    }
}

TEST_CASE("assembler: a lost packet leaves a gap of exactly its length",
          "[unit][assembler][7866-8.2-1]") {
    Sender sender;
    Packets packets = sender.packets(50);
    packets.erase(packets.begin() + 20, packets.begin() + 23);
    packets.erase(packets.begin() + 10);
    const auto outcome = assemble(packets);
    check_pcm(
        outcome->heard.pcm,
        expected(
            {{1600, 0}, {160, kZeros}, {9 * 160, 11 * 160}, {480, kZeros}, {27 * 160, 23 * 160}}));
    CHECK(outcome->heard.stretches == std::vector<Stretch>{{Kind::Voice, 1600},
                                                           {Kind::Lost, 160},
                                                           {Kind::Voice, 9 * 160},
                                                           {Kind::Lost, 480},
                                                           {Kind::Voice, 27 * 160}});
    CHECK(outcome->stats.lost == 4);
}

TEST_CASE("assembler: heavy loss and jitter move nothing from its place", "[unit][assembler]") {
    Sender sender;
    sender.sequence = 65'000;
    sender.timestamp = 0xFFFF0000U;
    Packets packets = sender.packets(2000);
    std::minstd_rand random(11);
    std::vector<std::int16_t> wanted = expected({{2000 * 160, 0}});
    Packets received;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        if (i > 0 && i + 1 < packets.size() && random() % 5 == 0) {
            std::fill_n(
                wanted.begin() + static_cast<std::ptrdiff_t>(i * 160), 160, std::int16_t{0});
            continue;
        }
        packets[i].arrival += i == 0 ? 0us : std::chrono::microseconds(random() % 90'000);
        received.push_back(packets[i]);
    }
    const auto outcome = assemble(received);
    check_pcm(outcome->heard.pcm, wanted);
    CHECK(outcome->stats.lost == packets.size() - received.size());
}

TEST_CASE("assembler: a packet that comes after its place was written is counted and left out",
          "[unit][assembler]") {
    Sender sender;
    Packets packets = sender.packets(60);
    packets[10].arrival += 500ms;
    const auto outcome = assemble(packets);
    check_pcm(outcome->heard.pcm, expected({{1600, 0}, {160, kZeros}, {49 * 160, 11 * 160}}));
    CHECK(outcome->stats.late == 1);
    CHECK(outcome->stats.lost == 0);
    CHECK(outcome->stats.samples_lost == 160);
}

TEST_CASE("assembler: a stream that starts late starts late and one that ends early is padded",
          "[unit][assembler]") {
    Sender sender;
    sender.clock = 1'234'500us;
    const auto outcome = assemble(sender.packets(10), 3s);
    check_pcm(outcome->heard.pcm,
              expected({{9876, kZeros}, {1600, 0}, {24'000 - 9876 - 1600, kZeros}}));
    CHECK(outcome->heard.stretches.front() == Stretch{Kind::Silence, 9876});
    CHECK(outcome->heard.stretches.back().kind == Kind::Silence);
}

TEST_CASE("assembler: two tracks of one origin are aligned and of one length",
          "[unit][assembler]") {
    Sender one;
    one.clock = 100ms;
    Sender two;
    two.clock = 340ms;
    two.timestamp = 0xFFFFFF00U;
    two.signal = 1'000'000;
    const auto left = assemble(one.packets(100), 5s);
    const auto right = assemble(two.packets(50), 5s);
    CHECK(left->heard.pcm.size() == right->heard.pcm.size());
    CHECK(left->heard.pcm[800] == pcm_of(code_at(0)));
    CHECK(right->heard.pcm[2720] == pcm_of(code_at(1'000'000)));
    check_pcm(right->heard.pcm,
              expected({{2720, kZeros}, {8000, 1'000'000}, {40'000 - 10'720, kZeros}}));
}

TEST_CASE("assembler: nothing received and an end gives silence of that length",
          "[unit][assembler]") {
    const auto outcome = assemble({}, 2s);
    CHECK(outcome->heard.stretches == std::vector<Stretch>{{Kind::Silence, 16'000}});
    CHECK(assemble({})->heard.pcm.empty());
}

TEST_CASE("assembler: pauses of a sender whose clock runs on are silence of that length",
          "[unit][assembler]") {
    const auto pause = GENERATE(40ms, 3000ms, 600'000ms);
    Sender sender;
    Packets packets = sender.packets(50);
    sender.pause(pause);
    append(packets, sender.packets(50));
    const auto outcome = assemble(packets);
    const auto gap = static_cast<std::size_t>(pause.count()) * 8;
    check_pcm(outcome->heard.pcm, expected({{8000, 0}, {gap, kZeros}, {8000, 8000}}));
    CHECK(outcome->heard.stretches[1] == Stretch{Kind::Silence, gap});
    CHECK(outcome->stats.lost == 0);
}

TEST_CASE("assembler: a hold in which the sender's clock stands still is placed by arrival",
          "[unit][assembler]") {
    const auto pause = GENERATE(400ms, 1500ms, 60'000ms);
    Sender sender;
    Packets packets = sender.packets(50);
    sender.clock += pause;
    append(packets, sender.packets(50));
    const auto outcome = assemble(packets);
    const auto gap = static_cast<std::size_t>(pause.count()) * 8;
    check_pcm(outcome->heard.pcm, expected({{8000, 0}, {gap, kZeros}, {8000, 8000}}));
    CHECK(outcome->heard.stretches[1].kind == Kind::Silence);
}

TEST_CASE("assembler: a sender that starts anew is placed by arrival",
          "[unit][assembler][7866-8.1.3-1]") {
    struct Case {
        const char* name;
        std::function<void(Sender&)> restart;
    };

    const std::vector<Case> cases{
        {"new SSRC", [](Sender& sender) { sender.ssrc = 99; }},
        {"new SSRC and numbers",
         [](Sender& sender) {
             sender.ssrc = 99;
             sender.sequence = 7;
             sender.timestamp = 123;
         }},
        {"same SSRC with other numbers",
         [](Sender& sender) {
             sender.sequence = static_cast<std::uint16_t>(sender.sequence + 20'000);
             sender.timestamp = 7;
         }},
        {"same SSRC with a number just behind",
         [](Sender& sender) {
             sender.sequence = static_cast<std::uint16_t>(sender.sequence - 1500);
             sender.timestamp += 0x40000000U;
         }},
        {"same SSRC with a time stamp far ahead",
         [](Sender& sender) { sender.timestamp += 0x80000000U; }},
        {"same SSRC with a time stamp an hour ahead",
         [](Sender& sender) { sender.timestamp += 8000U * 3600; }},
        {"same SSRC with a time stamp far behind",
         [](Sender& sender) { sender.timestamp -= 8000U * 3600; }},
    };
    const auto pause = GENERATE(0ms, 500ms);
    for (const Case& one : cases) {
        DYNAMIC_SECTION(one.name << " after " << pause.count() << " ms") {
            Sender sender;
            Packets packets = sender.packets(50);
            sender.pause(pause);
            one.restart(sender);
            append(packets, sender.packets(50));
            const auto outcome = assemble(packets);
            const auto gap = static_cast<std::size_t>(pause.count()) * 8;
            check_pcm(outcome->heard.pcm, expected({{8000, 0}, {gap, kZeros}, {8000, 8000}}));
            CHECK(outcome->stats.lost == 0);
        }
    }
}

TEST_CASE("assembler: a new SSRC that overlaps the old by jitter is joined to it",
          "[unit][assembler][7866-8.1.1-2][7866-8.1.3-1]") {
    Sender sender;
    Packets packets = sender.packets(50);
    packets.back().arrival += 25ms;
    sender.ssrc = 2;
    sender.clock -= 15ms;
    append(packets, sender.packets(50));
    const auto outcome = assemble(packets);
    check_pcm(outcome->heard.pcm, expected({{16'000, 0}}));
}

TEST_CASE("assembler: two sources at once do not chop each other up", "[unit][assembler]") {
    Sender one;
    Sender two;
    two.ssrc = 2;
    two.signal = 500'000;
    two.clock = 510ms;
    Packets packets = one.packets(100);
    append(packets, two.packets(150));
    const auto outcome = assemble(packets, 4s);
    REQUIRE(outcome->heard.pcm.size() == 32'000);
    const std::vector<std::int16_t> first = expected({{16'000, 0}});
    CHECK(std::equal(first.begin(), first.end(), outcome->heard.pcm.begin()));
    // The second sends until 3.51 s, and has the track to itself soon after the first has ended.
    const std::size_t since = 2200 * 8;
    const std::vector<std::int16_t> second =
        expected({{28'080 - since, 500'000 + since - 510 * 8}});
    CHECK(std::equal(second.begin(),
                     second.end(),
                     outcome->heard.pcm.begin() + static_cast<std::ptrdiff_t>(since)));
}

TEST_CASE("assembler: hostile time stamps never make more track than time has passed",
          "[unit][assembler]") {
    std::minstd_rand random(GENERATE(1U, 2U, 3U));
    Packets packets;
    for (int i = 0; i < 2000; ++i) {
        Sender sender;
        sender.ssrc = static_cast<std::uint32_t>(random() % 3);
        sender.sequence = static_cast<std::uint16_t>(random());
        sender.timestamp = static_cast<std::uint32_t>(random() * 3);
        sender.payload_type = static_cast<std::uint8_t>(random() % 2 == 0 ? 0 : random() % 128);
        sender.clock = i * 5ms;
        packets.push_back(sender.next());
    }
    const auto outcome = assemble(packets);
    CHECK(outcome->heard.pcm.size() <= 8U * (2000 * 5 + 2500));
}

TEST_CASE("assembler: arrival times that no recording has are left out", "[unit][assembler]") {
    Sender sender;
    Packets packets = sender.packets(3);
    packets[1].arrival += std::chrono::days(40'000);
    packets[2].arrival -= std::chrono::days(9000);
    const auto outcome = assemble(packets);
    CHECK(outcome->stats.late == 2);
    CHECK(outcome->heard.pcm.size() == 160);
}

TEST_CASE("assembler: packet time may change at any packet", "[unit][assembler]") {
    Sender sender;
    Packets packets;
    for (const std::size_t samples : {160U, 80U, 480U, 240U, 160U}) {
        sender.samples = samples;
        append(packets, sender.packets(20));
    }
    packets.erase(packets.begin() + 45);  // one of 60 ms
    const auto outcome = assemble(packets);
    const std::size_t before = 20 * 240 + 5 * 480;
    const std::size_t total = 20U * (160 + 80 + 480 + 240 + 160);
    check_pcm(outcome->heard.pcm,
              expected({{before, 0}, {480, kZeros}, {total - before - 480, before + 480}}));
}

TEST_CASE("assembler: a change of payload type at one clock rate leaves no seam",
          "[unit][assembler]") {
    Sender sender;
    Packets packets = sender.packets(20);
    sender.payload_type = 8;
    append(packets, sender.packets(20));
    sender.payload_type = 0;
    append(packets, sender.packets(20));
    const auto outcome = assemble(packets);
    REQUIRE(outcome->heard.pcm.size() == 9600);
    CHECK(outcome->heard.stretches == std::vector<Stretch>{{Kind::Voice, 9600}});
    CHECK(outcome->heard.pcm[6400] == pcm_of(code_at(6400)));
    CHECK(outcome->heard.pcm[3200] != pcm_of(code_at(3200)));
}

TEST_CASE("assembler: a change of payload type and clock rate is joined without a seam",
          "[unit][assembler][rfc7160]") {
    AssemblerConfig config = config_of();
    config.formats.push_back(format(96, "L16", 16'000));
    Sender sender;
    Packets packets = sender.packets(50);
    for (std::uint32_t i = 0; i < 50; ++i) {
        Sent wide = sender.next();
        wide.payload_type = 96;
        wide.timestamp = 77'000 + i * 320;
        wide.payload.assign(640, std::byte{0x10});
        wide.arrival += 4ms;
        packets.push_back(wide);
    }
    append(packets, sender.packets(50));
    const auto outcome = assemble(packets, std::nullopt, config);
    CHECK(outcome->heard.stretches == std::vector<Stretch>{{Kind::Voice, 24'000}});
    CHECK(outcome->heard.pcm[7999] == pcm_of(code_at(7999)));
    CHECK(outcome->heard.pcm[12'000] == 0x1010);
    CHECK(outcome->heard.pcm[23'999] == pcm_of(code_at(23'999)));
    CHECK(outcome->stats.lost == 0);
}

TEST_CASE("assembler: payload types without decoder are counted and their time kept",
          "[unit][assembler]") {
    Sender sender;
    Packets packets = sender.packets(10);
    sender.payload_type = 18;
    append(packets, sender.packets(5));
    sender.payload_type = 0;
    append(packets, sender.packets(10));
    const auto outcome = assemble(packets);
    check_pcm(outcome->heard.pcm, expected({{1600, 0}, {800, kZeros}, {1600, 2400}}));
    CHECK(outcome->heard.stretches[1] == Stretch{Kind::Lost, 800});
    CHECK(outcome->stats.undecodable == 5);
    CHECK(outcome->stats.lost == 0);
}

TEST_CASE("assembler: new formats read the packets that come after them", "[unit][assembler]") {
    Listener heard;
    AssemblerConfig config = config_of();
    config.formats = {format(97, "PCMU")};
    auto assembler = Assembler::create(config, registry(), heard);
    REQUIRE(assembler);
    Sender sender;
    sender.payload_type = 97;
    for (int i = 0; i < 5; ++i) {
        (*assembler)->push(sender.next().packet());
    }
    (*assembler)->set_formats({format(97, "PCMA")});
    for (int i = 0; i < 5; ++i) {
        (*assembler)->push(sender.next().packet());
    }
    (*assembler)->finish(std::nullopt);
    REQUIRE(heard.pcm.size() == 1600);
    CHECK(heard.pcm[799] == pcm_of(code_at(799)));
    CHECK(heard.pcm[800] != pcm_of(code_at(800)));
}

TEST_CASE("assembler: comfort noise is silence and no loss", "[unit][assembler][rfc3389]") {
    Sender sender;
    Packets packets = sender.packets(10);
    Sent noise = sender.next();
    noise.payload_type = 13;
    noise.payload.assign(1, std::byte{70});
    packets.push_back(noise);
    sender.pause(980ms);
    append(packets, sender.packets(10));
    const auto outcome = assemble(packets);
    CHECK(outcome->heard.stretches ==
          std::vector<Stretch>{{Kind::Voice, 1600}, {Kind::Silence, 8000}, {Kind::Voice, 1600}});
    CHECK(outcome->stats.undecodable == 0);
}

TEST_CASE("assembler: advance emits what has waited for longer than the window",
          "[unit][assembler]") {
    Listener heard;
    auto assembler = Assembler::create(config_of(), registry(), heard);
    REQUIRE(assembler);
    Sender sender;
    (*assembler)->push(sender.next().packet());
    CHECK(heard.pcm.empty());
    (*assembler)->advance(kOrigin + 199ms);
    CHECK(heard.pcm.empty());
    (*assembler)->advance(kOrigin + 200ms);
    CHECK(heard.pcm.size() == 160);
    (void)sender.next();
    (*assembler)->push(sender.next().packet());
    CHECK(heard.pcm.size() == 160);
    (*assembler)->advance(kOrigin + 240ms);
    CHECK(heard.pcm.size() == 480);
}

TEST_CASE("assembler: a clock that drifts is kept within 20 ms over an hour", "[unit][assembler]") {
    const double ppm = GENERATE(-200.0, -30.0, 30.0, 200.0);
    constexpr std::size_t kPackets = 3600 * 50;
    Listener heard;
    auto assembler = Assembler::create(config_of(), registry(), heard);
    REQUIRE(assembler);
    std::minstd_rand random(5);
    Sender sender;
    for (std::size_t i = 0; i < kPackets; ++i) {
        Sent sent = sender.next();
        const double sent_at = static_cast<double>(i) * 20e6 * (1 - ppm * 1e-6);
        sent.arrival = std::chrono::nanoseconds(static_cast<std::int64_t>(sent_at)) +
                       std::chrono::microseconds(i == 0 ? 0 : random() % 20'000);
        (*assembler)->push(sent.packet());
    }
    (*assembler)->finish(std::nullopt);
    const double wanted = kPackets * 160 * (1 - ppm * 1e-6);
    CHECK(std::abs(static_cast<double>(heard.pcm.size()) - wanted) < 160);
    CHECK(heard.is_contiguous);
    CHECK(heard.stretches.size() == 1);
}

TEST_CASE("assembler: a stream without drift is bit-exact over an hour of changing paths",
          "[unit][assembler]") {
    constexpr std::size_t kPackets = 3600 * 50;
    Listener heard;
    auto assembler = Assembler::create(config_of(), registry(), heard);
    REQUIRE(assembler);
    std::minstd_rand random(5);
    Sender sender;
    Packets packets;
    std::chrono::nanoseconds path{0};
    for (std::size_t i = 0; i < kPackets; ++i) {
        if (i % 30'000 == 29'999) {
            path = std::chrono::milliseconds(random() % 60);
        }
        Sent sent = sender.next();
        sent.arrival += path + std::chrono::microseconds(i == 0 ? 0 : random() % 20'000);
        (*assembler)->push(sent.packet());
    }
    (*assembler)->finish(std::nullopt);
    check_pcm(heard.pcm, expected({{kPackets * 160, 0}}));
}

TEST_CASE("assembler: a first packet that was held up does not delay the track",
          "[unit][assembler]") {
    Sender sender;
    sender.clock = 500ms;
    Packets packets = sender.packets(100);
    for (std::size_t i = 0; i < 20; ++i) {
        packets[i].arrival = 880ms + i * 10us;
    }
    const auto outcome = assemble(packets);
    REQUIRE(outcome->heard.stretches.size() == 2);
    CHECK(std::abs(static_cast<int>(outcome->heard.stretches[0].samples) - 4000) <= 8);
    CHECK(outcome->heard.stretches[1] == Stretch{Kind::Voice, 16'000});
}

TEST_CASE("assembler: a burst at the track's zero is kept from its first sample",
          "[unit][assembler]") {
    Sender sender;
    Packets packets = sender.packets(20);
    for (std::size_t i = 0; i < packets.size(); ++i) {
        packets[i].arrival = i * 10us;
    }
    const auto outcome = assemble(packets);
    check_pcm(outcome->heard.pcm, expected({{3200, 0}}));
}

TEST_CASE("assembler: a sender that plays the same numbers again after a hold is heard twice",
          "[unit][assembler]") {
    const auto pause = GENERATE(0ms, 300ms, 1000ms);
    Sender sender;
    Packets packets = sender.packets(50);
    Sender again;
    again.clock = sender.clock + pause;
    append(packets, again.packets(50));
    const auto outcome = assemble(packets);
    const auto gap = static_cast<std::size_t>(pause.count()) * 8;
    check_pcm(outcome->heard.pcm, expected({{8000, 0}, {gap, kZeros}, {8000, 0}}));
    CHECK(outcome->stats.duplicates == 0);
}

TEST_CASE("assembler: a sample rate that no track has is refused", "[unit][assembler]") {
    Listener heard;
    CHECK_FALSE(Assembler::create(config_of(7999), registry(), heard));
    CHECK_FALSE(Assembler::create(config_of(48'001), registry(), heard));
    CHECK(Assembler::create(config_of(48'000), registry(), heard));
}

TEST_CASE("assembler: PCMU on a track of another rate keeps its length and gaps",
          "[unit][assembler]") {
    const auto rate = GENERATE(11'025U, 16'000U, 44'100U, 48'000U);
    Sender sender;
    Packets packets = sender.packets(50);
    packets.erase(packets.begin() + 20);
    const auto outcome = assemble(packets, 1s, config_of(rate));
    CHECK(outcome->heard.pcm.size() == rate);
    CHECK(std::abs(static_cast<std::int64_t>(outcome->stats.samples_lost) - rate / 50) <= 1);
    CHECK(outcome->stats.samples_silence <= 2);
}
