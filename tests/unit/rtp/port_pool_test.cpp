#include "rtp/port_pool.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <set>
#include <vector>

using siprec::rtp::PortLease;
using siprec::rtp::PortPool;

TEST_CASE("port pool: all even ports of the range are handed out once", "[unit][rtp][rfc3550]") {
    const auto pool = std::make_shared<PortPool>(std::uint16_t{20000}, std::uint16_t{20009});
    CHECK(pool->total() == 5);
    std::vector<PortLease> leases;
    std::set<std::uint16_t> ports;
    for (int i = 0; i < 5; ++i) {
        auto lease = pool->acquire();
        REQUIRE(lease);
        ports.insert(lease->port());
        leases.push_back(std::move(*lease));
    }
    CHECK(ports == std::set<std::uint16_t>{20000, 20002, 20004, 20006, 20008});
    CHECK(pool->in_use() == 5);

    const auto none = pool->acquire();
    REQUIRE_FALSE(none);
    CHECK(none.error().code() == siprec::ErrorCode::ResourceExhausted);
    CHECK(none.error().message().find("20000") != std::string::npos);
    CHECK(none.error().message().find("20009") != std::string::npos);

    leases.erase(leases.begin() + 2);
    CHECK(pool->in_use() == 4);
    CHECK(pool->acquire());
}

TEST_CASE("port pool: the longest unused port comes first", "[unit][rtp]") {
    const auto pool = std::make_shared<PortPool>(std::uint16_t{20000}, std::uint16_t{20005});
    {
        const auto first = pool->acquire();
        REQUIRE(first);
        CHECK(first->port() == 20000);
    }
    std::vector<std::uint16_t> order;
    for (int i = 0; i < 3; ++i) {
        const auto lease = pool->acquire();
        REQUIRE(lease);
        order.push_back(lease->port());
    }
    CHECK(order == std::vector<std::uint16_t>{20002, 20004, 20000});
}

TEST_CASE("port pool: a lease that moves is given back once", "[unit][rtp]") {
    const auto pool = std::make_shared<PortPool>(std::uint16_t{20000}, std::uint16_t{20003});
    std::optional<PortLease> kept;
    {
        auto lease = pool->acquire();
        REQUIRE(lease);
        kept = std::move(*lease);
    }
    CHECK(pool->in_use() == 1);
    auto second = pool->acquire();
    REQUIRE(second);
    *kept = std::move(*second);
    CHECK(pool->in_use() == 1);
    CHECK(kept->port() == 20002);
    kept.reset();
    CHECK(pool->in_use() == 0);
}

TEST_CASE("port pool: the highest pair of all can be used", "[unit][rtp]") {
    const auto pool = std::make_shared<PortPool>(std::uint16_t{65534}, std::uint16_t{65535});
    const auto lease = pool->acquire();
    REQUIRE(lease);
    CHECK(lease->port() == 65534);
}
