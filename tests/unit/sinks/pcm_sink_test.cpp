#include "base/thread_reaper.hpp"
#include "unit/assembler/rtp_stream.hpp"

#include <siprec/sinks.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <future>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

using namespace std::chrono_literals;
using siprec::AudioBlock;
using siprec::AudioConsumer;
using siprec::DecoderRegistry;
using siprec::PcmSinkConfig;
using siprec::StreamInfo;
using siprec::test::code_at;
using siprec::test::format;
using siprec::test::kOrigin;
using siprec::test::pcm_of;
using siprec::test::Sender;

/// What a consumer was told, read by the test when the worker has ended.
struct Record {
    std::vector<std::int16_t> pcm;
    std::uint64_t overflow = 0;
    bool is_destroyed = false;
};

class Consumer final : public AudioConsumer {
  public:
    explicit Consumer(Record& record) : record_(&record) {}

    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    ~Consumer() override { record_->is_destroyed = true; }

    void on_audio(const AudioBlock& block) override {
        if (gate.valid()) {
            gate.wait();
        }
        record_->pcm.insert(record_->pcm.end(), block.samples.begin(), block.samples.end());
    }

    void on_overflow(std::uint64_t packets) override { record_->overflow = packets; }

    std::shared_future<void> gate;  // audio is taken only once it is open

  private:
    Record* record_;
};

StreamInfo pcmu_stream() {
    StreamInfo stream;
    stream.media_type = "audio";
    stream.formats = {format(0, "PCMU")};
    return stream;
}

const DecoderRegistry& registry() {
    static const DecoderRegistry decoders = DecoderRegistry::with_defaults();
    return decoders;
}

}  // namespace

TEST_CASE("pcm sink: everything has reached the consumer when its worker has ended",
          "[unit][sinks][pcm]") {
    Record record;
    auto sink =
        siprec::make_pcm_sink(pcmu_stream(), {}, registry(), std::make_unique<Consumer>(record));
    Sender sender;
    for (int i = 0; i < 500; ++i) {
        sink->on_rtp(sender.next().packet());
    }
    sink->on_tick(kOrigin + 10s);
    sink->on_closed({}, kOrigin + 11s);
    siprec::base::thread_reaper().wait();
    REQUIRE(record.pcm.size() == 88'000);
    for (std::size_t i = 0; i < 80'000; ++i) {
        REQUIRE(record.pcm[i] == pcm_of(code_at(i)));
    }
    sink.reset();
    CHECK(record.is_destroyed);
}

TEST_CASE("pcm sink: origin puts the first packet on a common time line", "[unit][sinks][pcm]") {
    Record record;
    PcmSinkConfig config;
    config.origin = kOrigin - 1s;
    const auto sink = siprec::make_pcm_sink(
        pcmu_stream(), config, registry(), std::make_unique<Consumer>(record));
    Sender sender;
    sink->on_rtp(sender.next().packet());
    sink->on_closed({}, kOrigin + 1s);
    siprec::base::thread_reaper().wait();
    REQUIRE(record.pcm.size() == 16'000);
    CHECK(record.pcm[8000] == pcm_of(code_at(0)));
}

TEST_CASE("pcm sink: packets are dropped and counted when the consumer is too slow",
          "[unit][sinks][pcm]") {
    Record record;
    auto consumer = std::make_unique<Consumer>(record);
    std::promise<void> gate;
    consumer->gate = gate.get_future().share();
    PcmSinkConfig config;
    config.queue_packets = 10;
    config.origin = kOrigin;
    const auto sink = siprec::make_pcm_sink(pcmu_stream(), config, registry(), std::move(consumer));
    Sender sender;
    for (int i = 0; i < 100; ++i) {
        sink->on_rtp(sender.next().packet());
    }
    gate.set_value();
    sink->on_closed({}, kOrigin + 2s);
    siprec::base::thread_reaper().wait();
    // How many the worker took before it came to the gate is its own affair: the first audio comes
    // out with the packet that ends the reorder window.
    CHECK(record.overflow >= 60);
    CHECK(record.overflow <= 90);
    REQUIRE(record.pcm.size() == 16'000);
    CHECK(record.pcm[0] == pcm_of(code_at(0)));
}

TEST_CASE("pcm sink: new formats are used when the stream changes", "[unit][sinks][pcm]") {
    Record record;
    StreamInfo stream = pcmu_stream();
    stream.formats = {format(96, "PCMA")};
    const auto sink =
        siprec::make_pcm_sink(stream, {}, registry(), std::make_unique<Consumer>(record));
    stream.formats = {format(96, "PCMU")};
    sink->on_changed(stream);
    Sender sender;
    sender.payload_type = 96;
    sink->on_rtp(sender.next().packet());
    sink->on_closed({}, kOrigin);
    siprec::base::thread_reaper().wait();
    REQUIRE(record.pcm.size() == 160);
    CHECK(record.pcm[0] == pcm_of(code_at(0)));
}

TEST_CASE("pcm sink: it ends without a trace when it is destroyed unclosed", "[unit][sinks][pcm]") {
    Record record;
    {
        const auto sink = siprec::make_pcm_sink(
            pcmu_stream(), {}, registry(), std::make_unique<Consumer>(record));
        Sender sender;
        sink->on_rtp(sender.next().packet());
    }
    siprec::base::thread_reaper().wait();
    CHECK(record.is_destroyed);
}

TEST_CASE("pcm sink: senseless settings are corrected", "[unit][sinks][pcm]") {
    Record record;
    PcmSinkConfig config;
    config.sample_rate = 1;
    config.queue_packets = 0;
    config.reorder_window = -5ms;
    const auto sink = siprec::make_pcm_sink(
        pcmu_stream(), config, registry(), std::make_unique<Consumer>(record));
    Sender sender;
    sink->on_rtp(sender.next().packet());
    sink->on_closed({}, kOrigin);
    siprec::base::thread_reaper().wait();
    CHECK(record.pcm.size() == 160);
}

TEST_CASE("pcm sink: a consumer that throws ends its own sink only", "[unit][sinks][pcm]") {
    class Throwing final : public AudioConsumer {
        void on_audio(const AudioBlock& /*block*/) override {
            throw std::runtime_error("no more room");
        }
    };

    const auto sink =
        siprec::make_pcm_sink(pcmu_stream(), {}, registry(), std::make_unique<Throwing>());
    Sender sender;
    for (int i = 0; i < 50; ++i) {
        sink->on_rtp(sender.next().packet());
    }
    sink->on_closed({}, kOrigin + 1s);
    siprec::base::thread_reaper().wait();
    SUCCEED("on_closed returned");
}

TEST_CASE("pcm sink: closing does not wait for a slow consumer", "[unit][sinks][pcm]") {
    Record record;
    auto consumer = std::make_unique<Consumer>(record);
    std::promise<void> gate;
    consumer->gate = gate.get_future().share();
    PcmSinkConfig config;
    config.origin = kOrigin;
    auto sink = siprec::make_pcm_sink(pcmu_stream(), config, registry(), std::move(consumer));
    Sender sender;
    sink->on_rtp(sender.next().packet());
    sink->on_closed({}, kOrigin + 1s);
    sink.reset();
    // Had it waited, the gate would never open.
    gate.set_value();
    siprec::base::thread_reaper().wait();
    CHECK(record.pcm.size() == 8000);
    CHECK(record.is_destroyed);
}
