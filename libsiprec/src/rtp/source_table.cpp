#include "rtp/source_table.hpp"

#include <algorithm>

namespace siprec::rtp {

Arrival SourceTable::on_rtp(std::uint32_t ssrc,
                            SeqNum sequence,
                            std::uint32_t timestamp,
                            std::uint32_t clock_rate,
                            WallTime arrival) {
    SourceState* source = find(ssrc);
    const bool is_new = source == nullptr || !source->has_rtp();
    if (source == nullptr) {
        source = &add(ssrc);
    }
    if (is_new && any_rtp_ && ssrc != current_ssrc_) {
        ++changes_;
    }
    any_rtp_ = true;
    current_ssrc_ = ssrc;
    latest_ = static_cast<std::size_t>(source - sources_.data());
    return source->on_rtp(sequence, timestamp, clock_rate, arrival);
}

void SourceTable::on_sender_report(std::uint32_t ssrc, std::uint32_t middle_ntp, WallTime arrival) {
    SourceState* source = find(ssrc);
    if (source == nullptr) {
        source = &add(ssrc);
    }
    source->on_sender_report(middle_ntp, arrival);
}

void SourceTable::remove(std::uint32_t ssrc) {
    const SourceState* source = find(ssrc);
    if (source != nullptr) {
        forget(static_cast<std::size_t>(source - sources_.data()));
    }
}

void SourceTable::expire(WallTime before) {
    for (std::size_t i = sources_.size(); i-- > 0;) {
        if (sources_[i].last_heard() < before) {
            forget(i);
        }
    }
}

std::vector<ReportBlock> SourceTable::reports(WallTime now) {
    std::vector<ReportBlock> blocks;
    for (SourceState& source : sources_) {
        if (source.is_reportable()) {
            blocks.push_back(source.report(now));
        }
    }
    return blocks;
}

std::int64_t SourceTable::lost() const noexcept {
    std::int64_t lost = lost_before_;
    for (const SourceState& source : sources_) {
        lost += source.lost();
    }
    return lost;
}

std::chrono::nanoseconds SourceTable::jitter() const noexcept {
    return latest_ < sources_.size() ? sources_[latest_].jitter() : std::chrono::nanoseconds{0};
}

SourceState* SourceTable::find(std::uint32_t ssrc) noexcept {
    if (latest_ < sources_.size() && sources_[latest_].ssrc() == ssrc) {
        return &sources_[latest_];
    }
    const auto found = std::ranges::find(sources_, ssrc, &SourceState::ssrc);
    return found == sources_.end() ? nullptr : &*found;
}

SourceState& SourceTable::add(std::uint32_t ssrc) {
    if (sources_.size() == kMaxSources) {
        const auto silent_longest =
            std::ranges::min_element(sources_, {}, &SourceState::last_heard);
        forget(static_cast<std::size_t>(silent_longest - sources_.begin()));
    }
    return sources_.emplace_back(ssrc);
}

void SourceTable::forget(std::size_t index) {
    lost_before_ += sources_[index].lost();
    if (gone_.size() == kMaxSources) {
        gone_.erase(gone_.begin());
    }
    gone_.push_back(sources_[index].ssrc());
    sources_.erase(sources_.begin() + static_cast<std::ptrdiff_t>(index));
    if (latest_ == index) {
        latest_ = sources_.size();
    } else if (latest_ > index) {
        --latest_;
    }
}

}  // namespace siprec::rtp
