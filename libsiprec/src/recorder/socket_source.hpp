#pragma once

#include "rtp/engine.hpp"
#include "session/recording_session.hpp"
#include "sip/message.hpp"

#include <siprec/config.hpp>

#include <map>
#include <optional>

namespace siprec::recorder {

/// Opens the sockets of one request's streams and keeps them until they go to the media thread.
class SocketSource final : public session::PortSource {
  public:
    /// @param signalling  the message that opens them: our media is where its signalling is
    SocketSource(rtp::Engine& engine, const MediaConfig& config, const sip::WireMessage& signalling)
        : engine_(engine), config_(config), signalling_(signalling) {}

    Result<session::StreamPorts> open(const Uuid& stream,
                                      const std::optional<IpAddress>& client,
                                      bool rtcp_mux) override;

    std::map<Uuid, rtp::MediaSockets> sockets;

  private:
    [[nodiscard]] IpAddress address_for_answer(const IpAddress& bound,
                                               const std::optional<IpAddress>& client) const;

    rtp::Engine& engine_;
    const MediaConfig& config_;
    const sip::WireMessage& signalling_;
};

}  // namespace siprec::recorder
