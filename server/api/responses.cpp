#include "api/responses.hpp"

namespace siprec::server {

HttpResponse json_response(const Json& value, unsigned status) {
    HttpResponse response;
    response.status = status;
    response.headers.emplace_back("Content-Type", "application/json");
    response.body = to_text(value);
    return response;
}

HttpResponse problem(unsigned status, std::string_view detail) {
    HttpResponse response = json_response({{"type", "about:blank"},
                                           {"title", reason_phrase(status)},
                                           {"status", status},
                                           {"detail", detail}},
                                          status);
    response.headers.front().second = "application/problem+json";
    if (status == 503) {
        response.headers.emplace_back("Retry-After", "5");
    }
    return response;
}

HttpResponse error_response(const Error& error, const Services& services) {
    switch (error.code()) {
        case ErrorCode::InvalidArgument:
        case ErrorCode::Malformed:
            return problem(400, error.message());
        case ErrorCode::NotFound:
            return problem(404, error.message());
        case ErrorCode::Conflict:
            return problem(409, error.message());
        case ErrorCode::Unavailable:
        case ErrorCode::Timeout: {
            const std::string text = error.to_string();
            services.logger.log(LogLevel::Warning, "api", "cannot answer now", {{"error", text}});
            return problem(503, "catalogue or store does not answer now");
        }
        default:
            break;
    }
    const std::string text = error.to_string();
    services.logger.log(LogLevel::Error, "api", "request failed", {{"error", text}});
    return problem(500, "the server's log says what went wrong");
}

}  // namespace siprec::server
