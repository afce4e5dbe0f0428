#include "rtp/rtcp_schedule.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <utility>

namespace siprec::rtp {

namespace {

constexpr double kBandwidth = 0.05 * 64'000 / 8;  // bytes a second: 5 % of a G.711 stream
constexpr double kMinimumSeconds = 5;
constexpr double kHeaderBytes = 28;  // IPv4 and UDP count too (RFC 3550 6.2)

std::chrono::nanoseconds to_nanoseconds(double seconds) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(seconds));
}

}  // namespace

RandomBits system_random() {
    return [device = std::make_shared<std::random_device>()] { return (*device)(); };
}

std::chrono::nanoseconds rtcp_interval(std::size_t members,
                                       std::size_t senders,
                                       double average_bytes,
                                       bool initial) noexcept {
    auto sharing = static_cast<double>(members);
    double bandwidth = kBandwidth;
    if (senders * 4 <= members) {
        // RFC 3550 6.3.1: few senders have a quarter of the bandwidth to themselves.
        sharing = static_cast<double>(members - senders);
        bandwidth *= 0.75;
    }
    const double minimum = initial ? kMinimumSeconds / 2 : kMinimumSeconds;
    return to_nanoseconds(std::max(minimum, sharing * average_bytes / bandwidth));
}

RtcpSchedule::RtcpSchedule(SteadyTime start, RandomBits random)
    : random_(std::move(random)), due_(start), previous_(start) {}

bool RtcpSchedule::expired(SteadyTime now, std::size_t members, std::size_t senders) {
    if (now < due_) {
        return false;
    }
    if (initial_) {
        return true;
    }
    const SteadyTime reconsidered = previous_ + randomised(members, senders);
    if (reconsidered <= now) {
        return true;
    }
    due_ = reconsidered;
    return false;
}

void RtcpSchedule::on_sent(SteadyTime now,
                           std::size_t bytes,
                           std::size_t members,
                           std::size_t senders) {
    average(bytes);
    previous_ = now;
    due_ = now + randomised(members, senders);
    initial_ = false;
}

std::chrono::nanoseconds RtcpSchedule::randomised(std::size_t members, std::size_t senders) {
    // RFC 3550 6.3.1: 0.5 to 1.5 of the interval, divided by e - 3/2 because reconsideration
    // settles below the mean.
    constexpr double kCompensation = 2.71828 - 1.5;
    const double factor = 0.5 + static_cast<double>(random_()) / 4294967296.0;
    const auto interval = rtcp_interval(members, senders, average_bytes_, initial_);
    return to_nanoseconds(std::chrono::duration<double>(interval).count() * factor / kCompensation);
}

void RtcpSchedule::average(std::size_t bytes) noexcept {
    const double size = static_cast<double>(bytes) + kHeaderBytes;
    // RFC 3550 6.3.3: avg = 1/16 of this one and 15/16 of what was.
    average_bytes_ = average_bytes_ == 0 ? size : size / 16 + average_bytes_ * 15 / 16;
}

}  // namespace siprec::rtp
