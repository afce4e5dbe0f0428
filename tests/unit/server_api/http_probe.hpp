#pragma once

// A plain TCP client that sends bytes as they are and reads HTTP answers one by one.

#include <siprec/net.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace siprec::server::test {

struct Answer {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
};

class HttpProbe {
  public:
    explicit HttpProbe(const Endpoint& server);
    HttpProbe(const HttpProbe&) = delete;
    HttpProbe& operator=(const HttpProbe&) = delete;
    ~HttpProbe();

    void send(std::string_view bytes) const;

    /// GET with a good Host field.
    void get(const std::string& target, const std::string& more_headers = "") const;

    /// The next answer. @param has_body  false for answers to HEAD
    [[nodiscard]] Answer read(bool has_body = true);

    /// The server has closed the connection and nothing else came. Waits for it.
    [[nodiscard]] bool is_closed();

  private:
    bool receive();

    int socket_;
    std::string received_;
};

/// One request on a connection of its own.
[[nodiscard]] Answer get(const Endpoint& server,
                         const std::string& target,
                         const std::string& more_headers = "");

/// Likewise, with another method.
[[nodiscard]] Answer request(const Endpoint& server,
                             const std::string& method,
                             const std::string& target,
                             const std::string& more_headers = "");

}  // namespace siprec::server::test
