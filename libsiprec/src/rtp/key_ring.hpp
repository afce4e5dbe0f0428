#pragma once

#include <siprec/clock.hpp>
#include <siprec/keying.hpp>
#include <siprec/result.hpp>
#include <siprec/srtp.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace siprec::rtp {

/// The keys of one RTP session: those in force, and for packets under way those before them.
/// *Owner media thread only.*
class KeyRing {
  public:
    /// Puts new keys in force. The old ones hold for `kOverlap` more.
    /// @return the error of a suite that cannot be used; then no key is in force
    Result<void> replace(const srtp::Protection& receive,
                         const srtp::Protection& send,
                         SteadyTime now);

    [[nodiscard]] bool has_keys() const noexcept { return receiver_.has_value(); }

    [[nodiscard]] bool authenticates_rtp() const noexcept { return authenticates_rtp_; }

    [[nodiscard]] srtp::Verdict unprotect_rtp(std::span<std::byte>& packet) noexcept;
    [[nodiscard]] srtp::Verdict unprotect_rtcp(std::span<std::byte>& packet) noexcept;

    /// @return false when there is no key to send with
    [[nodiscard]] bool protect_rtcp(std::vector<std::byte>& packet) noexcept;

    /// Drops what is kept of an SSRC.
    void forget(std::uint32_t ssrc) noexcept;

    /// Forgets old keys whose time is over.
    void expire(SteadyTime now) noexcept;

    static constexpr std::chrono::seconds kOverlap{10};

  private:
    std::optional<srtp::Receiver> receiver_;
    std::optional<srtp::Receiver> previous_;
    std::optional<srtp::Sender> sender_;
    SteadyTime previous_ends_;
    bool authenticates_rtp_ = true;
};

}  // namespace siprec::rtp
