#include "capture/session_tracker.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <unordered_map>

namespace siprec::server {
namespace {

using nlohmann::json;
using State = SessionStay::State;

constexpr std::size_t kPastKept = 256;

/// What the metadata says of each CS, in order of their mention.
class Presence {
  public:
    explicit Presence(const metadata::Document& document) {
        for (const metadata::CommunicationSession& session : document.sessions) {
            Said& said = about(session.id);
            said.is_stopped = said.is_stopped || session.stop_time.has_value();
        }
        for (const metadata::SessionRecordingAssoc& assoc : document.session_recording_assocs) {
            about(assoc.session_id).has_left = assoc.associated.until.has_value();
        }
        for (const metadata::ParticipantSessionAssoc& assoc : document.participant_session_assocs) {
            Said& said = about(assoc.session_id);
            ++(assoc.associated.until ? said.members_gone : said.members);
        }
        // Only for a client that writes no session elements: a stream may outlive its CS.
        for (const metadata::MediaStream& stream : document.streams) {
            if (stream.session_id && document.sessions.empty()) {
                (void)about(*stream.session_id);
            }
        }
    }

    [[nodiscard]] const std::vector<std::string>& ids() const noexcept { return ids_; }

    [[nodiscard]] bool is_named(const std::string& id) const { return said_.contains(id); }

    [[nodiscard]] State state_of(const std::string& id) const {
        const Said& said = said_.at(id);
        if (said.is_stopped) {
            return State::Over;
        }
        // RFC 8068 3.4.1: a CS that everybody has left is no longer on record.
        const bool is_empty = said.members == 0 && said.members_gone > 0;
        return said.has_left || is_empty ? State::Away : State::Open;
    }

  private:
    struct Said {
        bool is_stopped = false;
        bool has_left = false;
        std::size_t members = 0;
        std::size_t members_gone = 0;
    };

    Said& about(const std::string& id) {
        const auto [entry, is_new] = said_.try_emplace(id);
        if (is_new && !id.empty()) {
            ids_.push_back(id);
        }
        return entry->second;
    }

    std::vector<std::string> ids_;
    std::unordered_map<std::string, Said> said_;
};

std::int64_t to_ns(WallTime time) {
    return time.time_since_epoch().count();
}

WallTime from_ns(const json& value) {
    return WallTime(std::chrono::nanoseconds(value.get<std::int64_t>()));
}

json encode(const SessionStay& stay) {
    json windows = json::array();
    for (const StayWindow& window : stay.windows) {
        windows.push_back({{"from_ns", to_ns(window.from)},
                           {"until_ns", window.until ? json(to_ns(*window.until)) : json(nullptr)},
                           {"from_document", window.from_document},
                           {"until_document",
                            window.until_document ? json(*window.until_document) : json(nullptr)}});
    }
    return {{"session", stay.session_id},
            {"number", stay.number},
            {"first", stay.is_first},
            {"first_part", stay.first_part},
            {"state", static_cast<int>(stay.state)},
            {"windows", std::move(windows)}};
}

SessionStay decode_stay(const json& data) {
    SessionStay stay;
    stay.session_id = data.at("session").get<std::string>();
    stay.number = data.at("number").get<std::uint32_t>();
    stay.is_first = data.at("first").get<bool>();
    stay.first_part = data.at("first_part").get<std::uint32_t>();
    stay.state = static_cast<State>(std::clamp(data.at("state").get<int>(), 0, 2));
    for (const json& window : data.at("windows")) {
        StayWindow& decoded = stay.windows.emplace_back();
        decoded.from = from_ns(window.at("from_ns"));
        decoded.from_document = window.at("from_document").get<std::size_t>();
        if (!window.at("until_ns").is_null()) {
            decoded.until = from_ns(window.at("until_ns"));
        }
        if (!window.at("until_document").is_null()) {
            decoded.until_document = window.at("until_document").get<std::size_t>();
        }
    }
    return stay;
}

}  // namespace

bool SessionStay::has(std::size_t documents) const noexcept {
    return std::any_of(windows.begin(), windows.end(), [&](const StayWindow& window) {
        return window.from_document <= documents &&
               (!window.until_document || documents < *window.until_document);
    });
}

void SessionTracker::apply(const metadata::ParsedDocument& update,
                           const metadata::State& state,
                           WallTime time,
                           bool in_bye,
                           std::uint32_t part) {
    ++documents_;
    const Presence presence(state.current());
    const bool is_whole = update.dialect != metadata::Dialect::Salvaged;
    if (presence.ids().empty()) {
        // A complete document that names neither a CS nor anybody says that there is no call; one
        // with parties only comes from a client that knows no CS, or forgot it.
        const bool says_idle = is_whole && update.document.mode == metadata::DataMode::Complete &&
                               update.document.participants.empty();
        said_idle_ = said_idle_ || says_idle;
        for (SessionStay& stay : stays_) {
            if (says_idle && !in_bye && !stay.is_over()) {
                end(stay, time, State::Over);
            }
        }
        return;
    }
    if (!has_named_) {
        std::vector<std::string> candidates;
        for (const std::string& id : presence.ids()) {
            if (presence.state_of(id) == State::Open) {
                candidates.push_back(id);
            }
        }
        // The only CS of the first document that names any is on record, whatever its times say.
        if (candidates.empty() && presence.ids().size() == 1) {
            candidates = presence.ids();
        }
        const bool is_late = candidates.size() == 1 && !said_idle_;
        for (const std::string& id : candidates) {
            begin(id,
                  {.from = is_late ? beginning_ : time,
                   .until = {},
                   .from_document = is_late ? 0 : documents_,
                   .until_document = {}},
                  part);
        }
        return;
    }
    for (SessionStay& stay : stays_) {
        // 7865-pu-17: what a complete document leaves out has ended.
        const State said =
            presence.is_named(stay.session_id) ? presence.state_of(stay.session_id) : State::Over;
        if (!in_bye && !stay.is_over() && said != State::Open && stay.state != said) {
            end(stay, time, said);
        }
    }
    for (const std::string& id : presence.ids()) {
        if (presence.state_of(id) == State::Open) {
            open(id, time, part);
        }
    }
}

SessionStay* SessionTracker::latest(const std::string& session_id) {
    const auto found = std::find_if(stays_.rbegin(), stays_.rend(), [&](const SessionStay& stay) {
        return stay.session_id == session_id;
    });
    return found == stays_.rend() ? nullptr : &*found;
}

std::uint32_t SessionTracker::past_stays(const std::string& session_id) const {
    const auto found = std::find_if(
        past_.begin(), past_.end(), [&](const auto& past) { return past.first == session_id; });
    return found == past_.end() ? 0 : found->second;
}

void SessionTracker::begin(const std::string& session_id, StayWindow window, std::uint32_t part) {
    const SessionStay* const before = latest(session_id);
    SessionStay stay;
    stay.session_id = session_id;
    stay.number = 1 + (before == nullptr ? past_stays(session_id) : before->number);
    stay.is_first = !has_named_;
    stay.first_part = part;
    stay.windows.push_back(window);
    stays_.push_back(std::move(stay));
    has_named_ = true;
}

void SessionTracker::open(const std::string& session_id, WallTime time, std::uint32_t part) {
    const StayWindow window{
        .from = time, .until = {}, .from_document = documents_, .until_document = {}};
    SessionStay* const stay = latest(session_id);
    if (stay == nullptr || stay->is_over()) {
        begin(session_id, window, part);
    } else if (stay->state == State::Away) {
        stay->state = State::Open;
        stay->windows.push_back(window);
    }
}

void SessionTracker::end(SessionStay& stay, WallTime time, State state) {
    stay.state = state;
    StayWindow& last = stay.windows.back();
    if (!last.until) {
        last.until = time;
        last.until_document = documents_;
    }
}

bool SessionTracker::is_fresh(const SessionStay& stay) const noexcept {
    return stay.state == State::Open && stay.windows.size() == 1 &&
           stay.windows.front().from_document == documents_ && documents_ > 0;
}

void SessionTracker::rotate(std::uint32_t next_part) {
    for (SessionStay& stay : stays_) {
        if (stay.state == State::Away) {
            stay.state = State::Over;
        }
        if (is_fresh(stay)) {
            stay.first_part = next_part;
        }
    }
}

void SessionTracker::close(WallTime time) {
    for (SessionStay& stay : stays_) {
        stay.state = State::Over;
        StayWindow& last = stay.windows.back();
        if (!last.until) {
            last.until = time;
        }
    }
}

void SessionTracker::remember(const SessionStay& stay) {
    std::erase_if(past_, [&](const auto& past) { return past.first == stay.session_id; });
    if (past_.size() >= kPastKept) {
        past_.erase(past_.begin());
    }
    past_.emplace_back(stay.session_id, stay.number);
}

void SessionTracker::forget(const std::string& session_id, std::uint32_t number) {
    std::erase_if(stays_, [&](const SessionStay& stay) {
        const bool is_it = stay.is_over() && stay.session_id == session_id && stay.number == number;
        if (is_it) {
            remember(stay);
        }
        return is_it;
    });
}

bool SessionTracker::is_idle() const noexcept {
    return said_idle_ && !has_named_;
}

std::string SessionTracker::to_json() const {
    json stays = json::array();
    for (const SessionStay& stay : stays_) {
        stays.push_back(encode(stay));
    }
    const json data = {{"stays", std::move(stays)},
                       {"past", past_},
                       {"documents", documents_},
                       {"named", has_named_},
                       {"idle", said_idle_},
                       {"beginning_ns", to_ns(beginning_)}};
    return data.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<SessionTracker> SessionTracker::from_json(std::string_view text) {
    try {
        const json data = json::parse(text);
        SessionTracker tracker(from_ns(data.at("beginning_ns")));
        for (const json& stay : data.at("stays")) {
            if (!stay.at("windows").empty()) {
                tracker.stays_.push_back(decode_stay(stay));
            }
        }
        tracker.past_ = data.at("past").get<decltype(tracker.past_)>();
        tracker.documents_ = data.at("documents").get<std::size_t>();
        tracker.has_named_ = data.at("named").get<bool>();
        tracker.said_idle_ = data.at("idle").get<bool>();
        return tracker;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

}  // namespace siprec::server
