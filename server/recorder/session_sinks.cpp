#include "recorder/session_sinks.hpp"

#include <siprec/sinks.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <set>
#include <utility>

namespace siprec::server {

namespace {

// How long the end of the server waits for receivers that are slow or away, at most three times.
constexpr std::chrono::seconds kPatience{3};

/// The sessions that have a sink now. *Thread-safe.*
class Running {
  public:
    /// @return false: it has one
    [[nodiscard]] bool add(const Uuid& session) {
        const std::scoped_lock lock(mutex_);
        return sessions_.insert(session).second;
    }

    void remove(const Uuid& session) {
        const std::scoped_lock lock(mutex_);
        sessions_.erase(session);
    }

  private:
    std::mutex mutex_;  // held for a moment, when a session begins and ends
    std::set<Uuid> sessions_;
};

/// Passes everything on, and says when it is over.
class NotedSink final : public SessionSink {
  public:
    NotedSink(std::unique_ptr<SessionSink> sink, std::shared_ptr<Running> running, const Uuid& id)
        : sink_(std::move(sink)), running_(std::move(running)), id_(id) {}

    NotedSink(const NotedSink&) = delete;
    NotedSink& operator=(const NotedSink&) = delete;

    ~NotedSink() override { running_->remove(id_); }

    void on_sip(const SipMessage& message) override { sink_->on_sip(message); }

    void on_metadata(const MetadataEvent& event) override { sink_->on_metadata(event); }

    std::unique_ptr<MediaSink> open_stream(const StreamInfo& stream) override {
        return sink_->open_stream(stream);
    }

    void on_ended(const SessionEnd& end) override { sink_->on_ended(end); }

  private:
    std::unique_ptr<SessionSink> sink_;
    std::shared_ptr<Running> running_;
    const Uuid id_;
};

/// A sink is chosen by rule and attached by people: no session gets it twice.
class OncePerSession final : public SessionSinkFactory {
  public:
    explicit OncePerSession(std::unique_ptr<SessionSinkFactory> sinks) : sinks_(std::move(sinks)) {}

    std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override {
        if (!running_->add(session.id)) {
            return nullptr;
        }
        auto sink = sinks_->open_session(session);
        if (!sink) {
            running_->remove(session.id);
            return nullptr;
        }
        return std::make_unique<NotedSink>(std::move(sink), running_, session.id);
    }

  private:
    std::unique_ptr<SessionSinkFactory> sinks_;
    std::shared_ptr<Running> running_ = std::make_shared<Running>();
};

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view text) {
    return patterns.empty() || std::ranges::any_of(patterns, [text](const std::string& pattern) {
               return matches_pattern(pattern, text);
           });
}

ForwardTarget target_of(const Endpoint& first) {
    return [first](const SessionInfo& /*session*/,
                   const StreamInfo& stream) -> std::optional<Endpoint> {
        const std::uint64_t port = first.port + std::uint64_t{2} * stream.media_index;
        if (port >= 65535) {
            return std::nullopt;  // its RTCP would have no port
        }
        return Endpoint{.address = first.address, .port = static_cast<std::uint16_t>(port)};
    };
}

}  // namespace

// The last star is tried again one character on whenever what follows it does not fit: at most the
// product of both lengths, whatever a stranger sends.
bool matches_pattern(std::string_view pattern, std::string_view text) noexcept {
    std::size_t at = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            resume = i;
        } else if (at < pattern.size() && lower(pattern[at]) == lower(text[i])) {
            ++at;
            ++i;
        } else if (star != std::string_view::npos) {
            at = star + 1;
            i = ++resume;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

struct SessionSinks::Entry {
    SinkConfig config;
    const WebSocketSinks* websocket = nullptr;  // when it is one: for its statistics
    std::unique_ptr<SessionSinkFactory> sinks;

    [[nodiscard]] bool wants(const SessionInfo& session) const {
        const bool is_source =
            config.sources.empty() ||
            std::ranges::any_of(config.sources, [&session](const Subnet& subnet) {
                return subnet.contains(session.source.address);
            });
        return config.attach && is_source && matches_any(config.user_agents, session.user_agent) &&
               matches_any(config.from, session.from_uri) && matches_any(config.to, session.to_uri);
    }
};

SessionSinks::SessionSinks() : decoders_(DecoderRegistry::with_defaults()) {}

SessionSinks::~SessionSinks() = default;

Result<std::unique_ptr<SessionSinks>> SessionSinks::create(const std::vector<SinkConfig>& configs,
                                                           Logger& logger) {
    std::unique_ptr<SessionSinks> all(new SessionSinks());
    for (const SinkConfig& config : configs) {
        if (auto added = all->add(config, logger); !added) {
            return Error(added.error().code(),
                         fmt::format("sinks: {}: {}", config.name, added.error().message()));
        }
    }
    return all;
}

Result<void> SessionSinks::add(const SinkConfig& config, Logger& logger) {
    auto entry = std::make_unique<Entry>();
    entry->config = config;
    std::unique_ptr<SessionSinkFactory> sinks;
    if (config.kind == SinkConfig::Kind::WebSocket) {
        WebSocketConfig settings = config.websocket;
        settings.isolation.patience = kPatience;
        auto made = WebSocketSinks::create(settings, decoders_, logger);
        if (!made) {
            return std::move(made).error();
        }
        entry->websocket = made->get();
        sinks = std::move(*made);
    } else {
        sinks = make_rtp_forwarder(target_of(config.target), logger);
    }
    entry->sinks = std::make_unique<OncePerSession>(std::move(sinks));
    entries_.push_back(std::move(entry));
    return {};
}

std::vector<SessionSinkFactory*> SessionSinks::choose(const SessionInfo& session) const {
    std::vector<SessionSinkFactory*> chosen;
    for (const auto& entry : entries_) {
        if (entry->wants(session)) {
            chosen.push_back(entry->sinks.get());
        }
    }
    return chosen;
}

Result<SessionSinkFactory*> SessionSinks::find(std::string_view name) const {
    std::string names;
    for (const auto& entry : entries_) {
        if (entry->config.name == name) {
            return entry->sinks.get();
        }
        names += (names.empty() ? "" : ", ") + entry->config.name;
    }
    return Error(ErrorCode::NotFound,
                 names.empty() ? "no sinks are configured"
                               : fmt::format("no such sink is configured; there are: {}", names));
}

WebSocketStats SessionSinks::websocket_stats() const {
    WebSocketStats all;
    for (const auto& entry : entries_) {
        if (entry->websocket == nullptr) {
            continue;
        }
        const WebSocketStats one = entry->websocket->stats();
        all.open += one.open;
        all.connected += one.connected;
        all.failed += one.failed;
        all.messages_sent += one.messages_sent;
        all.samples_sent += one.samples_sent;
        all.sessions_damaged += one.sessions_damaged;
        all.samples_lost += one.samples_lost;
        all.packets_lost += one.packets_lost;
    }
    return all;
}

}  // namespace siprec::server
