#include "cli/siprecctl.hpp"

#include "cli/api_client.hpp"
#include "cli/explanation.hpp"
#include "cli/export.hpp"
#include "cli/ladder.hpp"
#include "cli/session_commands.hpp"
#include "cli/tables.hpp"
#include "cli/temporary_file.hpp"

#include <siprec/version.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

namespace siprec::server {

namespace {

using Json = ApiClient::Json;

constexpr int kFailed = 1;
constexpr int kUsedWrongly = 2;
constexpr std::uint64_t kLargestPage = 1000;

struct ListOptions {
    // Parameter of the API, value; empty ones are not sent.
    std::array<std::pair<const char*, std::string>, 10> filters{{{"from", ""},
                                                                 {"until", ""},
                                                                 {"number", ""},
                                                                 {"name", ""},
                                                                 {"participant", ""},
                                                                 {"direction", ""},
                                                                 {"src", ""},
                                                                 {"call_id", ""},
                                                                 {"state", ""},
                                                                 {"conversation", ""}}};
    std::vector<std::string> fields;  // NAME=VALUE
    std::uint64_t limit = 50;
    std::string cursor;
    bool all = false;
};

struct Options {
    std::string server = "http://127.0.0.1:8080";
    double timeout_s = 30;
    bool json = false;
    ListOptions list;
    std::string id;
    bool ladder = false;
    std::string file;
    bool strict = false;
    ExportRequest export_request;
};

struct Output {
    std::ostream& out;
    std::ostream& err;
};

std::string to_text(const Json& value) {
    return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int fail(const Output& output, const Error& error) {
    output.err << "siprecctl: " << error.message() << '\n';
    return error.code() == ErrorCode::InvalidArgument ? kUsedWrongly : kFailed;
}

int finish(const Output& output) {
    if (!output.out.flush()) {
        output.err << "siprecctl: cannot write the output\n";
        return kFailed;
    }
    return 0;
}

int run_status(const ApiClient& client, const Options& options, const Output& output) {
    const auto status = client.get_json("/api/v1/status");
    if (!status) {
        return fail(output, status.error());
    }
    output.out << (options.json ? to_text(*status) : status_text(*status));
    return finish(output);
}

std::string list_target(const ListOptions& list, std::uint64_t limit, const std::string& cursor) {
    std::string target = fmt::format("/api/v1/recordings?limit={}", limit);
    for (const auto& [name, value] : list.filters) {
        if (!value.empty()) {
            target += fmt::format("&{}={}", name, percent_encode(value));
        }
    }
    for (const std::string& field : list.fields) {
        const auto equals = field.find('=');
        target += fmt::format("&field.{}={}",
                              percent_encode(field.substr(0, equals)),
                              percent_encode(field.substr(equals + 1)));
    }
    if (!cursor.empty()) {
        target += "&cursor=" + percent_encode(cursor);
    }
    return target;
}

/// Prints recordings as their pages arrive, so that a long list needs no memory.
class ListPrinter {
  public:
    ListPrinter(bool json, std::ostream& out) : json_(json), out_(out) {}

    void begin() { out_ << (json_ ? std::string(R"({"recordings":[)") : list_heading()); }

    void print(const Json& recording) {
        if (!json_) {
            out_ << list_line(recording);
            return;
        }
        out_ << (is_first_ ? "\n" : ",\n")
             << recording.dump(-1, ' ', false, Json::error_handler_t::replace);
        is_first_ = false;
    }

    void end(const std::string& next) {
        if (json_) {
            out_ << "\n],\"next\":" << (next.empty() ? Json(nullptr) : Json(next)).dump() << "}\n";
        } else if (!next.empty()) {
            out_ << "more: --cursor " << next << '\n';
        }
    }

  private:
    bool json_;
    std::ostream& out_;
    bool is_first_ = true;
};

int run_list(const ApiClient& client, const Options& options, const Output& output) {
    const ListOptions& list = options.list;
    ListPrinter printer(options.json, output.out);
    std::string cursor = list.cursor;
    std::uint64_t left = list.limit;
    bool is_first = true;
    do {
        const std::uint64_t size = list.all ? kLargestPage : std::min(left, kLargestPage);
        const auto page = client.get_json(list_target(list, size, cursor));
        if (!page) {
            return fail(output, page.error());
        }
        if (std::exchange(is_first, false)) {
            printer.begin();
        }
        const Json recordings = page->value("recordings", Json::array());
        for (const Json& recording : recordings) {
            printer.print(recording);
        }
        left -= std::min<std::uint64_t>(left, recordings.size());
        const auto next = page->find("next");
        cursor = next != page->end() && next->is_string() ? next->get<std::string>() : "";
    } while (!cursor.empty() && (list.all || left > 0));
    printer.end(cursor);
    return finish(output);
}

/// The capture comes over the network into a file: it may be larger than memory.
Result<Json> fetch_ladder(const ApiClient& client, const std::string& id) {
    const auto beside = std::filesystem::temp_directory_path() / "siprecctl-ladder";
    auto file = TemporaryFile::create(beside.string());
    if (!file) {
        return file.error();
    }
    const auto reply = client.download(fmt::format("/api/v1/recordings/{}/capture", id),
                                       [&](std::string_view piece) { return file->write(piece); });
    if (!reply) {
        return reply.error();
    }
    auto source = pcapng::file_source(file->path());
    if (!source) {
        return source.error();
    }
    return read_ladder(std::move(*source));
}

int run_show(const ApiClient& client, const Options& options, const Output& output) {
    const auto id = client.resolve_id(options.id);
    if (!id) {
        return fail(output, id.error());
    }
    if (options.ladder) {
        const auto ladder = fetch_ladder(client, *id);
        if (!ladder) {
            return fail(output, ladder.error());
        }
        output.out << (options.json ? to_text(*ladder) : ladder_text(*ladder));
        return finish(output);
    }
    const auto recording = client.get_json("/api/v1/recordings/" + *id);
    if (!recording) {
        return fail(output, recording.error());
    }
    output.out << (options.json ? to_text(*recording) : recording_text(*recording));
    return finish(output);
}

int run_export(const ApiClient& client, const Options& options, const Output& output) {
    const auto id = client.resolve_id(options.id);
    if (!id) {
        return fail(output, id.error());
    }
    ExportRequest request = options.export_request;
    request.id = *id;
    if (const auto done = export_recording(client, request, output.out); !done) {
        return fail(output, done.error());
    }
    if (options.json && request.output != "-") {
        output.out << to_text(
            {{"id", request.id}, {"format", request.format}, {"file", request.output}});
    }
    return finish(output);
}

int run_explain(const ApiClient& /*client*/, const Options& options, const Output& output) {
    constexpr std::uintmax_t kMaxBytes = std::uintmax_t{64} << 20U;
    std::error_code problem;
    const std::uintmax_t size = std::filesystem::file_size(options.file, problem);
    std::ifstream file(options.file, std::ios::binary);
    if (problem || !file || size > kMaxBytes) {
        return fail(output, Error(ErrorCode::Io, fmt::format("cannot read {}", options.file)));
    }
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const Json explanation = explain(bytes);
    output.out << (options.json ? to_text(explanation) : explanation_text(explanation));
    const bool is_good = explanation["understood"].get<bool>() &&
                         (!options.strict || explanation["breaches"].empty());
    const int written = finish(output);
    return is_good ? written : kFailed;
}

void add_list(CLI::App& app, ListOptions& list) {
    static constexpr std::array<std::pair<const char*, const char*>, 10> kOptions{{
        {"--from", "starts at or after this time (RFC 3339)"},
        {"--until", "starts before this time (RFC 3339)"},
        {"--number", "number of a participant; * stands for anything"},
        {"--name", "name of a participant; * stands for anything"},
        {"--participant", "name, number or address of a participant; * stands for anything"},
        {"--direction", "inbound, outbound or unknown"},
        {"--src", "recording client: URI, address or User-Agent; * stands for anything"},
        {"--call-id", "SIP Call-ID of the recording session"},
        {"--state", "recording, finalizing, stored, partial or discarded"},
        {"--conversation", "id of the conversation"},
    }};
    for (std::size_t i = 0; i < kOptions.size(); ++i) {
        app.add_option(kOptions.at(i).first, list.filters.at(i).second, kOptions.at(i).second);
    }
    app.add_option("--field", list.fields, "NAME=VALUE of a lifted field (ucid=...); repeatable")
        ->allow_extra_args(false)
        ->check([](const std::string& text) {
            return text.find('=') == std::string::npos ? "wants NAME=VALUE" : std::string();
        });
    auto* limit = app.add_option("--limit", list.limit, "most recordings to print")
                      ->check(CLI::PositiveNumber)
                      ->capture_default_str();
    app.add_flag("--all", list.all, "all pages")->excludes(limit);
    app.add_option("--cursor", list.cursor, "go on behind an earlier list");
}

void add_export(CLI::App& app, Options& options) {
    app.add_option("id", options.id, "the recording's id, or its first 8 digits")->required();
    app.add_option(
           "--format", options.export_request.format, "wav, mkv, vtt, pcapng, metadata or json")
        ->required()
        ->check(CLI::IsMember({"wav", "mkv", "vtt", "pcapng", "metadata", "json"}));
    app.add_option(
           "-o,--output", options.export_request.output, "file to write; - for standard output")
        ->required();
    app.add_option("--document", options.export_request.document, "which metadata document")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
}

}  // namespace

int run_siprecctl(std::vector<std::string> arguments, std::ostream& out, std::ostream& err) {
    Options options;
    CLI::App app("Looks into a siprec-server and fetches its recordings.", "siprecctl");
    app.set_version_flag("--version", kVersion);
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--server", options.server, "the server's URL")
        ->envname("SIPREC_SERVER")
        ->capture_default_str();
    app.add_option("--timeout", options.timeout_s, "seconds to wait for the server")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_flag("--json", options.json, "print JSON");

    using Command = int (*)(const ApiClient&, const Options&, const Output&);
    std::vector<std::pair<CLI::App*, Command>> commands;
    commands.emplace_back(app.add_subcommand("status", "what the server is doing"), run_status);
    commands.emplace_back(app.add_subcommand("list", "recordings, newest first"), run_list);
    commands.emplace_back(app.add_subcommand("show", "all about one recording"), run_show);
    commands.emplace_back(app.add_subcommand("export", "fetch a recording's files"), run_export);
    commands.emplace_back(
        app.add_subcommand("explain", "what we understand of a SIP message, metadata or SDP"),
        run_explain);
    const SessionCommands session_commands(app);
    add_list(*commands[1].first, options.list);
    commands[2]
        .first->add_option("id", options.id, "the recording's id, or its first 8 digits")
        ->required();
    commands[2].first->add_flag("--ladder", options.ladder, "draw the SIP ladder of its capture");
    commands[4]
        .first->add_option("file", options.file, "a request, body, metadata document or SDP")
        ->required();
    commands[4].first->add_flag("--strict", options.strict, "fail (1) when a rule is broken");
    add_export(*commands[3].first, options);

    try {
        std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& failure) {
        return app.exit(failure, out, err) == 0 ? 0 : kUsedWrongly;
    }
    const Output output{out, err};
    auto server = ServerUrl::parse(options.server);
    if (!server) {
        return fail(output, server.error());
    }
    const ApiClient client(
        std::move(*server),
        std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout_s * 1000)));
    if (const auto changed = session_commands.run(client)) {
        if (!*changed) {
            return fail(output, changed->error());
        }
        const Json& value = **changed;
        output.out << (options.json ? to_text(value) : value.value("id", "") + "\n");
        return finish(output);
    }
    for (const auto& [command, run] : commands) {
        if (command->parsed()) {
            return run(client, options, output);
        }
    }
    return kUsedWrongly;
}

}  // namespace siprec::server
