#include "ops/metrics.hpp"

#include <catch2/catch.hpp>

namespace {

using siprec::server::metrics_text;
using siprec::server::ServerStats;

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST_CASE("metrics: text holds every counter when the live wing runs", "[unit][ops]") {
    ServerStats stats;
    stats.recorder.emplace();
    stats.recorder->sessions_active = 3;
    stats.recorder->sessions_started = 5;
    stats.recorder->ports_in_use = 6;
    stats.recorder->media.packets = 1'234'567;
    stats.recorder->media.lost = -2;
    stats.websocket.emplace();
    stats.websocket->open = 2;
    stats.websocket->samples_lost = 160;
    stats.capture.emplace();
    stats.capture->packets = 99;
    stats.capture->write_errors = 1;
    stats.capture->disk_free_bytes = 1024;
    stats.catalogue_up = true;
    stats.worker_restarts = 2;
    stats.archive_queue_files = 4;
    const std::string text = metrics_text(stats);
    for (const char* line : {"# TYPE siprec_sessions_active gauge",
                             "siprec_sessions_active 3",
                             "# TYPE siprec_sessions_started_total counter",
                             "siprec_sessions_started_total 5",
                             "siprec_sessions_refused_total 0",
                             "siprec_rtp_packets_total 1234567",
                             "siprec_rtp_lost_total -2",
                             "siprec_ports_in_use 6",
                             "siprec_websocket_connections 2",
                             "siprec_websocket_samples_lost_total 160",
                             "siprec_capture_packets_total 99",
                             "siprec_capture_write_errors_total 1",
                             "siprec_capture_dropped_total 0",
                             "siprec_disk_free_bytes 1024",
                             "siprec_catalogue_up 1",
                             "siprec_archive_worker_restarts_total 2",
                             "siprec_archive_queue_files 4"}) {
        INFO(line << " in\n" << text);
        CHECK(has_line(text, line));
    }
}

TEST_CASE("metrics: nothing of the recorder is said when the role has none", "[unit][ops]") {
    const std::string text = metrics_text({});
    CHECK(text.find("siprec_sessions_active") == std::string::npos);
    CHECK(has_line(text, "siprec_catalogue_up 0"));
}

}  // namespace
