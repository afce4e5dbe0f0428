#include "base/bounded_queue.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using siprec::base::BoundedQueue;

namespace {

using Item = std::unique_ptr<int>;

bool push(BoundedQueue<Item>& queue, int number) {
    Item item = std::make_unique<int>(number);
    return queue.try_push(item);
}

}  // namespace

TEST_CASE("bounded queue: gives items in the order they came", "[unit][base]") {
    BoundedQueue<Item> queue(3);
    REQUIRE(push(queue, 1));
    REQUIRE(push(queue, 2));
    CHECK(queue.size() == 2);
    CHECK(**queue.pop() == 1);
    CHECK(**queue.pop_for(std::chrono::hours(1)) == 2);
    CHECK(queue.size() == 0);
}

TEST_CASE("bounded queue: refuses the newest item when full and leaves it alone", "[unit][base]") {
    BoundedQueue<Item> queue(1);
    REQUIRE(push(queue, 1));
    Item item = std::make_unique<int>(2);
    CHECK_FALSE(queue.try_push(item));
    REQUIRE(item);
    CHECK(*item == 2);
    CHECK(queue.push_always(std::move(item)));
    CHECK(queue.size() == 2);
    CHECK(**queue.pop() == 1);
    CHECK(**queue.pop() == 2);
}

TEST_CASE("bounded queue: takes all at once", "[unit][base]") {
    BoundedQueue<Item> queue(10);
    CHECK(queue.take_all().empty());
    REQUIRE(push(queue, 1));
    REQUIRE(push(queue, 2));
    const auto items = queue.take_all();
    REQUIRE(items.size() == 2);
    CHECK(*items[0] == 1);
    CHECK(*items[1] == 2);
    CHECK(queue.size() == 0);
}

TEST_CASE("bounded queue: a closed one can be emptied but not filled", "[unit][base]") {
    BoundedQueue<Item> queue(10);
    REQUIRE(push(queue, 1));
    queue.close();
    CHECK_FALSE(push(queue, 2));
    CHECK_FALSE(queue.push_always(std::make_unique<int>(3)));
    CHECK(**queue.pop() == 1);
    CHECK_FALSE(queue.pop());
    CHECK_FALSE(queue.pop_for(std::chrono::hours(1)));
}

TEST_CASE("bounded queue: waiting for an item ends with the time given", "[unit][base]") {
    BoundedQueue<Item> queue(1);
    CHECK_FALSE(queue.pop_for(std::chrono::nanoseconds(1)));
}

TEST_CASE("bounded queue: closing wakes all who wait", "[unit][base]") {
    BoundedQueue<Item> queue(1);
    std::atomic<int> woken{0};
    {
        std::vector<std::jthread> waiting;
        for (int i = 0; i < 3; ++i) {
            waiting.emplace_back([&] {
                if (!queue.pop()) {
                    ++woken;
                }
            });
        }
        queue.close();
    }
    CHECK(woken == 3);
}

TEST_CASE("bounded queue: nothing is lost or doubled between threads", "[unit][base]") {
    constexpr int kProducers = 3;
    constexpr int kItems = 2000;
    BoundedQueue<int> queue(16);
    std::vector<int> received(static_cast<std::size_t>(kProducers) * kItems, 0);
    std::vector<int> last(kProducers, -1);
    bool in_order = true;
    {
        const std::jthread consumer([&] {
            while (const auto number = queue.pop()) {
                ++received[static_cast<std::size_t>(*number)];
                const auto producer = static_cast<std::size_t>(*number / kItems);
                in_order = in_order && *number > last[producer];
                last[producer] = *number;
            }
        });
        {
            std::vector<std::jthread> producers;
            for (int producer = 0; producer < kProducers; ++producer) {
                producers.emplace_back([&queue, producer] {
                    for (int i = 0; i < kItems; ++i) {
                        int number = producer * kItems + i;
                        while (!queue.try_push(number)) {
                            std::this_thread::yield();
                        }
                    }
                });
            }
        }
        queue.close();
    }
    CHECK(in_order);
    CHECK(std::all_of(received.begin(), received.end(), [](int times) { return times == 1; }));
}
