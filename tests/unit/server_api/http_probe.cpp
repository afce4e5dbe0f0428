#include "unit/server_api/http_probe.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

namespace siprec::server::test {

HttpProbe::HttpProbe(const Endpoint& server) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    // A test that waits for an answer which never comes ends all the same.
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's own cast
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(socket_);
        throw std::runtime_error("cannot connect to the API server");
    }
}

HttpProbe::~HttpProbe() {
    ::close(socket_);
}

void HttpProbe::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;  // the server has closed: what it said before is what the test reads
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void HttpProbe::get(const std::string& target, const std::string& more_headers) const {
    send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more_headers + "\r\n");
}

bool HttpProbe::receive() {
    std::array<char, 16'384> buffer{};
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got > 0) {
        received_.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return got > 0;
}

Answer HttpProbe::read(bool has_body) {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
        if (!receive()) {
            throw std::runtime_error("no answer; so far: " + received_);
        }
    }
    Answer answer;
    const std::string head = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    answer.status = std::stoi(head.substr(9, 3));
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
        const std::size_t colon = head.find(':', at);
        const std::size_t stop = head.find("\r\n", at);
        std::string name = head.substr(at, colon - at);
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
            return static_cast<char>(std::tolower(c));
        });
        answer.headers[name] = head.substr(colon + 2, stop - colon - 2);
        at = stop + 2;
    }
    const auto length = answer.headers.find("content-length");
    const std::size_t wanted =
        has_body && length != answer.headers.end() ? std::stoul(length->second) : 0;
    while (received_.size() < wanted) {
        if (!receive()) {
            throw std::runtime_error("the body was cut off");
        }
    }
    answer.body = received_.substr(0, wanted);
    received_.erase(0, wanted);
    return answer;
}

bool HttpProbe::is_closed() {
    return received_.empty() && !receive();
}

Answer request(const Endpoint& server,
               const std::string& method,
               const std::string& target,
               const std::string& more_headers) {
    HttpProbe probe(server);
    probe.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more_headers + "\r\n");
    return probe.read(method != "HEAD");
}

Answer get(const Endpoint& server, const std::string& target, const std::string& more_headers) {
    return request(server, "GET", target, more_headers);
}

}  // namespace siprec::server::test
