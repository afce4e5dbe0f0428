#include "api/connection.hpp"

#include "api/responses.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

namespace siprec::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::size_t kFileChunk = 65'536;
constexpr std::chrono::seconds kLingerTime{2};

HttpRequest to_request(const http::request<http::string_body>& message) {
    HttpRequest request;
    request.method = std::string(message.method_string());
    const std::string_view target{message.target().data(), message.target().size()};
    request.path = std::string(target.substr(0, target.find('?')));
    if (request.path.size() < target.size()) {
        request.query = std::string(target.substr(request.path.size() + 1));
    }
    for (const auto& field : message) {
        request.headers.emplace_back(field.name_string(), field.value());
    }
    return request;
}

/// IMF-fixdate (RFC 9110 5.6.7).
std::string http_date() {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm parts{};
    std::array<char, 64> text{};
    if (::gmtime_r(&now, &parts) == nullptr) {
        return {};
    }
    const std::size_t size =
        std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text.data(), size};
}

/// The status that tells a client what was wrong with its request; 0 when it went away by itself.
unsigned status_of(boost::system::error_code failure) {
    if (failure == http::error::body_limit) {
        return 413;
    }
    if (failure == http::error::header_limit || failure == http::error::buffer_overflow) {
        return 431;
    }
    // After a time-out there is nobody to tell: the stream has closed the connection.
    const bool is_gone =
        failure == http::error::end_of_stream || failure == http::error::partial_message ||
        failure.category() != http::make_error_code(http::error::end_of_stream).category();
    return is_gone ? 0 : 400;
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, Dispatcher& dispatcher, Services& services)
    : stream_(std::move(socket)), dispatcher_(dispatcher), services_(services) {}

void Connection::renew_deadline() {
    stream_.expires_after(services_.dependencies.limits.timeout);
}

asio::awaitable<void> Connection::run() {
    // Small answers are written in two pieces, which Nagle's algorithm would delay.
    boost::system::error_code ignored;
    stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    bool goes_on = true;
    while (goes_on && !draining_) {
        goes_on = co_await serve_one();
    }
    co_await linger();
}

void Connection::drain() {
    asio::dispatch(stream_.get_executor(), [self = shared_from_this()] {
        self->draining_ = true;
        const bool is_idle = self->is_reading_ && self->parser_ && !self->parser_->got_some();
        if (is_idle) {
            self->stream_.cancel();
        }
    });
}

asio::awaitable<bool> Connection::serve_one() {
    const ApiLimits& limits = services_.dependencies.limits;
    parser_.emplace();
    parser_->header_limit(limits.request_bytes);
    parser_->body_limit(limits.request_bytes);
    renew_deadline();
    boost::system::error_code failure;
    is_reading_ = true;
    co_await http::async_read(
        stream_, buffer_, *parser_, asio::redirect_error(asio::use_awaitable, failure));
    is_reading_ = false;
    stream_.expires_never();
    if (failure) {
        co_return co_await refuse(failure);
    }
    HttpRequest request = to_request(parser_->get());
    const bool with_body = request.method != "HEAD";
    if (!request.path.starts_with('/')) {
        const HttpResponse response = problem(400, "the request target must be a path");
        co_return co_await send(response, with_body, false);
    }
    const HttpResponse response = co_await dispatcher_.answer(std::move(request));
    co_return co_await send(response, with_body, parser_->keep_alive() && !draining_);
}

asio::awaitable<bool> Connection::refuse(boost::system::error_code failure) {
    const unsigned status = status_of(failure);
    if (status != 0) {
        const HttpResponse response = problem(status, failure.message());
        co_await send(response, true, false);
    }
    co_return false;
}

asio::awaitable<bool> Connection::send(const HttpResponse& response,
                                       bool with_body,
                                       bool keep_alive) {
    http::response<http::empty_body> head;
    head.version(11);
    head.result(response.status);
    head.reason({reason_phrase(response.status).data(), reason_phrase(response.status).size()});
    head.set(http::field::server, "siprec-server");
    head.set(http::field::date, http_date());
    for (const auto& [name, value] : response.headers) {
        head.set(name, value);
    }
    // RFC 9110 8.6: no Content-Length in a 204; in a 304 it would have to be the file's.
    const bool has_length = response.status != 204 && response.status != 304;
    if (has_length) {
        head.set(http::field::content_length, std::to_string(response.length()));
    }
    head.keep_alive(keep_alive);
    http::response_serializer<http::empty_body> serializer(head);
    boost::system::error_code failure;
    renew_deadline();
    co_await http::async_write_header(
        stream_, serializer, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) {
        co_return false;
    }
    bool sent = true;
    if (with_body && has_length) {
        if (const auto* slice = std::get_if<FileSlice>(&response.body)) {
            sent = co_await send_file(*slice);
        } else if (const auto* text = std::get_if<std::string>(&response.body)) {
            sent = co_await send_bytes(*text);
        }
    }
    co_return sent&& keep_alive;
}

asio::awaitable<bool> Connection::send_bytes(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, kFileChunk);
        boost::system::error_code failure;
        renew_deadline();
        co_await asio::async_write(stream_,
                                   asio::buffer(piece.data(), piece.size()),
                                   asio::redirect_error(asio::use_awaitable, failure));
        if (failure) {
            co_return false;
        }
        bytes.remove_prefix(piece.size());
    }
    co_return true;
}

asio::awaitable<bool> Connection::send_file(const FileSlice& slice) {
    std::vector<char> chunk(kFileChunk);
    std::uint64_t done = 0;
    while (done < slice.length) {
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(kFileChunk, slice.length - done));
        const auto got = slice.file.read(slice.offset + done, std::span(chunk.data(), wanted));
        if (!got || *got != wanted) {
            // The length is promised already: only a broken connection tells the client.
            const std::string text = got ? "the file became shorter" : got.error().to_string();
            services_.logger.log(LogLevel::Error, "api", "artefact cut off", {{"error", text}});
            co_return false;
        }
        if (!co_await send_bytes({chunk.data(), wanted})) {
            co_return false;
        }
        done += wanted;
    }
    co_return true;
}

asio::awaitable<void> Connection::linger() {
    // Closing with unread bytes resets the connection, and the client would lose our last answer.
    constexpr std::size_t kMost = 1'048'576;
    boost::system::error_code failure;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, failure);
    std::vector<char> sink(kFileChunk);
    std::size_t total = 0;
    stream_.expires_after(kLingerTime);
    while (!failure && !draining_ && total < kMost) {
        total += co_await stream_.async_read_some(
            asio::buffer(sink), asio::redirect_error(asio::use_awaitable, failure));
    }
    stream_.close();
}

}  // namespace siprec::server
