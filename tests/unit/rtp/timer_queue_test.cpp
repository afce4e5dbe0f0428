#include "rtp/timer_queue.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <vector>

using siprec::SteadyTime;
using siprec::rtp::TimerQueue;
using std::chrono::seconds;

TEST_CASE("timer queue: what is due comes out in order of time and then of adding", "[unit][rtp]") {
    TimerQueue<int> queue;
    const SteadyTime start{seconds(50)};
    CHECK_FALSE(queue.next());
    queue.add(start + seconds(3), 30);
    queue.add(start + seconds(1), 10);
    queue.add(start + seconds(1), 11);
    queue.add(start + seconds(2), 20);
    CHECK(queue.next() == start + seconds(1));
    CHECK_FALSE(queue.take(start));
    std::vector<int> taken;
    while (const auto what = queue.take(start + seconds(2))) {
        taken.push_back(*what);
    }
    CHECK(taken == std::vector<int>{10, 11, 20});
    CHECK(queue.next() == start + seconds(3));
    queue.clear();
    CHECK_FALSE(queue.next());
}
