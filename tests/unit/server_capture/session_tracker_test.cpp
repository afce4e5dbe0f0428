#include "capture/session_tracker.hpp"

#include "capture/rotation.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace siprec::server::testing {
namespace {

WallTime at(int second) {
    return WallTime(std::chrono::seconds(second));
}

/// One stay as text: "s1 0-5" is a window from second 0 to 5, "s1 0-" one that goes on.
std::string text_of(const SessionStay& stay) {
    const auto seconds = [](WallTime time) {
        return std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
    };
    std::string text = stay.session_id;
    if (stay.number > 1) {
        text += "#" + std::to_string(stay.number);
    }
    for (const StayWindow& window : stay.windows) {
        text += " " + seconds(window.from) + "-" + (window.until ? seconds(*window.until) : "");
    }
    return text;
}

/// Documents with their times in, stays out.
class Session {
  public:
    Session& complete(int second, const std::string& content) {
        return add(second, "complete", content, false);
    }

    Session& partial(int second, const std::string& content) {
        return add(second, "partial", content, false);
    }

    Session& bye(int second, const std::string& content) {
        return add(second, "partial", content, true);
    }

    Session& end(int second) {
        tracker.close(at(second));
        return *this;
    }

    [[nodiscard]] std::vector<std::string> stays() const {
        std::vector<std::string> texts;
        for (const SessionStay& stay : tracker.stays()) {
            texts.push_back(text_of(stay));
        }
        return texts;
    }

    SessionTracker tracker{at(0)};
    metadata::State state;

  private:
    Session& add(int second, const char* mode, const std::string& content, bool in_bye) {
        const auto parsed =
            metadata::parse("<recording xmlns='urn:ietf:params:xml:ns:recording:1'><datamode>" +
                            std::string(mode) + "</datamode>" + content + "</recording>");
        REQUIRE(parsed.has_value());
        (void)state.apply(parsed->document, at(second));
        tracker.apply(*parsed, state, at(second), in_bye, 1);
        return *this;
    }
};

std::string cs(const std::string& id) {
    return "<session session_id='" + id + "'/>";
}

std::string stopped(const std::string& id) {
    // The client's clock is years off; it must not matter.
    return "<session session_id='" + id + "'><stop-time>1999-12-31T23:59:59Z</stop-time></session>";
}

std::string party(const std::string& id) {
    return "<participant participant_id='" + id + "'><nameID aor='sip:" + id +
           "@x'/></participant>";
}

std::string in(const std::string& participant, const std::string& session) {
    return "<participantsessionassoc participant_id='" + participant + "' session_id='" + session +
           "'/>";
}

std::string out(const std::string& participant, const std::string& session) {
    return "<participantsessionassoc participant_id='" + participant + "' session_id='" + session +
           "'><disassociate-time>2026-01-01T00:00:00Z</disassociate-time>"
           "</participantsessionassoc>";
}

std::string attached(const std::string& session, const char* from, const char* until) {
    return "<sessionrecordingassoc session_id='" + session + "'><associate-time>" + from +
           "</associate-time>" +
           (*until == '\0' ? std::string()
                           : "<disassociate-time>" + std::string(until) + "</disassociate-time>") +
           "</sessionrecordingassoc>";
}

using Stays = std::vector<std::string>;

TEST_CASE("cutting: the only CS lasts from the beginning of the session to its end",
          "[unit][capture][7865-6.4-1]") {
    Session session;
    session.complete(2, cs("s1") + party("a")).end(9);
    CHECK(session.stays() == Stays{"s1 0-9"});
    CHECK(session.tracker.stays()[0].covers_everything());
}

TEST_CASE("cutting: a CS that is named late by a thin document begins at the beginning",
          "[unit][capture]") {
    Session session;
    session.complete(1, party("a") + party("b")).partial(5, cs("s1")).end(9);
    CHECK(session.stays() == Stays{"s1 0-9"});
}

TEST_CASE("cutting: a CS that follows an empty document begins with its own",
          "[unit][capture][7865-6.1-2][8068-F9]") {
    Session session;
    session.complete(0, "").partial(5, cs("s1")).partial(7, stopped("s1")).end(9);
    CHECK(session.stays() == Stays{"s1 5-7"});
    CHECK_FALSE(session.tracker.is_idle());
}

TEST_CASE("cutting: stop-time ends a CS and time between two belongs to none",
          "[unit][capture][7865-pu-5][8068-F9]") {
    Session session;
    session.complete(0, cs("s1")).partial(3, stopped("s1")).partial(5, cs("s2")).end(8);
    CHECK(session.stays() == Stays{"s1 0-3", "s2 5-8"});
    CHECK(session.tracker.stays()[0].is_first);
    CHECK_FALSE(session.tracker.stays()[1].is_first);
}

TEST_CASE("cutting: a CS that everybody has left is away until somebody is in it again",
          "[unit][capture][7865-6.6-3]") {
    Session session;
    session.complete(0, cs("s1") + party("a") + party("b") + in("a", "s1") + in("b", "s1"))
        .partial(2, out("a", "s1"))
        .partial(3, out("b", "s1"))
        .partial(6, party("c") + in("c", "s1"))
        .end(8);
    CHECK(session.stays() == Stays{"s1 0-3 6-8"});
}

TEST_CASE("cutting: a CS may be attached to the session and detached several times",
          "[unit][capture][7865-6.4-1][7865-6.4-3]") {
    Session session;
    session.complete(0, cs("s1") + attached("s1", "2026-01-01T10:00:00Z", ""))
        .partial(2, attached("s1", "2026-01-01T10:00:00Z", "2026-01-01T10:00:02Z"))
        .partial(4, attached("s1", "2026-01-01T10:00:04Z", ""))
        .partial(6, attached("s1", "2026-01-01T10:00:04Z", "2026-01-01T10:00:06Z"))
        .end(9);
    CHECK(session.stays() == Stays{"s1 0-2 4-6"});
}

TEST_CASE("cutting: what the next complete document leaves out has ended",
          "[unit][capture][7865-pu-1][7865-pu-17][8068-F4]") {
    Session session;
    session.complete(0, cs("s1")).complete(4, cs("s2")).complete(6, cs("s2") + cs("s3")).end(9);
    CHECK(session.stays() == Stays{"s1 0-4", "s2 4-9", "s3 6-9"});
}

TEST_CASE("cutting: a complete document with parties and without any CS ends none",
          "[unit][capture]") {
    Session session;
    session.complete(0, cs("s1")).complete(4, party("a")).end(9);
    CHECK(session.stays() == Stays{"s1 0-9"});
    Session emptied;
    emptied.complete(0, cs("s1")).complete(4, "").end(9);
    CHECK(emptied.stays() == Stays{"s1 0-4"});
}

TEST_CASE("cutting: a document that had to be salvaged ends nothing by what it leaves out",
          "[unit][capture]") {
    Session session;
    session.complete(0, cs("s1"));
    metadata::ParsedDocument broken;
    broken.dialect = metadata::Dialect::Salvaged;
    (void)session.state.apply(broken.document, at(3));
    session.tracker.apply(broken, session.state, at(3), false, 1);
    session.end(9);
    CHECK(session.stays() == Stays{"s1 0-9"});
}

TEST_CASE("cutting: what BYE says ends with the session", "[unit][capture][8068-F5]") {
    Session session;
    session.complete(0, cs("s1")).bye(4, stopped("s1")).end(5);
    CHECK(session.stays() == Stays{"s1 0-5"});
    CHECK(session.tracker.stays()[0].covers_everything());
    Session late;
    late.bye(4, stopped("s1")).end(5);
    CHECK(late.stays() == Stays{"s1 0-5"});
}

TEST_CASE("cutting: two CSs at once begin with the document that names them",
          "[unit][capture][8068-F10]") {
    Session session;
    session.complete(1, cs("s1") + cs("s2")).partial(4, stopped("s1")).end(9);
    CHECK(session.stays() == Stays{"s1 1-4", "s2 1-9"});
}

TEST_CASE("cutting: a repeated document brings nothing back and a return is another stay",
          "[unit][capture]") {
    Session session;
    session.complete(0, cs("s1")).partial(2, stopped("s1")).partial(3, stopped("s1"));
    CHECK(session.stays() == Stays{"s1 0-2"});
    session.tracker.rotate(2);
    session.tracker.forget("s1", 1);
    session.partial(4, stopped("s1"));
    CHECK(session.stays().empty());
    session.complete(5, cs("s1")).end(6);
    CHECK(session.stays() == Stays{"s1#2 5-6"});
}

TEST_CASE("cutting: a tracker goes on from its text", "[unit][capture]") {
    Session session;
    session.complete(0, cs("s1") + cs("s2")).partial(2, stopped("s1"));
    session.tracker.rotate(2);
    session.tracker.forget("s1", 1);
    const auto copy = SessionTracker::from_json(session.tracker.to_json());
    REQUIRE(copy.has_value());
    session.tracker = *copy;
    session.partial(4, stopped("s2")).partial(5, cs("s3")).end(6);
    CHECK(session.stays() == Stays{"s2 0-4", "s3 5-6"});
    CHECK(session.tracker.documents() == 4);
    CHECK_FALSE(SessionTracker::from_json("{").has_value());
    CHECK_FALSE(SessionTracker::from_json("{}").has_value());
}

TEST_CASE("rotation: a capture rotates when all that went on is over", "[unit][capture]") {
    Session session;
    session.complete(0, cs("s1"));
    CHECK_FALSE(is_clean_cut(session.tracker));
    session.partial(2, cs("s2"));
    session.partial(3, stopped("s1"));
    CHECK_FALSE(is_clean_cut(session.tracker));
    session.partial(4, stopped("s2"));
    CHECK(is_clean_cut(session.tracker));

    Session handed_over;
    handed_over.complete(0, cs("s1")).complete(2, cs("s2"));
    CHECK(is_clean_cut(handed_over.tracker));
    handed_over.tracker.rotate(2);
    CHECK(handed_over.tracker.stays()[1].first_part == 2);
}

TEST_CASE("rotation: a CS that may come back keeps its capture for a while", "[unit][capture]") {
    Session session;
    session.complete(0, cs("s1") + party("a") + in("a", "s1")).partial(2, out("a", "s1"));
    CHECK_FALSE(is_clean_cut(session.tracker));
    const RotationLimits limits;
    CHECK_FALSE(is_overgrown(session.tracker, {.began = at(0), .now = at(60), .bytes = 0}, limits));
    CHECK(is_overgrown(session.tracker, {.began = at(0), .now = at(62), .bytes = 0}, limits));
    session.partial(30, cs("s2"));
    CHECK(is_clean_cut(session.tracker));
}

TEST_CASE("rotation: size and age count only when a recording waits or nothing is on record",
          "[unit][capture]") {
    const RotationLimits limits;
    const PartProgress big{.began = at(0), .now = at(10), .bytes = limits.bytes};
    const PartProgress old{.began = at(0), .now = at(300), .bytes = 0};
    Session session;
    session.complete(0, cs("s1"));
    CHECK_FALSE(is_overgrown(session.tracker, big, limits));
    CHECK_FALSE(is_overgrown(session.tracker, old, limits));
    session.partial(2, cs("s2")).partial(3, stopped("s2"));
    CHECK(is_overgrown(session.tracker, big, limits));
    CHECK(is_overgrown(session.tracker, old, limits));
    CHECK_FALSE(
        is_overgrown(session.tracker, {.began = at(0), .now = at(10), .bytes = 10}, limits));
    CHECK_FALSE(is_overgrown(Session().tracker, big, limits));
}

}  // namespace
}  // namespace siprec::server::testing
