#include "options.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <variant>
#include <vector>

namespace {

std::variant<srcsim::Options, int> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"siprec-src", "--to", "sip:rec@127.0.0.1:5070"});
    return srcsim::parse_options(static_cast<int>(arguments.size()), arguments.data());
}

}  // namespace

TEST_CASE("siprec-src options: defaults are filled in when only the target is given",
          "[unit][siprec-src]") {
    const auto parsed = parse({});
    REQUIRE(std::holds_alternative<srcsim::Options>(parsed));
    const auto& options = std::get<srcsim::Options>(parsed);
    CHECK(options.target.port == 5070);
    CHECK(options.transport == siprec::Transport::Udp);
    CHECK(options.codec == srcsim::Codec::Pcmu);
    CHECK(options.calls == 1);
    CHECK(options.with_rtcp);
    CHECK(options.caller.name == "Alice");
}

TEST_CASE("siprec-src options: what is given is taken", "[unit][siprec-src]") {
    const auto parsed = parse({"--transport",
                               "tcp",
                               "--codec",
                               "l16",
                               "--no-rtcp",
                               "--calls",
                               "7",
                               "--duration",
                               "1.5",
                               "--media-ports",
                               "20000-20100",
                               "--from",
                               "N{n} <sip:{n}@x>",
                               "--hold"});
    REQUIRE(std::holds_alternative<srcsim::Options>(parsed));
    const auto& options = std::get<srcsim::Options>(parsed);
    CHECK(options.transport == siprec::Transport::Tcp);
    CHECK(options.codec == srcsim::Codec::L16);
    CHECK_FALSE(options.with_rtcp);
    CHECK(options.calls == 7);
    CHECK(options.duration == std::chrono::milliseconds{1500});
    CHECK(options.media_ports.low == 20000);
    CHECK(options.media_ports.high == 20100);
    CHECK(options.hold);
    const auto party = srcsim::numbered(options.caller, 12);
    CHECK(party.name == "N12");
    CHECK(party.aor == "sip:12@x");
}

TEST_CASE("siprec-src options: what cannot be done ends with exit code 2", "[unit][siprec-src]") {
    const std::vector<const char*> bad =
        GENERATE(std::vector<const char*>{"--transport", "sctp"},
                 std::vector<const char*>{"--srtp", "zrtp"},
                 std::vector<const char*>{"--codec", "evs"},
                 std::vector<const char*>{"--calls", "0"},
                 std::vector<const char*>{"--rate", "0"},
                 std::vector<const char*>{"--ptime", "5"},
                 std::vector<const char*>{"--bind", "localhost"},
                 std::vector<const char*>{"--media-ports", "20000"},
                 std::vector<const char*>{"--audio", "no-such-file.wav"},
                 std::vector<const char*>{"--no-such-option"});
    const auto parsed = parse(bad);
    REQUIRE(std::holds_alternative<int>(parsed));
    CHECK(std::get<int>(parsed) == srcsim::kExitUsage);
}
