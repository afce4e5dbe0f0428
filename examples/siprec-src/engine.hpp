#pragma once

#include "audio.hpp"
#include "call.hpp"
#include "media.hpp"
#include "options.hpp"
#include "report.hpp"
#include "sockets.hpp"
#include "transport.hpp"

#include <siprec/clock.hpp>
#include <siprec/result.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace srcsim {

/// Runs all calls: SIP on the thread that calls `run`, media on the pacer's. *One thread.*
class Engine {
  public:
    /// @param signal_fd  a signalfd; the first signal hangs up all calls, the second leaves at once
    [[nodiscard]] static Result<std::unique_ptr<Engine>> open(Options options, int signal_fd);

    [[nodiscard]] Report run();

  private:
    struct Running {
        Call call;
        std::vector<MediaSockets> sockets;       // until media starts
        siprec::SteadyTime registered = kNever;  // the deadline that timers_ has
        bool has_media = false;
        std::optional<std::vector<StreamStats>> stats;
        bool is_reported = false;
    };

    Engine(Options options,
           std::shared_ptr<const siprec::srtp::Certificate> certificate,
           Fd epoll,
           Fd media_events,
           int signal_fd,
           siprec::Endpoint destination,
           std::unique_ptr<SipTransport> transport);

    [[nodiscard]] int next_wait(siprec::SteadyTime now) const;
    [[nodiscard]] siprec::SteadyTime start_time(std::size_t number) const;
    void start_due(siprec::SteadyTime now);
    void start_call(siprec::SteadyTime now);
    [[nodiscard]] CallSettings settings_for(std::size_t number,
                                            const std::vector<MediaSockets>& sockets) const;
    void run_timers(siprec::SteadyTime now);
    void on_message(const Message& message, const siprec::Endpoint& source);
    void on_media_events();
    void on_signal();
    void forget_finished(siprec::SteadyTime now);

    void serve(std::size_t number, Running& running);
    void execute(std::size_t number, Running& running, const Send& action);
    void execute(std::size_t number, Running& running, const StartMedia& action);
    void execute(std::size_t number, Running& running, const ChangeMedia& action);
    void execute(std::size_t number, Running& running, const StopMedia& action);
    void execute(std::size_t number, Running& running, const Finished& action);
    void report_if_done(std::size_t number, Running& running);
    void save_sent(const std::filesystem::path& folder,
                   std::size_t number,
                   const std::vector<StreamStats>& streams);

    Options options_;
    std::shared_ptr<const siprec::srtp::Certificate> certificate_;  // of DTLS
    Fd epoll_;
    Fd media_events_;
    int signal_fd_;
    siprec::Endpoint destination_;
    std::unique_ptr<SipTransport> transport_;
    PortAllocator ports_;
    AudioBank audio_;
    MediaPacer pacer_;
    std::mt19937_64 random_;

    std::unordered_map<std::size_t, Running> calls_;
    std::unordered_map<std::string, std::size_t> by_call_id_;
    std::set<std::pair<siprec::SteadyTime, std::size_t>> timers_;
    std::deque<std::pair<siprec::SteadyTime, std::size_t>> lingering_;  // reported, oldest first
    Report report_;
    siprec::SteadyTime started_;
    std::size_t next_number_ = 0;
    std::size_t live_ = 0;  // started and not yet reported
    siprec::SteadyTime signalled_;
    int signals_ = 0;
};

}  // namespace srcsim
