#pragma once

// Behind the TLS front the SIP stack sees TCP from loopback. What the topmost Via says of transport
// and addresses is put right on the way, so that neither the stack nor the client notices.

#include <siprec/net.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace siprec::tls {

/// Names the transport in the topmost Via of one message's head; what has no Via stays as it is.
[[nodiscard]] std::string with_transport(std::string head, std::string_view transport);

/// What the stack wrote, as the client should see it: transport TLS; in a response `received` and
/// `rport` are the client's (RFC 3261 18.2.1, RFC 3581), in a request the sent-by is ours.
[[nodiscard]] std::string for_client(std::string head,
                                     const Endpoint& client,
                                     const Endpoint& ours);

/// Finds the messages in a stream (RFC 3261 18.3) and changes their heads; bodies pass through.
class StreamRewriter {
  public:
    /// @param max_head_bytes  a longer head ends the stream
    explicit StreamRewriter(std::size_t max_head_bytes) : max_head_bytes_(max_head_bytes) {}

    /// @param rewrite  std::string(std::string head)
    /// @return false when the stream cannot be followed further
    template <typename Rewrite>
    [[nodiscard]] bool push(std::string_view bytes, std::string& out, Rewrite rewrite) {
        while (!bytes.empty()) {
            if (body_left_ > 0) {
                const std::size_t take = body_left_ < bytes.size() ? body_left_ : bytes.size();
                out.append(bytes.substr(0, take));
                bytes.remove_prefix(take);
                body_left_ -= take;
                continue;
            }
            if (!take_head(bytes, out)) {
                return head_.size() <= max_head_bytes_;
            }
            body_left_ = content_length(head_);
            out += rewrite(std::move(head_));
            head_.clear();
        }
        return true;
    }

  private:
    /// @return true when head_ is complete; `bytes` then begins with what follows it
    bool take_head(std::string_view& bytes, std::string& out);
    [[nodiscard]] static std::size_t content_length(std::string_view head);

    std::size_t max_head_bytes_;
    std::string head_;
    std::size_t body_left_ = 0;
};

}  // namespace siprec::tls
