// Sessions to WebSocket messages: decodes on the isolated sinks' threads, talks on the network's.
#include "sinks/framer.hpp"
#include "websocket/client.hpp"
#include "websocket/messages.hpp"
#include "websocket/session_facts.hpp"
#include "websocket/url.hpp"

#include <siprec/assembler.hpp>
#include <siprec/websocket_sink.hpp>

#include <algorithm>
#include <utility>

namespace siprec {

namespace {

using sinks::Framer;
using websocket::Client;
using websocket::Network;
using websocket::SessionFacts;

/// What the streams of a session share.
struct Link {
    std::shared_ptr<SessionFacts> facts;
    std::shared_ptr<Client> client;

    void tell(const std::vector<std::string>& messages) const {
        for (const std::string& message : messages) {
            client->send_text(message);
        }
    }
};

/// Owned by the session's strand.
class StreamSink final : public MediaSink {
  public:
    StreamSink(StreamInfo stream, Link link, const WebSocketConfig& config)
        : stream_(std::move(stream)),
          link_(std::move(link)),
          framer_(config.sample_rate,
                  static_cast<std::size_t>(config.frame.count()) * config.sample_rate / 1000,
                  [client = link_.client, number = stream_.media_index](const AudioBlock& frame) {
                      client->send_audio(
                          number, frame.samples.size(), websocket::audio_message(number, frame));
                  }) {}

    [[nodiscard]] Result<void> open(const WebSocketConfig& config,
                                    WallTime origin,
                                    const DecoderRegistry& decoders) {
        AssemblerConfig assembler;
        assembler.origin = origin;  // one time line for all streams of the session
        assembler.formats = stream_.formats;
        assembler.sample_rate = config.sample_rate;
        auto made = Assembler::create(std::move(assembler), decoders, framer_);
        if (!made) {
            return std::move(made).error();
        }
        assembler_ = std::move(*made);
        link_.tell(link_.facts->set_stream(stream_, true));
        return {};
    }

    void on_rtp(const RtpPacket& packet) override { assembler_->push(packet); }

    void on_rtcp(const RtcpPacket& packet) override { assembler_->push_rtcp(packet); }

    void on_changed(const StreamInfo& stream) override {
        stream_ = stream;
        assembler_->set_formats(stream.formats);
        link_.tell(link_.facts->set_stream(stream_, true));
    }

    void on_tick(WallTime now) override { assembler_->advance(now); }

    void on_dropped(std::uint64_t packets) override {
        link_.client->lose_packets(stream_.media_index, packets);
    }

    void on_closed(const StreamStats& /*stats*/, WallTime when) override {
        assembler_->finish(when);
        framer_.flush();
        link_.tell(link_.facts->set_stream(stream_, false));
    }

  private:
    StreamInfo stream_;
    const Link link_;
    Framer framer_;
    std::unique_ptr<Assembler> assembler_;  // writes into the framer
};

class Session final : public SessionSink {
  public:
    Session(const SessionInfo& info,
            const WebSocketConfig& config,
            const DecoderRegistry& decoders,
            const std::shared_ptr<Network>& network,
            Logger& logger)
        : config_(config), decoders_(decoders), logger_(logger), origin_(info.started) {
        link_.facts = std::make_shared<SessionFacts>(info);
        link_.client =
            Client::create(network,
                           info.id.to_string(),
                           [facts = link_.facts, rate = config.sample_rate, frame = config.frame](
                               bool resumed) { return facts->greeting(rate, frame, resumed); });
    }

    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // One that was cut off must not stay connected for ever; after on_ended it changes nothing.
    ~Session() override {
        link_.client->finish(websocket::stop_message(
            {.cause = EndCause::Failed, .reason = "the sink was cut off", .time = origin_}));
    }

    void on_metadata(const MetadataEvent& event) override {
        link_.tell(link_.facts->set_metadata(event.state.current()));
    }

    std::unique_ptr<MediaSink> open_stream(const StreamInfo& stream) override {
        if (stream.media_type != "audio") {
            return nullptr;
        }
        auto sink = std::make_unique<StreamSink>(stream, link_, config_);
        if (auto opened = sink->open(config_, origin_, decoders_); !opened) {
            logger_.log(LogLevel::Error,
                        "websocket",
                        "a stream cannot be decoded",
                        {{"stream", stream.id.to_string()}, {"error", opened.error().to_string()}});
            return nullptr;
        }
        return sink;
    }

    void on_ended(const SessionEnd& end) override {
        link_.client->finish(websocket::stop_message(end));
    }

  private:
    const WebSocketConfig& config_;  // of the factory, which the isolated session keeps
    const DecoderRegistry& decoders_;
    Logger& logger_;
    const WallTime origin_;
    Link link_;
};

/// Makes the sinks that run isolated.
class Inner final : public SessionSinkFactory {
  public:
    Inner(WebSocketConfig config,
          const DecoderRegistry& decoders,
          std::shared_ptr<Network> network,
          Logger& logger)
        : config_(std::move(config)),
          decoders_(decoders),
          network_(std::move(network)),
          logger_(logger) {}

    std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override {
        return std::make_unique<Session>(session, config_, decoders_, network_, logger_);
    }

  private:
    const WebSocketConfig config_;
    const DecoderRegistry& decoders_;
    std::shared_ptr<Network> network_;
    Logger& logger_;
};

class WebSocketSinksImpl final : public WebSocketSinks {
  public:
    WebSocketSinksImpl(const WebSocketConfig& config,
                       const DecoderRegistry& decoders,
                       std::shared_ptr<Network> network,
                       Logger& logger)
        : patience_(config.isolation.patience),
          network_(std::move(network)),
          isolated_(isolate(std::make_unique<Inner>(config, decoders, network_, logger),
                            config.isolation,
                            logger)) {}

    WebSocketSinksImpl(const WebSocketSinksImpl&) = delete;
    WebSocketSinksImpl& operator=(const WebSocketSinksImpl&) = delete;

    ~WebSocketSinksImpl() override {
        isolated_.reset();  // decodes what is left, and says that the sessions are over
        network_->stop(patience_);
    }

    std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override {
        return isolated_->open_session(session);
    }

    [[nodiscard]] WebSocketStats stats() const override { return network_->stats(); }

  private:
    const std::chrono::milliseconds patience_;
    std::shared_ptr<Network> network_;
    std::unique_ptr<SessionSinkFactory> isolated_;
};

/// RFC 9110 5.1, 5.5: a name is a token; a value has no line end, with which it could become two.
bool is_header(const std::pair<std::string, std::string>& header) {
    const auto is_token = [](char c) {
        const bool is_alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        return is_alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string::npos;
    };
    const auto is_text = [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; };
    return !header.first.empty() && std::ranges::all_of(header.first, is_token) &&
           std::ranges::all_of(header.second, is_text);
}

Result<void> check_numbers(const WebSocketConfig& config) {
    using namespace std::chrono_literals;
    if (config.sample_rate < 8000 || config.sample_rate > 48'000 || config.frame < 10ms ||
        config.frame > 1000ms || config.queue_bytes == 0) {
        return Error(ErrorCode::InvalidArgument,
                     "a WebSocket sink has 8000 to 48000 Hz, frames of 10 to 1000 ms and a queue");
    }
    if (config.connect_timeout <= 0ms || config.idle_timeout <= 0ms ||
        config.reconnect_first <= 0ms || config.reconnect_most < config.reconnect_first) {
        return Error(
            ErrorCode::InvalidArgument,
            "the times of a WebSocket sink are above 0, and reconnect_most is the longest");
    }
    return {};
}

}  // namespace

WebSocketSinks::~WebSocketSinks() = default;

Result<void> WebSocketSinks::check(const WebSocketConfig& config) {
    if (auto url = websocket::parse_url(config.url); !url) {
        return std::move(url).error();
    }
    if (!std::ranges::all_of(config.headers, is_header)) {
        return Error(ErrorCode::InvalidArgument, "a header of a WebSocket sink is none");
    }
    return check_numbers(config);
}

Result<std::unique_ptr<WebSocketSinks>> WebSocketSinks::create(const WebSocketConfig& config,
                                                               const DecoderRegistry& decoders,
                                                               Logger& logger) {
    if (auto checked = check(config); !checked) {
        return std::move(checked).error();
    }
    auto network = Network::create(config, logger);
    if (!network) {
        return std::move(network).error();
    }
    return std::unique_ptr<WebSocketSinks>(
        std::make_unique<WebSocketSinksImpl>(config, decoders, std::move(*network), logger));
}

}  // namespace siprec
