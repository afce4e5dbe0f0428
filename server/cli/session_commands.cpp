#include "cli/session_commands.hpp"

#include <fmt/format.h>

namespace siprec::server {

namespace {

using Json = ApiClient::Json;

}  // namespace

SessionCommands::SessionCommands(CLI::App& app) {
    const auto add = [&](const char* name, const char* what) {
        CLI::App* command = app.add_subcommand(name, what);
        command->add_option("id", id_, "the session's id, or its first 8 digits")->required();
        return command;
    };
    commands_.push_back(
        {add("pause", "record nothing of a running session from now on"), "POST", "/pause"});
    commands_.push_back({add("resume", "take a pause back"), "POST", "/resume"});
    commands_.push_back({add("stop", "end a running session"), "DELETE", ""});
    commands_.push_back(
        {add("snapshot", "ask the client for its complete metadata"), "POST", "/snapshot"});
    drop_ = add("drop-stream", "end one stream of a running session for good");
    drop_->add_option("stream", stream_, "number of its m-line, from 0")->required();
    attach_ = add("attach", "give a running session a further sink of the configuration");
    attach_->add_option("sink", sink_, "its name in [[sinks]]")->required();
    start_ = app.add_subcommand("start", "start a recording session towards a client");
    start_->add_option("uri", uri_, "SIP URI of the recording client")->required();
}

Result<Json> SessionCommands::change(const ApiClient& client,
                                     const std::string& method,
                                     const std::string& behind_id) const {
    const auto id = client.resolve_session(id_);
    if (!id) {
        return id.error();
    }
    const auto done = client.change(method, "/api/v1/sessions/" + *id + behind_id);
    if (!done) {
        return done.error();
    }
    return Json{{"id", *id}};
}

std::optional<Result<Json>> SessionCommands::run(const ApiClient& client) const {
    for (const Command& command : commands_) {
        if (command.app->parsed()) {
            return change(client, command.method, command.behind_id);
        }
    }
    if (drop_->parsed()) {
        return change(client, "DELETE", fmt::format("/streams/{}", stream_));
    }
    if (attach_->parsed()) {
        return change(client, "POST", "/sinks?name=" + percent_encode(sink_));
    }
    if (start_->parsed()) {
        return client.change("POST", "/api/v1/sessions?src=" + percent_encode(uri_));
    }
    return std::nullopt;
}

}  // namespace siprec::server
