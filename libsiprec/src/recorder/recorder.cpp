#include "base/thread_reaper.hpp"
#include "recorder/media_task.hpp"
#include "recorder/recorder_impl.hpp"
#include "tls/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <future>
#include <utility>

namespace siprec {

namespace recorder {

Result<void> RecorderImpl::open() {
    if (config_.listeners.empty()) {
        return Error(ErrorCode::InvalidArgument, "no SIP listener is configured");
    }
    if (auto secured = start_srtp(); !secured) {
        return secured;
    }
    auto engine = rtp::Engine::create(config_.media, logger_, system_clock());
    if (!engine) {
        return std::move(engine).error();
    }
    engine_ = std::move(*engine);
    auto thread = sip::SipThread::start(
        [this](void* root) -> Result<void> {
            auto agent = sip::UserAgent::create(
                root,
                {.listeners = config_.listeners,
                 .tls = config_.tls,
                 .digest = std::exchange(config_.digest, {}),
                 .limits = config_.limits.signalling,
                 .max_message_bytes = config_.limits.max_message_bytes,
                 .user_agent = config_.user_agent,
                 .transaction_timeout = config_.transaction_timeout,
                 .ringing = config_.ringing,
                 .supported = config_.timer.enabled ? "timer, replaces" : "replaces"},
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

Result<void> RecorderImpl::reload(const RecorderConfig& config) {
    std::shared_ptr<const tls::Context> context;
    if (std::ranges::any_of(listeners_,
                            [](const Listener& one) { return one.transport == Transport::Tls; })) {
        // Here and not on the SIP thread, which waits for no disk.
        auto loaded = tls::Context::load(config.tls);
        if (!loaded) {
            return std::move(loaded).error();
        }
        context = std::move(*loaded);
    }
    static_cast<void>(run_on_sip_thread([&] {
        agent_->use_tls(context);
        agent_->use_digest(config.digest);
    }));
    return {};
}

/// What encrypted media needs, also where none is expected: a client can offer it at any time.
Result<void> RecorderImpl::start_srtp() {
    if (config_.media.srtp.policy == SrtpPolicy::Off && config_.media.srtp.by_source.empty()) {
        return {};
    }
    const auto backend = srtp::start();
    if (!backend) {
        return backend.error();
    }
    auto certificate = srtp::Certificate::generate();
    if (!certificate) {
        return std::move(certificate).error();
    }
    certificate_ = *std::move(certificate);
    if (*backend == srtp::Backend::Builtin) {
        logger_.log(LogLevel::Warning,
                    "srtp",
                    "OpenSSL's ciphers failed their self-test: libsrtp2's own are used, which take "
                    "several times the CPU");
    }
    return {};
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
            if (last && thread.steady_now() - *last >= recorder.config_.media.timeout) {
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
        stats.sip_overloaded = sip.overloaded;
        stats.sip_limited = sip.limited;
        stats.sip_sources = sip.sources;
        stats.sip_challenged = sip.challenged;
        stats.sip_delay = sip.delay;
        stats.tls_connections = sip.tls_connections;
        stats.tls_handshakes_failed = sip.tls_handshakes_failed;
        stats.tls_refused = sip.tls_refused;
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
                             .streams = static_cast<std::uint32_t>(live.machine.streams().size()),
                             .paused = live.machine.is_paused()});
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

Result<void> RecorderImpl::attach_sinks(const Uuid& session, SessionSinkFactory& sinks) {
    bool attached = false;
    const bool ran = run_on_sip_thread([&] {
        if (const auto dialog = find_dialog(session)) {
            LiveSession& live = live_.at(*dialog);
            post(live, make_task([media = live.media, &sinks](rtp::MediaThread& thread) {
                     media->add_sink(thread, sinks, system_clock().now());
                 }));
            attached = true;
        }
    });
    if (!ran || !attached) {
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
            for (auto& [dialog, calling] : std::exchange(calling_, {})) {
                agent_->cancel(dialog);
                calling.done(Error(ErrorCode::Unavailable, "the recorder is shutting down"));
            }
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
    // Workers of sinks that have been closed may still be handing over the last audio.
    base::thread_reaper().wait();
}

}  // namespace recorder

Result<std::unique_ptr<Recorder>> Recorder::start(RecorderConfig config,
                                                  SessionSinkFactory& sinks,
                                                  SessionPolicy& policy,
                                                  Logger& logger) {
    auto recorder =
        std::make_unique<recorder::RecorderImpl>(std::move(config), sinks, policy, logger);
    if (auto opened = recorder->open(); !opened) {
        return std::move(opened).error();
    }
    return std::unique_ptr<Recorder>(std::move(recorder));
}

Recorder::~Recorder() = default;

}  // namespace siprec
