#pragma once

#include "rtp/picture_requests.hpp"
#include "rtp/rtcp_schedule.hpp"
#include "rtp/source_table.hpp"

#include <siprec/clock.hpp>
#include <siprec/net.hpp>
#include <siprec/stream.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace siprec::rtp {

/// Our side of a stream's RTCP: receiver reports with SDES, BYE at the end. We never send RTP, so
/// never a sender report. Knows no socket: `Send` does. *Owner media thread only.*
class RtcpReporter {
  public:
    using Send = std::function<void(const Endpoint& to, std::span<const std::byte> packet)>;

    /// @param cname  empty: one of its own
    RtcpReporter(SteadyTime start, RandomBits random, std::string cname);

    [[nodiscard]] SteadyTime due() const noexcept { return schedule_.due(); }

    /// Called when `due` has come.
    void on_due(SteadyTime steady,
                WallTime now,
                const StreamInfo& info,
                SourceTable& sources,
                const Send& send);

    /// RTCP of the client, already found valid: reports, BYE, its address, its size.
    void on_rtcp(std::span<const std::byte> compound,
                 const Endpoint& source,
                 WallTime arrival,
                 SourceTable& sources);

    /// Somebody else uses our SSRC: ours says BYE and moves out of the way (RFC 3550 8.2).
    void change_ssrc(const StreamInfo& info, const Send& send);

    /// Asks a source of video for a picture, at once (RFC 4585 3.5: few members may).
    void ask_for_picture(PictureRequest kind,
                         std::uint32_t source,
                         const StreamInfo& info,
                         const Send& send);

    /// A new offer: where RTCP used to come from says nothing any more.
    void forget_source() noexcept { learned_.reset(); }

    /// BYE, when we had ever sent anything (RFC 3550 6.3.7).
    void bye(const StreamInfo& info, const Send& send);

    [[nodiscard]] std::uint32_t ssrc() const noexcept { return ssrc_; }

    [[nodiscard]] const std::string& cname() const noexcept { return cname_; }

  private:
    [[nodiscard]] std::optional<Endpoint> destination(const StreamInfo& info) const;

    RandomBits random_;
    std::uint32_t ssrc_;
    std::string cname_;
    RtcpSchedule schedule_;
    std::optional<Endpoint> learned_;
    bool has_sent_ = false;
    std::uint8_t next_full_request_ = 0;
};

/// A short-term persistent CNAME: 96 random bits in base64 (RFC 7022 4.2). Tells nobody our
/// address.
[[nodiscard]] std::string random_cname(const RandomBits& random);

}  // namespace siprec::rtp
