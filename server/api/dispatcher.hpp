#pragma once

#include "api/http_message.hpp"
#include "api/router.hpp"
#include "api/services.hpp"
#include "api/worker_pool.hpp"

#include <boost/asio/awaitable.hpp>

namespace siprec::server {

/// From a request to its response, by way of the threads that may wait for it. *Thread-safe.*
class Dispatcher {
  public:
    /// @param services  outlives the dispatcher
    explicit Dispatcher(Services& services);

    /// Must outlive the coroutine's last step, not the coroutine itself.
    [[nodiscard]] boost::asio::awaitable<HttpResponse> answer(HttpRequest request);

    /// Asks the catalogue, in its own time, whether it is there.
    void check_catalog();

  private:
    WorkerPool& pool_of(Lane lane);
    struct Pending;

    boost::asio::awaitable<HttpResponse> answer_in(WorkerPool& pool,
                                                   std::shared_ptr<Pending> pending);
    [[nodiscard]] HttpResponse call(const HttpRequest& request,
                                    const RouteMatch& match,
                                    Catalog* catalog) const;

    Services& services_;
    WorkerPool live_;
    WorkerPool control_;
    WorkerPool catalog_;
};

}  // namespace siprec::server
