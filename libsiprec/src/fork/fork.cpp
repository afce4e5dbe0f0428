#include "fork/fork.hpp"

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace siprec::fork {

namespace {

/// @return why the call failed, or an empty text when it did not
template <typename Call>
std::string guarded(Call call) noexcept {
    try {
        call();
        return {};
    } catch (const std::exception& error) {
        const std::string_view what = error.what();
        return what.empty() ? std::string("an exception without text") : std::string(what);
    } catch (...) {
        return "an exception of unknown type";
    }
}

}  // namespace

template <typename Call>
void Fork::each(Call call) {
    for (std::size_t i = 0; i < sinks_.size();) {
        std::string failure = guarded([&] { call(*sinks_[i]); });
        if (failure.empty()) {
            ++i;
        } else {
            expel(i, failure);
        }
    }
}

void Fork::expel(std::size_t index, std::string_view failure) {
    const std::unique_ptr<MediaSink> sink = std::move(sinks_[index]);
    sinks_.erase(sinks_.begin() + static_cast<std::ptrdiff_t>(index));
    logger_->log(LogLevel::Error,
                 "fork",
                 "a media sink threw; it is closed and gets no more of its stream",
                 {{"error", failure}});
    const std::string second = guarded([&] { sink->on_closed(StreamStats{}, latest_); });
    if (!second.empty()) {
        logger_->log(LogLevel::Error,
                     "fork",
                     "the media sink threw again when it was closed",
                     {{"error", second}});
    }
}

void Fork::add(std::unique_ptr<MediaSink> sink) {
    if (sink) {
        sinks_.push_back(std::move(sink));
    }
}

void Fork::rtp(const RtpPacket& packet) {
    latest_ = packet.arrival;
    each([&](MediaSink& sink) { sink.on_rtp(packet); });
}

void Fork::rtcp(const RtcpPacket& packet) {
    latest_ = packet.arrival;
    each([&](MediaSink& sink) { sink.on_rtcp(packet); });
}

void Fork::changed(const StreamInfo& stream) {
    each([&](MediaSink& sink) { sink.on_changed(stream); });
}

void Fork::tick(WallTime now) {
    latest_ = now;
    each([&](MediaSink& sink) { sink.on_tick(now); });
}

void Fork::closed(const StreamStats& stats, WallTime when) {
    for (const std::unique_ptr<MediaSink>& sink : std::exchange(sinks_, {})) {
        const std::string failure = guarded([&] { sink->on_closed(stats, when); });
        if (!failure.empty()) {
            logger_->log(LogLevel::Error,
                         "fork",
                         "a media sink threw when its stream was closed",
                         {{"error", failure}});
        }
    }
}

}  // namespace siprec::fork
