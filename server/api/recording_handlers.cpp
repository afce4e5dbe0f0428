// What the catalogue knows: lists, single recordings, their files and documents.

#include "api/byte_range.hpp"
#include "api/handlers.hpp"
#include "api/json.hpp"
#include "api/recording_query.hpp"
#include "api/responses.hpp"

#include <siprec/uuid.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace siprec::server {

namespace {

Result<RecordingRecord> recording_of(const Call& call) {
    const auto id = Uuid::parse(call.parameters.at(0));
    if (!id) {
        return Error(ErrorCode::NotFound, "a recording's id is a UUID");
    }
    return call.catalog->get(*id);
}

/// A number from 1.
std::optional<std::size_t> number_of(std::string_view text) {
    std::size_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_whole = failure == std::errc() && end == text.data() + text.size();
    return is_whole && number > 0 ? std::optional(number) : std::nullopt;
}

/// Whether a list of entity tags (RFC 9110 13.1.2) names this one; weak comparison.
bool names_tag(std::string_view field, std::string_view tag) {
    return field == "*" || (!tag.empty() && field.find(tag) != std::string_view::npos);
}

/// The part that Range asks for, unless If-Range says that the client has another version.
RangeSelection range_of(const HttpRequest& request, std::string_view tag, std::uint64_t size) {
    const std::string_view if_range = request.header("If-Range");
    const bool is_stale = !if_range.empty() && if_range != tag;
    // RFC 9110 14.2: Range means something in a GET only.
    if (request.method != "GET" || is_stale) {
        return {RangeOutcome::Whole, 0, size};
    }
    return select_range(request.header("Range"), size);
}

HttpResponse file_response(const HttpRequest& request,
                           const ArtefactRecord& artefact,
                           StoredFile file) {
    const std::string tag = fmt::format("\"{}\"", artefact.sha256);
    const std::uint64_t size = file.size();
    HttpResponse response;
    response.headers = {{"Accept-Ranges", "bytes"}, {"ETag", tag}};
    // RFC 9110 13.2.2: preconditions come before the range.
    if (names_tag(request.header("If-None-Match"), tag)) {
        response.status = 304;
        return response;
    }
    const RangeSelection range = range_of(request, tag, size);
    if (range.outcome == RangeOutcome::Unsatisfiable) {
        response = problem(416, fmt::format("the file has {} bytes", size));
        response.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
        return response;
    }
    if (range.outcome == RangeOutcome::Part) {
        response.status = 206;
        response.headers.emplace_back(
            "Content-Range",
            fmt::format("bytes {}-{}/{}", range.offset, range.offset + range.length - 1, size));
    }
    response.body = FileSlice{std::move(file), range.offset, range.length};
    return response;
}

HttpResponse store_error_response(const Error& error,
                                  const RecordingRecord& recording,
                                  const Services& services) {
    Error named = Error(error).with_context(recording.id.to_string());
    // The path is the catalogue's, not the client's: when it is wrong, the client did nothing
    // wrong.
    return error.code() == ErrorCode::InvalidArgument
               ? error_response(Error(ErrorCode::Internal, named.message()), services)
               : error_response(named, services);
}

/// @param n  which of the artefacts of this kind, from 1
HttpResponse artefact_response(const Call& call,
                               std::string_view kind,
                               std::string_view media_type,
                               std::string_view extension,
                               std::size_t n = 1) {
    const auto recording = recording_of(call);
    if (!recording) {
        return error_response(recording.error(), call.services);
    }
    const auto artefact = std::find_if(recording->artefacts.begin(),
                                       recording->artefacts.end(),
                                       [&, left = n](const ArtefactRecord& a) mutable {
                                           left -= a.kind == kind ? 1U : 0U;
                                           return left == 0;
                                       });
    if (artefact == recording->artefacts.end()) {
        return problem(
            404,
            fmt::format("this recording has no {} (state: {})", kind, to_string(recording->state)));
    }
    auto file = StoredFile::open(call.services.dependencies.store_root, artefact->path);
    if (!file) {
        return store_error_response(file.error(), *recording, call.services);
    }
    if (file->size() != artefact->bytes) {
        return error_response(Error(ErrorCode::Internal,
                                    fmt::format("{}: {} has {} bytes where the catalogue says {}",
                                                recording->id.to_string(),
                                                artefact->path,
                                                file->size(),
                                                artefact->bytes)),
                              call.services);
    }
    HttpResponse response = file_response(call.request, *artefact, std::move(*file));
    if (response.status == 200 || response.status == 206) {
        response.headers.emplace_back("Content-Type", media_type);
        response.headers.emplace_back(
            "Content-Disposition",
            fmt::format(R"(attachment; filename="{}.{}")", recording->id.to_string(), extension));
    }
    return response;
}

/// A content type that came off the wire may go into our header only when it can do no harm there.
std::string safe_content_type(const std::string& written) {
    const bool is_plain = std::all_of(written.begin(), written.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$&^_.+-/;=\" ").find(c) != std::string_view::npos;
    });
    const bool has_slash = written.find('/') != std::string::npos;
    return is_plain && has_slash && written.size() <= 256 ? written : "application/octet-stream";
}

}  // namespace

HttpResponse get_recordings(const Call& call) {
    const auto query = parse_recording_query(call.request.query);
    if (!query) {
        return error_response(query.error(), call.services);
    }
    const auto page = call.catalog->list(*query);
    if (!page) {
        return error_response(page.error(), call.services);
    }
    Json recordings = Json::array();
    for (const RecordingRecord& recording : page->recordings) {
        recordings.push_back(summary_of(recording));
    }
    return json_response({{"recordings", recordings},
                          {"next", page->next.empty() ? Json(nullptr) : Json(page->next)}});
}

HttpResponse get_recording(const Call& call) {
    const auto recording = recording_of(call);
    return recording ? json_response(details_of(*recording))
                     : error_response(recording.error(), call.services);
}

HttpResponse get_audio(const Call& call) {
    return artefact_response(call, "wav", "audio/wav", "wav");
}

HttpResponse get_video(const Call& call) {
    return artefact_response(call, "video", "video/x-matroska", "mkv");
}

HttpResponse get_text(const Call& call) {
    return artefact_response(call, "text", "text/vtt", "vtt");
}

HttpResponse get_capture(const Call& call) {
    return artefact_response(call, "capture", "application/x-pcapng", "pcapng");
}

HttpResponse get_capture_part(const Call& call) {
    const auto part = number_of(call.parameters.at(1));
    return part ? artefact_response(call, "capture", "application/x-pcapng", "pcapng", *part)
                : problem(404, "a capture's part is a number from 1");
}

HttpResponse get_conversation(const Call& call) {
    constexpr std::uint32_t kMost = 1000;
    const auto id = Uuid::parse(call.parameters.at(0));
    if (!id) {
        return problem(404, "a conversation's id is a UUID");
    }
    RecordingQuery query;
    query.conversation = id->to_string();
    query.limit = kMost;
    const auto page = call.catalog->list(query);
    if (!page) {
        return error_response(page.error(), call.services);
    }
    if (page->recordings.empty()) {
        return problem(404, fmt::format("no conversation {}", id->to_string()));
    }
    Json recordings = Json::array();
    // In the order in which they happened; the catalogue lists the newest first.
    for (auto recording = page->recordings.rbegin(); recording != page->recordings.rend();
         ++recording) {
        recordings.push_back(summary_of(*recording));
    }
    return json_response({{"id", id->to_string()}, {"recordings", recordings}});
}

HttpResponse get_documents(const Call& call) {
    const auto recording = recording_of(call);
    return recording ? json_response({{"documents", documents_of(*recording)}})
                     : error_response(recording.error(), call.services);
}

HttpResponse get_document(const Call& call) {
    const auto recording = recording_of(call);
    if (!recording) {
        return error_response(recording.error(), call.services);
    }
    const std::string& text = call.parameters.at(1);
    const auto number = number_of(text);
    if (!number || *number > recording->documents.size()) {
        return problem(404,
                       fmt::format("this recording has {} documents", recording->documents.size()));
    }
    const MetadataRecord& document = recording->documents[*number - 1];
    HttpResponse response;
    // As an attachment in a sandbox: a browser must not run what an SRC has written.
    response.headers = {
        {"Content-Type", safe_content_type(document.content_type)},
        {"Content-Disposition",
         fmt::format(R"(attachment; filename="{}-{}.xml")", recording->id.to_string(), *number)},
        {"Content-Security-Policy", "default-src 'none'; sandbox"}};
    response.body = document.document;
    return response;
}

}  // namespace siprec::server
