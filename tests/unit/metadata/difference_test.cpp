// Partial documents of our own making: what they do to a receiver, whatever the models were.
#include "fixtures.hpp"
#include "xmllint.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <random>

namespace siprec::metadata::test {

namespace {

WallTime second(int n) {
    return WallTime{std::chrono::seconds(1'800'000'000 + n)};
}

/// Models and changes that a recording client could make of them. The same seed gives the same.
class Client {
  public:
    explicit Client(unsigned seed) : random_(seed) {
        for (int i = pick(3); i >= 0; --i) {
            add_session();
        }
        for (int i = pick(5); i >= 0; --i) {
            join();
        }
    }

    Document model;

    /// Something that a partial document has words for.
    void change() {
        switch (pick(8)) {
            case 0:
                add_session();
                break;
            case 1:
            case 2:
                join();
                break;
            case 3:
                leave();
                break;
            case 4:
                stop();
                break;
            case 5:
                any(model.participants).names = {{"sip:" + word(), word(), ""}};
                break;
            case 6:
                any(model.streams).label = word();
                break;
            default:
                any(model.sessions).extensions = {
                    {"urn:x:" + word(), "call", {{"a", word()}}, word(), {}}};
        }
    }

  private:
    int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

    // The published schema wants base64 of ids.
    std::string word() { return fmt::format("w{:07}", ++words_); }

    template <typename T>
    T& any(std::vector<T>& list) {
        return list[static_cast<std::size_t>(pick(static_cast<int>(list.size())))];
    }

    void add_session() {
        CommunicationSession session;
        session.id = word();
        session.start_time = second(++words_);
        if (pick(2) == 0) {
            model.groups.push_back({word(), {second(words_), {}}, {}});
            session.group_ref = model.groups.back().id;
        }
        model.session_recording_assocs.push_back({session.id, {second(words_), {}}, {}});
        model.sessions.push_back(std::move(session));
    }

    void join() {
        std::string session = any(model.sessions).id;
        if (with_id(model.sessions, session)->stop_time) {
            add_session();
            session = model.sessions.back().id;
        }
        const std::string participant = word();
        const std::string stream = word();
        model.participants.push_back({participant, {{"sip:" + word(), word(), "en"}}, {}});
        model.streams.push_back({stream, session, word(), {}});
        model.participant_session_assocs.push_back(
            {participant, session, {second(words_), {}}, {}, {}});
        model.participant_stream_assocs.push_back(
            {participant, {stream}, {any(model.streams).id}, {second(words_), {}}, {}, false});
    }

    void leave() { any(model.participant_session_assocs).associated.until = second(++words_); }

    void stop() {
        CommunicationSession& session = any(model.sessions);
        session.stop_time = second(++words_);
        for (ParticipantSessionAssoc& assoc : model.participant_session_assocs) {
            if (assoc.session_id == session.id && !assoc.associated.until) {
                assoc.associated.until = session.stop_time;
            }
        }
    }

    std::mt19937 random_;
    int words_ = 0;
};

Document after(const Document& from, const Document& partial) {
    State state;
    state.apply(parsed(write(from)).document, WallTime{});
    state.apply(parsed(write(partial)).document, WallTime{});
    return state.current();
}

}  // namespace

TEST_CASE("metadata: a partial document brings a receiver from one model to the next",
          "[unit][metadata][7865-pu-2][7865-5-2]") {
    for (unsigned seed = 1; seed <= 400; ++seed) {
        Client client(seed);
        const Document from = client.model;
        for (unsigned i = 0; i < 1 + seed % 5; ++i) {
            client.change();
        }
        CAPTURE(seed);
        const auto partial = difference(from, client.model);
        REQUIRE(partial);
        CHECK(partial->mode == DataMode::Partial);
        CHECK(is_same_model(after(from, *partial), client.model));
    }
}

TEST_CASE("metadata: a partial document says no more than what changed", "[unit][metadata]") {
    Client client(7);
    const Document from = client.model;
    CHECK(write(*difference(from, from)) == write(Document{.mode = DataMode::Partial,
                                                           .groups = {},
                                                           .sessions = {},
                                                           .participants = {},
                                                           .streams = {},
                                                           .session_recording_assocs = {},
                                                           .participant_session_assocs = {},
                                                           .participant_stream_assocs = {},
                                                           .extensions = {}}));
    client.model.participants.front().names.front().name = "Ann";
    const auto partial = difference(from, client.model);
    REQUIRE(partial);
    CHECK(partial->participants.size() == 1);
    CHECK((partial->streams.empty() && partial->sessions.empty()));
}

TEST_CASE("metadata: what a partial document cannot say needs a complete one", "[unit][metadata]") {
    const Client client(3);
    Document gone = client.model;
    gone.participants.pop_back();
    CHECK_FALSE(difference(client.model, gone));
    Document unlabelled = client.model;
    unlabelled.streams.front().label.reset();
    CHECK_FALSE(difference(client.model, unlabelled));
    Document resumed = client.model;
    resumed.sessions.front().start_time.reset();
    CHECK_FALSE(difference(client.model, resumed));
}

TEST_CASE("metadata: written documents are valid by either schema", "[unit][metadata][rfc7865]") {
    const auto published = reference_folder() / "schemas" / "recording.xsd";
    if (!Xmllint::is_installed()) {
        std::cout << "skipped: no xmllint\n";
        return;
    }
    const auto path = std::filesystem::temp_directory_path() /
                      fmt::format("siprec-difference-{}.xml", ::getpid());
    for (unsigned seed = 1; seed <= 6; ++seed) {
        Client client(seed);
        const Document from = client.model;
        client.change();
        client.change();
        for (const Document& document : {from, difference(from, client.model).value()}) {
            std::ofstream(path, std::ios::binary) << write(document);
            CAPTURE(write(document));
            CHECK(Xmllint::accepts(
                std::filesystem::path(SIPREC_SOURCE_DIR) / "schemas" / "recording.xsd", path));
            if (std::filesystem::exists(published)) {
                CHECK(Xmllint::accepts(published, path));
            }
        }
    }
    std::filesystem::remove(path);
}

}  // namespace siprec::metadata::test
