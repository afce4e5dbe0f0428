#include "cli/api_client.hpp"

#include <siprec/uuid.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace siprec::server {

namespace {

using Json = ApiClient::Json;

ErrorCode code_of(unsigned status) {
    switch (status) {
        case 400:
            return ErrorCode::InvalidArgument;
        case 404:
            return ErrorCode::NotFound;
        case 409:
            return ErrorCode::Conflict;
        case 504:
            return ErrorCode::Timeout;
        case 503:
            return ErrorCode::Unavailable;
        default:
            return ErrorCode::Internal;
    }
}

/// What the server says of a refused request, as far as it says anything.
Error refusal(const std::string& target, const HttpReply& reply) {
    const Json body = Json::parse(reply.body, nullptr, false);
    std::string detail = "no details";
    if (body.is_object() && body.contains("detail") && body["detail"].is_string()) {
        detail = body["detail"].get<std::string>();
    }
    const std::string path = target.substr(0, target.find('?'));
    return {code_of(reply.status),
            fmt::format("{}: the server answered {}: {}", path, reply.status, detail)};
}

bool is_id_prefix(std::string_view text) {
    return text.size() >= 8 && text.size() < 36 &&
           text.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

}  // namespace

std::string percent_encode(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                   (c >= '0' && c <= '9') ||
                                   std::string_view("-._~").find(c) != std::string_view::npos;
        if (is_unreserved) {
            encoded += c;
        } else {
            encoded += fmt::format("%{:02X}", byte);
        }
    }
    return encoded;
}

Result<HttpReply> ApiClient::download(const std::string& target, const BodySink& sink) const {
    auto reply = http_get(server_, target, timeout_, sink);
    if (reply && reply->status != 200) {
        return refusal(target, *reply);
    }
    return reply;
}

Result<Json> ApiClient::get_json(const std::string& target) const {
    const auto reply = download(target, {});
    if (!reply) {
        return reply.error();
    }
    Json value = Json::parse(reply->body, nullptr, false);
    if (value.is_discarded()) {
        return Error(ErrorCode::Malformed, fmt::format("{}: the answer is not JSON", target));
    }
    return value;
}

Result<Json> ApiClient::change(const std::string& method, const std::string& target) const {
    const auto reply = http_request(method, server_, target, timeout_);
    if (!reply) {
        return reply.error();
    }
    if (reply->status < 200 || reply->status >= 300) {
        return refusal(target, *reply);
    }
    return reply->body.empty() ? Json(nullptr) : Json::parse(reply->body, nullptr, false);
}

Result<std::string> ApiClient::resolve_id(const std::string& text) const {
    return resolve(
        text, "/api/v1/recordings?limit=1000", "recordings", "the newest 1000 recordings");
}

Result<std::string> ApiClient::resolve_session(const std::string& text) const {
    return resolve(text, "/api/v1/sessions", "sessions", "the running sessions");
}

Result<std::string> ApiClient::resolve(const std::string& text,
                                       const std::string& target,
                                       const char* member,
                                       const char* where) const {
    std::string wanted = text;
    std::transform(wanted.begin(), wanted.end(), wanted.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    if (Uuid::parse(wanted)) {
        return wanted;
    }
    if (!is_id_prefix(wanted)) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("{}: not an id; a UUID or its first 8 digits or more", text));
    }
    const auto page = get_json(target);
    if (!page) {
        return page.error();
    }
    std::vector<std::string> found;
    for (const Json& recording : page->value(member, Json::array())) {
        const std::string id = recording.value("id", "");
        if (id.starts_with(wanted)) {
            found.push_back(id);
        }
    }
    if (found.empty()) {
        return Error(ErrorCode::NotFound, fmt::format("{}: none of {} begins so", text, where));
    }
    if (found.size() > 1) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("{}: {} of {} begin so", text, found.size(), where));
    }
    return found.front();
}

}  // namespace siprec::server
