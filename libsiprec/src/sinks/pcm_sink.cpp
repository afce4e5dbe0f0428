// A media sink that copies packets into a bounded queue and decodes them on a thread of its own.
#include "base/bounded_queue.hpp"
#include "base/thread_reaper.hpp"

#include <siprec/assembler.hpp>
#include <siprec/sinks.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace siprec {

namespace {

/// What the media thread has to say. One struct for all of it: it goes through the queue by the
/// thousand, and which members mean something follows from the kind.
struct Item {
    enum class Kind : std::uint8_t { Rtp, Rtcp, Formats, Tick, End };
    Kind kind = Kind::Tick;
    WallTime time;
    RtpPacket rtp;                 // without what points into the media thread's buffer
    std::vector<std::byte> bytes;  // RTP payload or RTCP compound
    std::vector<PayloadFormat> formats;
};

PcmSinkConfig corrected(PcmSinkConfig config) {
    constexpr std::uint32_t kLowestRate = 8000;
    constexpr std::uint32_t kHighestRate = 48'000;
    constexpr std::chrono::milliseconds kLongestWindow{10'000};
    config.sample_rate = std::clamp(config.sample_rate, kLowestRate, kHighestRate);
    config.reorder_window =
        std::clamp(config.reorder_window, std::chrono::milliseconds{0}, kLongestWindow);
    config.queue_packets = std::max<std::size_t>(config.queue_packets, 1);
    return config;
}

/// What the worker thread owns, and the queue by which the media thread reaches it. Lives until
/// both have let go of it.
class PcmWorker {
  public:
    PcmWorker(const StreamInfo& stream,
              const PcmSinkConfig& config,
              const DecoderRegistry& decoders,
              std::unique_ptr<AudioConsumer> consumer)
        : config_(corrected(config)),
          decoders_(&decoders),
          consumer_(std::move(consumer)),
          formats_(stream.formats),
          queue_(config_.queue_packets) {}

    /// Until the queue is closed. The consumer is destroyed last, here.
    void run() noexcept {
        work();
        assembler_.reset();
        consumer_.reset();
    }

    /// What cannot wait is counted as dropped.
    void push(Item& item) {
        if (!queue_.try_push(item)) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
        }
    }

    void tick(Item item) { (void)queue_.try_push(item); }

    void push_always(Item item) { (void)queue_.push_always(std::move(item)); }

    void close() { queue_.close(); }

  private:
    void work() noexcept {
        try {
            if (config_.origin) {
                assembler(*config_.origin);
            }
            while (true) {
                auto item = queue_.pop();
                report_overflow();
                if (!item) {
                    return;
                }
                take(*item);
            }
        } catch (...) {
            // A consumer must not throw; one that does gets nothing more, and the call goes on.
            queue_.close();
        }
    }

    /// None only before the first packet of a track whose zero is that packet.
    Assembler* assembler(std::optional<WallTime> origin) {
        if (!assembler_ && origin) {
            AssemblerConfig config;
            config.origin = *origin;
            config.formats = formats_;
            config.sample_rate = config_.sample_rate;
            config.reorder_window = config_.reorder_window;
            auto made = Assembler::create(std::move(config), *decoders_, *consumer_);
            if (made) {
                assembler_ = std::move(*made);
            }
        }
        return assembler_.get();
    }

    void take(Item& item) {
        if (item.kind == Item::Kind::Formats) {
            formats_ = std::move(item.formats);
        }
        Assembler* line =
            assembler(item.kind == Item::Kind::Rtp ? std::optional(item.time) : std::nullopt);
        if (line == nullptr) {
            return;
        }
        switch (item.kind) {
            case Item::Kind::Rtp:
                item.rtp.payload = item.bytes;
                line->push(item.rtp);
                break;
            case Item::Kind::Rtcp: {
                RtcpPacket packet;
                packet.bytes = item.bytes;
                packet.arrival = item.time;
                line->push_rtcp(packet);
                break;
            }
            case Item::Kind::Formats:
                line->set_formats(formats_);
                break;
            case Item::Kind::Tick:
                line->advance(item.time);
                break;
            case Item::Kind::End:
                line->finish(item.time);
                break;
        }
    }

    void report_overflow() {
        const std::uint64_t dropped = dropped_.load(std::memory_order_relaxed);
        if (dropped != reported_) {
            reported_ = dropped;
            consumer_->on_overflow(dropped);
        }
    }

    const PcmSinkConfig config_;
    const DecoderRegistry* decoders_;
    std::unique_ptr<AudioConsumer> consumer_;  // worker only from here on
    std::vector<PayloadFormat> formats_;
    std::unique_ptr<Assembler> assembler_;
    std::uint64_t reported_ = 0;
    std::atomic<std::uint64_t> dropped_{0};
    base::BoundedQueue<Item> queue_;
};

Item item_of(Item::Kind kind, WallTime time) {
    Item item;
    item.kind = kind;
    item.time = time;
    return item;
}

class PcmSink final : public MediaSink {
  public:
    explicit PcmSink(std::shared_ptr<PcmWorker> worker)
        : worker_(std::move(worker)), thread_([owned = worker_] { owned->run(); }) {}

    PcmSink(const PcmSink&) = delete;
    PcmSink& operator=(const PcmSink&) = delete;

    ~PcmSink() override { let_go(); }

    void on_rtp(const RtpPacket& packet) override {
        Item item = item_of(Item::Kind::Rtp, packet.arrival);
        item.rtp = packet;
        item.rtp.bytes = {};
        item.rtp.payload = {};
        item.rtp.csrcs = {};
        item.bytes.assign(packet.payload.begin(), packet.payload.end());
        worker_->push(item);
    }

    void on_rtcp(const RtcpPacket& packet) override {
        Item item = item_of(Item::Kind::Rtcp, packet.arrival);
        item.bytes.assign(packet.bytes.begin(), packet.bytes.end());
        worker_->push(item);
    }

    void on_changed(const StreamInfo& stream) override {
        Item item;
        item.kind = Item::Kind::Formats;
        item.formats = stream.formats;
        // Bounded by the offers of a dialog; without it all packets that follow are misread.
        worker_->push_always(std::move(item));
    }

    void on_tick(WallTime now) override {
        worker_->tick(item_of(Item::Kind::Tick, now));  // the next one says more
    }

    void on_closed(const StreamStats& /*stats*/, WallTime when) override {
        worker_->push_always(item_of(Item::Kind::End, when));
        let_go();
    }

  private:
    // The media thread must not wait for a decoder; somebody else does.
    void let_go() {
        worker_->close();
        if (thread_.joinable()) {
            base::thread_reaper().take(std::move(thread_));
        }
    }

    std::shared_ptr<PcmWorker> worker_;
    std::thread thread_;
};

class NoConsumer final : public AudioConsumer {
    void on_audio(const AudioBlock& /*block*/) override {}
};

}  // namespace

std::unique_ptr<MediaSink> make_pcm_sink(const StreamInfo& stream,
                                         const PcmSinkConfig& config,
                                         const DecoderRegistry& decoders,
                                         std::unique_ptr<AudioConsumer> consumer) {
    if (!consumer) {
        consumer = std::make_unique<NoConsumer>();
    }
    return std::make_unique<PcmSink>(
        std::make_shared<PcmWorker>(stream, config, decoders, std::move(consumer)));
}

}  // namespace siprec
