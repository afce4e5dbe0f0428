// Sends the packets of streams on to other programs, as they came.
#include "base/socket_address.hpp"
#include "base/unique_fd.hpp"

#include <siprec/sinks.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace siprec {

namespace {

/// One socket for each address family; the kernel serialises those that send at once.
class Sender {
  public:
    Sender()
        : four_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
          six_(::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}

    /// @return 0 or errno. Never waits: what the kernel does not take is lost.
    int send(const base::SocketAddress& to, std::span<const std::byte> bytes) const noexcept {
        const int fd = to.storage.ss_family == AF_INET6 ? six_.get() : four_.get();
        const ssize_t sent = ::sendto(
            fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, to.get(), to.length);
        return sent < 0 ? errno : 0;
    }

  private:
    base::UniqueFd four_;
    base::UniqueFd six_;
};

class ForwardingSink final : public MediaSink {
  public:
    ForwardingSink(std::shared_ptr<const Sender> sender,
                   const Endpoint& target,
                   const StreamInfo& stream,
                   Logger& logger)
        : sender_(std::move(sender)),
          rtp_(base::to_socket_address(target)),
          rtcp_(base::to_socket_address(
              {.address = target.address, .port = static_cast<std::uint16_t>(target.port + 1)})),
          target_(target.to_string()),
          stream_(stream.id.to_string()),
          logger_(&logger) {}

    void on_rtp(const RtpPacket& packet) override { count(sender_->send(rtp_, packet.bytes)); }

    void on_rtcp(const RtcpPacket& packet) override { count(sender_->send(rtcp_, packet.bytes)); }

    void on_tick(WallTime /*now*/) override { report(); }

    void on_closed(const StreamStats& /*stats*/, WallTime /*when*/) override { report(); }

  private:
    void count(int error) noexcept {
        if (error != 0) {
            ++failed_;
            last_error_ = error;
        }
    }

    void report() {
        if (failed_ == 0) {
            return;
        }
        logger_->log(LogLevel::Warning,
                     "forward",
                     "packets could not be sent on",
                     {{"stream", stream_},
                      {"to", target_},
                      {"packets", fmt::to_string(std::exchange(failed_, 0))},
                      {"error", std::generic_category().message(last_error_)}});
    }

    std::shared_ptr<const Sender> sender_;
    const base::SocketAddress rtp_;
    const base::SocketAddress rtcp_;
    const std::string target_;
    const std::string stream_;
    Logger* logger_;
    std::uint64_t failed_ = 0;
    int last_error_ = 0;
};

class ForwardingSession final : public SessionSink {
  public:
    ForwardingSession(SessionInfo info,
                      ForwardTarget target,
                      std::shared_ptr<const Sender> sender,
                      Logger& logger)
        : info_(std::move(info)),
          target_(std::move(target)),
          sender_(std::move(sender)),
          logger_(&logger) {}

    std::unique_ptr<MediaSink> open_stream(const StreamInfo& stream) override {
        const std::optional<Endpoint> target = target_(info_, stream);
        if (!target) {
            return nullptr;
        }
        return std::make_unique<ForwardingSink>(sender_, *target, stream, *logger_);
    }

  private:
    const SessionInfo info_;
    const ForwardTarget target_;
    std::shared_ptr<const Sender> sender_;
    Logger* logger_;
};

class Forwarder final : public SessionSinkFactory {
  public:
    Forwarder(ForwardTarget target, Logger& logger)
        : target_(std::move(target)), sender_(std::make_shared<const Sender>()), logger_(&logger) {}

    std::unique_ptr<SessionSink> open_session(const SessionInfo& session) override {
        return std::make_unique<ForwardingSession>(session, target_, sender_, *logger_);
    }

  private:
    const ForwardTarget target_;
    std::shared_ptr<const Sender> sender_;
    Logger* logger_;
};

}  // namespace

std::unique_ptr<SessionSinkFactory> make_rtp_forwarder(ForwardTarget target, Logger& logger) {
    return std::make_unique<Forwarder>(std::move(target), logger);
}

}  // namespace siprec
