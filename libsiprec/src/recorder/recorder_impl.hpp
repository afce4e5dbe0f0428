#pragma once

// The recorder behind `Recorder`: what its files share. recorder.cpp has the threads and the public
// calls, admission.cpp who gets in, dialog_events.cpp what a dialog brings, hand_over.cpp the way
// to the media threads.

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

}  // namespace siprec::recorder
