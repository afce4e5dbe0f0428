#include "interop/lift.hpp"

#include "interop/profile_file.hpp"
#include "interop/time_zone.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace {

using namespace siprec::server;
namespace metadata = siprec::metadata;

ProfileSet set_of(const std::string& rest) {
    auto profile = parse_profile("name = \"t\"\n[[when]]\nalways = \"yes\"\n" + rest, "t.toml");
    if (!profile) {
        FAIL(profile.error().message());
    }
    ProfileSet set;
    set.profiles.push_back(*std::move(profile));
    return set;
}

metadata::CommunicationSession session_with(metadata::XmlElement extension) {
    metadata::CommunicationSession session;
    session.id = "s";
    session.extensions.push_back(std::move(extension));
    return session;
}

struct Call {
    siprec::SessionInfo session;
    metadata::Document document;
    std::vector<std::string_view> received;
    std::vector<std::string_view> broken;

    [[nodiscard]] CallView view() const { return {session, document, received, broken}; }
};

metadata::XmlElement element(std::string name, std::string text) {
    metadata::XmlElement made;
    made.name_space = "urn:vendor";
    made.name = std::move(name);
    made.text = std::move(text);
    return made;
}

std::vector<std::string> values(const Lifted& lifted, std::string_view name) {
    std::vector<std::string> found;
    for (const FieldValue& field : lifted.fields) {
        if (field.name == name) {
            found.push_back(field.value);
        }
    }
    return found;
}

using Values = std::vector<std::string>;

}  // namespace

TEST_CASE("lift: headers are found by name and wildcard in any case", "[unit][interop]") {
    Call call;
    call.session.headers = {{"x-acme-agent-id", " 42 "}, {"X-Other", "(null)"}, {"X-Other", "7"}};
    const ProfileSet set = set_of(
        "[fields]\nagent_id = [{ header = \"X-*Agent-ID\" }]\nother = [{ header = \"x-other\" "
        "}]\n");
    const Lifted lifted = lift(set, call.view());
    CHECK(values(lifted, "agent_id") == Values{"42"});
    CHECK(values(lifted, "other") == Values{"7"});
    CHECK(lifted.fields[0].source == "t: header X-*Agent-ID");
    CHECK(lifted.profiles == std::vector<ChosenProfile>{{"t", "always"}});
}

TEST_CASE("lift: elements are found under the object that is asked for", "[unit][interop]") {
    Call call;
    call.document.sessions.push_back(session_with(element("id", "of session")));
    metadata::Participant party;
    party.id = "p";
    party.extensions = {element("id", "of party")};
    call.document.participants.push_back(party);
    call.document.extensions = {element("id", "of recording")};
    const ProfileSet set = set_of(
        "[fields]\na = [{ element = \"id\", under = [\"participant\"] }]\nb = [{ element = \"id\" "
        "}]\n"
        "c = [{ element = \"id\", under = [\"recording\", \"session\"], capture = 'of (\\w+)' }]\n"
        "d = [{ element = \"id\", gives = \"owner\", under = [\"session\"] }]\n"
        "\"e.*\" = [{ element = \"id\", key = \"*\", under = [\"stream\", \"session\"] }]\n"
        "f = [{ metadata = \"session_id\" }]\n");
    const Lifted lifted = lift(set, call.view());
    CHECK(values(lifted, "a") == Values{"of party"});
    CHECK(values(lifted, "b") == Values{"of session", "of recording", "of party"});
    CHECK(values(lifted, "c") == Values{"session", "recording"});
    CHECK(values(lifted, "d") == Values{"s"});
    CHECK(values(lifted, "e.id") == Values{"of session"});
    CHECK(values(lifted, "f") == Values{"s"});
}

TEST_CASE("lift: names that attributes give end the field's name", "[unit][interop]") {
    Call call;
    metadata::XmlElement parameter = element("Parameter", "");
    parameter.attributes = {{"name", "Caller Name"}, {"value", "Ann"}};
    call.document.sessions.push_back(session_with(parameter));
    const ProfileSet set = set_of(
        "[fields]\n\"p.*\" = [{ element = \"Parameter\", attribute = \"value\", key = \"name\" "
        "}]\n");
    CHECK(values(lift(set, call.view()), "p.caller_name") == Values{"Ann"});
}

TEST_CASE("lift: a broken document gives what its tags still show", "[unit][interop]") {
    Call call;
    const std::string text = "<x:ucid>00AB</x:ucid><empty/><ucid >77</ucid><!-- <ucid";
    call.broken = {text};
    const ProfileSet set = set_of("[fields]\nucid = [{ element = \"any/ucid\" }]\n");
    CHECK(values(lift(set, call.view()), "ucid") == Values{"00AB", "77"});
}

TEST_CASE("lift: a call cannot flood the catalogue", "[unit][interop]") {
    Call call;
    for (int i = 0; i < 5000; ++i) {
        call.session.headers.emplace_back("X-Many", std::to_string(i));
    }
    call.session.headers.emplace_back("X-Long", std::string(5000, 'a'));
    const ProfileSet set =
        set_of("[fields]\nlong = [{ header = \"X-Long\" }]\nmany = [{ header = \"X-Many\" }]\n");
    const Lifted lifted = lift(set, call.view());
    CHECK(lifted.fields.size() == 512);
    CHECK(values(lifted, "long").empty());
}

TEST_CASE("lift: all of a condition must hold, any condition will do", "[unit][interop]") {
    ProfileSet set;
    set.profiles.push_back(parse_profile("name = \"c\"\n"
                                         "[[when]]\nuser_agent = 'acme'\nfrom_host = '^10\\.'\n"
                                         "[[when]]\nnamespace = 'urn:vendor'\n"
                                         "[[when]]\ndocument = 'mark'\n",
                                         "c.toml")
                               .value());
    Call call;
    call.session.user_agent = "ACME SBC";
    CHECK(lift(set, call.view()).profiles.empty());
    call.session.from_uri = "sip:src@10.1.2.3:5060";
    CHECK(lift(set, call.view()).profiles.at(0).reason == "user_agent acme, from_host ^10\\.");
    call.session.user_agent.clear();
    call.session.headers = {{"Server", "acme"}};
    CHECK(lift(set, call.view()).profiles.size() == 1);
    call.session.headers.clear();
    CHECK(lift(set, call.view()).profiles.empty());
    call.document.extensions = {element("a", "")};
    CHECK(lift(set, call.view()).profiles.at(0).reason == "namespace urn:vendor");
    call.document.extensions.clear();
    call.received = {"<x mark='1'/>"};
    CHECK(lift(set, call.view()).profiles.at(0).reason == "document mark");
}

TEST_CASE("time zone: the zone of bare times is the profile's or fits their arrival",
          "[unit][interop]") {
    using namespace std::chrono_literals;
    const std::string document = "<a>2026-03-01T09:40:12</a><b>2026-03-01T09:00:00Z</b>";
    const auto at = [](std::string_view text) { return siprec::parse_time(text).value().time; };
    const Quirks automatic{.time_zone = {}, .infer_time_zone = true, .labels = {}};
    CHECK(zone_of(document, automatic, at("2026-03-01T08:40:14Z")) == 60min);
    CHECK(zone_of(document, automatic, at("2026-03-01T15:10:14Z")) == -330min);
    CHECK(zone_of(document, automatic, at("2026-03-01T09:40:10Z")) == 0min);
    CHECK_FALSE(zone_of(document, automatic, at("2026-03-01T08:33:00Z")));
    CHECK_FALSE(zone_of(document, automatic, at("2027-03-01T08:40:14Z")));
    CHECK(zone_of(document, {.time_zone = 120min, .infer_time_zone = false, .labels = {}}, {}) ==
          120min);
    CHECK_FALSE(zone_of("<b>2026-03-01T09:00:00Z</b>", automatic, at("2026-03-01T08:00:00Z")));
    CHECK(with_zone(document, -330min) ==
          "<a>2026-03-01T09:40:12-05:30</a><b>2026-03-01T09:00:00Z</b>");
}
