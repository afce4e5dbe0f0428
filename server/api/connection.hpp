#pragma once

#include "api/dispatcher.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <memory>
#include <optional>

namespace siprec::server {

/// One HTTP/1.1 connection: requests in, one after the other, responses out. Lives on the strand of
/// its socket; `drain` may be called from anywhere.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    /// @param dispatcher, services  outlive every step of `run`
    Connection(boost::asio::ip::tcp::socket socket, Dispatcher& dispatcher, Services& services);

    /// Serves until the client leaves, breaks a rule or is too slow, or `drain` is called.
    [[nodiscard]] boost::asio::awaitable<void> run();

    /// Finishes the request in work, if there is one, then ends.
    void drain();

  private:
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

    boost::asio::awaitable<bool> serve_one();
    boost::asio::awaitable<bool> refuse(boost::system::error_code failure);
    boost::asio::awaitable<bool> send(const HttpResponse& response,
                                      bool with_body,
                                      bool keep_alive);
    boost::asio::awaitable<bool> send_bytes(std::string_view bytes);
    boost::asio::awaitable<bool> send_file(const FileSlice& slice);
    boost::asio::awaitable<void> linger();
    void renew_deadline();

    boost::beast::tcp_stream stream_;
    Dispatcher& dispatcher_;
    Services& services_;
    boost::beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    bool is_reading_ = false;
    bool draining_ = false;
};

}  // namespace siprec::server
