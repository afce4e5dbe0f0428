// Calls replayed document by document: our own, and those of RFC 8068 where the reference is
// present.
#include "fixtures.hpp"

#include <iostream>

namespace siprec::metadata::test {

namespace {

constexpr std::string_view kSession = "c2Vzc2lvbi0wMDAwMDAwMQ==";
constexpr std::string_view kMartha = "cGFydHktbWFydGhhLTAwMQ==";
constexpr std::string_view kNura = "cGFydHktbnVyYS0wMDAwMQ==";
constexpr std::string_view kOmar = "cGFydHktb21hci0wMDAwMQ==";
constexpr std::string_view kFirst = "c3RyZWFtLW1hcnRoYS0wMQ==";
constexpr std::string_view kSecond = "c3RyZWFtLW51cmEtMDAwMQ==";

// The names of the reference's tables.
constexpr std::string_view kCs1 = "hVpd7YQgRW2nD22h7q60JQ==";
constexpr std::string_view kCs2 = "bfLZ+NTFEeCNxQTuRyQBmw==";
constexpr std::string_view kAlice = "srfBElmCRp2QB23b7Mpk0w==";
constexpr std::string_view kBob = "zSfPoSvdSDCmU3A3TRDxAw==";
constexpr std::string_view kCarol = "Atnm1ZRnOC6Pm5MApkrDzQ==";
constexpr std::string_view kS96 = "UAAMm5GRQKSCMVvLyl4rFw==";
constexpr std::string_view kS97 = "i1Pz3to5hGk8fuXl+PbwCw==";
constexpr std::string_view kS98 = "8zc6e0lYTlWIINA6GR+3ag==";
constexpr std::string_view kSx = "60JAJm9UTvik0Ltlih/Gzw==";

Ids sorted(std::initializer_list<std::string_view> ids) {
    Ids all(ids.begin(), ids.end());
    std::sort(all.begin(), all.end());
    return all;
}

/// Replays the RFC's documents, a minute apart.
class Replay {
  public:
    static bool is_possible() {
        if (std::filesystem::is_directory(folder())) {
            return true;
        }
        std::cout << "skipped: no RFC examples at " << folder() << '\n';
        return false;
    }

    std::vector<Finding> apply(std::string_view number) {
        for (const auto& path : files_below(folder(), ".xml")) {
            if (path.filename().string().starts_with(number)) {
                now_ += std::chrono::minutes(1);
                return state_.apply(parsed(read_file(path)).document, now_);
            }
        }
        FAIL("no example " << number);
        return {};
    }

    [[nodiscard]] const State& state() const { return state_; }

    [[nodiscard]] Ids senders_of(std::string_view stream) const { return senders(state_, stream); }

    [[nodiscard]] Ids members_of(std::string_view session) const {
        return members(state_, session);
    }

  private:
    static std::filesystem::path folder() { return reference_folder() / "examples" / "rfc8068"; }

    State state_;
    WallTime now_ = at("2016-01-01T00:00:00Z");
};

}  // namespace

TEST_CASE("metadata: a call is told right when held and resumed and transferred and ended",
          "[unit][metadata][rfc8068][7865-5-2][7865-6.8-3][7865-6.8-4][7865-pu-2][7865-pu-4]"
          "[7865-pu-5][7865-pu-7][7865-pu-13][7865-6.3-4][pu-5]") {
    State state;
    const auto apply = [&](std::string_view name, std::string_view time) {
        CHECK(state.apply(parsed(fixture(name)).document, at(time)).empty());
    };
    apply("flow-1-complete.xml", "2026-03-02T08:00:01Z");
    CHECK(senders(state, kFirst) == sorted({kMartha}));
    apply("flow-2-hold.xml", "2026-03-02T08:05:00Z");
    CHECK(senders(state, kFirst).empty());
    CHECK(senders(state, kSecond) == sorted({kNura}));
    CHECK(members(state, kSession) == sorted({kMartha, kNura}));
    apply("flow-3-resume.xml", "2026-03-02T08:06:00Z");
    CHECK(senders(state, kFirst) == sorted({kMartha}));
    apply("flow-4-transfer.xml", "2026-03-02T08:10:01Z");
    CHECK(senders(state, kFirst) == sorted({kOmar}));
    CHECK(members(state, kSession) == sorted({kNura, kOmar}));
    apply("flow-5-disconnect.xml", "2026-03-02T08:20:01Z");
    CHECK(members(state, kSession).empty());
    CHECK(senders(state, kFirst).empty());
    CHECK(senders(state, kSecond).empty());

    std::vector<std::pair<WallTime, WallTime>> first;
    for (const ParticipationInterval& each : state.history()) {
        if (each.stream_id == kFirst) {
            first.emplace_back(each.from, each.until.value());
        }
    }
    REQUIRE(first.size() == 3);
    CHECK(first[0] == std::pair(at("2026-03-02T08:00:00Z"), at("2026-03-02T08:05:00Z")));
    CHECK(first[1] == std::pair(at("2026-03-02T08:06:00Z"), at("2026-03-02T08:10:00Z")));
    CHECK(first[2] == std::pair(at("2026-03-02T08:10:00Z"), at("2026-03-02T08:20:00Z")));
    CHECK(state.everything().participants.size() == 3);
    CHECK(state.everything().sessions.at(0).reasons.at(0).cause == 200);
}

TEST_CASE("metadata: the separate-stream flows of RFC 8068 come out right when replayed",
          "[unit][metadata][rfc8068][7865-pu-12][7865-pu-15][7865-pu-1][7865-pu-11][8068-T7]"
          "[8068-T8][8068-T9][8068-T11][8068-T13][8068-T14][7865-6.9-1][T8]") {
    if (!Replay::is_possible()) {
        return;
    }
    Replay flow;
    CHECK(flow.apply("01").empty());
    CHECK(flow.members_of(kCs1) == sorted({kAlice, kBob}));
    CHECK(flow.senders_of(kS96) == sorted({kAlice}));
    CHECK(flow.senders_of(kS98) == sorted({kBob}));

    flow.apply("02");
    CHECK(flow.senders_of(kS96).empty());
    CHECK(flow.senders_of(kS98) == sorted({kBob}));
    CHECK(flow.members_of(kCs1) == sorted({kAlice, kBob}));
    flow.apply("03");
    CHECK(flow.senders_of(kS96) == sorted({kAlice}));

    CHECK(has_finding(flow.apply("04"), "dangling-reference"));
    CHECK(flow.members_of(kCs1) == sorted({kBob, kCarol}));
    CHECK(flow.senders_of(kS96).empty());
    CHECK(flow.senders_of(kSx) == sorted({kCarol}));
    CHECK(flow.state().current().sessions.at(0).sip_session_ids.size() == 1);

    flow.apply("05");
    CHECK(flow.members_of(kCs1).empty());
    CHECK(flow.senders_of(kSx).empty());
    CHECK(flow.state().current().sessions.at(0).group_ref.has_value());

    flow.apply("06");
    CHECK(flow.members_of(kCs2) == sorted({kBob, kCarol}));
    CHECK(flow.senders_of(kSx) == sorted({kCarol}));
    CHECK(flow.senders_of(kS98) == sorted({kBob}));
    CHECK(with_id(flow.state().current().sessions, kCs1) == nullptr);
    CHECK(with_id(flow.state().everything().sessions, kCs1) != nullptr);
}

TEST_CASE("metadata: a complete document ends the old session when the stop was lost",
          "[unit][metadata][rfc8068][7865-pu-17][7865-pu-1]") {
    if (!Replay::is_possible()) {
        return;
    }
    Replay flow;
    flow.apply("01");
    flow.apply("06");
    CHECK(flow.members_of(kCs1).empty());
    CHECK(flow.members_of(kCs2) == sorted({kBob, kCarol}));
    CHECK(flow.senders_of(kS96).empty());
}

TEST_CASE("metadata: everything ends when RFC 8068 disconnects",
          "[unit][metadata][rfc8068][7865-pu-5][7865-6.3-8][8068-T4]") {
    if (!Replay::is_possible()) {
        return;
    }
    for (const std::string_view last : {"07", "13"}) {
        Replay flow;
        flow.apply("01");
        flow.apply(last);
        CHECK(flow.members_of(kCs1).empty());
        CHECK(flow.senders_of(kS96).empty());
        CHECK(flow.state().current().sessions.at(0).stop_time.has_value());
    }
}

TEST_CASE("metadata: the mixed-stream flows of RFC 8068 come out right when replayed",
          "[unit][metadata][rfc8068][7865-pu-11][7865-pu-12][7865-pu-16][7866-8.3.2-2]"
          "[7865-6.8-3]") {
    if (!Replay::is_possible()) {
        return;
    }
    Replay flow;
    CHECK(flow.apply("08").empty());
    const auto start = flow.state().current().sessions.at(0).start_time;
    CHECK(start.has_value());
    CHECK(flow.senders_of(kS97) == sorted({kAlice, kBob}));
    flow.apply("09");
    CHECK(flow.senders_of(kS97) == sorted({kBob}));
    flow.apply("10");
    CHECK(flow.senders_of(kS97) == sorted({kAlice, kBob}));
    flow.apply("11");
    CHECK(flow.senders_of(kS97) == sorted({kAlice, kBob, kCarol}));
    CHECK(flow.state().current().sessions.at(0).sip_session_ids.size() == 3);
    flow.apply("12");
    CHECK(flow.members_of(kCs1) == sorted({kBob, kCarol}));
    CHECK(flow.senders_of(kS97) == sorted({kBob, kCarol}));
    CHECK(flow.state().current().sessions.at(0).sip_session_ids.size() == 2);
    CHECK(flow.state().current().sessions.at(0).start_time == start);
}

TEST_CASE("metadata: one stream carries two sessions when RFC 8068 records a turret",
          "[unit][metadata][rfc8068][7865-pu-18][7865-6.7-1]") {
    if (!Replay::is_possible()) {
        return;
    }
    Replay flow;
    CHECK(flow.apply("14").empty());
    REQUIRE(flow.state().current().sessions.size() == 2);
    CHECK(flow.members_of(flow.state().current().sessions[0].id).size() == 2);
    CHECK(flow.members_of(flow.state().current().sessions[1].id).size() == 2);
    CHECK(flow.senders_of(kS96).size() == 3);
}

TEST_CASE("metadata: an id of two kinds is noted when two flows of RFC 8068 share a recording",
          "[unit][metadata][rfc8068][rfc7865][7865-6.10-5]") {
    if (!Replay::is_possible()) {
        return;
    }
    Replay flow;
    flow.apply("01");
    CHECK(has_finding(flow.apply("14"), "id-reused"));
    CHECK(flow.state().current().participants.size() == 2);
}

}  // namespace siprec::metadata::test
