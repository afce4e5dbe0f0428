#include "rtp/rtcp_reporter.hpp"

#include "rtp/rtcp.hpp"

#include <string_view>
#include <utility>

namespace siprec::rtp {

std::string random_cname(const RandomBits& random) {
    constexpr std::string_view kBase64 =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string cname;
    for (int word = 0; word < 4; ++word) {
        std::uint32_t bits = random();  // 24 of them make four characters
        for (int i = 0; i < 4; ++i) {
            cname.push_back(kBase64[bits & 63U]);
            bits >>= 6U;
        }
    }
    return cname;
}

namespace {

void note(const RtcpPart& part, WallTime arrival, SourceTable& sources) {
    const auto sender = sender_of(part);
    const auto time = middle_ntp(part);
    if (part.type == rtcp_type::kSenderReport && sender && time) {
        sources.on_sender_report(*sender, *time, arrival);
    } else if (part.type == rtcp_type::kBye && part.count > 0 && sender) {
        sources.remove(*sender);
    }
}

}  // namespace

RtcpReporter::RtcpReporter(SteadyTime start, RandomBits random, std::string cname)
    : random_(std::move(random)),
      ssrc_(random_()),
      cname_(cname.empty() ? random_cname(random_) : std::move(cname)),
      schedule_(start, random_) {}

void RtcpReporter::on_due(SteadyTime steady,
                          WallTime now,
                          const StreamInfo& info,
                          SourceTable& sources,
                          const Send& send) {
    // RFC 3550 6.3.5: whoever was silent for five intervals has left.
    sources.expire(now - 5 * rtcp_interval(sources.size() + 1, sources.size(), 0, false));
    const std::size_t members = sources.size() + 1;
    if (!schedule_.expired(steady, members, sources.size())) {
        return;
    }
    std::size_t bytes = 0;
    if (const auto to = destination(info)) {
        const auto packet = build_receiver_report(ssrc_, cname_, sources.reports(now), false);
        bytes = packet.size();
        send(*to, packet);
        has_sent_ = true;
    }
    schedule_.on_sent(steady, bytes, members, sources.size());
}

void RtcpReporter::on_rtcp(std::span<const std::byte> compound,
                           const Endpoint& source,
                           WallTime arrival,
                           SourceTable& sources) {
    learned_ = source;
    schedule_.on_received(compound.size());
    for (auto part = take_part(compound); part.has_value(); part = take_part(compound)) {
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access): the loop condition has checked it.
        note(*part, arrival, sources);
    }
}

void RtcpReporter::ask_for_picture(PictureRequest kind,
                                   std::uint32_t source,
                                   const StreamInfo& info,
                                   const Send& send) {
    const auto to = destination(info);
    if (!to || kind == PictureRequest::None) {
        return;
    }
    // RFC 4585 3.1: feedback follows a report and SDES.
    auto packet = build_receiver_report(ssrc_, cname_, {}, false);
    const auto request = kind == PictureRequest::Full
                             ? build_full_intra_request(ssrc_, source, next_full_request_++)
                             : build_picture_loss(ssrc_, source);
    packet.insert(packet.end(), request.begin(), request.end());
    send(*to, packet);
    has_sent_ = true;
}

void RtcpReporter::bye(const StreamInfo& info, const Send& send) {
    const auto to = destination(info);
    if (has_sent_ && to) {
        send(*to, build_receiver_report(ssrc_, cname_, {}, true));
    }
    has_sent_ = false;
}

void RtcpReporter::change_ssrc(const StreamInfo& info, const Send& send) {
    bye(info, send);
    const std::uint32_t old = ssrc_;
    while (ssrc_ == old) {
        ssrc_ = random_();
    }
}

std::optional<Endpoint> RtcpReporter::destination(const StreamInfo& info) const {
    const bool offered = info.remote_rtcp.has_value();
    // RFC 3264 8.4: `c=0.0.0.0` wants neither media nor RTCP.
    if (offered && info.remote_rtcp->address.is_unspecified()) {
        return std::nullopt;
    }
    if (!offered && info.direction == sdp::Direction::Inactive) {
        return std::nullopt;
    }
    const auto to = learned_ ? learned_ : info.remote_rtcp;
    return to && to->port != 0 ? to : std::nullopt;
}

}  // namespace siprec::rtp
