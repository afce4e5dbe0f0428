#pragma once

// The recorder's sink that writes everything of a session into its capture.

#include "capture/rotation.hpp"
#include "capture/spool.hpp"

#include <siprec/clock.hpp>
#include <siprec/session_sink.hpp>

namespace siprec::server {

/// *Called from every media thread*, as its base says.
class CaptureSinkFactory final : public SessionSinkFactory {
  public:
    /// @param spool, clock  outlive the factory and its sinks
    CaptureSinkFactory(CaptureSpool& spool,
                       std::string application,
                       const Clock& clock,
                       const RotationLimits& rotation = {})
        : spool_(spool), application_(std::move(application)), clock_(clock), rotation_(rotation) {}

    [[nodiscard]] std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override;

  private:
    CaptureSpool& spool_;
    const std::string application_;  // named in the section header
    const Clock& clock_;
    const RotationLimits rotation_;
};

}  // namespace siprec::server
