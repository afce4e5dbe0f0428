#pragma once

#include <siprec/keying.hpp>
#include <siprec/srtp.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace srcsim {

/// Encrypts and decrypts one stream: one RTP session, or one of the two DTLS associations that a
/// stream without rtcp-mux has (RFC 5764 4). *Owner media thread only.*
class MediaGuard {
  public:
    explicit MediaGuard(siprec::srtp::Keying keying);

    /// False until a DTLS handshake is over, and for ever when it failed: nothing may be sent.
    [[nodiscard]] bool is_ready() const noexcept;

    /// Protects in place; plain streams stay as they are.
    [[nodiscard]] bool protect_rtp(std::vector<std::byte>& packet) noexcept;
    [[nodiscard]] bool protect_rtcp(std::vector<std::byte>& packet) noexcept;

    /// Takes what came from the SRS. @return whether it was RTCP of its own that is authentic
    [[nodiscard]] bool receive(std::span<std::byte> datagram);

    /// What DTLS has to send now; to be asked often, for the sake of its retransmissions.
    [[nodiscard]] std::vector<std::vector<std::byte>> take_handshake();

    [[nodiscard]] const siprec::srtp::Keying& keying() const noexcept { return keying_; }

  private:
    void take_keys(const siprec::srtp::Protection& receive, const siprec::srtp::Protection& send);
    void take_handshake_keys();

    siprec::srtp::Keying keying_;
    std::optional<siprec::srtp::Sender> sender_;
    std::optional<siprec::srtp::Receiver> receiver_;
    std::optional<siprec::srtp::DtlsAssociation> dtls_;
};

}  // namespace srcsim
