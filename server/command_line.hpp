#pragma once

// What siprec-server was started with: options, which win over the configuration file.

#include "config/config.hpp"

#include <siprec/result.hpp>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace siprec::server {

/// The options as given; empty: not given.
struct CommandLine {
    std::string config_file;
    std::string data_directory;
    std::vector<std::string> sip;
    std::vector<std::string> media;
    std::string http;
    std::string database_url;
    std::string role;
    std::string log_level;
    bool check_config = false;
    bool is_worker = false;  // the archive worker of a server with role all
};

/// @return what was asked for, or the exit status when all was said already (--help, wrong use)
[[nodiscard]] std::variant<CommandLine, int> parse_command_line(int argc, char** argv);

/// Defaults, then the file, then the options; checked.
[[nodiscard]] Result<Config> resolve_config(const CommandLine& options);

/// The environment variable that hands the worker its database: an argument would show a password
/// to everybody on the machine.
inline constexpr const char* kWorkerDatabase = "SIPREC_WORKER_DATABASE";

}  // namespace siprec::server
