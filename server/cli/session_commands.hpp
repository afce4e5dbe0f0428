#pragma once

// siprecctl's commands for running sessions: pause, resume, stop, snapshot, drop-stream, attach,
// start.

#include "cli/api_client.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siprec::server {

class SessionCommands {
  public:
    /// @param app  gets the commands; outlives this
    explicit SessionCommands(CLI::App& app);

    /// Runs the command that was given. @return nothing when it is none of these; else what to
    /// print
    [[nodiscard]] std::optional<Result<ApiClient::Json>> run(const ApiClient& client) const;

  private:
    [[nodiscard]] Result<ApiClient::Json> change(const ApiClient& client,
                                                 const std::string& method,
                                                 const std::string& behind_id) const;

    struct Command {
        CLI::App* app;
        std::string method;
        std::string behind_id;  // what follows the session in the path
    };

    std::vector<Command> commands_;
    CLI::App* drop_ = nullptr;
    CLI::App* attach_ = nullptr;
    CLI::App* start_ = nullptr;
    std::string id_;
    std::string uri_;
    std::string sink_;
    std::uint32_t stream_ = 0;
};

}  // namespace siprec::server
