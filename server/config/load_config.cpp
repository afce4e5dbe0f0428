#include "config/config.hpp"
#include "config/digest_users.hpp"
#include "config/sinks.hpp"
#include "config/toml_table.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace siprec::server {

namespace {

constexpr std::int64_t kMaxPort = 65535;
constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kMebi = std::int64_t{1} << 20;

/// Takes what `parse` makes of a text into `target`.
template <typename Parse, typename Target>
Result<void> take(Parse parse, const std::string& text, Target target) {
    auto value = parse(text);
    if (!value) {
        return value.error();
    }
    target(*std::move(value));
    return {};
}

Result<IpAddress> parse_address(const std::string& text) {
    if (const auto address = IpAddress::parse(text)) {
        return *address;
    }
    return Error(ErrorCode::InvalidArgument, fmt::format("'{}' is not an IP address", text));
}

Result<Subnet> parse_subnet(const std::string& text) {
    if (const auto subnet = Subnet::parse(text)) {
        return *subnet;
    }
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("'{}' is not an address, or a block such as 192.0.2.0/24", text));
}

Result<Endpoint> parse_endpoint(const std::string& text) {
    if (const auto endpoint = Endpoint::parse(text)) {
        return *endpoint;
    }
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("'{}' is not an address and port such as 127.0.0.1:8080", text));
}

void read_sip(TomlTable sip, Config& config) {
    sip.parsed_list(
        "listen",
        [&] { config.recorder.listeners.clear(); },
        [&](const std::string& text) {
            return take(parse_listener, text, [&](const Listener& listener) {
                config.recorder.listeners.push_back(listener);
            });
        });
    sip.parsed_list(
        "allowed_sources",
        [&] { config.allowed_sources.clear(); },
        [&](const std::string& text) {
            return take(parse_subnet, text, [&](const Subnet& subnet) {
                config.allowed_sources.push_back(subnet);
            });
        });
    sip.text("user_agent", config.recorder.user_agent);
    sip.flag("strict", config.recorder.strict);
    sip.flag("ringing", config.recorder.ringing);
    SessionTimerConfig& timer = config.recorder.timer;
    sip.flag("session_timer", timer.enabled);
    sip.duration("session_expires_s", timer.expires, 90, kDay);
    sip.duration("min_se_s", timer.min_se, 90, kDay);
    sip.duration("probe_after_s", timer.probe_after, 0, kDay);
    sip.parsed("snapshot_request", [&](const std::string& text) {
        return take(parse_snapshot_policy, text, [&](SnapshotPolicy policy) {
            config.recorder.snapshot = policy;
        });
    });
    sip.parsed("takeover", [&](const std::string& text) {
        return take(parse_takeover, text, [&](Takeover takeover) { config.takeover = takeover; });
    });
    sip.flag("begin_paused", config.begin_paused);
    sip.duration("drain_timeout_s", config.drain_timeout, 0, kDay);
}

Result<ClientCertificate> parse_client_certificate(const std::string& text) {
    if (text == "off") {
        return ClientCertificate::Off;
    }
    if (text == "optional") {
        return ClientCertificate::Optional;
    }
    if (text == "required") {
        return ClientCertificate::Required;
    }
    return Error(ErrorCode::InvalidArgument,
                 fmt::format("'{}' is not off, optional or required", text));
}

void read_tls(TomlTable table, TlsConfig& tls) {
    table.text("certificate", tls.certificate);
    table.text("key", tls.key);
    table.parsed("client_certificate", [&](const std::string& text) {
        return take(parse_client_certificate, text, [&](ClientCertificate asked) {
            tls.client_certificate = asked;
        });
    });
    table.text("client_ca", tls.client_ca);
    table.parsed_list(
        "allowed_subjects",
        [&] { tls.allowed_subjects.clear(); },
        [&](const std::string& text) {
            tls.allowed_subjects.push_back(text);
            return Result<void>{};
        });
    table.number("max_connections", tls.max_connections, 1, 1'000'000);
    table.number("max_connections_per_source", tls.max_connections_per_source, 1, 1'000'000);
    table.duration("handshake_timeout_s", tls.handshake_timeout, 1, 600);
}

void read_digest(TomlTable table, DigestConfig& digest) {
    table.text("realm", digest.realm);
    table.parsed("users_file", [&](const std::string& file) {
        if (file.empty()) {
            digest.users.clear();
            return Result<void>{};
        }
        return take(load_digest_users, file, [&](std::vector<DigestUser> users) {
            digest.users = std::move(users);
        });
    });
    table.parsed_list(
        "exempt_sources",
        [&] { digest.exempt_sources.clear(); },
        [&](const std::string& text) {
            return take(parse_subnet, text, [&](const Subnet& subnet) {
                digest.exempt_sources.push_back(subnet);
            });
        });
    table.duration("nonce_lifetime_s", digest.nonce_lifetime, 1, kDay);
}

void read_metadata(TomlTable table, MetadataConfig& metadata) {
    table.texts("extension_namespaces", metadata.extension_namespaces);
}

void read_security(TomlTable table, SecurityConfig& security) {
    table.flag("signalling_over_tls", security.signalling_over_tls);
    table.flag("metadata_over_tls", security.metadata_over_tls);
    table.flag("media_over_srtp", security.media_over_srtp);
}

void read_signalling_limits(TomlTable table, SignallingLimits& limits) {
    table.number("setups_per_second", limits.setups_per_second, 0, 1'000'000);
    table.duration("max_delay_ms", limits.max_delay, 0, 60'000);
    table.number("waste_per_second", limits.waste_per_second, 0, 1'000'000);
    table.number("waste_burst", limits.waste_burst, 1, 1'000'000);
}

void read_srtp(TomlTable table, SrtpConfig& srtp) {
    table.parsed("policy", [&](const std::string& text) {
        return take(parse_srtp_policy, text, [&](SrtpPolicy policy) { srtp.policy = policy; });
    });
    table.parsed_list(
        "by_source",
        [&] { srtp.by_source.clear(); },
        [&](const std::string& text) {
            return take(parse_source_policy, text, [&](auto entry) {
                srtp.by_source.push_back(std::move(entry));
            });
        });
    table.parsed_list(
        "suites",
        [&] { srtp.suites.clear(); },
        [&](const std::string& text) {
            return take(
                parse_suite, text, [&](srtp::Suite suite) { srtp.suites.push_back(suite); });
        });
    table.flag("sdes_needs_tls", srtp.sdes_needs_tls);
    table.flag("sha1_fingerprints", srtp.sha1_fingerprints);
    table.flag("unauthenticated_srtp", srtp.unauthenticated_srtp);
}

void read_media(TomlTable table, MediaConfig& media) {
    table.parsed_list(
        "addresses",
        [&] { media.addresses.clear(); },
        [&](const std::string& text) {
            return take(parse_address, text, [&](const IpAddress& address) {
                media.addresses.push_back(address);
            });
        });
    table.parsed("advertised", [&](const std::string& text) {
        if (text.empty()) {
            media.advertised.reset();
            return Result<void>{};
        }
        return take(
            parse_address, text, [&](const IpAddress& address) { media.advertised = address; });
    });
    table.number("port_low", media.port_low, 1, kMaxPort);
    table.number("port_high", media.port_high, 1, kMaxPort);
    table.number("threads", media.threads, 0, 1024);
    table.duration("poll_interval_us", media.poll_interval, 0, 100'000);
    table.duration("linger_ms", media.linger, 0, 60'000);
    table.number("receive_buffer_bytes", media.receive_buffer_bytes, 4096, 256 * kMebi);
    table.duration("timeout_s", media.timeout, 0, kDay);
    read_srtp(table.table("srtp"), media.srtp);
}

void read_limits(TomlTable table, RecorderLimits& limits) {
    table.number("max_sessions", limits.max_sessions, 1, 10'000'000);
    table.number("max_message_bytes", limits.max_message_bytes, 4096, 64 * kMebi);
    table.number("max_streams_per_session", limits.max_streams_per_session, 1, 1024);
    read_signalling_limits(table.table("signalling"), limits.signalling);
    TomlTable metadata = table.table("metadata");
    metadata.number("max_bytes", limits.metadata.max_bytes, 1024, 64 * kMebi);
    metadata.number("max_depth", limits.metadata.max_depth, 8, 10'000);
    metadata.number("max_elements", limits.metadata.max_elements, 16, 100'000'000);
    metadata.number(
        "max_attributes_per_element", limits.metadata.max_attributes_per_element, 8, 100'000);
}

void read_http(TomlTable table, Endpoint& http) {
    table.parsed("listen", [&](const std::string& text) {
        return take(parse_endpoint, text, [&](const Endpoint& endpoint) { http = endpoint; });
    });
}

void read_capture(TomlTable table, CaptureConfig& capture) {
    table.duration("flush_interval_ms", capture.flush_interval, 1, 60'000);
    table.duration("commit_interval_ms", capture.commit_interval, 1, kDayMs);
}

void read_render(TomlTable table, RenderConfig& render) {
    table.number("sample_rate", render.sample_rate, 8000, 192'000);
    table.number("workers", render.workers, 1, 256);
}

void read_disk(TomlTable table, DiskConfig& disk) {
    table.number("alarm_free_mib", disk.alarm_free_mib, 0, std::int64_t{1} << 40);
    table.number("refuse_free_mib", disk.refuse_free_mib, 0, std::int64_t{1} << 40);
}

void read_log(TomlTable table, Config& config) {
    table.text("level", config.log_level);
    table.text("file", config.log_file);
}

void read_all(const toml::table& file, Config& config, TomlErrors& errors) {
    TomlTable root(&file, "", errors);
    root.parsed("role", [&](const std::string& text) {
        return take(parse_role, text, [&](Role role) { config.role = role; });
    });
    root.text("data_directory", config.data_directory);
    read_sip(root.table("sip"), config);
    read_tls(root.table("tls"), config.recorder.tls);
    read_digest(root.table("digest"), config.recorder.digest);
    read_security(root.table("security"), config.recorder.security);
    read_metadata(root.table("metadata"), config.recorder.metadata);
    read_media(root.table("media"), config.recorder.media);
    read_limits(root.table("limits"), config.recorder.limits);
    read_http(root.table("http"), config.http);
    root.table("database").text("url", config.database_url);
    read_capture(root.table("capture"), config.capture);
    read_render(root.table("render"), config.render);
    read_disk(root.table("disk"), config.disk);
    root.table("interop").text("directory", config.interop.directory);
    read_sinks(root, config.sinks);
    read_log(root.table("log"), config);
}

}  // namespace

Result<Config> load_config(const std::string& path, Config base) {
    std::error_code missing;
    if (!std::filesystem::exists(path, missing)) {
        return Error(ErrorCode::NotFound, fmt::format("{}: there is no such file", path));
    }
    try {
        const toml::table file = toml::parse_file(path);
        TomlErrors errors(path);
        read_all(file, base, errors);
        if (errors.first()) {
            return *errors.first();
        }
        return base;
    } catch (const toml::parse_error& error) {
        return Error(
            ErrorCode::Malformed,
            fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
    } catch (const std::exception& error) {
        return Error(ErrorCode::Io, fmt::format("{}: {}", path, error.what()));
    }
}

}  // namespace siprec::server
