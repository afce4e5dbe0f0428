// What the server says of itself: page, liveness, readiness, metrics, status.

#include "api/handlers.hpp"
#include "api/json.hpp"
#include "api/responses.hpp"
#include "portal/portal.hpp"

#include <siprec/version.hpp>

#include <fmt/format.h>

namespace siprec::server {

namespace {

Json counters_of(const RecorderStats& stats) {
    return {{"sessions_started", stats.sessions_started},
            {"sessions_refused", stats.sessions_refused},
            {"sessions_ended", stats.sessions_ended},
            {"sip_requests", stats.sip_requests},
            {"sip_malformed", stats.sip_malformed},
            {"metadata_documents", stats.metadata_documents},
            {"metadata_unusable", stats.metadata_unusable},
            {"ports_in_use", stats.ports_in_use},
            {"ports_total", stats.ports_total},
            {"rtp_packets", stats.media.packets},
            {"rtp_bytes", stats.media.bytes},
            {"rtp_duplicates", stats.media.duplicates},
            {"rtp_reordered", stats.media.reordered},
            {"rtp_lost", stats.media.lost},
            {"rtp_ssrc_changes", stats.media.ssrc_changes},
            {"rtp_unknown_payload", stats.media.unknown_payload},
            {"rtp_dropped_malformed", stats.media.dropped_malformed},
            {"rtp_dropped_stranger", stats.media.dropped_stranger},
            {"rtp_dropped_inactive", stats.media.dropped_inactive},
            {"rtp_dropped_auth", stats.media.dropped_auth},
            {"rtp_dropped_replay", stats.media.dropped_replay},
            {"rtcp_packets", stats.media.rtcp_packets}};
}

Json capture_of(const CaptureStats& stats) {
    return {{"packets", stats.packets},
            {"bytes_written", stats.bytes_written},
            {"write_errors", stats.write_errors},
            {"packets_dropped", stats.packets_dropped},
            {"queue_bytes", stats.queue_bytes},
            {"captures_open", stats.captures_open},
            {"commits", stats.commits}};
}

Json listeners_of(const LiveWing& live) {
    Json array = Json::array();
    for (const Listener& listener : live.listeners()) {
        array.push_back({{"transport", to_string(listener.transport)},
                         {"address", listener.endpoint.to_string()}});
    }
    return array;
}

Json reason(std::string_view component, std::string_view message, bool blocks) {
    return {{"component", component}, {"message", message}, {"blocks", blocks}};
}

/// Why no session can be recorded now.
Json live_reasons(const LiveWing& live) {
    Json reasons = Json::array();
    const CaptureStats capture = live.capture_stats();
    const bool is_ready = live.is_ready();
    if (capture.refusing) {
        reasons.push_back(reason("capture", "the disk is full or cannot be written", true));
    } else if (capture.disk_alarm) {
        reasons.push_back(reason("disk", "little space is left", false));
    }
    if (!is_ready && !capture.refusing) {
        reasons.push_back(reason("recorder", "new sessions are refused", true));
    }
    return reasons;
}

}  // namespace

HttpResponse get_page(const Call& call) {
    for (const PortalFile& file : portal_files()) {
        if (file.path == call.request.path) {
            HttpResponse response;
            response.headers.emplace_back("Content-Type", file.content_type);
            response.headers.emplace_back("Cache-Control", "no-cache");
            response.body = std::string(file.content);
            return response;
        }
    }
    return problem(404, "there is nothing at this path");
}

HttpResponse get_alive(const Call& call) {
    static_cast<void>(call);
    return json_response({{"alive", true}});
}

HttpResponse get_ready(const Call& call) {
    const LiveWing* live = call.services.dependencies.live;
    const auto catalog = call.services.catalog_health.state();
    Json reasons = live == nullptr ? Json::array() : live_reasons(*live);
    if (!catalog.up) {
        // Recording goes on without a catalogue (design, section 14); an archive cannot work.
        reasons.push_back(reason("catalogue", catalog.reason, live == nullptr));
    }
    bool is_ready = true;
    for (const Json& each : reasons) {
        is_ready = is_ready && !each["blocks"].get<bool>();
    }
    HttpResponse response =
        json_response({{"ready", is_ready}, {"reasons", reasons}}, is_ready ? 200 : 503);
    if (!is_ready) {
        response.headers.emplace_back("Retry-After", "5");
    }
    return response;
}

HttpResponse get_metrics(const Call& call) {
    const auto& metrics = call.services.dependencies.metrics;
    HttpResponse response;
    response.headers.emplace_back("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = metrics ? metrics() : std::string();
    return response;
}

HttpResponse get_status(const Call& call) {
    const Services& services = call.services;
    const auto uptime = system_clock().steady_now() - services.steady_started;
    const auto catalog = services.catalog_health.state();
    Json value = {
        {"version", kVersion},
        {"started", to_rfc3339(services.started)},
        {"uptime_s", std::chrono::duration<double>(uptime).count()},
        {"role", services.dependencies.live == nullptr ? "archive" : "live"},
        {"sessions_active", 0},
        {"streams_active", 0},
        {"catalogue",
         {{"up", catalog.up}, {"reason", catalog.up ? Json(nullptr) : Json(catalog.reason)}}},
        {"listeners", Json::array()}};
    if (const LiveWing* live = services.dependencies.live; live != nullptr) {
        const RecorderStats recorder = live->recorder_stats();
        const CaptureStats capture = live->capture_stats();
        value["sessions_active"] = recorder.sessions_active;
        value["streams_active"] = recorder.streams_active;
        value["ready"] = live->is_ready();
        value["listeners"] = listeners_of(*live);
        value["counters"] = counters_of(recorder);
        value["capture"] = capture_of(capture);
        value["disk"] = {{"free_bytes", capture.disk_free_bytes},
                         {"alarm", capture.disk_alarm},
                         {"refusing", capture.refusing}};
    }
    return json_response(value);
}

}  // namespace siprec::server
