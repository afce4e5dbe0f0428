#include "api/api_server.hpp"

#include "api/connection.hpp"
#include "api/dispatcher.hpp"
#include "api/services.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace siprec::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t kNetworkThreads = 2;
constexpr std::chrono::seconds kCatalogCheckInterval{2};
constexpr std::chrono::seconds kDrainTime{2};

tcp::endpoint to_asio(const Endpoint& endpoint) {
    const auto bytes = endpoint.address.bytes();
    if (endpoint.address.is_v6()) {
        asio::ip::address_v6::bytes_type v6{};
        std::copy(bytes.begin(), bytes.end(), v6.begin());
        return {asio::ip::address_v6(v6), endpoint.port};
    }
    asio::ip::address_v4::bytes_type v4{};
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    return {asio::ip::address_v4(v4), endpoint.port};
}

/// The connections that are open, so that they can be counted and drained. *Thread-safe.*
class OpenConnections {
  public:
    void add(const std::shared_ptr<Connection>& connection) {
        const std::scoped_lock lock(mutex_);
        connections_.push_back(connection);
    }

    void remove(const Connection& connection) {
        {
            const std::scoped_lock lock(mutex_);
            std::erase_if(connections_,
                          [&](const auto& each) { return each.get() == &connection; });
        }
        changed_.notify_all();
    }

    [[nodiscard]] std::size_t size() const {
        const std::scoped_lock lock(mutex_);
        return connections_.size();
    }

    [[nodiscard]] std::vector<std::shared_ptr<Connection>> all() const {
        const std::scoped_lock lock(mutex_);
        return connections_;
    }

    void clear() {
        const std::scoped_lock lock(mutex_);
        connections_.clear();
    }

    void wait_until_empty(std::chrono::milliseconds most) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, most, [this] { return connections_.empty(); });
    }

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    // Shared with the coroutine that runs it: whichever of the two ends first.
    std::vector<std::shared_ptr<Connection>> connections_;
};

/// Tells a client that there is no room. One small packet into an empty buffer: does not block.
void turn_away(tcp::socket socket) {
    constexpr std::string_view kAnswer =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
        "Connection: close\r\n\r\n";
    boost::system::error_code ignored;  // the client loses its connection either way
    socket.non_blocking(true, ignored);
    socket.send(asio::buffer(kAnswer), 0, ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
}

class ApiServerImpl final : public ApiServer {
  public:
    ApiServerImpl(ApiDependencies dependencies, Logger& logger)
        : services_{.dependencies = std::move(dependencies), .logger = logger},
          acceptor_(asio::make_strand(io_)),
          catalog_timer_(acceptor_.get_executor()) {
        services_.started = system_clock().now();
        services_.steady_started = system_clock().steady_now();
    }

    ApiServerImpl(const ApiServerImpl&) = delete;
    ApiServerImpl& operator=(const ApiServerImpl&) = delete;

    ~ApiServerImpl() override { shut_down(); }

    Result<void> open(const Endpoint& listen);

    [[nodiscard]] Endpoint endpoint() const override { return services_.listen; }

    void stop() override { shut_down(); }

  private:
    asio::awaitable<void> accept_all();
    asio::awaitable<void> watch_catalog();
    void serve(tcp::socket socket);
    void shut_down();

    Services services_;
    OpenConnections connections_;
    asio::io_context io_{static_cast<int>(kNetworkThreads)};
    tcp::acceptor acceptor_;
    asio::steady_timer catalog_timer_;
    std::unique_ptr<Dispatcher> dispatcher_;
    std::vector<std::jthread> threads_;
    std::once_flag stopped_;
};

Result<void> ApiServerImpl::open(const Endpoint& listen) {
    const tcp::endpoint wanted = to_asio(listen);
    boost::system::error_code failure;
    const auto failed = [&](std::string_view step) {
        return Error(ErrorCode::Io,
                     fmt::format("HTTP {}: {}: {}", listen.to_string(), step, failure.message()));
    };
    if (acceptor_.open(wanted.protocol(), failure)) {
        return failed("socket");
    }
    if (acceptor_.set_option(tcp::acceptor::reuse_address(true), failure)) {
        return failed("SO_REUSEADDR");
    }
    if (acceptor_.bind(wanted, failure)) {
        return failed("bind");
    }
    if (acceptor_.listen(tcp::acceptor::max_listen_connections, failure)) {
        return failed("listen");
    }
    const tcp::endpoint opened = acceptor_.local_endpoint(failure);
    if (failure) {
        return failed("local address");
    }
    services_.listen = {listen.address, opened.port()};
    dispatcher_ = std::make_unique<Dispatcher>(services_);
    asio::co_spawn(acceptor_.get_executor(), accept_all(), asio::detached);
    asio::co_spawn(acceptor_.get_executor(), watch_catalog(), asio::detached);
    for (std::size_t i = 0; i < kNetworkThreads; ++i) {
        threads_.emplace_back([this] { io_.run(); });
    }
    return {};
}

asio::awaitable<void> ApiServerImpl::accept_all() {
    asio::steady_timer pause(acceptor_.get_executor());
    while (acceptor_.is_open()) {
        boost::system::error_code failure;
        tcp::socket socket = co_await acceptor_.async_accept(
            asio::make_strand(io_), asio::redirect_error(asio::use_awaitable, failure));
        if (!acceptor_.is_open()) {
            co_return;
        }
        if (failure) {
            // Out of file handles, mostly: the client waits in the queue until there are some.
            const std::string text = failure.message();
            services_.logger.log(LogLevel::Warning, "api", "cannot accept", {{"error", text}});
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failure));
        } else if (connections_.size() >= services_.dependencies.limits.connections) {
            turn_away(std::move(socket));
        } else {
            serve(std::move(socket));
        }
    }
}

void ApiServerImpl::serve(tcp::socket socket) {
    const auto strand = socket.get_executor();
    auto connection = std::make_shared<Connection>(std::move(socket), *dispatcher_, services_);
    connections_.add(connection);
    asio::co_spawn(
        strand, connection->run(), [this, connection](const std::exception_ptr& failure) {
            connections_.remove(*connection);
            if (failure) {
                services_.logger.log(LogLevel::Error, "api", "connection ended by an exception");
            }
        });
}

asio::awaitable<void> ApiServerImpl::watch_catalog() {
    while (acceptor_.is_open()) {
        dispatcher_->check_catalog();
        boost::system::error_code ignored;  // cancelled: the loop sees the closed acceptor
        catalog_timer_.expires_after(kCatalogCheckInterval);
        co_await catalog_timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
}

void ApiServerImpl::shut_down() {
    std::call_once(stopped_, [this] {
        asio::post(acceptor_.get_executor(), [this] {
            boost::system::error_code ignored;  // nothing is lost with a listening socket
            acceptor_.close(ignored);
            catalog_timer_.cancel();
            for (const auto& connection : connections_.all()) {
                connection->drain();
            }
        });
        connections_.wait_until_empty(kDrainTime);
        // The network threads ask the dispatcher for answers, so they go first.
        io_.stop();
        threads_.clear();
        dispatcher_.reset();
        connections_.clear();
    });
}

}  // namespace

Result<std::unique_ptr<ApiServer>> ApiServer::start(const Endpoint& listen,
                                                    ApiDependencies dependencies,
                                                    Logger& logger) {
    auto server = std::make_unique<ApiServerImpl>(std::move(dependencies), logger);
    if (auto opened = server->open(listen); !opened) {
        return opened.error();
    }
    return std::unique_ptr<ApiServer>(std::move(server));
}

}  // namespace siprec::server
