#include "base/mutex.hpp"
#include "base/route.hpp"
#include "recorder/media_session.hpp"
#include "rtp/engine.hpp"
#include "session/recording_session.hpp"
#include "sip/sip_thread.hpp"
#include "sip/user_agent.hpp"

#include <siprec/body.hpp>
#include <siprec/recorder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <future>
#include <map>
#include <utility>

namespace siprec {

namespace {

using recorder::DocumentMessage;
using recorder::MediaSession;
using recorder::SipRecord;

/// A closure as a task of a media thread.
template <typename Call>
class CallTask final : public rtp::Task {
  public:
    explicit CallTask(Call call) : call_(std::move(call)) {}

    void run(rtp::MediaThread& thread) override { call_(thread); }

  private:
    Call call_;
};

template <typename Call>
std::unique_ptr<rtp::Task> make_task(Call call) {
    return std::make_unique<CallTask<Call>>(std::move(call));
}

/// Counts the sessions whose sinks have not finished, for an orderly stop. *Thread-safe.*
class OpenSessions {
  public:
    void add() {
        const base::MutexLock lock(mutex_);
        ++count_;
    }

    void remove() {
        {
            const base::MutexLock lock(mutex_);
            --count_;
        }
        none_.notify_all();
    }

    void wait_until_none() {
        const base::MutexLock lock(mutex_);
        while (count_ > 0) {
            none_.wait(mutex_);
        }
    }

  private:
    base::Mutex mutex_;
    base::ConditionVariable none_;
    std::size_t count_ SIPREC_GUARDED_BY(mutex_) = 0;
};

/// Extensions that a request may require of us (RFC 3261 8.2.2.3). 100rel asks nothing of a server
/// that sends no provisional response.
bool is_known_extension(std::string_view tag) {
    constexpr std::array<std::string_view, 3> kKnown{"siprec", "record-aware", "100rel"};
    // Interop(single cases): the tag misspelt or glued to others is still a recording session.
    return std::ranges::find(kKnown, tag) != kKnown.end() ||
           tag.find("siprec") != std::string_view::npos;
}

bool contains(const std::vector<std::string>& tags, std::string_view tag) {
    return std::ranges::find(tags, tag) != tags.end();
}

SessionInfo to_session_info(const sip::Request& request,
                            const Result<std::vector<BodyPart>>& body) {
    SessionInfo info;
    info.id = Uuid::random();
    info.call_id = request.call_id;
    info.from_uri = request.from_uri;
    info.from_display = request.from_display;
    info.to_uri = request.to_uri;
    info.request_uri = request.request_uri;
    info.contact_uri = request.contact_uri;
    info.user_agent = request.user_agent;
    info.headers = request.headers;
    info.transport = request.wire.transport;
    info.source = request.wire.remote;
    info.local = request.wire.local;
    info.evidence.require_tag = std::ranges::any_of(request.require, [](const std::string& tag) {
        return tag.find("siprec") != std::string::npos;
    });
    info.evidence.supported_tag = contains(request.supported, "siprec");
    info.evidence.contact_tag = request.contact_is_src;
    info.evidence.metadata_part =
        body.has_value() && std::ranges::any_of(*body, &BodyPart::is_metadata);
    info.started = request.wire.time;
    return info;
}

/// One session as the SIP thread sees it.
struct LiveSession {
    std::shared_ptr<const SessionInfo> info;
    session::RecordingSession machine;
    // Shared with the tasks on their way to its media thread, which alone touches what is in it.
    std::shared_ptr<MediaSession> media;
    std::uint32_t thread = 0;
    bool acknowledged = false;
    bool ended = false;  // over; kept for the last messages of its dialog
};

class RecorderImpl final : public Recorder, private sip::Handler {
  public:
    RecorderImpl(RecorderConfig config,
                 SessionSinkFactory& sinks,
                 SessionPolicy& policy,
                 Logger& logger)
        : config_(std::move(config)), sinks_(sinks), policy_(policy), logger_(logger) {}

    RecorderImpl(const RecorderImpl&) = delete;
    RecorderImpl& operator=(const RecorderImpl&) = delete;

    ~RecorderImpl() override { stop_all(); }

    Result<void> open();

    [[nodiscard]] std::vector<Listener> listeners() const override { return listeners_; }

    [[nodiscard]] RecorderStats stats() const override;
    [[nodiscard]] std::vector<SessionStatus> sessions() const override;

    void drain() override { draining_ = true; }

    [[nodiscard]] Result<void> end_session(const Uuid& session, std::string reason) override;

    void stop() override { stop_all(); }

  private:
    sip::Response on_invite(sip::DialogId dialog, const sip::Request& request) override;
    sip::Response on_request(sip::DialogId dialog, const sip::Request& request) override;
    void on_ack(sip::DialogId dialog, const sip::Request& request) override;
    void on_ack_missing(sip::DialogId dialog, bool initial) override;
    sip::Response on_options(const sip::Request& request) override;
    void on_message(sip::DialogId dialog, const sip::WireMessage& message) override;

    void on_gone(sip::DialogId dialog) override { live_.erase(dialog); }

    /// @return null when there is none, or it has ended
    LiveSession* find_running(sip::DialogId dialog) {
        const auto found = live_.find(dialog);
        return found == live_.end() || found->second.ended ? nullptr : &found->second;
    }

    /// The running session with this id.
    [[nodiscard]] std::optional<sip::DialogId> find_dialog(const Uuid& session) const {
        const auto found = std::ranges::find_if(live_, [&session](const auto& entry) {
            return entry.second.info->id == session && !entry.second.ended;
        });
        return found == live_.end() ? std::nullopt : std::optional(found->first);
    }

    sip::Response refuse(const SessionInfo& info,
                         int status,
                         const std::string& why,
                         int retry_after_s);
    std::optional<sip::Response> check_admission(const SessionInfo& info,
                                                 const sip::Request& request);
    sip::Response start_session(sip::DialogId dialog,
                                const sip::Request& request,
                                const std::shared_ptr<const SessionInfo>& info,
                                const Result<std::vector<BodyPart>>& body);
    void hand_over(LiveSession& live,
                   const sip::Request& request,
                   session::Outcome& outcome,
                   std::map<Uuid, rtp::MediaSockets>& sockets);
    void note_findings(const SessionInfo& info, const DocumentMessage& message);
    void note(const SessionInfo& info,
              const session::Outcome& outcome,
              const sip::Request& request);
    void post(LiveSession& live, std::unique_ptr<rtp::Task> task);
    void linger(LiveSession& live, std::unique_ptr<rtp::Task> task);
    void record_wire(LiveSession& live, const sip::WireMessage& message);
    void end(sip::DialogId dialog, EndCause cause, const std::string& reason);
    void hang_up(sip::DialogId dialog, EndCause cause, const std::string& reason);
    void watch_media(const LiveSession& live);
    void stop_all();
    [[nodiscard]] bool run_on_sip_thread(const std::function<void()>& work) const;

    RecorderConfig config_;
    SessionSinkFactory& sinks_;
    SessionPolicy& policy_;
    Logger& logger_;
    std::atomic<bool> draining_ = false;
    std::atomic<bool> stopped_ = false;

    std::atomic<std::uint64_t> active_ = 0;
    std::atomic<std::uint64_t> started_ = 0;
    std::atomic<std::uint64_t> refused_ = 0;
    std::atomic<std::uint64_t> ended_ = 0;
    std::atomic<std::uint64_t> documents_ = 0;
    std::atomic<std::uint64_t> documents_unusable_ = 0;
    std::atomic<std::uint64_t> sip_requests_ = 0;
    std::atomic<std::uint64_t> sip_malformed_ = 0;

    OpenSessions open_sessions_;
    std::vector<Listener> listeners_;
    std::unique_ptr<rtp::Engine> engine_;
    // SIP thread only:
    std::unique_ptr<sip::UserAgent> agent_;
    std::map<sip::DialogId, LiveSession> live_;
    // Last, so that it ends first: everything above is used by it.
    std::unique_ptr<sip::SipThread> sip_thread_;
};

/// Opens the sockets of one request's streams and keeps them until they go to the media thread.
class SocketSource final : public session::PortSource {
  public:
    SocketSource(rtp::Engine& engine, const MediaConfig& config, const sip::Request& request)
        : engine_(engine), config_(config), request_(request) {}

    Result<session::StreamPorts> open(const Uuid& stream,
                                      const std::optional<IpAddress>& client,
                                      bool rtcp_mux) override {
        const bool wants_v6 = client ? client->is_v6() : request_.wire.remote.address.is_v6();
        const auto bound = std::ranges::find_if(
            config_.addresses, [wants_v6](const IpAddress& a) { return a.is_v6() == wants_v6; });
        if (bound == config_.addresses.end()) {
            return Error(ErrorCode::Unsupported,
                         wants_v6 ? "no IPv6 media address is configured"
                                  : "no IPv4 media address is configured");
        }
        auto opened = engine_.open_sockets(*bound, rtcp_mux);
        if (!opened) {
            return std::move(opened).error();
        }
        const IpAddress named = address_for_answer(*bound, client);
        const session::StreamPorts ports{
            .rtp = {.address = named, .port = opened->rtp_endpoint.port},
            .rtcp = {.address = named, .port = opened->rtcp_endpoint.port}};
        sockets.insert_or_assign(stream, std::move(*opened));
        return ports;
    }

    std::map<Uuid, rtp::MediaSockets> sockets;

  private:
    [[nodiscard]] IpAddress address_for_answer(const IpAddress& bound,
                                               const std::optional<IpAddress>& client) const {
        if (config_.advertised && config_.advertised->is_v6() == bound.is_v6()) {
            return *config_.advertised;
        }
        if (!bound.is_unspecified()) {
            return bound;
        }
        if (request_.wire.local.address.is_v6() == bound.is_v6()) {
            return request_.wire.local.address;
        }
        // Signalling over one family, media over the other.
        return base::address_towards({.address = client.value_or(bound), .port = 9});
    }

    rtp::Engine& engine_;
    const MediaConfig& config_;
    const sip::Request& request_;
};

Result<void> RecorderImpl::open() {
    if (config_.listeners.empty()) {
        return Error(ErrorCode::InvalidArgument, "no SIP listener is configured");
    }
    auto engine = rtp::Engine::create(config_.media, logger_, system_clock());
    if (!engine) {
        return std::move(engine).error();
    }
    engine_ = std::move(*engine);
    auto thread = sip::SipThread::start(
        [this](void* root) -> Result<void> {
            auto agent =
                sip::UserAgent::create(root,
                                       {.listeners = config_.listeners,
                                        .max_message_bytes = config_.limits.max_message_bytes,
                                        .user_agent = config_.user_agent},
                                       *this,
                                       logger_);
            if (!agent) {
                return std::move(agent).error();
            }
            agent_ = std::move(*agent);
            listeners_ = agent_->listeners();
            return {};
        },
        [this] { agent_.reset(); });
    if (!thread) {
        return std::move(thread).error();
    }
    sip_thread_ = std::move(*thread);
    return {};
}

sip::Response RecorderImpl::refuse(const SessionInfo& info,
                                   int status,
                                   const std::string& why,
                                   int retry_after_s) {
    ++refused_;
    logger_.log(LogLevel::Warning,
                "recorder",
                fmt::format("INVITE refused with {}: {}", status, why),
                {{"call_id", info.call_id},
                 {"source", info.source.to_string()},
                 {"user_agent", info.user_agent}});
    auto response = sip::Response::of(status);
    response.warning = why;
    response.retry_after_s = retry_after_s;
    return response;
}

std::optional<sip::Response> RecorderImpl::check_admission(const SessionInfo& info,
                                                           const sip::Request& request) {
    constexpr int kRetryAfterS = 10;
    std::vector<std::string> unknown;
    std::ranges::copy_if(request.require, std::back_inserter(unknown), [](const std::string& tag) {
        return !is_known_extension(tag);
    });
    if (!unknown.empty()) {
        auto response =
            refuse(info, 420, fmt::format("extension {} is required", unknown.front()), 0);
        response.unsupported = std::move(unknown);
        return response;
    }
    const SessionDecision decision = policy_.on_invite(info);
    if (decision.kind == SessionDecision::Kind::Drop) {
        ++refused_;
        auto response = sip::Response::of(0);
        response.drop = true;
        return response;
    }
    if (decision.kind == SessionDecision::Kind::Refuse) {
        return refuse(
            info, decision.status, decision.reason, static_cast<int>(decision.retry_after.count()));
    }
    if (draining_) {
        return refuse(info, 503, "the recorder is shutting down", kRetryAfterS);
    }
    if (active_ >= config_.limits.max_sessions) {
        return refuse(info, 503, "the configured number of sessions is reached", kRetryAfterS);
    }
    return std::nullopt;
}

sip::Response RecorderImpl::on_invite(sip::DialogId dialog, const sip::Request& request) {
    const auto body = parse_body(request.content_type, request.content_disposition, request.body);
    auto info = std::make_shared<const SessionInfo>(to_session_info(request, body));
    if (auto refused = check_admission(*info, request)) {
        return std::move(*refused);
    }
    return start_session(dialog, request, info, body);
}

sip::Response RecorderImpl::start_session(sip::DialogId dialog,
                                          const sip::Request& request,
                                          const std::shared_ptr<const SessionInfo>& info,
                                          const Result<std::vector<BodyPart>>& body) {
    // The SDP's own session id: any number that stays (RFC 8866 5.2); NTP-like would tell our
    // clock.
    std::uint64_t sdp_session_id = 0;
    for (std::size_t i = 0; i < 7; ++i) {
        sdp_session_id = (sdp_session_id << 8U) | info->id.bytes().at(i);
    }
    session::RecordingSession machine(
        {.sdp_session_id = sdp_session_id, .max_streams = config_.limits.max_streams_per_session});
    SocketSource ports(*engine_, config_.media, request);
    auto outcome = machine.on_offer(true, body, ports);
    if (outcome.reply.status >= 300) {
        return refuse(
            *info, outcome.reply.status, outcome.reply.warning, outcome.reply.retry_after_s);
    }
    LiveSession live{
        .info = info,
        .machine = std::move(machine),
        .media = std::make_shared<MediaSession>(info, logger_, [this] { open_sessions_.remove(); }),
        .thread = engine_->pick_thread()};
    auto open = make_task([media = live.media, this](rtp::MediaThread&) { media->open(sinks_); });
    open_sessions_.add();
    if (!engine_->post(live.thread, open)) {
        open_sessions_.remove();
        return refuse(*info, 503, "the media threads are overloaded", 5);
    }
    ++started_;
    ++active_;
    note(*info, outcome, request);
    logger_.log(LogLevel::Info,
                "recorder",
                "session started",
                {{"rs", info->id.to_string()},
                 {"call_id", info->call_id},
                 {"source", info->source.to_string()},
                 {"user_agent", info->user_agent},
                 {"streams", std::to_string(live.machine.streams().size())}});
    record_wire(live, request.wire);
    hand_over(live, request, outcome, ports.sockets);
    watch_media(live);
    live_.emplace(dialog, std::move(live));
    sip::Response response;
    response.body = outcome.reply.body;
    response.content_type = "application/sdp";
    return response;
}

void RecorderImpl::hand_over(LiveSession& live,
                             const sip::Request& request,
                             session::Outcome& outcome,
                             std::map<Uuid, rtp::MediaSockets>& sockets) {
    using Kind = session::StreamChange::Kind;
    for (session::StreamChange& change : outcome.changes) {
        switch (change.kind) {
            case Kind::Open: {
                auto node = sockets.extract(change.stream.id);
                // A task has to be movable only; the closure holds the sockets until it runs.
                post(live,
                     make_task(
                         [media = live.media,
                          stream = std::move(change.stream),
                          opened = std::move(node.mapped())](rtp::MediaThread& thread) mutable {
                             media->open_stream(thread, stream, std::move(opened));
                         }));
                break;
            }
            case Kind::Change:
                post(live,
                     make_task([media = live.media,
                                stream = std::move(change.stream)](rtp::MediaThread& thread) {
                         media->change_stream(thread, stream);
                     }));
                break;
            case Kind::Close:
                // What the re-INVITE overtook still belongs to the stream.
                linger(
                    live,
                    make_task(
                        [media = live.media, id = change.stream.id, when = request.wire.time](
                            rtp::MediaThread& thread) { media->close_stream(thread, id, when); }));
                break;
        }
    }
    for (BodyPart& part : outcome.documents) {
        DocumentMessage message{.document = std::move(part.content),
                                .content_type = std::move(part.content_type_full),
                                .method = request.method_name,
                                .received = request.wire.time,
                                .parsed = Error(ErrorCode::Internal, "not parsed")};
        message.parsed = metadata::parse(message.document, part.charset, config_.limits.metadata);
        ++documents_;
        note_findings(*live.info, message);
        post(live, make_task([media = live.media, message = std::move(message)](rtp::MediaThread&) {
                 media->record_document(message);
             }));
    }
}

/// Says what was wrong with a document: why it is unusable, or what was made of it.
void RecorderImpl::note_findings(const SessionInfo& info, const DocumentMessage& message) {
    constexpr std::size_t kMostLines = 5;
    const auto log = [&](LogLevel level, std::string_view text, std::string_view code) {
        logger_.log(level,
                    "metadata",
                    text,
                    {{"rs", info.id.to_string()},
                     {"call_id", info.call_id},
                     {"method", message.method},
                     {"code", code}});
    };
    if (!message.parsed) {
        ++documents_unusable_;
        log(LogLevel::Warning,
            fmt::format("metadata kept, but unusable: {}", message.parsed.error().to_string()),
            "unusable");
        return;
    }
    const bool salvaged = message.parsed->dialect == metadata::Dialect::Salvaged;
    const auto& findings = message.parsed->findings;
    for (std::size_t i = 0; i < std::min(findings.size(), kMostLines); ++i) {
        log(salvaged ? LogLevel::Warning : LogLevel::Info, findings[i].message, findings[i].code);
    }
    if (findings.size() > kMostLines) {
        log(LogLevel::Info, fmt::format("{} findings in all", findings.size()), "more-findings");
    }
}

void RecorderImpl::note(const SessionInfo& info,
                        const session::Outcome& outcome,
                        const sip::Request& request) {
    for (const std::string& text : outcome.notes) {
        logger_.log(LogLevel::Warning,
                    "session",
                    text,
                    {{"rs", info.id.to_string()},
                     {"call_id", info.call_id},
                     {"method", request.method_name}});
    }
}

void RecorderImpl::post(LiveSession& live, std::unique_ptr<rtp::Task> task) {
    if (!engine_->post_always(live.thread, std::move(task))) {
        logger_.log(LogLevel::Error,
                    "recorder",
                    "the media thread has stopped",
                    {{"rs", live.info->id.to_string()}, {"call_id", live.info->call_id}});
    }
}

void RecorderImpl::record_wire(LiveSession& live, const sip::WireMessage& message) {
    SipRecord record{.bytes = sdp::blank_keys(message.bytes),
                     .sent = message.sent,
                     .transport = message.transport,
                     .local = message.local,
                     .remote = message.remote,
                     .time = message.time};
    post(live, make_task([media = live.media, record = std::move(record)](rtp::MediaThread&) {
             media->record_sip(record);
         }));
}

sip::Response RecorderImpl::on_request(sip::DialogId dialog, const sip::Request& request) {
    LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return sip::Response::of(481);
    }
    LiveSession& live = *running;
    record_wire(live, request.wire);
    const auto body = parse_body(request.content_type, request.content_disposition, request.body);
    sip::Response response;
    if (request.method == sip::Method::Invite || request.method == sip::Method::Update) {
        SocketSource ports(*engine_, config_.media, request);
        auto outcome = live.machine.on_offer(request.method == sip::Method::Invite, body, ports);
        note(*live.info, outcome, request);
        hand_over(live, request, outcome, ports.sockets);
        response.status = outcome.reply.status;
        response.body = std::move(outcome.reply.body);
        response.content_type = "application/sdp";
        response.warning = outcome.reply.warning;
        response.retry_after_s = outcome.reply.retry_after_s;
        return response;
    }
    auto outcome = session::RecordingSession::on_body(body);
    note(*live.info, outcome, request);
    std::map<Uuid, rtp::MediaSockets> none;
    hand_over(live, request, outcome, none);
    switch (request.method) {
        case sip::Method::Bye:
            end(dialog, EndCause::Bye, request.reason);
            break;
        case sip::Method::Info:
        case sip::Method::Options:
        case sip::Method::Prack:
            break;
        case sip::Method::Cancel:
            response.status = 481;  // nothing is left to cancel: every INVITE is answered at once
            break;
        default:
            response.status = 405;
            break;
    }
    return response;
}

void RecorderImpl::on_ack(sip::DialogId dialog, const sip::Request& request) {
    LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return;
    }
    LiveSession& live = *running;
    live.acknowledged = true;
    record_wire(live, request.wire);
    auto outcome = live.machine.on_ack(
        parse_body(request.content_type, request.content_disposition, request.body));
    note(*live.info, outcome, request);
    std::map<Uuid, rtp::MediaSockets> none;
    hand_over(live, request, outcome, none);
}

void RecorderImpl::on_ack_missing(sip::DialogId dialog, bool initial) {
    const LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return;
    }
    logger_.log(LogLevel::Warning,
                "recorder",
                initial ? "the INVITE's 200 was never acknowledged"
                        : "a re-INVITE's 200 was never acknowledged",
                {{"rs", running->info->id.to_string()}, {"call_id", running->info->call_id}});
    // A lost ACK to a re-INVITE is no reason to stop recording.
    if (initial && !running->acknowledged) {
        hang_up(dialog, EndCause::NoAck, "no ACK (RFC 3261 13.3.1.4)");
    }
}

sip::Response RecorderImpl::on_options(const sip::Request& /*request*/) {
    if (draining_ || !policy_.is_healthy() || active_ >= config_.limits.max_sessions) {
        auto response = sip::Response::of(503);
        response.retry_after_s = 10;
        return response;
    }
    return {};
}

void RecorderImpl::on_message(sip::DialogId dialog, const sip::WireMessage& message) {
    if (const auto found = live_.find(dialog); found != live_.end()) {
        record_wire(found->second, message);
    }
}

void RecorderImpl::watch_media(const LiveSession& live) {
    if (config_.media.timeout.count() == 0) {
        return;
    }

    // Asks again and again while the session lives: a task that posts itself.
    struct Watch final : rtp::Task {
        Watch(RecorderImpl& owner, std::shared_ptr<MediaSession> watched, Uuid session)
            : recorder(owner), media(std::move(watched)), id(session) {}

        void run(rtp::MediaThread& thread) override {
            if (media->is_finished()) {
                return;
            }
            const auto last = media->last_media(thread);
            if (last && thread.now() - *last >= recorder.config_.media.timeout) {
                static_cast<void>(recorder.sip_thread_->post([&owner = recorder, session = id] {
                    if (const auto dialog = owner.find_dialog(session)) {
                        owner.hang_up(*dialog, EndCause::MediaTimeout, "no media");
                    }
                }));
                return;
            }
            thread.run_after(std::chrono::seconds(1), std::make_unique<Watch>(recorder, media, id));
        }

        RecorderImpl& recorder;
        std::shared_ptr<MediaSession> media;
        Uuid id;
    };

    static_cast<void>(engine_->post_always(
        live.thread, std::make_unique<Watch>(*this, live.media, live.info->id)));
}

void RecorderImpl::hang_up(sip::DialogId dialog, EndCause cause, const std::string& reason) {
    agent_->bye(dialog, reason);
    end(dialog, cause, reason);
}

void RecorderImpl::end(sip::DialogId dialog, EndCause cause, const std::string& reason) {
    LiveSession* running = find_running(dialog);
    if (running == nullptr) {
        return;
    }
    LiveSession& live = *running;
    live.ended = true;
    --active_;
    ++ended_;
    const SessionEnd session_end{.cause = cause, .reason = reason, .time = system_clock().now()};
    logger_.log(LogLevel::Info,
                "recorder",
                "session ended",
                {{"rs", live.info->id.to_string()},
                 {"call_id", live.info->call_id},
                 {"cause", to_string(cause)},
                 {"reason", reason}});
    // Media that BYE overtook is still on its way; it belongs to the recording.
    linger(live, make_task([media = live.media, session_end](rtp::MediaThread& thread) {
               media->finish(thread, session_end);
           }));
}

void RecorderImpl::linger(LiveSession& live, std::unique_ptr<rtp::Task> task) {
    post(live,
         make_task([task = std::move(task),
                    delay = config_.media.linger](rtp::MediaThread& thread) mutable {
             thread.run_after(delay, std::move(task));
         }));
}

bool RecorderImpl::run_on_sip_thread(const std::function<void()>& work) const {
    if (!sip_thread_) {
        return false;
    }
    auto done = std::make_shared<std::promise<void>>();
    auto finished = done->get_future();
    if (!sip_thread_->post([&work, done] {
            try {
                work();
                done->set_value();
            } catch (...) {
                done->set_exception(std::current_exception());
            }
        })) {
        return false;
    }
    try {
        finished.get();
        return true;
    } catch (const std::exception& error) {
        logger_.log(LogLevel::Error, "recorder", "work failed", {{"error", error.what()}});
        return false;
    }
}

RecorderStats RecorderImpl::stats() const {
    RecorderStats stats;
    const auto engine = engine_->stats();
    stats.sessions_active = active_;
    stats.streams_active = engine.streams_active;
    stats.sessions_started = started_;
    stats.sessions_refused = refused_;
    stats.sessions_ended = ended_;
    stats.metadata_documents = documents_;
    stats.metadata_unusable = documents_unusable_;
    stats.ports_in_use = engine.ports_in_use;
    stats.ports_total = engine.ports_total;
    stats.media = engine.media;
    static_cast<void>(run_on_sip_thread([this, &stats] {
        const sip::UserAgentStats sip = agent_->stats();
        stats.sip_requests = sip.requests;
        stats.sip_malformed = sip.malformed;
    }));
    return stats;
}

std::vector<SessionStatus> RecorderImpl::sessions() const {
    std::vector<SessionStatus> found;
    static_cast<void>(run_on_sip_thread([this, &found] {
        for (const auto& [dialog, live] : live_) {
            if (live.ended) {
                continue;
            }
            found.push_back({.id = live.info->id,
                             .call_id = live.info->call_id,
                             .from_uri = live.info->from_uri,
                             .to_uri = live.info->to_uri,
                             .user_agent = live.info->user_agent,
                             .source = live.info->source,
                             .started = live.info->started,
                             .streams = static_cast<std::uint32_t>(live.machine.streams().size())});
        }
    }));
    return found;
}

Result<void> RecorderImpl::end_session(const Uuid& session, std::string reason) {
    bool ended = false;
    const bool ran = run_on_sip_thread([&] {
        if (const auto dialog = find_dialog(session)) {
            hang_up(*dialog, EndCause::LocalStop, reason);
            ended = true;
        }
    });
    if (!ran || !ended) {
        return Error(ErrorCode::NotFound,
                     fmt::format("no running session {}", session.to_string()));
    }
    return {};
}

void RecorderImpl::stop_all() {
    if (stopped_.exchange(true)) {
        return;
    }
    draining_ = true;
    if (sip_thread_) {
        static_cast<void>(run_on_sip_thread([this] {
            for (const auto& [dialog, live] : live_) {
                hang_up(dialog, EndCause::Shutdown, "the recorder is shutting down");
            }
        }));
        open_sessions_.wait_until_none();
        sip_thread_->stop();
    }
    if (engine_) {
        engine_->stop();
    }
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::start(RecorderConfig config,
                                                  SessionSinkFactory& sinks,
                                                  SessionPolicy& policy,
                                                  Logger& logger) {
    auto recorder = std::make_unique<RecorderImpl>(std::move(config), sinks, policy, logger);
    if (auto opened = recorder->open(); !opened) {
        return std::move(opened).error();
    }
    return std::unique_ptr<Recorder>(std::move(recorder));
}

Recorder::~Recorder() = default;

}  // namespace siprec
