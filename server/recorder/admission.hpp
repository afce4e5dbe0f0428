#pragma once

// Which sessions are taken, and who gets their media beside the capture.

#include "config/config.hpp"
#include "recorder/session_sinks.hpp"

#include <siprec/net.hpp>
#include <siprec/policy.hpp>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace siprec::server {

/// *Thread-safe*; answers from memory, as the SIP thread needs it.
class Admission final : public SessionPolicy {
  public:
    /// Takes its rules from the configuration.
    /// @param sinks  null: none; else outlives this
    explicit Admission(const Config& config, const SessionSinks* sinks = nullptr)
        : takeover_(config.takeover),
          begins_paused_(config.begin_paused),
          sinks_(sinks),
          allowed_(config.allowed_sources) {}

    /// Who may start sessions from now on.
    void allow(std::vector<Subnet> sources);

    [[nodiscard]] SessionDecision on_invite(const SessionInfo& session) override;

    [[nodiscard]] bool may_replace(const SessionInfo& running, const SessionInfo& taker) override;

    [[nodiscard]] bool is_healthy() override { return is_open(); }

    /// The disk has room for new sessions.
    void set_disk_full(bool full) noexcept { disk_full_.store(full, std::memory_order_relaxed); }

    /// The captures cannot be written.
    void set_writer_failing(bool failing) noexcept {
        writer_failing_.store(failing, std::memory_order_relaxed);
    }

    [[nodiscard]] bool is_open() const noexcept {
        return !disk_full_.load(std::memory_order_relaxed) &&
               !writer_failing_.load(std::memory_order_relaxed);
    }

  private:
    [[nodiscard]] bool is_allowed(const IpAddress& source) const;

    const Takeover takeover_;
    const bool begins_paused_;
    const SessionSinks* sinks_;
    mutable std::mutex mutex_;  // held for a moment: the SIP thread asks
    std::vector<Subnet> allowed_;
    std::atomic<bool> disk_full_{false};
    std::atomic<bool> writer_failing_{false};
};

}  // namespace siprec::server
