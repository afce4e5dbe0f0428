#pragma once

// The recorder behind `Recorder`: what its files share. recorder.cpp has the threads and the public
// calls, admission.cpp who gets in, dialog_events.cpp what a dialog brings, hand_over.cpp the way
// to the media threads, initiative.cpp what we ask of a client, calling.cpp the sessions that we
// start, timers.cpp what is due when.

#include "base/source_log.hpp"
#include "recorder/live_session.hpp"
#include "recorder/open_sessions.hpp"
#include "rtp/engine.hpp"
#include "sip/sip_thread.hpp"
#include "sip/user_agent.hpp"

#include <siprec/body.hpp>
#include <siprec/recorder.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::recorder {

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
    Result<void> start_srtp();

    [[nodiscard]] std::vector<Listener> listeners() const override { return listeners_; }

    [[nodiscard]] RecorderStats stats() const override;
    [[nodiscard]] std::vector<SessionStatus> sessions() const override;

    void drain() override { draining_ = true; }

    [[nodiscard]] Result<void> reload(const RecorderConfig& config) override;

    [[nodiscard]] Result<void> end_session(const Uuid& session, std::string reason) override;

    Result<void> pause(const Uuid& session) override;
    Result<void> resume(const Uuid& session) override;
    Result<void> drop_stream(const Uuid& session, std::uint32_t media_index) override;
    Result<void> request_snapshot(const Uuid& session, std::string reason) override;
    Result<Uuid> start_session(std::string src) override;
    [[nodiscard]] Result<void> attach_sinks(const Uuid& session,
                                            SessionSinkFactory& sinks) override;

    void stop() override { stop_all(); }

  private:
    /// An INVITE of ours that waits for its answer.
    struct Calling {
        Uuid id;
        std::string src;
        std::vector<sip::WireMessage> messages;  // for the session, once there is one
        std::function<void(Result<Uuid>)> done;
        bool cancelled = false;
    };

    /// All that a session begins with.
    struct Beginning {
        std::shared_ptr<const SessionInfo> info;
        session::RecordingSession machine;
        session::Outcome outcome;
        std::map<Uuid, rtp::MediaSockets> sockets;
        std::vector<sip::WireMessage> messages;
        Origin origin;
        std::vector<SessionSinkFactory*> more_sinks{};
    };

    sip::Response on_invite(sip::DialogId dialog, const sip::Request& request) override;
    sip::Response on_request(sip::DialogId dialog, const sip::Request& request) override;
    void on_ack(sip::DialogId dialog, const sip::Request& request) override;
    void on_ack_missing(sip::DialogId dialog, bool initial) override;
    sip::Response on_options(const sip::Request& request) override;
    void on_message(sip::DialogId dialog, const sip::WireMessage& message) override;

    void on_gone(sip::DialogId dialog) override { live_.erase(dialog); }

    void on_tick() override;

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
    [[nodiscard]] session::SecurityTerms security_terms(Transport transport,
                                                        const IpAddress& client) const;
    std::optional<sip::Response> check_admission(const SessionInfo& info,
                                                 const sip::Request& request,
                                                 const Result<std::vector<BodyPart>>& body,
                                                 SessionDecision& decision);
    std::optional<sip::Response> check_security(const SessionInfo& info,
                                                const Result<std::vector<BodyPart>>& body);
    std::optional<sip::Response> check_strictly(const SessionInfo& info,
                                                const sip::Request& request,
                                                const Result<std::vector<BodyPart>>& body);
    std::optional<sip::Response> check_takeover(SessionInfo& info, const sip::Request& request);
    [[nodiscard]] std::optional<std::string> find_unreadable(
        const Result<std::vector<BodyPart>>& body) const;
    sip::Response accept(sip::DialogId dialog,
                         const sip::Request& request,
                         const std::shared_ptr<const SessionInfo>& info,
                         const Result<std::vector<BodyPart>>& body,
                         const SessionDecision& decision);
    Result<LiveSession*> begin(sip::DialogId dialog, Beginning beginning);
    [[nodiscard]] session::RecordingSession make_machine(const Uuid& id,
                                                         session::SecurityTerms security,
                                                         bool ready) const;
    sip::Response answer_offer(LiveSession& live,
                               const sip::Request& request,
                               const Result<std::vector<BodyPart>>& body);
    void grant_timer(LiveSession& live, const sip::Request& request, sip::Response& response);
    [[nodiscard]] std::optional<sip::Response> refuse_short_timer(
        const sip::Request& request) const;
    void hand_over(LiveSession& live,
                   const Origin& origin,
                   session::Outcome& outcome,
                   std::map<Uuid, rtp::MediaSockets>& sockets);
    void hand_over(LiveSession& live, const Origin& origin, session::Outcome outcome);
    void watch_video(LiveSession& live, const session::StreamChange& change);
    void minimise(DocumentMessage& message) const;
    void watch_baseline(LiveSession& live, const DocumentMessage& message);
    void note_findings(const SessionInfo& info, const DocumentMessage& message);
    void note(const SessionInfo& info, const session::Outcome& outcome, std::string_view method);
    void log(LogLevel level, const SessionInfo& info, std::string_view message);

    // What we want of a client (initiative.cpp).
    Result<void> ask(const Uuid& session, Wish wish);
    void advance(LiveSession& live);
    Result<sip::ClientRequest> to_request(LiveSession& live, const Wish& wish);
    void on_answer(LiveSession& live, const sip::Answer& answer);
    void on_refusal(LiveSession& live, Wish wish, const sip::Answer& answer);
    static std::optional<SteadyTime> when_to_repeat(LiveSession& live,
                                                    const Wish& wish,
                                                    const sip::Answer& answer);
    void end_if_silent(LiveSession& live);
    static void forget_wishes(LiveSession& live);

    // Deadlines of sessions (timers.cpp).
    void schedule(LiveSession& live);
    void unschedule(LiveSession& live);
    void check(LiveSession& live);

    // Sessions that we start (calling.cpp).
    std::optional<sip::DialogId> call(std::string src, std::function<void(Result<Uuid>)> done);
    std::string on_called(sip::DialogId dialog, const sip::Answer& answer);
    std::string take_call(sip::DialogId dialog, Calling calling, const sip::Answer& answer);

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
    base::SourceLog refusals_;  // SIP thread only
    std::vector<Listener> listeners_;
    std::shared_ptr<const srtp::Certificate> certificate_;  // null: no DTLS
    std::unique_ptr<rtp::Engine> engine_;
    // SIP thread only:
    std::unique_ptr<sip::UserAgent> agent_;
    std::map<sip::DialogId, LiveSession> live_;
    std::map<sip::DialogId, Calling> calling_;
    std::vector<sip::WireMessage> first_messages_;  // of the dialog that `call` is about to name
    std::multimap<SteadyTime, sip::DialogId> deadlines_;
    // Last, so that it ends first: everything above is used by it.
    std::unique_ptr<sip::SipThread> sip_thread_;
};

}  // namespace siprec::recorder
