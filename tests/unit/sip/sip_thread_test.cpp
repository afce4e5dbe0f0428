#include "sip/sip_thread.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace {

using siprec::Error;
using siprec::ErrorCode;
using siprec::Result;
using siprec::sip::SipThread;

}  // namespace

TEST_CASE("sip thread: posted work runs in order on one thread", "[unit][sip]") {
    std::vector<int> order;
    std::thread::id started_on;
    auto thread = SipThread::start(
        [&started_on](void*) -> Result<void> {
            started_on = std::this_thread::get_id();
            return {};
        },
        [] {});
    REQUIRE(thread);
    std::promise<std::thread::id> ran_on;
    for (int i = 0; i < 100; ++i) {
        REQUIRE((*thread)->post([&order, i] { order.push_back(i); }));
    }
    REQUIRE((*thread)->post([&ran_on] { ran_on.set_value(std::this_thread::get_id()); }));
    CHECK(ran_on.get_future().get() == started_on);
    (*thread)->stop();
    REQUIRE(order.size() == 100);
    CHECK(std::is_sorted(order.begin(), order.end()));
    CHECK_FALSE((*thread)->post([] {}));
}

TEST_CASE("sip thread: what was posted before the stop has run after it", "[unit][sip]") {
    std::atomic<int> ran = 0;
    std::atomic<bool> stopping_ran_last = false;
    auto thread = SipThread::start([](void*) -> Result<void> { return {}; },
                                   [&] { stopping_ran_last = ran == 1000; });
    REQUIRE(thread);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE((*thread)->post([&ran] { ++ran; }));
    }
    (*thread)->stop();
    CHECK(ran == 1000);
    CHECK(stopping_ran_last);
}

TEST_CASE("sip thread: a failed start is reported and leaves no thread", "[unit][sip]") {
    auto thread = SipThread::start(
        [](void*) -> Result<void> { return Error(ErrorCode::Io, "address in use"); }, [] {});
    REQUIRE_FALSE(thread);
    CHECK(thread.error().message() == "address in use");
}
