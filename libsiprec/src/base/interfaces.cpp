// The virtual functions of the public interfaces that have a default.
#include <siprec/audio.hpp>
#include <siprec/codec.hpp>
#include <siprec/log.hpp>
#include <siprec/media_sink.hpp>
#include <siprec/policy.hpp>
#include <siprec/session_sink.hpp>

namespace siprec {

namespace {

class NullLogger final : public Logger {
  public:
    void write(LogLevel /*level*/,
               std::string_view /*component*/,
               std::string_view /*message*/,
               std::span<const LogField> /*fields*/) noexcept override {}
};

}  // namespace

Logger::~Logger() = default;

Logger& null_logger() noexcept {
    static NullLogger logger;
    return logger;
}

AudioConsumer::~AudioConsumer() = default;

void AudioConsumer::on_telephone_event(const TelephoneEvent& /*event*/) {}

AudioDecoder::~AudioDecoder() = default;

void AudioDecoder::conceal(std::size_t samples, std::vector<std::int16_t>& out) {
    out.insert(out.end(), samples, std::int16_t{0});
}

bool AudioDecoder::recover(std::span<const std::byte> /*next*/,
                           std::size_t samples,
                           std::vector<std::int16_t>& out) {
    conceal(samples, out);
    return false;
}

bool AudioDecoder::pause(std::size_t /*samples*/, std::vector<std::int16_t>& /*out*/) {
    return false;
}

MediaSink::~MediaSink() = default;

void MediaSink::on_rtcp(const RtcpPacket& /*packet*/) {}

void MediaSink::on_changed(const StreamInfo& /*stream*/) {}

void MediaSink::on_tick(WallTime /*now*/) {}

void MediaSink::on_dropped(std::uint64_t /*packets*/) {}

void MediaSink::on_closed(const StreamStats& /*stats*/, WallTime /*when*/) {}

SessionSink::~SessionSink() = default;

void SessionSink::on_sip(const SipMessage& /*message*/) {}

void SessionSink::on_metadata(const MetadataEvent& /*event*/) {}

void SessionSink::on_ended(const SessionEnd& /*end*/) {}

SessionSinkFactory::~SessionSinkFactory() = default;

SessionPolicy::~SessionPolicy() = default;

SessionDecision SessionPolicy::on_invite(const SessionInfo& session) {
    if (session.evidence.is_any()) {
        return SessionDecision::accept();
    }
    return SessionDecision::refuse(403, "not a recording session (RFC 7866 6.2)");
}

bool SessionPolicy::may_replace(const SessionInfo& running, const SessionInfo& taker) {
    return running.source.address == taker.source.address;
}

SessionPolicy& default_policy() noexcept {
    static SessionPolicy policy;
    return policy;
}

std::string_view to_string(EndCause cause) noexcept {
    switch (cause) {
        case EndCause::Bye:
            return "bye";
        case EndCause::Cancelled:
            return "cancelled";
        case EndCause::NoAck:
            return "no-ack";
        case EndCause::LocalStop:
            return "local-stop";
        case EndCause::Shutdown:
            return "shutdown";
        case EndCause::MediaTimeout:
            return "media-timeout";
        case EndCause::Replaced:
            return "replaced";
        case EndCause::Failed:
            return "failed";
        case EndCause::SessionTimeout:
            return "session-timeout";
    }
    return "failed";
}

}  // namespace siprec
