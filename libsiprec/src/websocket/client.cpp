#include "websocket/client.hpp"

#include "tls/peer_name.hpp"
#include "websocket/outbox.hpp"
#include "websocket/url.hpp"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <future>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

namespace siprec::websocket {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

using asio::awaitable;
using asio::use_awaitable;
using PlainStream = beast::websocket::stream<beast::tcp_stream>;
using SecureStream = beast::websocket::stream<asio::ssl::stream<beast::tcp_stream>>;

// For a receiver that comes back just as the session ends.
constexpr int kAttemptsAfterEnd = 3;

struct Counters {
    std::atomic<std::uint64_t> open = 0;
    std::atomic<std::uint64_t> connected = 0;
    std::atomic<std::uint64_t> failed = 0;
    std::atomic<std::uint64_t> messages_sent = 0;
    std::atomic<std::uint64_t> samples_sent = 0;
    std::atomic<std::uint64_t> sessions_damaged = 0;
    std::atomic<std::uint64_t> samples_lost = 0;
    std::atomic<std::uint64_t> packets_lost = 0;
};

class ClientImpl;

class NetworkImpl final : public Network {
  public:
    NetworkImpl(const WebSocketConfig& settings, Url target, Logger& log)
        : config(settings), url(std::move(target)), logger(log) {}

    NetworkImpl(const NetworkImpl&) = delete;
    NetworkImpl& operator=(const NetworkImpl&) = delete;

    ~NetworkImpl() override {
        work_.reset();
        context.stop();
    }

    Result<void> prepare();
    void stop(std::chrono::milliseconds patience) override;
    [[nodiscard]] WebSocketStats stats() const override;

    /// A pause, shortened by up to a half. Network's thread only.
    std::chrono::milliseconds spread(std::chrono::milliseconds pause) {
        std::uniform_int_distribution<std::int64_t> part(pause.count() / 2, pause.count());
        return std::chrono::milliseconds(part(random_));
    }

    const WebSocketConfig config;
    const Url url;
    Logger& logger;
    Counters counters;
    asio::io_context context{1};
    asio::ssl::context tls{asio::ssl::context::tls_client};
    std::set<ClientImpl*> clients;  // network's thread only

  private:
    void run() noexcept;

    std::minstd_rand random_{std::random_device{}()};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context.get_executor()};
    std::jthread thread_;  // last: it uses all of the above
};

/// All but the public calls runs on the network's thread.
class ClientImpl final : public Client, public std::enable_shared_from_this<ClientImpl> {
  public:
    ClientImpl(std::shared_ptr<NetworkImpl> network, std::string session, Greeting greeting)
        : network_(std::move(network)),
          session_(std::move(session)),
          greeting_(std::move(greeting)),
          outbox_(network_->config.queue_bytes),
          news_(network_->context) {}

    void start() {
        asio::post(network_->context, [self = shared_from_this()] {
            self->network_->clients.insert(self.get());
            asio::co_spawn(self->network_->context, self->run(self), asio::detached);
        });
    }

    void send_text(std::string message) override {
        outbox_.push_text(std::move(message));
        wake();
    }

    void send_audio(std::uint32_t stream, std::uint64_t samples, std::string message) override {
        outbox_.push_audio(stream, samples, std::move(message));
        wake();
    }

    void lose_packets(std::uint32_t stream, std::uint64_t packets) override {
        outbox_.lose_packets(stream, packets);
        wake();
    }

    void finish(std::string message) override {
        outbox_.finish(std::move(message));
        asio::post(network_->context, [self = shared_from_this()] {
            self->news_.cancel();
            if (self->is_pausing_) {
                self->interrupt_();  // one attempt more, at once
            }
        });
    }

    /// Ends at once.
    void abandon() {
        is_abandoned_ = true;
        news_.cancel();
        if (interrupt_) {
            interrupt_();
        }
    }

  private:
    /// One wake-up is enough for any number of messages.
    void wake() {
        if (!is_woken_.exchange(true)) {
            asio::post(network_->context, [self = shared_from_this()] {
                self->is_woken_ = false;
                self->news_.cancel();
            });
        }
    }

    awaitable<void> run(std::shared_ptr<ClientImpl> /*keeps this alive*/) {
        auto pause = network_->config.reconnect_first;
        for (int attempts_left = kAttemptsAfterEnd; !is_done_ && !is_abandoned_;) {
            const SteadyTime begun = std::chrono::steady_clock::now();
            co_await connect_once();
            if (is_done_ || (outbox_.is_finishing() && --attempts_left <= 0)) {
                break;
            }
            // One that accepts and hangs up at once is no better than one that refuses.
            if (std::chrono::steady_clock::now() - begun > network_->config.reconnect_most) {
                pause = network_->config.reconnect_first;
            }
            co_await wait(network_->spread(pause));
            pause = std::min(pause * 2, network_->config.reconnect_most);
        }
        network_->clients.erase(this);
        report();
    }

    void report() {
        const Loss loss = outbox_.abandon();
        if (loss == Loss{} && is_done_) {
            return;
        }
        ++network_->counters.sessions_damaged;
        network_->counters.samples_lost += loss.samples;
        network_->counters.packets_lost += loss.packets;
        network_->logger.log(
            LogLevel::Warning,
            "websocket",
            "the receiver did not get everything",
            {{"rs", session_},
             {"url", network_->url.without_query()},
             {"lost_ms", fmt::to_string(loss.samples * 1000 / network_->config.sample_rate)},
             {"lost_packets", fmt::to_string(loss.packets)}});
    }

    awaitable<void> wait(std::chrono::milliseconds pause) {
        if (is_abandoned_) {
            co_return;
        }
        asio::steady_timer timer(network_->context, pause);
        boost::system::error_code ignored;
        interrupt_ = [&timer] { timer.cancel(); };
        is_pausing_ = true;
        co_await timer.async_wait(asio::redirect_error(use_awaitable, ignored));
        is_pausing_ = false;
        interrupt_ = nullptr;
    }

    awaitable<void> connect_once() {
        std::string failure;
        try {
            if (network_->url.is_secure) {
                SecureStream stream(network_->context, network_->tls);
                co_await serve(stream);
            } else {
                PlainStream stream(network_->context);
                co_await serve(stream);
            }
        } catch (const std::exception& error) {
            failure = error.what();
        }
        if (std::exchange(is_connected_, false)) {
            --network_->counters.open;
        }
        outbox_.disconnect();
        interrupt_ = nullptr;
        if (!is_done_ && !is_abandoned_) {
            ++network_->counters.failed;
            network_->logger.log(LogLevel::Warning,
                                 "websocket",
                                 "connection refused or lost",
                                 {{"rs", session_},
                                  {"url", network_->url.without_query()},
                                  {"error", failure.empty() ? "closed by the receiver" : failure}});
        }
    }

    template <typename Stream>
    awaitable<void> serve(Stream& stream) {
        auto& tcp = beast::get_lowest_layer(stream);
        asio::ip::tcp::resolver resolver(network_->context);
        interrupt_ = [&tcp, &resolver] {
            resolver.cancel();
            tcp.cancel();
        };
        const auto found =
            co_await resolver.async_resolve(network_->url.host, network_->url.port, use_awaitable);
        stop_if_abandoned();
        tcp.expires_after(network_->config.connect_timeout);
        co_await tcp.async_connect(found, use_awaitable);
        tcp.socket().set_option(asio::ip::tcp::no_delay(true));
        if constexpr (std::is_same_v<Stream, SecureStream>) {
            stop_if_abandoned();
            co_await handshake_tls(stream);
        }
        stop_if_abandoned();
        tcp.expires_never();  // from here on WebSocket's own timeouts hold
        configure(stream);
        co_await stream.async_handshake(
            network_->url.authority(), network_->url.target, use_awaitable);
        stop_if_abandoned();
        co_await talk(stream);
    }

    /// An interruption that came between two operations has interrupted nothing.
    void stop_if_abandoned() const {
        if (is_abandoned_) {
            throw std::runtime_error("stopped");
        }
    }

    template <typename Stream>
    void configure(Stream& stream) {
        stream.set_option(beast::websocket::stream_base::timeout{
            .handshake_timeout = network_->config.connect_timeout,
            .idle_timeout = network_->config.idle_timeout,
            .keep_alive_pings = true});
        stream.set_option(beast::websocket::stream_base::decorator(
            [this](beast::websocket::request_type& request) {
                request.set(beast::http::field::user_agent, "libsiprec");
                for (const auto& [name, value] : network_->config.headers) {
                    request.set(name, value);
                }
            }));
        stream.auto_fragment(false);  // a small receiver need not put messages together
        stream.read_message_max(0);   // what comes is not kept
    }

    awaitable<void> handshake_tls(SecureStream& stream) {
        auto& tls = stream.next_layer();
        if (auto named = tls::expect_peer(tls.native_handle(), network_->url.host); !named) {
            throw std::runtime_error(named.error().to_string());
        }
        co_await tls.async_handshake(asio::ssl::stream_base::client, use_awaitable);
    }

    template <typename Stream>
    awaitable<void> talk(Stream& stream) {
        is_connected_ = true;
        ++network_->counters.connected;
        ++network_->counters.open;
        outbox_.connect();
        // What the receiver says is not asked for; but reading is what answers its pings and sees
        // it go.
        bool is_gone = false;
        asio::co_spawn(network_->context, listen(stream, is_gone), asio::detached);
        std::exception_ptr failure;
        try {
            co_await pump(stream, is_gone);
        } catch (...) {
            failure = std::current_exception();
        }
        beast::get_lowest_layer(stream).close();
        while (!is_gone) {
            co_await wait_for_news();  // `listen` uses the stream until then
        }
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    template <typename Stream>
    awaitable<void> pump(Stream& stream, const bool& is_gone) {
        auto greeting = greeting_(std::exchange(was_connected_, true));
        for (std::string& text : greeting) {
            Message message{.bytes = std::move(text)};
            co_await write(stream, std::move(message));
        }
        while (!is_gone && !is_abandoned_) {
            if (outbox_.is_overrun()) {
                throw std::runtime_error("the receiver is too slow");
            }
            auto message = outbox_.next(std::chrono::steady_clock::now());
            if (!message) {
                co_await wait_for_news();
                continue;
            }
            const bool is_last = message->is_last;
            co_await write(stream, std::move(*message));
            if (is_last) {
                // Closed from the other side too: everything before has arrived.
                co_await stream.async_close(beast::websocket::close_code::normal, use_awaitable);
                is_done_ = true;
                co_return;
            }
        }
    }

    template <typename Stream>
    awaitable<void> write(Stream& stream, Message message) {
        stream.binary(message.is_binary);
        co_await stream.async_write(asio::buffer(message.bytes), use_awaitable);
        ++network_->counters.messages_sent;
        network_->counters.samples_sent += message.samples;
    }

    template <typename Stream>
    awaitable<void> listen(Stream& stream, bool& is_gone) {
        const auto self = shared_from_this();
        boost::system::error_code error;
        beast::flat_buffer buffer;
        while (!error) {
            co_await stream.async_read_some(
                buffer, 4096, asio::redirect_error(use_awaitable, error));
            buffer.clear();
        }
        is_gone = true;
        news_.cancel();
    }

    awaitable<void> wait_for_news() {
        news_.expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code cancelled;
        co_await news_.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }

    const std::shared_ptr<NetworkImpl> network_;
    const std::string session_;
    const Greeting greeting_;
    Outbox outbox_;
    std::atomic<bool> is_woken_ = false;
    asio::steady_timer news_;  // cancelled when there is something to do
    bool is_connected_ = false;
    bool was_connected_ = false;
    bool is_pausing_ = false;
    bool is_done_ = false;  // the farewell has arrived
    bool is_abandoned_ = false;
    std::function<void()> interrupt_;  // ends what is waited for
};

Result<void> NetworkImpl::prepare() {
    try {
        tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                        asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1);
        tls.set_verify_mode(asio::ssl::verify_peer);
        if (config.ca_file.empty()) {
            tls.set_default_verify_paths();
        } else {
            tls.load_verify_file(config.ca_file);
        }
    } catch (const std::exception& error) {
        return Error(ErrorCode::Io, fmt::format("{}: {}", config.ca_file, error.what()));
    }
    try {
        thread_ = std::jthread([this] { run(); });
    } catch (const std::exception& error) {
        return Error(ErrorCode::Internal, fmt::format("no thread: {}", error.what()));
    }
    return {};
}

void NetworkImpl::run() noexcept {
    while (true) {
        try {
            context.run();
            return;
        } catch (const std::exception& error) {
            logger.log(LogLevel::Error, "websocket", "a handler failed", {{"error", error.what()}});
        }
    }
}

void NetworkImpl::stop(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    const auto busy = [this] {
        std::promise<std::size_t> count;
        asio::post(context, [&] { count.set_value(clients.size()); });
        return count.get_future().get();
    };
    while (busy() > 0 && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    asio::post(context, [this] {
        for (ClientImpl* client : clients) {
            client->abandon();
        }
    });
    work_.reset();
    if (thread_.joinable()) {
        thread_.join();
    }
}

WebSocketStats NetworkImpl::stats() const {
    return {.open = counters.open,
            .connected = counters.connected,
            .failed = counters.failed,
            .messages_sent = counters.messages_sent,
            .samples_sent = counters.samples_sent,
            .sessions_damaged = counters.sessions_damaged,
            .samples_lost = counters.samples_lost,
            .packets_lost = counters.packets_lost};
}

}  // namespace

Result<std::shared_ptr<Network>> Network::create(const WebSocketConfig& config, Logger& logger) {
    auto url = parse_url(config.url);
    if (!url) {
        return std::move(url).error();
    }
    auto network = std::make_shared<NetworkImpl>(config, std::move(*url), logger);
    if (auto prepared = network->prepare(); !prepared) {
        return std::move(prepared).error();
    }
    return std::shared_ptr<Network>(std::move(network));
}

std::shared_ptr<Client> Client::create(std::shared_ptr<Network> network,
                                       std::string session,
                                       Greeting greeting) {
    auto client = std::make_shared<ClientImpl>(
        std::static_pointer_cast<NetworkImpl>(network), std::move(session), std::move(greeting));
    client->start();
    return client;
}

}  // namespace siprec::websocket
