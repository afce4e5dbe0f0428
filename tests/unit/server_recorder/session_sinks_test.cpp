#include "recorder/session_sinks.hpp"

#include "recorder/admission.hpp"

#include <siprec/log.hpp>

#include <catch2/catch.hpp>

#include <string>

namespace {

using siprec::server::Admission;
using siprec::server::matches_pattern;
using siprec::server::SessionSinks;
using siprec::server::SinkConfig;

/// A forwarder to a port that nobody listens on; media is never sent in these tests.
SinkConfig forwarder(const std::string& name) {
    SinkConfig config;
    config.name = name;
    config.kind = SinkConfig::Kind::RtpForward;
    config.target = *siprec::Endpoint::parse("127.0.0.1:40000");
    return config;
}

siprec::SessionInfo session() {
    siprec::SessionInfo info;
    info.id = siprec::Uuid::random();
    info.user_agent = "Cisco-SIPGateway/IOS-16";
    info.from_uri = "sip:cube@sbc1.example.net";
    info.to_uri = "sip:srs@example.net";
    info.source = *siprec::Endpoint::parse("192.0.2.7:5060");
    info.evidence.require_tag = true;
    return info;
}

std::unique_ptr<SessionSinks> make(const std::vector<SinkConfig>& configs) {
    auto sinks = SessionSinks::create(configs, siprec::null_logger());
    REQUIRE(sinks);
    return std::move(*sinks);
}

}  // namespace

TEST_CASE("session sinks: a pattern matches whole texts and a star anything in them",
          "[unit][server]") {
    CHECK(matches_pattern("", ""));
    CHECK(matches_pattern("*", ""));
    CHECK(matches_pattern("*", "anything"));
    CHECK(matches_pattern("Cisco*", "cisco-gateway"));
    CHECK(matches_pattern("*gate*way", "cisco-gateway"));
    CHECK(matches_pattern("a*b*c", "aXbXbXc"));
    CHECK_FALSE(matches_pattern("", "a"));
    CHECK_FALSE(matches_pattern("cisco", "cisco-gateway"));
    CHECK_FALSE(matches_pattern("*gate", "cisco-gateway"));
    CHECK_FALSE(matches_pattern("a*b*c", "aXcXb"));
    CHECK_FALSE(matches_pattern("a?c", "abc"));
    // No time without end, whatever a stranger writes into his User-Agent.
    CHECK_FALSE(matches_pattern("*a*a*a*a*a*a*b", std::string(20'000, 'a')));
}

TEST_CASE("session sinks: all rules of a sink must hold and of each list one", "[unit][server]") {
    SinkConfig config = forwarder("a");
    bool chosen = true;
    SECTION("no rule") {}
    SECTION("attach is off") {
        config.attach = false;
        chosen = false;
    }
    SECTION("source") {
        config.sources = {*siprec::Subnet::parse("192.0.2.0/24")};
    }
    SECTION("another source") {
        config.sources = {*siprec::Subnet::parse("192.0.3.0/24")};
        chosen = false;
    }
    SECTION("one of two agents") {
        config.user_agents = {"Avaya*", "cisco*"};
    }
    SECTION("another agent") {
        config.user_agents = {"Avaya*"};
        chosen = false;
    }
    SECTION("from and to") {
        config.from = {"sip:*@sbc1.example.net"};
        config.to = {"sip:srs@*"};
    }
    SECTION("from but not to") {
        config.from = {"sip:*@sbc1.example.net"};
        config.to = {"sip:other@*"};
        chosen = false;
    }
    const auto sinks = make({config});
    CHECK(sinks->choose(session()).size() == (chosen ? 1 : 0));
    // The policy hands on what was chosen.
    Admission admission(siprec::server::Config{}, sinks.get());
    const auto decision = admission.on_invite(session());
    CHECK(decision.kind == siprec::SessionDecision::Kind::Accept);
    CHECK(decision.more_sinks == sinks->choose(session()));
}

TEST_CASE("session sinks: a session has a sink once until it has ended", "[unit][server]") {
    const auto sinks = make({forwarder("a"), forwarder("b")});
    const auto found = sinks->find("b");
    REQUIRE(found);
    const auto info = session();
    auto first = (*found)->open_session(info);
    REQUIRE(first);
    CHECK((*found)->open_session(info) == nullptr);
    CHECK((*found)->open_session(session()) != nullptr);  // another session
    CHECK((*sinks->find("a"))->open_session(info) != nullptr);
    first.reset();
    CHECK((*found)->open_session(info) != nullptr);
}

TEST_CASE("session sinks: an unknown name is answered with those there are", "[unit][server]") {
    const auto missing = make({forwarder("a"), forwarder("b")})->find("c");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code() == siprec::ErrorCode::NotFound);
    CHECK(missing.error().message().find("a, b") != std::string::npos);
    CHECK(make({})->find("c").error().message() == "no sinks are configured");
}

TEST_CASE("session sinks: a file that cannot be read is named with its sink", "[unit][server]") {
    SinkConfig config;
    config.name = "speech";
    config.websocket.url = "wss://127.0.0.1:1/";
    config.websocket.ca_file = "/nonexistent/ca.pem";
    const auto sinks = SessionSinks::create({config}, siprec::null_logger());
    REQUIRE_FALSE(sinks);
    CHECK(sinks.error().message().find("sinks: speech: /nonexistent/ca.pem") == 0);
}
