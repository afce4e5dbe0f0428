#pragma once

#include <siprec/clock.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace siprec::rtp {

/// What is to be done later, the earliest first; of two with the same time the one added first.
/// *Owner thread only.*
template <typename T>
class TimerQueue {
  public:
    void add(SteadyTime due, T what) {
        entries_.push_back(Entry{.due = due, .order = next_order_++, .what = std::move(what)});
        std::ranges::push_heap(entries_, is_later);
    }

    [[nodiscard]] std::optional<SteadyTime> next() const noexcept {
        return entries_.empty() ? std::nullopt : std::optional(entries_.front().due);
    }

    /// @return what is due by `now`, one a call
    [[nodiscard]] std::optional<T> take(SteadyTime now) {
        if (entries_.empty() || entries_.front().due > now) {
            return std::nullopt;
        }
        std::ranges::pop_heap(entries_, is_later);
        std::optional<T> taken(std::move(entries_.back().what));
        entries_.pop_back();
        return taken;
    }

    void clear() noexcept { entries_.clear(); }

  private:
    struct Entry {
        SteadyTime due;
        std::uint64_t order = 0;
        T what;
    };

    static bool is_later(const Entry& left, const Entry& right) noexcept {
        return std::pair(left.due, left.order) > std::pair(right.due, right.order);
    }

    std::vector<Entry> entries_;
    std::uint64_t next_order_ = 0;
};

}  // namespace siprec::rtp
