#pragma once

// SIP messages as plain values: what the rest of the library sees of SIP.

#include <siprec/clock.hpp>
#include <siprec/net.hpp>
#include <siprec/session.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace siprec::sip {

/// Names a dialog of this user agent; never used twice.
enum class DialogId : std::uint64_t {};

enum class Method : std::uint8_t { Invite, Ack, Cancel, Bye, Options, Update, Info, Prack, Other };

/// A message as it was on the wire, with its addresses.
struct WireMessage {
    std::string bytes;
    bool sent = false;
    Transport transport = Transport::Udp;
    Endpoint local;
    Endpoint remote;
    WallTime time;
};

/// What a Replaces header points at (RFC 3891 3).
struct ReplacesMatch {
    int status = 0;     // how the INVITE is to be refused; 0: not at all
    DialogId dialog{};  // the one that is replaced
};

/// A received request.
struct Request {
    Method method = Method::Other;
    std::string method_name;
    std::string request_uri;
    std::string call_id;
    std::string from_uri;
    std::string from_display;
    std::string to_uri;
    std::string contact_uri;  // empty when there is none that parses
    std::string user_agent;
    bool has_to_tag = false;
    std::uint32_t cseq = 0;
    std::vector<std::pair<std::string, std::string>> headers;  // all, in order
    std::vector<std::string> require;                          // option tags, lower case
    std::vector<std::string> supported;                        // likewise
    bool contact_is_src = false;  // `+sip.src` or `src`, as header or as URI parameter
    std::string reason;           // value of the first Reason header
    std::string content_type;
    std::string content_disposition;
    std::string body;
    std::optional<ReplacesMatch> replaces;  // of an INVITE outside a dialog
    WireMessage wire;
    std::vector<std::string> tls_names;  // of the client's certificate, proven
    std::string user;                    // who authenticated by digest; empty: nobody did
    bool acknowledges_ringing = false;   // PRACK: its RAck names our reliable 180 (RFC 3262 7.2)
    bool from_stranger = false;          // came past the TLS front, not through it
};

/// A response of ours. The user agent adds Server, Contact, Allow and the like.
struct Response {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;  // beyond what follows
    std::string body;
    std::string content_type;
    std::string warning;                   // text of a Warning header; empty: none
    std::vector<std::string> unsupported;  // for 420
    int retry_after_s = 0;                 // 0: none
    bool drop = false;                     // answer nothing at all

    [[nodiscard]] static Response of(int status) {
        Response response;
        response.status = status;
        return response;
    }
};

/// A request of ours. The user agent adds User-Agent, Contact, Allow and Supported.
struct ClientRequest {
    Method method = Method::Options;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::string content_type;
    std::string content_disposition;
};

/// The final answer to a request of ours.
struct Answer {
    int status = 0;
    std::string phrase;
    bool was_received = false;  // false: nobody answered, and the status is the stack's own word
    std::vector<std::pair<std::string, std::string>> headers;  // all, in order
    std::string content_type;
    std::string content_disposition;
    std::string body;
    WireMessage wire;

    [[nodiscard]] bool is_success() const noexcept { return status >= 200 && status < 300; }
};

}  // namespace siprec::sip
