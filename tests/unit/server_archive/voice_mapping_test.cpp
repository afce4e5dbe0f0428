#include "archive/voice_mapping.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

namespace siprec::server {
namespace {

/// Ann and Bob on two streams, as a document and an SDP that agree say it.
VoiceClues two_parties() {
    VoiceClues clues;
    clues.tracks = {{.id = Uuid::random(),
                     .label = "1",
                     .stream = "st1",
                     .ssrcs = {11},
                     .described = {},
                     .announced = {}},
                    {.id = Uuid::random(),
                     .label = "2",
                     .stream = "st2",
                     .ssrcs = {22},
                     .described = {},
                     .announced = {}}};
    clues.parties = {{"ann", {"sip:ann@example.com"}}, {"bob", {"sip:+15550100@example.com"}}};
    clues.sends = {{"ann", "st1", false}, {"bob", "st2", false}};
    return clues;
}

const Voice& voice_on(const std::vector<Voice>& voices,
                      const VoiceClues& clues,
                      std::size_t track) {
    const auto found = std::find_if(voices.begin(), voices.end(), [&](const Voice& voice) {
        return voice.track == clues.tracks[track].id;
    });
    REQUIRE(found != voices.end());
    return *found;
}

bool any_contradicted(const std::vector<Voice>& voices) {
    return std::any_of(
        voices.begin(), voices.end(), [](const Voice& voice) { return voice.contradicted; });
}

bool has_kind(const Voice& voice, const std::string& kind) {
    return std::any_of(voice.evidence.begin(), voice.evidence.end(), [&](const auto& one) {
        return one.kind == kind;
    });
}

LabelHint label_hint(PartyRole role, const std::string& pattern) {
    return {role, Pattern::parse(pattern).value(), "test"};
}

}  // namespace

TEST_CASE("voices: an association names the sender for certain", "[unit][archive]") {
    const VoiceClues clues = two_parties();
    const auto voices = map_voices(clues);
    REQUIRE(voices.size() == 2);
    CHECK(voice_on(voices, clues, 0).party == "ann");
    CHECK(voice_on(voices, clues, 1).party == "bob");
    CHECK(voices[0].certainty == Certainty::Certain);
    CHECK_FALSE(any_contradicted(voices));
}

TEST_CASE("voices: several senders on one stream are all heard on it", "[unit][archive]") {
    VoiceClues clues = two_parties();
    clues.tracks.pop_back();
    clues.sends = {{"ann", "st1", false}, {"bob", "st1", false}};
    clues.receives = clues.sends;
    const auto voices = map_voices(clues);
    CHECK(voices.size() == 2);
    CHECK_FALSE(any_contradicted(voices));
}

TEST_CASE("voices: a CNAME names the speaker where no association does", "[unit][archive]") {
    VoiceClues clues = two_parties();
    clues.sends.clear();
    clues.tracks[0].announced = {{.ssrc = 11, .cname = "15550100@10.0.0.1"}};
    clues.tracks[1].described = {{.ssrc = 22, .cname = "ann@example.com"}};
    const auto voices = map_voices(clues);
    CHECK(voice_on(voices, clues, 0).party == "bob");
    CHECK(voice_on(voices, clues, 1).party == "ann");
    CHECK(voices[0].certainty == Certainty::Likely);
    CHECK_FALSE(any_contradicted(voices));
}

TEST_CASE("voices: a CNAME that names nobody is no evidence", "[unit][archive]") {
    VoiceClues clues = two_parties();
    clues.tracks[0].announced = {{.ssrc = 11, .cname = "0.0.0@10.6.0.1"},
                                 {.ssrc = 11, .cname = ""}};
    CHECK_FALSE(any_contradicted(map_voices(clues)));
    CHECK_FALSE(has_kind(map_voices(clues)[0], "cname"));
}

TEST_CASE("voices: a CNAME against the association looks like a swap", "[unit][archive]") {
    VoiceClues clues = two_parties();
    clues.tracks[0].announced = {{.ssrc = 11, .cname = "+15550100@example.com"}};
    const auto voices = map_voices(clues);
    const Voice& voice = voice_on(voices, clues, 0);
    CHECK(voice.party == "ann");
    CHECK(voice.contradicted);
    CHECK(voice.certainty == Certainty::Guess);
    CHECK(has_kind(voice, "association"));
    CHECK(has_kind(voice, "cname"));
    CHECK_FALSE(voice_on(voices, clues, 1).contradicted);
}

TEST_CASE("voices: packets of a source that the other m-line describes look like a swap",
          "[unit][archive][rfc5576]") {
    VoiceClues clues = two_parties();
    clues.tracks[0].described = {{.ssrc = 11, .cname = "random"}};
    clues.tracks[1].described = {{.ssrc = 22, .cname = "random"}};
    CHECK_FALSE(any_contradicted(map_voices(clues)));
    CHECK(has_kind(map_voices(clues)[0], "ssrc"));
    std::swap(clues.tracks[0].ssrcs, clues.tracks[1].ssrcs);
    const auto voices = map_voices(clues);
    CHECK(voice_on(voices, clues, 0).contradicted);
    CHECK(voice_on(voices, clues, 1).contradicted);
}

TEST_CASE("voices: a label that says caller goes with the calling party", "[unit][archive]") {
    VoiceClues clues = two_parties();
    clues.tracks[0].label = "inbound";
    clues.tracks[1].label = "outbound";
    clues.labels = {label_hint(PartyRole::Calling, "^inbound"),
                    label_hint(PartyRole::Called, "^outbound")};
    clues.roles = {{PartyRole::Calling, "ann", "test"}};
    SECTION("in agreement with the association") {
        const auto voices = map_voices(clues);
        CHECK_FALSE(any_contradicted(voices));
        CHECK(has_kind(voices[0], "direction"));
        CHECK(voice_on(voices, clues, 0).role == "calling");
        CHECK(voice_on(voices, clues, 1).role == "called");
    }
    SECTION("alone") {
        clues.sends.clear();
        const auto voices = map_voices(clues);
        CHECK(voice_on(voices, clues, 0).party == "ann");
        CHECK(voices[0].certainty == Certainty::Likely);
    }
    SECTION("against the association") {
        clues.roles = {{PartyRole::Calling, "+1 555 0100", "test"}};
        CHECK(any_contradicted(map_voices(clues)));
    }
}

TEST_CASE("voices: whoever does not receive a stream sends it", "[unit][archive]") {
    VoiceClues clues = two_parties();
    SECTION("alone") {
        clues.sends.clear();
        clues.receives = {{"ann", "st2", false}, {"bob", "st1", false}};
        const auto voices = map_voices(clues);
        CHECK(voice_on(voices, clues, 0).party == "ann");
        CHECK(voices[0].certainty == Certainty::Likely);
    }
    SECTION("against what is sent") {
        clues.receives = {{"ann", "st1", false}, {"bob", "st2", false}};
        CHECK(any_contradicted(map_voices(clues)));
    }
}

TEST_CASE("voices: a document that gives one party both roles looks like a swap",
          "[unit][archive]") {
    VoiceClues clues = two_parties();
    clues.roles = {{PartyRole::Calling, "ann", "element callingParty"},
                   {PartyRole::Calling, "5550100", "element callingPartyNumber"}};
    CHECK(any_contradicted(map_voices(clues)));
    clues.roles.pop_back();
    CHECK_FALSE(any_contradicted(map_voices(clues)));
}

TEST_CASE("voices: the order of m-lines is only a guess, and never a contradiction",
          "[unit][archive]") {
    VoiceClues clues = two_parties();
    clues.sends = {{"ann", "st1", true}, {"bob", "st2", true}};
    auto voices = map_voices(clues);
    CHECK(voice_on(voices, clues, 0).party == "ann");
    CHECK(voices[0].certainty == Certainty::Guess);
    clues.sends = {{"bob", "st1", false}, {"ann", "st2", false}};
    voices = map_voices(clues);
    CHECK(voice_on(voices, clues, 0).party == "bob");
    CHECK_FALSE(any_contradicted(voices));
    clues.sends.clear();
    clues.tracks.pop_back();
    CHECK(map_voices(clues).empty());
}

TEST_CASE("voices: the recorded party is told from the remote one", "[unit][archive]") {
    VoiceClues clues = two_parties();
    clues.roles = {{PartyRole::Recorded, "ann@example.com", "test"}};
    const auto voices = map_voices(clues);
    CHECK(voice_on(voices, clues, 0).role == "recorded");
    CHECK(voice_on(voices, clues, 1).role == "remote");
}

}  // namespace siprec::server
