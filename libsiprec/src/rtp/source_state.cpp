#include "rtp/source_state.hpp"

#include <algorithm>

namespace siprec::rtp {

namespace {

constexpr std::uint16_t kMaxDropout = 3000;
constexpr std::uint32_t kMaxMisorder = 100;
constexpr std::uint32_t kSeqMod = 1U << 16U;

/// A wall time in units of an RTP clock, modulo 2^32.
std::uint32_t in_ticks(WallTime time, std::uint32_t clock_rate) noexcept {
    constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
    const std::int64_t nanos = time.time_since_epoch().count();
    const std::int64_t seconds = nanos / kNanosPerSecond;
    const std::int64_t rest = nanos % kNanosPerSecond;
    return static_cast<std::uint32_t>(seconds * clock_rate + rest * clock_rate / kNanosPerSecond);
}

}  // namespace

Arrival SourceState::on_rtp(SeqNum sequence,
                            std::uint32_t timestamp,
                            std::uint32_t clock_rate,
                            WallTime arrival) noexcept {
    last_heard_ = arrival;
    heard_since_report_ = true;
    update_jitter(timestamp, clock_rate, arrival);
    if (!valid_) {
        return on_probation(sequence);
    }
    const std::uint16_t steps = sequence.steps_from(max_seq_);
    if (steps == 0 || std::uint32_t{steps} > kSeqMod - kMaxMisorder) {
        ++received_;
        return behind(sequence);
    }
    return steps < kMaxDropout ? advance(sequence) : after_jump(sequence);
}

Arrival SourceState::on_probation(SeqNum sequence) noexcept {
    const bool first = !has_rtp_;
    has_rtp_ = true;
    if (!first && sequence == max_seq_) {
        return Arrival::Duplicate;
    }
    // RFC 3550 A.1: MIN_SEQUENTIAL is 2.
    if (!first && sequence == max_seq_.plus(1)) {
        valid_ = true;
        begin_run(sequence);
        return Arrival::InOrder;
    }
    max_seq_ = sequence;
    return Arrival::InOrder;
}

Arrival SourceState::advance(SeqNum sequence) noexcept {
    ++received_;
    if (sequence.value() < max_seq_.value()) {
        cycles_ += kSeqMod;
    }
    seen_ <<= sequence.steps_from(max_seq_);
    seen_.set(0);
    max_seq_ = sequence;
    return Arrival::InOrder;
}

Arrival SourceState::after_jump(SeqNum sequence) noexcept {
    if (bad_seq_ == sequence) {
        // Two in a row: the other side has restarted without saying so.
        lost_before_ += lost_now();
        begin_run(sequence);
    } else {
        bad_seq_ = sequence.plus(1);
    }
    return Arrival::InOrder;
}

Arrival SourceState::behind(SeqNum sequence) noexcept {
    const std::size_t back = max_seq_.steps_from(sequence);
    if (seen_.test(back)) {
        return Arrival::Duplicate;
    }
    seen_.set(back);
    return Arrival::Reordered;
}

void SourceState::begin_run(SeqNum second) noexcept {
    base_seq_ = second.plus(-1);
    max_seq_ = second;
    // RFC 3550 A.1 counts the wraps from the base; it lies before the wrap when `second` is 0.
    cycles_ = second.value() == 0 ? kSeqMod : 0;
    bad_seq_.reset();
    received_ = 2;
    expected_prior_ = 0;
    received_prior_ = 0;
    seen_.reset();
    seen_.set(0);
    seen_.set(1);
}

void SourceState::update_jitter(std::uint32_t timestamp,
                                std::uint32_t clock_rate,
                                WallTime arrival) noexcept {
    if (clock_rate == 0) {
        return;
    }
    const std::uint32_t transit = in_ticks(arrival, clock_rate) - timestamp;
    if (clock_rate != clock_rate_) {
        // Times of two clocks cannot be subtracted.
        clock_rate_ = clock_rate;
        transit_.reset();
        jitter_ = 0;
    }
    if (transit_) {
        const auto change = static_cast<std::int32_t>(transit - *transit_);
        const std::uint32_t d = change < 0 ? 0U - static_cast<std::uint32_t>(change)
                                           : static_cast<std::uint32_t>(change);
        jitter_ += d - ((jitter_ + 8) >> 4U);
    }
    transit_ = transit;
}

void SourceState::on_sender_report(std::uint32_t middle_ntp, WallTime arrival) noexcept {
    last_heard_ = arrival;
    last_sender_report_ = middle_ntp;
    sender_report_arrival_ = arrival;
}

ReportBlock SourceState::report(WallTime now) noexcept {
    using Delay = std::chrono::duration<std::int64_t, std::ratio<1, 65536>>;
    const std::int64_t expected_interval = expected() - expected_prior_;
    const std::int64_t lost_interval = expected_interval - (received_ - received_prior_);
    expected_prior_ = expected();
    received_prior_ = received_;
    heard_since_report_ = false;

    ReportBlock block{.ssrc = ssrc_};
    if (expected_interval > 0 && lost_interval > 0) {
        block.fraction_lost = static_cast<std::uint8_t>(
            std::min<std::int64_t>((lost_interval << 8U) / expected_interval, 255));
    }
    block.cumulative_lost =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(lost_now(), -0x800000, 0x7FFFFF));
    block.extended_highest_sequence = extended_highest();
    block.jitter = jitter_ >> 4U;
    if (last_sender_report_ != 0) {
        block.last_sender_report = last_sender_report_;
        const auto delay = std::chrono::duration_cast<Delay>(now - sender_report_arrival_);
        block.delay_since_last_sender_report =
            static_cast<std::uint32_t>(std::max<std::int64_t>(delay.count(), 0));
    }
    return block;
}

std::int64_t SourceState::expected() const noexcept {
    return cycles_ + max_seq_.value() - base_seq_.value() + 1;
}

std::int64_t SourceState::lost_now() const noexcept {
    return valid_ ? expected() - received_ : 0;
}

std::uint32_t SourceState::extended_highest() const noexcept {
    return static_cast<std::uint32_t>(cycles_ + max_seq_.value());
}

std::chrono::nanoseconds SourceState::jitter() const noexcept {
    if (clock_rate_ == 0) {
        return {};
    }
    return std::chrono::nanoseconds(std::int64_t{jitter_ >> 4U} * 1'000'000'000 / clock_rate_);
}

}  // namespace siprec::rtp
