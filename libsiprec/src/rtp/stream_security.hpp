#pragma once

#include "rtp/key_ring.hpp"
#include "rtp/udp_socket.hpp"

#include <siprec/clock.hpp>
#include <siprec/dtls.hpp>
#include <siprec/keying.hpp>
#include <siprec/net.hpp>
#include <siprec/result.hpp>
#include <siprec/srtp.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace siprec::rtp {

enum class Channel : std::uint8_t { Rtp, Rtcp };

/// All that stands between a stream's sockets and its packets in the clear: keys, and the DTLS
/// handshakes that they come from. *Owner media thread only.*
class StreamSecurity {
  public:
    using Send =
        std::function<void(Channel channel, const Endpoint& to, std::span<const std::byte> bytes)>;

    /// Where the offer says that the client is.
    struct Peers {
        std::optional<Endpoint> rtp;
        std::optional<Endpoint> rtcp;
    };

    /// A datagram that came before the keys that it needs.
    struct Early {
        Channel channel;
        std::vector<std::byte> bytes;
        Endpoint source;
        WallTime arrival;
    };

    /// For the log.
    struct News {
        bool is_failure;
        std::string text;
        Endpoint peer;
    };

    /// @param has_rtcp_port  RTCP has a port, and with DTLS an association, of its own
    ///                       (RFC 5764 4)
    explicit StreamSecurity(bool has_rtcp_port) noexcept : has_rtcp_port_(has_rtcp_port) {}

    /// New keys, or a new association, the keys of which replace those in force when it has them.
    Result<void> rekey(const srtp::Keying& keying,
                       const Peers& peers,
                       SteadyTime now,
                       const Send& send);

    [[nodiscard]] srtp::Verdict unprotect_rtp(std::span<std::byte>& packet) noexcept;
    [[nodiscard]] srtp::Verdict unprotect_rtcp(Channel channel,
                                               std::span<std::byte>& packet) noexcept;
    [[nodiscard]] bool protect_rtcp(Channel channel, std::vector<std::byte>& packet) noexcept;

    /// An RTP member has left.
    void forget(std::uint32_t ssrc) noexcept { parts_[0].keys.forget(ssrc); }

    [[nodiscard]] bool authenticates_rtp() const noexcept {
        return parts_[0].keys.authenticates_rtp();
    }

    /// DTLS records, or a STUN binding request, which who expects DTLS answers
    /// (RFC 5763 6.7.2). @return false for what is neither
    [[nodiscard]] bool takes_handshake(Channel channel, const Datagram& datagram, const Send& send);

    /// Keeps a datagram while its channel waits for its first keys.
    /// @return false when it does not wait, or has kept enough
    [[nodiscard]] bool keeps_early(Channel channel, const Datagram& datagram, WallTime arrival);

    /// What was kept, if there are keys by now.
    [[nodiscard]] std::vector<Early> release_early();

    /// Forgets it. @return how many
    std::size_t give_up_early() noexcept;

    /// When `on_timer` has something to do next.
    [[nodiscard]] SteadyTime due(SteadyTime now) const noexcept;
    void on_timer(SteadyTime now, const Send& send);

    [[nodiscard]] std::vector<News> take_news();

    /// Tells the peer of each association that it is over.
    void close(const Send& send);

  private:
    /// What one port has; under SDES and rtcp-mux there is only the first.
    struct Part {
        KeyRing keys;
        std::optional<srtp::DtlsAssociation> dtls;
        std::optional<Endpoint> peer;
        bool is_keyed = false;  // with the association's keys
        std::uint32_t attempts = 0;
    };

    [[nodiscard]] Part& part_of(Channel channel) noexcept;
    void start_dtls(Channel channel, const Send& send);
    void flush(Channel channel, const Send& send);
    void note_state(Part& part);
    [[nodiscard]] bool restarts(const Part& part, std::span<const std::byte> record) const noexcept;

    bool has_rtcp_port_;
    std::optional<srtp::DtlsTerms> terms_;  // none: SDES
    std::array<Part, 2> parts_;
    std::vector<Early> early_;
    std::vector<News> news_;
    SteadyTime now_;  // of the last call that told
};

}  // namespace siprec::rtp
