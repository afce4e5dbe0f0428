#include "api/request_guard.hpp"

#include "api/responses.hpp"

#include <fmt/format.h>

namespace siprec::server {

namespace {

/// Host without its port; brackets of an IPv6 address stay.
std::string_view host_name(std::string_view host) {
    if (host.starts_with('[')) {
        return host.substr(0, host.find(']') + 1);
    }
    return host.substr(0, host.find(':'));
}

bool is_local_name(std::string_view name, const IpAddress& bound) {
    if (name.ends_with('.')) {
        name.remove_suffix(1);
    }
    if (equal_ignoring_case(name, "localhost")) {
        return true;
    }
    const auto address = IpAddress::parse(name);
    return address && (address->is_loopback() || *address == bound);
}

bool is_cross_site(const HttpRequest& request) {
    const std::string_view origin = request.header("Origin");
    if (!origin.empty() &&
        !equal_ignoring_case(origin, fmt::format("http://{}", request.header("Host")))) {
        return true;
    }
    const std::string_view site = request.header("Sec-Fetch-Site");
    return !site.empty() && site != "same-origin" && site != "none";
}

}  // namespace

std::optional<HttpResponse> refuse_stranger(const HttpRequest& request, const Endpoint& listen) {
    // RFC 9112 3.2: exactly one Host field.
    if (request.count("Host") != 1 || request.header("Host").empty()) {
        return problem(400, "exactly one Host field is needed");
    }
    if (listen.address.is_loopback() &&
        !is_local_name(host_name(request.header("Host")), listen.address)) {
        return problem(421, "this server listens on loopback and answers to loopback names only");
    }
    const bool is_safe = request.method == "GET" || request.method == "HEAD";
    if (!is_safe && is_cross_site(request)) {
        return problem(403, "requests that change something are not taken from other sites");
    }
    return std::nullopt;
}

}  // namespace siprec::server
