#include "ops/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

namespace siprec::server {

namespace {

/// The families of one scrape. The counters live in the wings, so nothing is registered here.
class Families {
  public:
    template <typename Number>
    void counter(const char* name, const char* help, Number value) {
        prometheus::ClientMetric metric;
        metric.counter.value = static_cast<double>(value);
        add(name, help, prometheus::MetricType::Counter, metric);
    }

    template <typename Number>
    void gauge(const char* name, const char* help, Number value) {
        prometheus::ClientMetric metric;
        metric.gauge.value = static_cast<double>(value);
        add(name, help, prometheus::MetricType::Gauge, metric);
    }

    [[nodiscard]] std::string text() const {
        return prometheus::TextSerializer().Serialize(families_);
    }

  private:
    void add(const char* name,
             const char* help,
             prometheus::MetricType type,
             const prometheus::ClientMetric& metric) {
        prometheus::MetricFamily family;
        family.name = std::string("siprec_") + name;
        family.help = help;
        family.type = type;
        family.metric.push_back(metric);
        families_.push_back(std::move(family));
    }

    std::vector<prometheus::MetricFamily> families_;
};

void add_media(Families& families, const StreamStats& media) {
    families.counter("rtp_packets_total", "RTP packets received", media.packets);
    families.counter("rtp_bytes_total", "Bytes of RTP packets received", media.bytes);
    // Late packets can take a loss back, so it is not a counter to Prometheus.
    families.gauge("rtp_lost_total", "RTP packets expected but not received", media.lost);
    families.counter("rtp_duplicates_total", "RTP packets received twice", media.duplicates);
    families.counter("rtp_reordered_total", "RTP packets received late", media.reordered);
    families.counter(
        "rtp_dropped_malformed_total", "Datagrams that are no RTP", media.dropped_malformed);
    families.counter("rtp_dropped_stranger_total",
                     "RTP packets from a stranger's address",
                     media.dropped_stranger);
    families.counter(
        "rtp_dropped_inactive_total", "RTP packets on an inactive stream", media.dropped_inactive);
    families.counter("rtp_dropped_auth_total",
                     "SRTP and SRTCP packets that are not authentic",
                     media.dropped_auth);
    families.counter(
        "rtp_dropped_replay_total", "SRTP and SRTCP packets replayed", media.dropped_replay);
    families.counter("rtcp_packets_total", "RTCP packets received", media.rtcp_packets);
}

void add_recorder(Families& families, const RecorderStats& recorder) {
    families.gauge("sessions_active", "Recording sessions now", recorder.sessions_active);
    families.gauge("streams_active", "Media streams now", recorder.streams_active);
    families.counter(
        "sessions_started_total", "Recording sessions begun", recorder.sessions_started);
    families.counter(
        "sessions_refused_total", "Recording sessions refused", recorder.sessions_refused);
    families.counter("sessions_ended_total", "Recording sessions ended", recorder.sessions_ended);
    families.counter("sip_requests_total", "SIP requests received", recorder.sip_requests);
    families.counter(
        "sip_malformed_total", "SIP messages that could not be parsed", recorder.sip_malformed);
    families.counter("sip_overloaded_total",
                     "INVITEs that got 503 because the SIP thread was behind",
                     recorder.sip_overloaded);
    families.counter("sip_limited_total",
                     "Requests dropped because their source sends nothing useful",
                     recorder.sip_limited);
    families.gauge(
        "sip_limited_sources", "Sources now watched for useless requests", recorder.sip_sources);
    families.counter("sip_challenged_total", "Requests answered 401", recorder.sip_challenged);
    families.gauge("sip_delay_seconds",
                   "How long a message waits for the SIP thread now",
                   std::chrono::duration<double>(recorder.sip_delay).count());
    families.gauge("tls_connections", "TLS connections now", recorder.tls_connections);
    families.counter("tls_handshakes_failed_total",
                     "TLS handshakes that failed",
                     recorder.tls_handshakes_failed);
    families.counter(
        "tls_refused_total", "TLS connections refused at a ceiling", recorder.tls_refused);
    families.counter(
        "metadata_documents_total", "Metadata documents received", recorder.metadata_documents);
    families.counter("metadata_unusable_total",
                     "Metadata documents that could not be parsed",
                     recorder.metadata_unusable);
    families.gauge("ports_in_use", "RTP/RTCP port pairs in use", recorder.ports_in_use);
    families.gauge("ports_total", "RTP/RTCP port pairs configured", recorder.ports_total);
    add_media(families, recorder.media);
}

void add_capture(Families& families, const CaptureStats& capture) {
    families.counter("capture_packets_total", "RTP packets written to captures", capture.packets);
    families.counter("capture_bytes_total", "Bytes written to captures", capture.bytes_written);
    families.counter("capture_write_errors_total", "Failed writes", capture.write_errors);
    families.counter("capture_dropped_total",
                     "RTP packets that the capture writer could not keep up with",
                     capture.packets_dropped);
    families.counter("capture_commits_total", "Group commits to the disk", capture.commits);
    families.gauge("capture_queue_bytes", "Bytes that wait for the disk", capture.queue_bytes);
    families.gauge("captures_open", "Captures being written", capture.captures_open);
    families.gauge("disk_free_bytes", "Free space where captures go", capture.disk_free_bytes);
    families.gauge("disk_alarm", "1: free space is below the alarm threshold", capture.disk_alarm);
    families.gauge("refusing", "1: new sessions are refused", capture.refusing);
}

void add_websocket(Families& families, const WebSocketStats& websocket) {
    families.gauge("websocket_connections", "Connections of WebSocket sinks now", websocket.open);
    families.counter("websocket_connected_total",
                     "Connections that WebSocket sinks have made",
                     websocket.connected);
    families.counter("websocket_failed_total",
                     "Attempts of WebSocket sinks that were refused, and connections lost",
                     websocket.failed);
    families.counter("websocket_messages_total",
                     "Messages that WebSocket sinks have sent",
                     websocket.messages_sent);
    families.counter("websocket_sessions_damaged_total",
                     "Ended sessions of which a WebSocket sink did not get everything",
                     websocket.sessions_damaged);
    families.counter("websocket_samples_lost_total",
                     "Samples of those sessions that were decoded and never sent",
                     websocket.samples_lost);
    families.counter("websocket_packets_lost_total",
                     "RTP packets of those sessions that were dropped before they were decoded",
                     websocket.packets_lost);
}

}  // namespace

std::string metrics_text(const ServerStats& stats) {
    Families families;
    if (stats.recorder) {
        add_recorder(families, *stats.recorder);
    }
    if (stats.capture) {
        add_capture(families, *stats.capture);
    }
    if (stats.websocket) {
        add_websocket(families, *stats.websocket);
    }
    families.gauge("catalogue_up", "1: the catalogue answers", stats.catalogue_up);
    families.counter(
        "archive_worker_restarts_total", "Restarts of the archive worker", stats.worker_restarts);
    families.counter(
        "database_restarts_total", "Restarts of the private PostgreSQL", stats.database_restarts);
    families.gauge("archive_queue_files",
                   "Captures not yet archived, running ones too",
                   stats.archive_queue_files);
    return families.text();
}

}  // namespace siprec::server
