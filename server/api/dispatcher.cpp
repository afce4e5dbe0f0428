#include "api/dispatcher.hpp"

#include "api/request_guard.hpp"
#include "api/responses.hpp"
#include "api/watched_catalog.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace siprec::server {

namespace asio = boost::asio;

namespace {

// Two, so that one slow search does not hold up the rest.
constexpr std::size_t kCatalogThreads = 2;
constexpr std::size_t kLiveThreads = 1;
// A client that does not answer holds its thread for seconds.
constexpr std::size_t kControlThreads = 2;
constexpr std::size_t kMostWaiting = 512;

void add_common_headers(const HttpRequest& request, HttpResponse& response) {
    const auto add = [&](std::string_view name, std::string_view value) {
        for (const auto& [present, unused] : response.headers) {
            if (equal_ignoring_case(present, name)) {
                return;
            }
        }
        response.headers.emplace_back(name, value);
    };
    add("X-Content-Type-Options", "nosniff");
    add("Content-Security-Policy",
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    add("Cross-Origin-Resource-Policy", "same-origin");
    add("Referrer-Policy", "no-referrer");
    if (request.path.starts_with("/api/")) {
        add("Cache-Control", "no-store");
    }
}

}  // namespace

/// A request in the hands of a worker. Shared between the worker and the connection's coroutine, as
/// either may be done first. All but `abandoned` is touched on the connection's executor only once
/// the worker has posted its answer there.
struct Dispatcher::Pending {
    Pending(const asio::any_io_executor& executor, HttpRequest asked, RouteMatch found)
        : request(std::move(asked)), match(std::move(found)), answered(executor) {}

    const HttpRequest request;
    const RouteMatch match;
    asio::steady_timer answered;  // cancelled by the answer
    std::optional<HttpResponse> response;
    std::atomic<bool> abandoned = false;
};

Dispatcher::Dispatcher(Services& services)
    : services_(services),
      live_(kLiveThreads, {}, kMostWaiting),
      control_(kControlThreads, {}, kMostWaiting),
      catalog_(
          kCatalogThreads,
          [&services] {
              return watch(services.dependencies.open_catalog(), services.catalog_health);
          },
          kMostWaiting) {}

void Dispatcher::check_catalog() {
    const bool accepted = catalog_.post([](Catalog* catalog) {
        // The watching catalogue notes the outcome.
        static_cast<void>(catalog->ping());
    });
    if (!accepted) {
        services_.catalog_health.update({false, "too many requests wait for it"});
    }
}

HttpResponse Dispatcher::call(const HttpRequest& request,
                              const RouteMatch& match,
                              Catalog* catalog) const {
    try {
        return match.route->handler(Call{request, match.parameters, services_, catalog});
    } catch (const std::exception& defect) {
        return error_response(Error(ErrorCode::Internal, defect.what()), services_);
    }
}

asio::awaitable<HttpResponse> Dispatcher::answer_in(WorkerPool& pool,
                                                    std::shared_ptr<Pending> pending) {
    const auto executor = co_await asio::this_coro::executor;
    pending->answered.expires_after(services_.dependencies.limits.timeout);
    const bool accepted = pool.post([this, pending, executor](Catalog* catalog) {
        if (pending->abandoned) {
            return;
        }
        HttpResponse response = call(pending->request, pending->match, catalog);
        asio::post(executor, [pending, response = std::move(response)]() mutable {
            pending->response = std::move(response);
            pending->answered.cancel();
        });
    });
    if (!accepted) {
        co_return problem(503, "too many requests wait already");
    }
    boost::system::error_code ignored;  // "cancelled" is what is hoped for
    co_await pending->answered.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (!pending->response) {
        pending->abandoned = true;
        co_return problem(503, "no answer in time");
    }
    co_return std::move(*pending->response);
}

WorkerPool& Dispatcher::pool_of(Lane lane) {
    switch (lane) {
        case Lane::Live:
            return live_;
        case Lane::Control:
            return control_;
        default:
            return catalog_;
    }
}

asio::awaitable<HttpResponse> Dispatcher::answer(HttpRequest request) {
    HttpResponse response;
    if (auto refusal = refuse_stranger(request, services_.listen)) {
        response = std::move(*refusal);
        add_common_headers(request, response);
        co_return response;
    }
    RouteMatch match = find_route(request.method, request.path);
    if (match.route == nullptr) {
        response = std::move(match.refusal);
    } else if (match.route->lane == Lane::Network) {
        response = call(request, match, nullptr);
    } else {
        const auto executor = co_await asio::this_coro::executor;
        WorkerPool& pool = pool_of(match.route->lane);
        auto pending = std::make_shared<Pending>(executor, request, std::move(match));
        response = co_await answer_in(pool, std::move(pending));
    }
    add_common_headers(request, response);
    co_return response;
}

}  // namespace siprec::server
