#include "cli/http_client.hpp"

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

using siprec::ErrorCode;
using siprec::server::http_get;
using siprec::server::ServerUrl;

namespace {

constexpr std::chrono::milliseconds kPatience{5000};

/// Takes one connection and sends `answer`, whatever it is asked; then closes unless told to hold
/// on.
class CannedServer {
  public:
    explicit CannedServer(std::string answer) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's own cast
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(socket_, generic, size) == 0);
        REQUIRE(::listen(socket_, 1) == 0);
        REQUIRE(::getsockname(socket_, generic, &size) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this, text = std::move(answer)] {
            const int client = ::accept(socket_, nullptr, nullptr);
            std::array<char, 4096> request{};
            if (::recv(client, request.data(), request.size(), 0) > 0) {
                static_cast<void>(::send(client, text.data(), text.size(), MSG_NOSIGNAL));
            }
            // An empty answer is that of a server which hangs: it waits for the client to leave.
            if (text.empty()) {
                static_cast<void>(::recv(client, request.data(), request.size(), 0));
            }
            ::close(client);
        });
    }

    CannedServer(const CannedServer&) = delete;
    CannedServer& operator=(const CannedServer&) = delete;

    ~CannedServer() {
        thread_ = {};
        ::close(socket_);
    }

    [[nodiscard]] ServerUrl url() const {
        return *ServerUrl::parse("http://127.0.0.1:" + std::to_string(port_));
    }

  private:
    int socket_;
    unsigned port_ = 0;
    std::jthread thread_;
};

}  // namespace

TEST_CASE("server URL: is read when it is http with host and port", "[unit][cli]") {
    struct Row {
        const char* text;
        const char* host;
        const char* port;
    };

    const auto row = GENERATE(Row{"http://127.0.0.1:8080", "127.0.0.1", "8080"},
                              Row{"http://localhost", "localhost", "80"},
                              Row{"http://[::1]:9/", "::1", "9"},
                              Row{"http://recorder.example.com/", "recorder.example.com", "80"});
    const auto url = ServerUrl::parse(row.text);
    REQUIRE(url);
    CHECK(url->host == row.host);
    CHECK(url->port == row.port);
}

TEST_CASE("server URL: is refused when it is anything else", "[unit][cli]") {
    const auto* text = GENERATE("localhost:8080",
                                "https://localhost",
                                "http://",
                                "http://:80",
                                "http://a:b",
                                "http://a:",
                                "http://a/path",
                                "http://[::1",
                                "http://user@host",
                                "http://a\r\nX: y");
    const auto url = ServerUrl::parse(text);
    REQUIRE_FALSE(url);
    CHECK(url.error().code() == ErrorCode::InvalidArgument);
}

TEST_CASE("HTTP client: gives status and body when the server answers", "[unit][cli]") {
    const CannedServer server(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"abc\"\r\nContent-Type: a/b\r\n\r\nhello");
    const auto reply = http_get(server.url(), "/", kPatience);
    REQUIRE(reply);
    CHECK(reply->status == 200);
    CHECK(reply->body == "hello");
    CHECK(reply->etag == "abc");
    CHECK(reply->content_type == "a/b");
}

TEST_CASE("HTTP client: fails when the answer is shorter than promised", "[unit][cli]") {
    const CannedServer server("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    const auto reply = http_get(server.url(), "/", kPatience);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code() == ErrorCode::Malformed);
}

TEST_CASE("HTTP client: fails when the server does not speak HTTP", "[unit][cli]") {
    const CannedServer server("SSH-2.0-OpenSSH\r\n\r\n");
    const auto reply = http_get(server.url(), "/", kPatience);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code() == ErrorCode::Malformed);
}

TEST_CASE("HTTP client: gives up when the server hangs", "[unit][cli]") {
    const CannedServer server("");
    const auto reply = http_get(server.url(), "/", std::chrono::milliseconds(50));
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code() == ErrorCode::Timeout);
    CHECK(reply.error().message().find(server.url().authority) != std::string::npos);
}

TEST_CASE("HTTP client: stops when the sink cannot take more", "[unit][cli]") {
    const CannedServer server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    const auto reply = http_get(server.url(), "/", kPatience, [](std::string_view) {
        return siprec::Result<void>(siprec::Error(ErrorCode::Io, "disk full"));
    });
    REQUIRE_FALSE(reply);
    CHECK(reply.error().message() == "disk full");
}
