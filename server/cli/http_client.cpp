#include "cli/http_client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace siprec::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr std::size_t kChunk = 65'536;
constexpr std::size_t kLargestBody = std::size_t{64} << 20U;

using ReplyParser = http::response_parser<http::buffer_body>;

/// One request and its answer. *One thread.*
class Exchange {
  public:
    Exchange(asio::io_context& io,
             const ServerUrl& server,
             std::chrono::milliseconds timeout,
             const BodySink& sink)
        : resolver_(io), stream_(io), server_(server), timeout_(timeout), sink_(sink) {
        parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
    }

    asio::awaitable<void> run(std::string method,
                              std::string target,
                              std::optional<Result<HttpReply>>& outcome);

  private:
    asio::awaitable<Result<HttpReply>> perform(std::string method, std::string target);
    asio::awaitable<Result<void>> connect();
    asio::awaitable<Result<void>> read_body(HttpReply& reply);
    [[nodiscard]] Error failed(std::string_view step, boost::system::error_code failure) const;
    Result<void> take(HttpReply& reply, std::string_view piece) const;

    asio::ip::tcp::resolver resolver_;
    beast::tcp_stream stream_;
    const ServerUrl& server_;
    std::chrono::milliseconds timeout_;
    const BodySink& sink_;
    beast::flat_buffer buffer_;
    ReplyParser parser_;
};

Error Exchange::failed(std::string_view step, boost::system::error_code failure) const {
    const std::string text =
        fmt::format("http://{}: {}: {}", server_.authority, step, failure.message());
    if (failure == beast::error::timeout) {
        return {ErrorCode::Timeout,
                fmt::format("http://{}: {}: no answer in time", server_.authority, step)};
    }
    if (failure == http::error::partial_message) {
        return {ErrorCode::Malformed,
                fmt::format("http://{}: the answer was cut off", server_.authority)};
    }
    const bool is_http =
        failure.category() == http::make_error_code(http::error::end_of_stream).category();
    return {is_http ? ErrorCode::Malformed : ErrorCode::Unavailable, text};
}

Result<void> Exchange::take(HttpReply& reply, std::string_view piece) const {
    if (sink_ && reply.status == 200) {
        return sink_(piece);
    }
    if (reply.body.size() + piece.size() > kLargestBody) {
        return Error(ErrorCode::LimitExceeded, "the server's answer is too large");
    }
    reply.body += piece;
    return {};
}

asio::awaitable<Result<void>> Exchange::connect() {
    boost::system::error_code failure;
    const auto addresses = co_await resolver_.async_resolve(
        server_.host, server_.port, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) {
        co_return failed("find address", failure);
    }
    stream_.expires_after(timeout_);
    co_await stream_.async_connect(addresses, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) {
        co_return failed("connect", failure);
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> Exchange::read_body(HttpReply& reply) {
    std::vector<char> chunk(kChunk);
    boost::system::error_code failure;
    while (!parser_.is_done()) {
        auto& body = parser_.get().body();
        body.data = chunk.data();
        body.size = chunk.size();
        stream_.expires_after(timeout_);
        co_await http::async_read(
            stream_, buffer_, parser_, asio::redirect_error(asio::use_awaitable, failure));
        // need_buffer: the chunk is full, and there is more.
        if (failure && failure != http::error::need_buffer) {
            co_return failed("read", failure);
        }
        if (auto taken = take(reply, {chunk.data(), chunk.size() - body.size}); !taken) {
            co_return taken;
        }
    }
    co_return Result<void>();
}

asio::awaitable<void> Exchange::run(std::string method,
                                    std::string target,
                                    std::optional<Result<HttpReply>>& outcome) {
    outcome = co_await perform(std::move(method), std::move(target));
}

asio::awaitable<Result<HttpReply>> Exchange::perform(std::string method, std::string target) {
    if (auto connected = co_await connect(); !connected) {
        co_return connected.error();
    }
    http::request<http::empty_body> request(http::string_to_verb(method), target, 11);
    if (request.method() != http::verb::get) {
        request.content_length(0);
    }
    request.set(http::field::host, server_.authority);
    request.set(http::field::user_agent, "siprecctl");
    request.set(http::field::accept, "*/*");
    request.keep_alive(false);
    boost::system::error_code failure;
    co_await http::async_write(
        stream_, request, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) {
        co_return failed("send", failure);
    }
    stream_.expires_after(timeout_);
    co_await http::async_read_header(
        stream_, buffer_, parser_, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) {
        co_return failed("read", failure);
    }
    HttpReply reply;
    reply.status = parser_.get().result_int();
    reply.content_type = std::string(parser_.get()[http::field::content_type]);
    reply.etag = std::string(parser_.get()[http::field::etag]);
    std::erase(reply.etag, '"');
    if (auto read = co_await read_body(reply); !read) {
        co_return read.error();
    }
    co_return reply;
}

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<ServerUrl> ServerUrl::parse(std::string_view text) {
    const Error bad(ErrorCode::InvalidArgument,
                    fmt::format("server URL {}: expected http://HOST:PORT", text));
    constexpr std::string_view kScheme = "http://";
    if (!text.starts_with(kScheme)) {
        return bad;
    }
    std::string_view rest = text.substr(kScheme.size());
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    ServerUrl url;
    url.authority = std::string(rest);
    std::string_view port = "80";
    const std::size_t host_end = rest.starts_with('[') ? rest.find(']') : 0;
    if (host_end == std::string_view::npos) {
        return bad;
    }
    const std::size_t colon = rest.find(':', host_end);
    std::string_view host = rest.substr(0, colon);
    if (colon != std::string_view::npos) {
        port = rest.substr(colon + 1);
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    const bool is_plain = host.find_first_of("/?#@[] \r\n") == std::string_view::npos;
    if (host.empty() || !is_plain || !is_port(port)) {
        return bad;
    }
    url.host = std::string(host);
    url.port = std::string(port);
    return url;
}

Result<HttpReply> http_request(const std::string& method,
                               const ServerUrl& server,
                               const std::string& target,
                               std::chrono::milliseconds timeout,
                               const BodySink& sink) {
    std::optional<Result<HttpReply>> outcome;
    try {
        asio::io_context io;
        Exchange exchange(io, server, timeout, sink);
        asio::co_spawn(
            io, exchange.run(method, target, outcome), [](const std::exception_ptr& failure) {
                if (failure) {
                    std::rethrow_exception(failure);
                }
            });
        io.run();
    } catch (const std::exception& defect) {
        return Error(ErrorCode::Internal, defect.what());
    }
    return outcome ? std::move(*outcome) : Error(ErrorCode::Internal, "the request was abandoned");
}

Result<HttpReply> http_get(const ServerUrl& server,
                           const std::string& target,
                           std::chrono::milliseconds timeout,
                           const BodySink& sink) {
    return http_request("GET", server, target, timeout, sink);
}

}  // namespace siprec::server
