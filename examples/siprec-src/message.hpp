#pragma once

#include <siprec/net.hpp>
#include <siprec/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// SIPREC client simulator. It shares no SIP code with the library on purpose: a peer that was
/// written apart finds what two ends of one implementation agree on by mistake.
namespace srcsim {

using siprec::Result;

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// One header field line, compact names expanded.
struct Header {
    std::string name;
    std::string value;
};

/// A SIP request or response (RFC 3261 7).
struct Message {
    std::string method;  ///< empty: a response
    std::string uri;     ///< Request-URI
    int status = 0;
    std::string reason;
    std::vector<Header> headers;
    std::string body;

    [[nodiscard]] bool is_request() const noexcept { return !method.empty(); }

    /// The first field of that name, any case; empty when there is none.
    [[nodiscard]] std::string_view value(std::string_view name) const noexcept;

    /// All fields of that name, in order, one entry a line.
    [[nodiscard]] std::vector<std::string_view> values(std::string_view name) const;

    void add(std::string_view name, std::string_view value);

    /// The message as sent, with Content-Length.
    [[nodiscard]] std::string to_text() const;
};

/// Reads one message: line ends CRLF or LF, folded lines joined, compact names expanded. A body
/// longer than Content-Length is cut to it (RFC 3261 18.3).
[[nodiscard]] Result<Message> parse_message(std::string_view text);

/// CSeq, RFC 3261 20.16.
struct CSeq {
    std::uint32_t number = 0;
    std::string method;
};

[[nodiscard]] std::optional<CSeq> parse_cseq(std::string_view value);

/// The value of From, To, Contact, Route (RFC 3261 20.10); of a list, the first entry.
struct NameAddr {
    std::string display;
    std::string uri;                                          ///< without the angle brackets
    std::vector<std::pair<std::string, std::string>> params;  ///< header parameters, unquoted

    [[nodiscard]] const std::string* param(std::string_view name) const noexcept;
};

[[nodiscard]] std::optional<NameAddr> parse_name_addr(std::string_view value);

/// Cuts a list of name-addrs at the commas that are in neither quotes nor brackets.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view value);

/// The parts of a SIP URI that choose the next hop (RFC 3261 19.1).
struct SipUri {
    std::string scheme;  ///< "sip" or "sips"
    std::string user;
    std::string host;  ///< without brackets
    std::optional<std::uint16_t> port;
    std::string transport;  ///< transport parameter, lower case; may be empty
};

[[nodiscard]] std::optional<SipUri> parse_sip_uri(std::string_view text);

/// `192.0.2.1` or `[2001:db8::1]`, as a URI and Via write it.
[[nodiscard]] std::string uri_host(const siprec::IpAddress& address);

/// Finds message ends in a TCP stream by Content-Length (RFC 3261 18.3). *One thread.*
class StreamFramer {
  public:
    void push(std::string_view bytes) { buffer_.append(bytes); }

    /// The next whole message; nothing while it is incomplete. An error ends the connection: where
    /// the next message starts can no longer be known.
    [[nodiscard]] Result<std::optional<Message>> next();

  private:
    std::string buffer_;
};

}  // namespace srcsim
