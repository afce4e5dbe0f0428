#include "recorder/admission.hpp"

#include "recorder/recorder_impl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace siprec::recorder {

namespace {

/// Extensions that a request may require of us (RFC 3261 8.2.2.3). 100rel asks nothing of a server
/// that sends no provisional response.
bool is_known_extension(std::string_view tag) {
    constexpr std::array<std::string_view, 3> kKnown{"siprec", "record-aware", "100rel"};
    // Interop(single cases): the tag misspelt or glued to others is still a recording session.
    return std::ranges::find(kKnown, tag) != kKnown.end() ||
           tag.find("siprec") != std::string_view::npos;
}

bool contains(const std::vector<std::string>& tags, std::string_view tag) {
    return std::ranges::find(tags, tag) != tags.end();
}

}  // namespace

std::vector<std::string> unknown_extensions(const sip::Request& request) {
    std::vector<std::string> unknown;
    std::ranges::copy_if(request.require, std::back_inserter(unknown), [](const std::string& tag) {
        return !is_known_extension(tag);
    });
    return unknown;
}

SessionInfo to_session_info(const sip::Request& request,
                            const Result<std::vector<BodyPart>>& body) {
    SessionInfo info;
    info.id = Uuid::random();
    info.call_id = request.call_id;
    info.from_uri = request.from_uri;
    info.from_display = request.from_display;
    info.to_uri = request.to_uri;
    info.request_uri = request.request_uri;
    info.contact_uri = request.contact_uri;
    info.user_agent = request.user_agent;
    info.headers = request.headers;
    info.transport = request.wire.transport;
    info.source = request.wire.remote;
    info.local = request.wire.local;
    info.evidence.require_tag = std::ranges::any_of(request.require, [](const std::string& tag) {
        return tag.find("siprec") != std::string::npos;
    });
    info.evidence.supported_tag = contains(request.supported, "siprec");
    info.evidence.contact_tag = request.contact_is_src;
    info.evidence.metadata_part =
        body.has_value() && std::ranges::any_of(*body, &BodyPart::is_metadata);
    info.started = request.wire.time;
    return info;
}

sip::Response RecorderImpl::refuse(const SessionInfo& info,
                                   int status,
                                   const std::string& why,
                                   int retry_after_s) {
    ++refused_;
    logger_.log(LogLevel::Warning,
                "recorder",
                fmt::format("INVITE refused with {}: {}", status, why),
                {{"call_id", info.call_id},
                 {"source", info.source.to_string()},
                 {"user_agent", info.user_agent}});
    auto response = sip::Response::of(status);
    response.warning = why;
    response.retry_after_s = retry_after_s;
    return response;
}

std::optional<sip::Response> RecorderImpl::check_admission(const SessionInfo& info,
                                                           const sip::Request& request) {
    constexpr int kRetryAfterS = 10;
    std::vector<std::string> unknown = unknown_extensions(request);
    if (!unknown.empty()) {
        auto response =
            refuse(info, 420, fmt::format("extension {} is required", unknown.front()), 0);
        response.unsupported = std::move(unknown);
        return response;
    }
    const SessionDecision decision = policy_.on_invite(info);
    if (decision.kind == SessionDecision::Kind::Drop) {
        ++refused_;
        auto response = sip::Response::of(0);
        response.drop = true;
        return response;
    }
    if (decision.kind == SessionDecision::Kind::Refuse) {
        return refuse(
            info, decision.status, decision.reason, static_cast<int>(decision.retry_after.count()));
    }
    if (draining_) {
        return refuse(info, 503, "the recorder is shutting down", kRetryAfterS);
    }
    if (active_ >= config_.limits.max_sessions) {
        return refuse(info, 503, "the configured number of sessions is reached", kRetryAfterS);
    }
    return std::nullopt;
}

}  // namespace siprec::recorder
