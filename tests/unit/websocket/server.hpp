#pragma once

// A WebSocket server for tests, over loopback, with and without TLS.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace siprec::test {

struct Received {
    std::string bytes;
    bool is_binary = false;
};

/// Accepts one connection after the other and keeps what comes.
class WebSocketServer {
  public:
    /// @param port  0: any
    /// @param pem   certificate and key; empty: no TLS
    explicit WebSocketServer(std::uint16_t port = 0, const std::string& pem = {})
        : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), port}) {
        if (!pem.empty()) {
            tls_.emplace(boost::asio::ssl::context::tls_server);
            tls_->use_certificate_chain_file(pem);
            tls_->use_private_key_file(pem, boost::asio::ssl::context::pem);
        }
        thread_ = std::thread([this] { serve(); });
    }

    WebSocketServer(const WebSocketServer&) = delete;
    WebSocketServer& operator=(const WebSocketServer&) = delete;

    ~WebSocketServer() {
        stopping_ = true;
        boost::system::error_code ignored;
        boost::asio::ip::tcp::socket(context_).connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
    }

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

    [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
        return (tls_ ? "wss://" : "ws://") + host + ":" + std::to_string(port()) + "/in";
    }

    /// Waits for the end of the connection that is the n-th.
    std::vector<Received> connection(std::size_t number) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return ended_ > number; });
        return connections_[number];
    }

    [[nodiscard]] std::size_t connections() {
        const std::scoped_lock lock(mutex_);
        return connections_.size();
    }

    std::atomic<std::size_t> hang_up_after = SIZE_MAX;  // messages of the first connection

    [[nodiscard]] std::string authorization() {
        const std::scoped_lock lock(mutex_);
        return authorization_;
    }

  private:
    using Socket = boost::beast::tcp_stream;

    void serve() {
        while (true) {
            boost::system::error_code error;
            boost::asio::ip::tcp::socket socket(context_);
            acceptor_.accept(socket, error);
            if (stopping_) {
                return;
            }
            if (!tls_) {
                talk(boost::beast::websocket::stream<Socket>(std::move(socket)));
                continue;
            }
            boost::asio::ssl::stream<Socket> secure(Socket(std::move(socket)), *tls_);
            secure.handshake(boost::asio::ssl::stream_base::server, error);
            if (!error) {
                talk(boost::beast::websocket::stream<boost::asio::ssl::stream<Socket>>(
                    std::move(secure)));
            }
        }
    }

    template <typename Stream>
    void talk(Stream stream) {
        boost::system::error_code error;
        boost::beast::flat_buffer request_buffer;
        boost::beast::http::request<boost::beast::http::string_body> request;
        boost::beast::http::read(stream.next_layer(), request_buffer, request, error);
        stream.accept(request, error);
        {
            const std::scoped_lock lock(mutex_);
            connections_.emplace_back();
            authorization_ = std::string(request["Authorization"]);
        }
        for (std::size_t i = 0; !error && i < hang_up_after; ++i) {
            boost::beast::flat_buffer buffer;
            stream.read(buffer, error);
            if (!error) {
                const std::scoped_lock lock(mutex_);
                connections_.back().push_back(
                    {boost::beast::buffers_to_string(buffer.data()), stream.got_binary()});
            }
        }
        hang_up_after = SIZE_MAX;
        boost::beast::get_lowest_layer(stream).close();
        const std::scoped_lock lock(mutex_);
        ++ended_;
        changed_.notify_all();
    }

    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::optional<boost::asio::ssl::context> tls_;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::vector<Received>> connections_;
    std::size_t ended_ = 0;
    std::string authorization_;
    std::thread thread_;
};

}  // namespace siprec::test
