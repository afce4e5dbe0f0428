#include "recorder/admission.hpp"

#include "recorder/recorder_impl.hpp"
#include "sip/headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>
#include <utility>

namespace siprec::recorder {

namespace {

/// Extensions that a request may require of us (RFC 3261 8.2.2.3). 100rel asks nothing of a server
/// whose first answer is the final one (RFC 3262 3); with `ringing` the 180 is reliable.
bool is_known_extension(std::string_view tag, const RecorderConfig& config) {
    constexpr std::array<std::string_view, 4> kKnown{
        "siprec", "record-aware", "100rel", "replaces"};
    if (std::ranges::find(kKnown, tag) != kKnown.end() ||
        (tag == "timer" && config.timer.enabled)) {
        return true;
    }
    // Interop(single cases): the tag misspelt or glued to others is still a recording session.
    return !config.strict && tag.find("siprec") != std::string_view::npos;
}

/// `+sip.src` as a parameter of the Contact header itself (RFC 3840 9).
bool shows_exact_src(const sip::Request& request) {
    const std::string* value = sip::find_header(request.headers, "contact", "m");
    if (value == nullptr) {
        return false;
    }
    const std::string folded = sip::lower(*value);
    const std::size_t behind_uri = folded.find('>');
    return folded.find(";+sip.src", behind_uri == std::string::npos ? 0 : behind_uri) !=
           std::string::npos;
}

bool contains(const std::vector<std::string>& tags, std::string_view tag) {
    return std::ranges::find(tags, tag) != tags.end();
}

/// RFC 3261 8.2.3, RFC 5621 8.2: a body that is required and nothing but strange to us. Beside an
/// SDP or metadata it is put up with, as a call is worth more than a part of it.
bool is_strange(const Result<std::vector<BodyPart>>& body, bool strict) {
    const auto is_known = [](const BodyPart& part) { return part.is_sdp() || part.is_metadata(); };
    return body &&
           std::ranges::any_of(
               *body,
               [&](const BodyPart& part) { return !is_known(part) && !part.handling_optional; }) &&
           (strict || std::ranges::none_of(*body, is_known));
}

/// An m-line in use whose transport is not one of SRTP's (RFC 3711 12, RFC 5764 8).
bool offers_plain_rtp(const BodyPart& part) {
    if (!part.is_sdp()) {
        return false;
    }
    std::istringstream lines(part.content);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string media;
        std::string port;
        std::string protocol;
        if (line.starts_with("m=") && words >> media >> port >> protocol && port != "0" &&
            protocol.find("SAVP") == std::string::npos) {
            return true;
        }
    }
    return false;
}

}  // namespace

std::vector<std::string> unknown_extensions(const sip::Request& request,
                                            const RecorderConfig& config) {
    std::vector<std::string> unknown;
    std::ranges::copy_if(
        request.require, std::back_inserter(unknown), [&config](const std::string& tag) {
            return !is_known_extension(tag, config);
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
    info.record_aware = contains(request.supported, "record-aware");
    info.started = request.wire.time;
    return info;
}

session::SecurityTerms RecorderImpl::security_terms(Transport transport,
                                                    const IpAddress& client) const {
    session::SecurityTerms terms{.config = config_.media.srtp,
                                 .signalling_is_secure = transport == Transport::Tls,
                                 .certificate = certificate_};
    for (const auto& [source, policy] : config_.media.srtp.by_source) {
        if (source == client) {
            terms.config.policy = policy;
        }
    }
    return terms;
}

sip::Response RecorderImpl::refuse(const SessionInfo& info,
                                   int status,
                                   const std::string& why,
                                   int retry_after_s) {
    ++refused_;
    if (const auto swallowed =
            refusals_.may_log(info.source.address, system_clock().steady_now())) {
        logger_.log(LogLevel::Warning,
                    "recorder",
                    fmt::format("INVITE refused with {}: {}", status, why),
                    {{"call_id", info.call_id},
                     {"source", info.source.to_string()},
                     {"user_agent", info.user_agent},
                     {"swallowed", std::to_string(*swallowed)}});
    }
    auto response = sip::Response::of(status);
    response.warning = why;
    response.retry_after_s = retry_after_s;
    return response;
}

std::optional<std::string> RecorderImpl::find_unreadable(
    const Result<std::vector<BodyPart>>& body) const {
    if (!body) {
        return body.error().to_string();
    }
    for (const BodyPart& part : *body) {
        if (!part.is_metadata()) {
            continue;
        }
        const auto parsed = metadata::parse(part.content, part.charset, config_.limits.metadata);
        if (!parsed) {
            return parsed.error().to_string();
        }
        if (parsed->dialect == metadata::Dialect::Salvaged) {
            return "the metadata is not well-formed";
        }
    }
    return std::nullopt;
}

std::optional<sip::Response> RecorderImpl::check_security(
    const SessionInfo& info, const Result<std::vector<BodyPart>>& body) {
    const SecurityConfig& wanted = config_.security;
    const bool is_secret = info.transport == Transport::Tls;
    if (wanted.signalling_over_tls && !is_secret) {
        return refuse(info, 403, "sessions are taken over TLS only", 0);
    }
    // RFC 7866 12.3: metadata is personal data.
    if (wanted.metadata_over_tls && !is_secret && info.evidence.metadata_part) {
        return refuse(info, 403, "metadata is taken over TLS only", 0);
    }
    if (wanted.media_over_srtp && body.has_value() &&
        std::ranges::any_of(*body, [](const BodyPart& part) { return offers_plain_rtp(part); })) {
        return refuse(info, 488, "media is taken over SRTP only", 0);
    }
    return std::nullopt;
}

std::optional<sip::Response> RecorderImpl::check_strictly(
    const SessionInfo& info,
    const sip::Request& request,
    const Result<std::vector<BodyPart>>& body) {
    if (!contains(request.require, "siprec") || !shows_exact_src(request)) {
        return refuse(info, 403, "no recording session: RFC 7866 6.2 wants siprec and +sip.src", 0);
    }
    if (const auto fault = find_unreadable(body)) {
        return refuse(info, 400, *fault, 0);
    }
    return std::nullopt;
}

std::optional<sip::Response> RecorderImpl::check_admission(
    const SessionInfo& info,
    const sip::Request& request,
    const Result<std::vector<BodyPart>>& body,
    SessionDecision& decision) {
    constexpr int kRetryAfterS = 10;
    std::vector<std::string> unknown = unknown_extensions(request, config_);
    if (!unknown.empty()) {
        auto response =
            refuse(info, 420, fmt::format("extension {} is required", unknown.front()), 0);
        response.unsupported = std::move(unknown);
        return response;
    }
    if (auto refused = check_security(info, body)) {
        return refused;
    }
    if (config_.strict) {
        if (auto refused = check_strictly(info, request, body)) {
            return refused;
        }
    }
    if (is_strange(body, config_.strict)) {
        return refuse(info, 415, "no part of the body is SDP or metadata", 0);
    }
    decision = policy_.on_invite(info);
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

std::optional<sip::Response> RecorderImpl::check_takeover(SessionInfo& info,
                                                          const sip::Request& request) {
    if (!request.replaces) {
        return std::nullopt;
    }
    if (request.replaces->status != 0) {
        return refuse(info, request.replaces->status, "Replaces (RFC 3891 3)", 0);
    }
    const LiveSession* running = find_running(request.replaces->dialog);
    if (running == nullptr) {
        return refuse(info, 481, "Replaces names no running session", 0);
    }
    if (!policy_.may_replace(*running->info, info)) {
        return refuse(info, 403, "may not replace the session that it names (RFC 3891 3)", 0);
    }
    info.replaces = running->info->id;
    return std::nullopt;
}

}  // namespace siprec::recorder
