#include "command_line.hpp"

#include <siprec/version.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace siprec::server {

namespace {

Error in_option(const char* option, Error error) {
    return std::move(error).with_context(option);
}

Result<void> apply_sip(const std::vector<std::string>& texts, Config& config) {
    if (!texts.empty()) {
        config.recorder.listeners.clear();
    }
    for (const std::string& text : texts) {
        auto listener = parse_listener(text);
        if (!listener) {
            return in_option("--sip", std::move(listener).error());
        }
        config.recorder.listeners.push_back(*listener);
    }
    return {};
}

Result<void> apply_media(const std::vector<std::string>& texts, Config& config) {
    MediaConfig& media = config.recorder.media;
    if (!texts.empty()) {
        media.addresses.clear();
    }
    for (const std::string& text : texts) {
        auto parsed = parse_media(text);
        if (!parsed) {
            return in_option("--media", std::move(parsed).error());
        }
        media.addresses.push_back(parsed->address);
        if (parsed->ports) {
            std::tie(media.port_low, media.port_high) = *parsed->ports;
        }
    }
    return {};
}

Result<void> apply_http(const std::string& text, Config& config) {
    if (text.empty()) {
        return {};
    }
    const auto endpoint = Endpoint::parse(text);
    if (!endpoint) {
        return Error(
            ErrorCode::InvalidArgument,
            fmt::format("--http: '{}' is not an address and port such as 127.0.0.1:8080", text));
    }
    config.http = *endpoint;
    return {};
}

Result<void> apply_role(const std::string& text, Config& config) {
    if (text.empty()) {
        return {};
    }
    const auto role = parse_role(text);
    if (!role) {
        return in_option("--role", role.error());
    }
    config.role = *role;
    return {};
}

void apply_texts(const CommandLine& options, Config& config) {
    const auto apply = [](const std::string& given, std::string& value) {
        if (!given.empty()) {
            value = given;
        }
    };
    apply(options.data_directory, config.data_directory);
    apply(options.database_url, config.database_url);
    apply(options.log_level, config.log_level);
    if (options.is_worker) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv
        const char* url = std::getenv(kWorkerDatabase);
        config.database_url = url == nullptr ? "" : url;
    }
}

}  // namespace

std::variant<CommandLine, int> parse_command_line(int argc, char** argv) {
    CommandLine options;
    CLI::App app{"SIPREC session recording server", "siprec-server"};
    app.set_version_flag("--version", std::string("siprec-server ") + kVersion);
    app.add_option("--config", options.config_file, "Configuration file (TOML)")->type_name("FILE");
    app.add_option("--data", options.data_directory, "Data directory")->type_name("DIR");
    app.add_option("--sip", options.sip, "SIP listener, udp:, tcp: or tls:HOST:PORT; repeatable")
        ->type_name("LISTENER")
        ->allow_extra_args(false);
    app.add_option("--media",
                   options.media,
                   "Address and ports of media, HOST[:LOW-HIGH]; one an address family")
        ->type_name("ADDRESS")
        ->allow_extra_args(false);
    app.add_option("--http", options.http, "HTTP listener")->type_name("HOST:PORT");
    app.add_option(
           "--database", options.database_url, "PostgreSQL to use in place of the private one")
        ->type_name("URL");
    app.add_option("--role", options.role, "all, live or archive")->type_name("ROLE");
    app.add_option("--log-level", options.log_level, "debug, info, warning or error")
        ->type_name("LEVEL");
    app.add_flag("--check-config", options.check_config, "Check the configuration and end");
    app.add_flag("--worker", options.is_worker)->group("");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& said) {
        return app.exit(said);
    }
    return options;
}

Result<Config> resolve_config(const CommandLine& options) {
    Config config = default_config();
    if (!options.config_file.empty()) {
        auto loaded = load_config(options.config_file, std::move(config));
        if (!loaded) {
            return loaded.error();
        }
        config = *std::move(loaded);
    }
    for (const auto& applied : {apply_sip(options.sip, config),
                                apply_media(options.media, config),
                                apply_http(options.http, config),
                                apply_role(options.role, config)}) {
        if (!applied) {
            return applied.error();
        }
    }
    apply_texts(options, config);
    if (const auto checked = check_config(config); !checked) {
        return checked.error();
    }
    // The worker and the database run in other folders.
    std::error_code error;
    if (!config.interop.directory.empty()) {
        config.interop.directory = std::filesystem::absolute(config.interop.directory, error);
    }
    config.data_directory =
        std::filesystem::absolute(config.data_directory, error).lexically_normal();
    if (error) {
        return Error(ErrorCode::Io, fmt::format("data directory: {}", error.message()));
    }
    return config;
}

}  // namespace siprec::server
