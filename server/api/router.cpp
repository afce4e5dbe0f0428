#include "api/router.hpp"

#include "api/handlers.hpp"
#include "api/responses.hpp"

#include <array>

namespace siprec::server {

namespace {

constexpr std::array kRoutes{
    Route{"GET", "/", Lane::Network, get_page},
    Route{"GET", "/app.js", Lane::Network, get_page},
    Route{"GET", "/style.css", Lane::Network, get_page},
    Route{"GET", "/healthz", Lane::Network, get_alive},
    Route{"GET", "/readyz", Lane::Live, get_ready},
    Route{"GET", "/metrics", Lane::Live, get_metrics},
    Route{"GET", "/api/v1/status", Lane::Live, get_status},
    Route{"GET", "/api/v1/sessions", Lane::Live, get_sessions},
    Route{"POST", "/api/v1/sessions", Lane::Control, post_session},
    Route{"DELETE", "/api/v1/sessions/{id}", Lane::Live, delete_session},
    Route{"POST", "/api/v1/sessions/{id}/pause", Lane::Control, post_pause},
    Route{"POST", "/api/v1/sessions/{id}/resume", Lane::Control, post_resume},
    Route{"POST", "/api/v1/sessions/{id}/snapshot", Lane::Control, post_snapshot},
    Route{"POST", "/api/v1/sessions/{id}/sinks", Lane::Live, post_sink},
    Route{"DELETE", "/api/v1/sessions/{id}/streams/{n}", Lane::Control, delete_stream},
    Route{"GET", "/api/v1/recordings", Lane::Catalog, get_recordings},
    Route{"GET", "/api/v1/recordings/{id}", Lane::Catalog, get_recording},
    Route{"GET", "/api/v1/recordings/{id}/audio", Lane::Catalog, get_audio},
    Route{"GET", "/api/v1/recordings/{id}/video", Lane::Catalog, get_video},
    Route{"GET", "/api/v1/recordings/{id}/text", Lane::Catalog, get_text},
    Route{"GET", "/api/v1/recordings/{id}/capture", Lane::Catalog, get_capture},
    Route{"GET", "/api/v1/recordings/{id}/capture/{n}", Lane::Catalog, get_capture_part},
    Route{"GET", "/api/v1/conversations/{id}", Lane::Catalog, get_conversation},
    Route{"GET", "/api/v1/recordings/{id}/metadata", Lane::Catalog, get_documents},
    Route{"GET", "/api/v1/recordings/{id}/metadata/{n}", Lane::Catalog, get_document},
};

/// Takes the next segment off `path`, slash included.
std::string_view take_segment(std::string_view& path) {
    const std::string_view segment = path.substr(0, path.find('/', 1));
    path.remove_prefix(segment.size());
    return segment;
}

std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
    std::vector<std::string> parameters;
    while (!pattern.empty() && !path.empty()) {
        const std::string_view expected = take_segment(pattern);
        const std::string_view actual = take_segment(path);
        if (expected.starts_with("/{") && actual.size() > 1) {
            parameters.emplace_back(actual.substr(1));
        } else if (expected != actual) {
            return std::nullopt;
        }
    }
    return pattern.empty() && path.empty() ? std::optional(std::move(parameters)) : std::nullopt;
}

HttpResponse method_not_allowed(std::string_view allowed) {
    HttpResponse response = problem(405, "this method is not served here");
    response.headers.emplace_back("Allow", allowed);
    return response;
}

}  // namespace

std::span<const Route> routes() noexcept {
    return kRoutes;
}

RouteMatch find_route(std::string_view method, std::string_view path) {
    const std::string_view wanted = method == "HEAD" ? "GET" : method;
    RouteMatch result;
    std::string_view other_method;
    for (const Route& route : kRoutes) {
        auto parameters = match(route.pattern, path);
        if (!parameters) {
            continue;
        }
        if (route.method == wanted) {
            result.route = &route;
            result.parameters = std::move(*parameters);
            return result;
        }
        other_method = route.method;
    }
    if (!other_method.empty()) {
        result.refusal = method_not_allowed(other_method == "GET" ? "GET, HEAD" : other_method);
    } else if (wanted != "GET" && wanted != "DELETE") {
        result.refusal = method_not_allowed("GET, HEAD, DELETE");
    } else {
        result.refusal = problem(404, "there is nothing at this path");
    }
    return result;
}

}  // namespace siprec::server
