#pragma once

#include <siprec/clock.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace siprec::rtp {

enum class PictureRequest : std::uint8_t {
    None,
    Full,  ///< FIR (RFC 5104 4.3.1): a picture that stands alone
    Loss,  ///< PLI (RFC 4585 6.3.1): something of a picture is missing
};

/// When a sender of video is asked for a picture (RFC 7866 8.1.7): at the start of each source, so
/// that the recording begins with something that can be shown, and after loss. Pure.
class PictureRequests {
  public:
    struct Negotiated {
        bool fir = false;
        bool pli = false;
    };

    /// For each packet of video that is put on record.
    /// @param lost  of all packets so far
    [[nodiscard]] PictureRequest on_packet(std::uint32_t ssrc,
                                           std::int64_t lost,
                                           WallTime arrival,
                                           Negotiated negotiated) noexcept;

    /// What comes next begins anew, as after a pause.
    void restart() noexcept { ssrc_.reset(); }

  private:
    // A packet that was overtaken is no loss yet.
    static constexpr std::chrono::milliseconds kPatience{100};
    // RFC 7866 8.1.7.2, RFC 4585 3.5: a sender is not asked faster than it can answer.
    static constexpr std::chrono::seconds kPause{1};

    std::optional<std::uint32_t> ssrc_;
    std::int64_t lost_ = 0;
    std::optional<WallTime> missing_since_;
    WallTime asked_;
};

}  // namespace siprec::rtp
