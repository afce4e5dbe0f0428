// The running sessions: what they are, and what can be done with them.

#include "api/handlers.hpp"
#include "api/json.hpp"
#include "api/query.hpp"
#include "api/responses.hpp"

#include <siprec/uuid.hpp>

#include <charconv>
#include <optional>

namespace siprec::server {

namespace {

HttpResponse no_content() {
    HttpResponse response;
    response.status = 204;
    return response;
}

/// What a recording client answered, or that it did not.
HttpResponse session_error(const Error& error, const Services& services) {
    switch (error.code()) {
        case ErrorCode::Timeout:
            return problem(504, error.message());
        case ErrorCode::Unsupported:
            return problem(409, error.message());
        case ErrorCode::Unavailable:
            return problem(503, error.message());
        default:
            return error_response(error, services);
    }
}

/// Runs `action` on the session that the path names.
template <typename Action>
HttpResponse with_session(const Call& call, Action action) {
    LiveWing* live = call.services.dependencies.live;
    const auto id = Uuid::parse(call.parameters.at(0));
    if (live == nullptr || !id) {
        return problem(404, "no session with this id is running");
    }
    if (const Result<void> done = action(*live, *id); !done) {
        return session_error(done.error(), call.services);
    }
    return no_content();
}

}  // namespace

HttpResponse get_sessions(const Call& call) {
    Json sessions = Json::array();
    if (const LiveWing* live = call.services.dependencies.live; live != nullptr) {
        const WallTime now = system_clock().now();
        for (const SessionStatus& session : live->sessions()) {
            sessions.push_back(session_of(session, now));
        }
    }
    return json_response({{"sessions", sessions}});
}

HttpResponse delete_session(const Call& call) {
    return with_session(call, [](LiveWing& live, const Uuid& id) {
        return live.end_session(id, "ended through the API");
    });
}

HttpResponse post_session(const Call& call) {
    LiveWing* live = call.services.dependencies.live;
    if (live == nullptr) {
        return problem(409, "this process records nothing");
    }
    const auto parameters = parse_query(call.request.query);
    if (!parameters || parameters->size() != 1 || parameters->front().first != "src") {
        return problem(400, "exactly one parameter is needed: src, the SIP URI of the client");
    }
    const auto started = live->start_session(parameters->front().second);
    if (!started) {
        return session_error(started.error(), call.services);
    }
    return json_response({{"id", started->to_string()}}, 201);
}

HttpResponse post_pause(const Call& call) {
    return with_session(call, [](LiveWing& live, const Uuid& id) { return live.pause(id); });
}

HttpResponse post_resume(const Call& call) {
    return with_session(call, [](LiveWing& live, const Uuid& id) { return live.resume(id); });
}

HttpResponse post_snapshot(const Call& call) {
    return with_session(call, [](LiveWing& live, const Uuid& id) {
        return live.request_snapshot(id, "asked for by the operator");
    });
}

HttpResponse post_sink(const Call& call) {
    const auto parameters = parse_query(call.request.query);
    if (!parameters || parameters->size() != 1 || parameters->front().first != "name") {
        return problem(400,
                       "exactly one parameter is needed: name, of a sink of the configuration");
    }
    return with_session(call, [&name = parameters->front().second](LiveWing& live, const Uuid& id) {
        return live.attach_sink(id, name);
    });
}

HttpResponse delete_stream(const Call& call) {
    const std::string& text = call.parameters.at(1);
    std::uint32_t index = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return problem(404, "streams are named by the number of their m-line, from 0");
    }
    return with_session(
        call, [index](LiveWing& live, const Uuid& id) { return live.drop_stream(id, index); });
}

}  // namespace siprec::server
