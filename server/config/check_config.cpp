#include "config/config.hpp"
#include "config/sinks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace siprec::server {

namespace {

Error wrong(std::string message) {
    return {ErrorCode::InvalidArgument, std::move(message)};
}

Result<void> check_listeners(const std::vector<Listener>& listeners) {
    if (listeners.empty()) {
        return wrong("sip.listen: without a listener nothing can be recorded");
    }
    for (const Listener& listener : listeners) {
        if (listener.endpoint.port != 0 &&
            std::ranges::count_if(listeners, [&](const Listener& other) {
                return other.transport == listener.transport && other.endpoint == listener.endpoint;
            }) > 1) {
            return wrong(fmt::format("sip.listen: {}:{} stands there twice",
                                     to_string(listener.transport),
                                     listener.endpoint.to_string()));
        }
    }
    return {};
}

Result<void> check_tls(const RecorderConfig& recorder) {
    const TlsConfig& tls = recorder.tls;
    const bool is_used = std::ranges::any_of(recorder.listeners, [](const Listener& listener) {
        return listener.transport == Transport::Tls;
    });
    if (is_used && tls.certificate.empty()) {
        return wrong("tls.certificate: a TLS listener needs one");
    }
    if (tls.client_certificate != ClientCertificate::Off && tls.client_ca.empty()) {
        return wrong("tls.client_ca: without it no client certificate can be checked");
    }
    if (tls.client_certificate == ClientCertificate::Off && !tls.allowed_subjects.empty()) {
        return wrong(
            "tls.allowed_subjects: nobody is asked for a certificate while tls.client_certificate "
            "is off");
    }
    return {};
}

Result<void> check_media(const MediaConfig& media) {
    const auto v6 = std::ranges::count_if(media.addresses, &IpAddress::is_v6);
    const auto v4 = std::ranges::ssize(media.addresses) - v6;
    if (media.addresses.empty() || v4 > 1 || v6 > 1) {
        return wrong("media.addresses: wants one IPv4 address, one IPv6 address or one of each");
    }
    if (media.port_low % 2 != 0) {
        return wrong(fmt::format("media.port_low: {} is odd; RTP ports are even (RFC 3550 11)",
                                 media.port_low));
    }
    if (media.port_high <= media.port_low) {
        return wrong(fmt::format("media.port_high: {} leaves no room above port_low {}",
                                 media.port_high,
                                 media.port_low));
    }
    if (media.advertised && media.advertised->is_unspecified()) {
        return wrong(fmt::format("media.advertised: nobody can send to {}; leave it empty",
                                 media.advertised->to_string()));
    }
    return {};
}

/// A SIP listener inside the media range would fight with the streams for its port.
Result<void> check_ports(const RecorderConfig& recorder) {
    for (const Listener& listener : recorder.listeners) {
        const std::uint16_t port = listener.endpoint.port;
        if (listener.transport == Transport::Udp && port >= recorder.media.port_low &&
            port <= recorder.media.port_high) {
            return wrong(fmt::format("sip.listen: port {} lies within the media ports {}-{}",
                                     port,
                                     recorder.media.port_low,
                                     recorder.media.port_high));
        }
    }
    return {};
}

Result<void> check_rest(const Config& config) {
    constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
    constexpr std::array<std::uint32_t, 6> kRates{8000, 16000, 24000, 32000, 44100, 48000};
    if (config.data_directory.empty()) {
        return wrong("data_directory: is empty");
    }
    if (std::ranges::find(kLevels, config.log_level) == kLevels.end()) {
        return wrong(
            fmt::format("log.level: '{}' is not debug, info, warning or error", config.log_level));
    }
    if (std::ranges::find(kRates, config.render.sample_rate) == kRates.end()) {
        return wrong(
            fmt::format("render.sample_rate: {} is not 8000, 16000, 24000, 32000, 44100 or 48000",
                        config.render.sample_rate));
    }
    if (config.disk.refuse_free_mib > config.disk.alarm_free_mib) {
        return wrong(
            "disk.refuse_free_mib: is above disk.alarm_free_mib, so that sessions would be "
            "refused before anybody was warned");
    }
    if (config.capture.commit_interval < config.capture.flush_interval) {
        return wrong(
            "capture.commit_interval_ms: is below capture.flush_interval_ms, so that there "
            "would be nothing to commit");
    }
    if (config.role == Role::Archive && config.database_url.empty()) {
        return wrong(
            "database.url: role archive needs one (--database); only role all runs its own");
    }
    return {};
}

}  // namespace

Result<void> check_config(const Config& config) {
    if (config.role != Role::Archive) {
        for (const auto& checked : {check_listeners(config.recorder.listeners),
                                    check_tls(config.recorder),
                                    check_media(config.recorder.media),
                                    check_ports(config.recorder),
                                    check_sinks(config.sinks)}) {
            if (!checked) {
                return checked;
            }
        }
    }
    return check_rest(config);
}

}  // namespace siprec::server
