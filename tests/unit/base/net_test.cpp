#include <siprec/net.hpp>

#include <catch2/catch.hpp>

#include <string>

using siprec::Endpoint;
using siprec::IpAddress;

TEST_CASE("net: addresses are read and printed in their usual form", "[unit][base]") {
    const auto [text, printed, is_v6] = GENERATE(table<std::string, std::string, bool>({
        {"192.0.2.1", "192.0.2.1", false},
        {"0.0.0.0", "0.0.0.0", false},
        {"255.255.255.255", "255.255.255.255", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"[2001:DB8:0:0::1]", "2001:db8::1", true},
        {"::", "::", true},
    }));
    const auto address = IpAddress::parse(text);
    REQUIRE(address);
    CHECK(address->to_string() == printed);
    CHECK(address->is_v6() == is_v6);
    CHECK(address->bytes().size() == (is_v6 ? 16U : 4U));
}

TEST_CASE("net: names and halves of addresses are none", "[unit][base]") {
    const char* text =
        GENERATE("",
                 "[]",
                 "localhost",
                 "192.0.2",
                 "192.0.2.256",
                 "192.0.2.1:5060",
                 "192.0.2.1 ",
                 "2001:db8::1::",
                 "[2001:db8::1",
                 "fe80::1%eth0",
                 "x.x.x.x",
                 "00000000000000000000000000000000000000000000000000000000000000001");
    INFO(text);
    CHECK_FALSE(IpAddress::parse(text));
}

TEST_CASE("net: unspecified and loopback addresses are known", "[unit][base]") {
    const auto [text, unspecified, loopback] = GENERATE(table<std::string, bool, bool>({
        {"0.0.0.0", true, false},
        {"::", true, false},
        {"127.0.0.1", false, true},
        {"127.9.9.9", false, true},
        {"::1", false, true},
        {"192.0.2.1", false, false},
        {"2001:db8::1", false, false},
        {"1::1", false, false},
    }));
    INFO(text);
    const auto address = IpAddress::parse(text);
    REQUIRE(address);
    CHECK(address->is_unspecified() == unspecified);
    CHECK(address->is_loopback() == loopback);
    CHECK(IpAddress{}.is_unspecified());
}

TEST_CASE("net: IPv4 and IPv6 of the same bytes differ", "[unit][base]") {
    CHECK(IpAddress::v4({0, 0, 0, 0}) != IpAddress::v6({}));
    CHECK(IpAddress::v4({192, 0, 2, 1}) == IpAddress::parse("192.0.2.1"));
    CHECK(IpAddress::v4({192, 0, 2, 1}) < IpAddress::v4({192, 0, 2, 2}));
}

TEST_CASE("net: endpoints are read and printed", "[unit][base]") {
    const char* text = GENERATE("192.0.2.1:5060", "[2001:db8::1]:5060", "0.0.0.0:0", "[::]:65535");
    const auto endpoint = Endpoint::parse(text);
    REQUIRE(endpoint);
    CHECK(endpoint->to_string() == text);
}

TEST_CASE("net: endpoints without address or port are none", "[unit][base]") {
    const char* text = GENERATE("",
                                ":",
                                ":5060",
                                "192.0.2.1",
                                "192.0.2.1:",
                                "192.0.2.1:65536",
                                "192.0.2.1:-1",
                                "192.0.2.1:5060x",
                                "2001:db8::1:5060",
                                "[2001:db8::1]",
                                "localhost:5060");
    INFO(text);
    CHECK_FALSE(Endpoint::parse(text));
}

TEST_CASE("net: transports have their SIP names", "[unit][base]") {
    CHECK(siprec::to_string(siprec::Transport::Udp) == "udp");
    CHECK(siprec::to_string(siprec::Transport::Tcp) == "tcp");
    CHECK(siprec::to_string(siprec::Transport::Tls) == "tls");
}

TEST_CASE("net: a subnet holds the addresses that share its prefix", "[unit][base]") {
    struct Case {
        const char* subnet;
        const char* inside;
        const char* outside;
    };

    const auto each = GENERATE(Case{"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
                               Case{"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
                               Case{"192.0.2.7", "192.0.2.7", "192.0.2.6"},
                               Case{"192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.6"},
                               Case{"::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"},
                               Case{"0.0.0.0/0", "255.1.2.3", "::1"},
                               Case{"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"});
    const auto subnet = siprec::Subnet::parse(each.subnet);
    REQUIRE(subnet);
    CHECK(subnet->contains(*siprec::IpAddress::parse(each.inside)));
    CHECK_FALSE(subnet->contains(*siprec::IpAddress::parse(each.outside)));
}

TEST_CASE("net: what is no subnet is refused", "[unit][base]") {
    for (const char* text : {"",
                             "/8",
                             "192.0.2.0/",
                             "192.0.2.0/33",
                             "::/129",
                             "192.0.2.0/-1",
                             "192.0.2.0/8x",
                             "host/8"}) {
        CAPTURE(text);
        CHECK_FALSE(siprec::Subnet::parse(text));
    }
}
