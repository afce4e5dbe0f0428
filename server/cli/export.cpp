#include "cli/export.hpp"

#include "cli/temporary_file.hpp"
#include "store/sha256.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

namespace siprec::server {

namespace {

using Json = ApiClient::Json;

/// A format that is an artefact of the recording, as it is stored.
struct ArtefactFormat {
    std::string_view format;
    std::string_view kind;
    std::string_view path;
};

constexpr std::array kArtefactFormats = {ArtefactFormat{"wav", "wav", "audio"},
                                         ArtefactFormat{"mkv", "video", "video"},
                                         ArtefactFormat{"vtt", "text", "text"},
                                         ArtefactFormat{"pcapng", "capture", "capture"}};

/// Null: the format is made of the catalogue.
const ArtefactFormat* artefact_format(std::string_view format) {
    const auto* found = std::ranges::find(kArtefactFormats, format, &ArtefactFormat::format);
    return found != kArtefactFormats.end() ? found : nullptr;
}

/// What the catalogue says of the file.
struct Expected {
    std::string sha256;
    std::uint64_t bytes = 0;
};

Result<std::optional<Expected>> expected_of(const Json& recording, const ExportRequest& request) {
    const ArtefactFormat* format = artefact_format(request.format);
    if (format == nullptr) {
        return std::optional<Expected>();
    }
    for (const Json& artefact : recording.value("artefacts", Json::array())) {
        if (artefact.value("kind", "") == format->kind) {
            return std::optional(
                Expected{artefact.value("sha256", ""), artefact.value("bytes", std::uint64_t{0})});
        }
    }
    return Error(ErrorCode::NotFound,
                 fmt::format("recording {} has no {} (state: {})",
                             request.id,
                             request.format,
                             recording.value("state", "?")));
}

std::string target_of(const ExportRequest& request) {
    const std::string base = "/api/v1/recordings/" + request.id;
    const ArtefactFormat* format = artefact_format(request.format);
    return format != nullptr ? fmt::format("{}/{}", base, format->path)
                             : fmt::format("{}/metadata/{}", base, request.document);
}

Result<void> check(const std::string& path, const Expected& expected, const std::string& etag) {
    const auto digest = digest_file(path);
    if (!digest) {
        return digest.error();
    }
    if (digest->bytes != expected.bytes || digest->sha256 != expected.sha256 ||
        digest->sha256 != etag) {
        return Error(ErrorCode::Malformed,
                     fmt::format("what arrived ({} bytes, SHA-256 {}) is not what the catalogue "
                                 "names ({} bytes, SHA-256 {})",
                                 digest->bytes,
                                 digest->sha256,
                                 expected.bytes,
                                 expected.sha256));
    }
    return {};
}

Result<void> copy_to(std::ostream& out, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 65'536> chunk{};
    while (file.read(chunk.data(), chunk.size()) || file.gcount() > 0) {
        out.write(chunk.data(), file.gcount());
    }
    if (!file.eof()) {
        return Error(ErrorCode::Io, fmt::format("read {}: failed", path));
    }
    if (!out.flush()) {
        return Error(ErrorCode::Io, "write to standard output: failed");
    }
    return {};
}

Result<void> fetch(const ApiClient& client,
                   const ExportRequest& request,
                   const Json& recording,
                   TemporaryFile& file) {
    if (request.format == "json") {
        return file.write(recording.dump(2) + "\n");
    }
    const auto expected = expected_of(recording, request);
    if (!expected) {
        return expected.error();
    }
    const auto reply = client.download(target_of(request),
                                       [&](std::string_view piece) { return file.write(piece); });
    if (!reply) {
        return reply.error();
    }
    return *expected ? check(file.path(), **expected, reply->etag) : Result<void>();
}

}  // namespace

Result<void> export_recording(const ApiClient& client,
                              const ExportRequest& request,
                              std::ostream& out) {
    const auto recording = client.get_json("/api/v1/recordings/" + request.id);
    if (!recording) {
        return recording.error();
    }
    const bool to_stream = request.output == "-";
    // Standard output too gets only what has been checked.
    const std::string beside = to_stream
                                   ? (std::filesystem::temp_directory_path() / "siprecctl").string()
                                   : request.output;
    auto file = TemporaryFile::create(beside);
    if (!file) {
        return file.error();
    }
    if (auto fetched = fetch(client, request, *recording, *file); !fetched) {
        return fetched;
    }
    return to_stream ? copy_to(out, file->path()) : file->commit(request.output);
}

}  // namespace siprec::server
