#include "render/media_clock.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace siprec::server {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

constexpr std::size_t kMaxSources = 16;
/// Packets that are this far from where their time stamps say belong to another count of the clock.
constexpr nanoseconds kLongestGap = 2s;
// As the assembler does it: the first packets tell by how much the very first was late.
constexpr nanoseconds kStart = 200ms;
constexpr nanoseconds kLateStart = 40ms;
constexpr nanoseconds kWindow = 10s;
constexpr std::uint32_t kPacketsForWindow = 50;
/// What the smallest delay may change by from window to window if it is drift: 500 ppm.
constexpr nanoseconds kLargestDrift = kWindow / 2000;
constexpr nanoseconds kDriftThreshold = 5ms;
/// A 32-bit time stamp tells sides of an anchor apart for 6 hours at 90 kHz.
constexpr nanoseconds kAnchorLife = 10min;
constexpr nanoseconds kReportInterval = 4s;
/// Clocks of one sender run alike; what is further off was set in between.
constexpr double kLargestDifference = 0.01;
/// Sender reports that move pictures further than this against their arrival are wrong.
constexpr nanoseconds kLongestShift = 1s;

double seconds(nanoseconds time) {
    return std::chrono::duration<double>(time).count();
}

nanoseconds from_seconds(double value) {
    // Far outside of any recording, and inside of what nanoseconds hold.
    constexpr double kFar = 1e9;
    return std::chrono::round<nanoseconds>(
        std::chrono::duration<double>(std::clamp(value, -kFar, kFar)));
}

bool is_far(nanoseconds difference, nanoseconds limit) {
    return difference > limit || difference < -limit;
}

/// Two wall clocks may be set to anything; their difference has to be a number all the same.
bool is_sane(WallTime time) {
    return time.time_since_epoch() >= 0s &&
           time.time_since_epoch() < std::chrono::hours(24 * 36'500);
}

}  // namespace

SourceClock::SourceClock(WallTime zero,
                         std::uint32_t rate,
                         std::uint32_t timestamp,
                         WallTime arrival)
    : zero_(zero), rate_(rate) {
    begin_anew(timestamp, arrival);
}

void SourceClock::begin_anew(std::uint32_t timestamp, WallTime arrival) {
    anchors_.push_back({arrival, timestamp, arrival});
    fresh_until_ = arrival + kStart;
    late_ = 0ns;
    window_start_ = arrival;
    window_packets_ = 0;
    last_window_.reset();
    baseline_.reset();
}

void SourceClock::settle() {
    const nanoseconds late =
        std::min(late_, std::max(anchors_.back().from - zero_, nanoseconds{0}));
    if (late > kLateStart) {
        anchors_.back().time -= late;
    }
    fresh_until_.reset();
}

nanoseconds SourceClock::between(std::uint32_t from, std::uint32_t to) const {
    constexpr std::int64_t kNanoseconds = 1'000'000'000;
    const std::int64_t ticks = static_cast<std::int32_t>(to - from);
    return nanoseconds(ticks * kNanoseconds / std::int64_t{rate_});
}

void SourceClock::saw_packet(std::uint32_t timestamp, WallTime arrival) {
    if (fresh_until_ && arrival >= *fresh_until_) {
        settle();
    }
    const Anchor& anchor = anchors_.back();
    if (arrival < anchor.from) {
        return;
    }
    const nanoseconds delay = arrival - (anchor.time + between(anchor.timestamp, timestamp));
    if (is_far(delay, kLongestGap)) {
        begin_anew(timestamp, arrival);
        return;
    }
    if (fresh_until_) {
        late_ = std::max(late_, -delay);
        return;
    }
    smallest_delay_ = window_packets_ == 0 ? delay : std::min(smallest_delay_, delay);
    ++window_packets_;
    if (arrival - window_start_ >= kWindow && window_packets_ >= kPacketsForWindow) {
        close_window(timestamp, arrival);
    } else if (arrival - anchor.from >= kAnchorLife) {
        anchors_.push_back({arrival, timestamp, arrival - delay});
    }
}

void SourceClock::close_window(std::uint32_t timestamp, WallTime arrival) {
    const nanoseconds step = smallest_delay_ - last_window_.value_or(smallest_delay_);
    last_window_ = smallest_delay_;
    if (!baseline_) {
        baseline_ = smallest_delay_;
    } else if (is_far(step, kLargestDrift)) {
        *baseline_ += step;  // another way through the network
    }
    if (const nanoseconds drift = smallest_delay_ - *baseline_; is_far(drift, kDriftThreshold)) {
        const WallTime time = our_time(timestamp, arrival) + drift;
        anchors_.push_back({arrival, timestamp, time});
        *last_window_ -= drift;
    }
    window_start_ = arrival;
    window_packets_ = 0;
}

void SourceClock::saw_report(const SenderReport& report, WallTime arrival) {
    const bool is_early = !reports_.empty() && arrival - reports_.back().arrival < kReportInterval;
    const nanoseconds off = our_time(report.rtp_timestamp, arrival) - arrival;
    if (!is_early && !is_far(off, kLongestGap) && is_sane(report.ntp_time)) {
        reports_.push_back({arrival, report.rtp_timestamp, report.ntp_time});
    }
}

const SourceClock::Anchor& SourceClock::anchor_at(WallTime near) const {
    const auto behind = std::ranges::upper_bound(anchors_, near, {}, &Anchor::from);
    return behind == anchors_.begin() ? anchors_.front() : *std::prev(behind);
}

const SourceClock::Report* SourceClock::report_at(WallTime near) const {
    if (reports_.empty()) {
        return nullptr;
    }
    const auto behind = std::ranges::upper_bound(reports_, near, {}, &Report::arrival);
    return behind == reports_.begin() ? &reports_.front() : &*std::prev(behind);
}

/// The sender's wall clock against its RTP clock, from this report to the next.
double SourceClock::speed_behind(const Report& report) const {
    const auto index = static_cast<std::size_t>(&report - reports_.data());
    if (index + 1 >= reports_.size()) {
        return 1;
    }
    const Report& next = reports_[index + 1];
    const double by_rtp = seconds(between(report.timestamp, next.timestamp));
    const double by_wall = seconds(next.sender_time - report.sender_time);
    return by_rtp > 1 && std::abs(by_wall / by_rtp - 1) < kLargestDifference ? by_wall / by_rtp : 1;
}

WallTime SourceClock::our_time(std::uint32_t timestamp, WallTime near) const {
    const Anchor& anchor = anchor_at(near);
    return anchor.time + between(anchor.timestamp, timestamp);
}

std::optional<WallTime> SourceClock::sender_time(std::uint32_t timestamp, WallTime near) const {
    const Report* report = report_at(near);
    if (report == nullptr) {
        return std::nullopt;
    }
    const double since = seconds(between(report->timestamp, timestamp)) * speed_behind(*report);
    return report->sender_time + from_seconds(since);
}

std::optional<WallTime> SourceClock::our_time_of(WallTime sender_time, WallTime near) const {
    const Report* report = report_at(near);
    if (report == nullptr) {
        return std::nullopt;
    }
    const double since = seconds(sender_time - report->sender_time) / speed_behind(*report);
    return our_time(report->timestamp, near) + from_seconds(since);
}

void StreamClocks::saw_packet(const RtpPacket& packet, std::uint32_t rate) {
    const auto found = sources_.find(packet.ssrc);
    if (found != sources_.end()) {
        if (found->second.rate() == rate) {
            found->second.saw_packet(packet.timestamp, packet.arrival);
        }
        return;
    }
    if (rate == 0 || sources_.size() >= kMaxSources) {
        return;
    }
    SourceClock& source =
        sources_.try_emplace(packet.ssrc, zero_, rate, packet.timestamp, packet.arrival)
            .first->second;
    if (const auto early = early_.find(packet.ssrc); early != early_.end()) {
        source.saw_report(early->second.first, early->second.second);
    }
}

void StreamClocks::saw_report(const SenderReport& report, WallTime arrival) {
    const auto found = sources_.find(report.ssrc);
    if (found != sources_.end()) {
        found->second.saw_report(report, arrival);
    } else if (early_.size() < kMaxSources || early_.contains(report.ssrc)) {
        early_.insert_or_assign(report.ssrc, std::pair(report, arrival));
    }
}

const SourceClock* StreamClocks::find(std::uint32_t ssrc) const {
    const auto found = sources_.find(ssrc);
    return found != sources_.end() ? &found->second : nullptr;
}

const SourceClock* StreamClocks::at(WallTime time) const {
    const SourceClock* best = nullptr;
    for (const auto& [ssrc, source] : sources_) {
        // The last that had begun by then; before all of them the first.
        const bool is_better =
            best == nullptr ||
            (source.started() <= time ? best->started() > time || source.started() > best->started()
                                      : source.started() < best->started());
        best = is_better ? &source : best;
    }
    return best;
}

std::optional<WallTime> place_by_reports(const SourceClock* video,
                                         const SourceClock* audio,
                                         std::uint32_t timestamp,
                                         WallTime arrival) {
    const auto sampled = video != nullptr && audio != nullptr
                             ? video->sender_time(timestamp, arrival)
                             : std::optional<WallTime>();
    const auto placed = sampled ? audio->our_time_of(*sampled, arrival) : std::optional<WallTime>();
    const bool is_likely =
        placed && !is_far(*placed - video->our_time(timestamp, arrival), kLongestShift);
    return is_likely ? placed : std::nullopt;
}

}  // namespace siprec::server
