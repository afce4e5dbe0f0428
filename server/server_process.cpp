#include "server_process.hpp"

#include "archive/archive_wing.hpp"
#include "capture/layout.hpp"
#include "catalog/catalog.hpp"
#include "ops/metrics.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace siprec::server {

namespace {

constexpr std::chrono::milliseconds kTick{200};

std::uint64_t count_captures(const std::string& folder) {
    std::uint64_t count = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
        count += at->path().extension() == kCaptureSuffix ? 1U : 0U;
    }
    return count;
}

}  // namespace

ServerProcess::ServerProcess(CommandLine options, Config config, ServerLogger& logger)
    : options_(std::move(options)),
      config_(std::move(config)),
      database_url_(config_.database_url),
      logger_(logger) {}

ServerProcess::~ServerProcess() {
    stop();
}

Result<void> ServerProcess::start() {
    // Recording first: it waits for nothing else, and its lock keeps a second server away from the
    // database of the first.
    if (config_.role != Role::Archive) {
        auto live = LiveWing::start(config_, logger_);
        if (!live) {
            return std::move(live).error();
        }
        live_ = *std::move(live);
    }
    if (config_.role == Role::All && database_url_.empty()) {
        postgres_ = std::make_unique<PrivatePostgres>(
            PrivatePostgresOptions{.data_directory = config_.data_directory}, logger_);
        database_url_ = postgres_->url();
    }
    // The worker's server keeps the watch for both.
    if (!options_.is_worker && !database_url_.empty()) {
        catalog_watch_ = std::make_unique<CatalogWatch>(Catalog::create(database_url_), logger_);
    }
    start_archive();
    return options_.is_worker ? Result<void>{} : start_api();
}

void ServerProcess::start_archive() {
    if (config_.role == Role::All) {
        SupervisorPlan plan;
        plan.name = "archive worker";
        plan.prepare = [this] { return worker_command(); };
        worker_ = std::make_unique<Supervisor>(std::move(plan), logger_);
    } else if (config_.role == Role::Archive) {
        profiles_ = std::make_unique<ProfileStore>(config_.interop, logger_);
        archive_ = std::jthread([this](const std::stop_token& stop) {
            run_archive(config_, database_url_, *profiles_, logger_, stop);
        });
    }
}

Result<ChildCommand> ServerProcess::worker_command() const {
    ChildCommand command;
    command.arguments = {
        "/proc/self/exe", "--worker", "--role", "archive", "--data", config_.data_directory};
    const auto pass = [&](const char* option, const std::string& value) {
        if (!value.empty()) {
            command.arguments.emplace_back(option);
            command.arguments.push_back(value);
        }
    };
    pass("--config", options_.config_file);
    pass("--log-level", options_.log_level);
    command.environment = {{kWorkerDatabase, database_url_}};
    return command;
}

Result<void> ServerProcess::start_api() {
    ApiDependencies dependencies;
    dependencies.live = live_.get();
    dependencies.open_catalog = [this] { return Catalog::create(database_url_); };
    dependencies.store_root = DataLayout{config_.data_directory}.recordings();
    dependencies.metrics = [this] { return metrics(); };
    auto api = ApiServer::start(config_.http, std::move(dependencies), logger_);
    if (!api) {
        return std::move(api).error();
    }
    api_ = *std::move(api);
    return {};
}

std::string ServerProcess::ready_line() const {
    std::string line = "siprec-server ready";
    if (live_) {
        std::string sip;
        for (const Listener& listener : live_->listeners()) {
            sip += fmt::format("{}{}:{}",
                               sip.empty() ? "" : ",",
                               to_string(listener.transport),
                               listener.endpoint.to_string());
        }
        line += " sip=" + sip;
    }
    return line + fmt::format(" http=http://{}", api_->endpoint().to_string());
}

void ServerProcess::run(const SignalQueue& signals) {
    bool draining = false;
    std::chrono::steady_clock::time_point deadline;
    while (!draining || !is_drained(deadline)) {
        const auto signal = signals.next(kTick);
        if (!signal) {
            continue;
        }
        if (*signal == ServerSignal::Reload) {
            reload();
            continue;
        }
        if (*signal == ServerSignal::Interrupt || draining || !live_) {
            return;
        }
        draining = true;
        deadline = std::chrono::steady_clock::now() + config_.drain_timeout;
        live_->drain();
        logger_.log(LogLevel::Info,
                    "server",
                    "draining: no new sessions",
                    {{"sessions", std::to_string(live_->recorder_stats().sessions_active)},
                     {"timeout_s", std::to_string(config_.drain_timeout.count())}});
    }
}

bool ServerProcess::is_drained(std::chrono::steady_clock::time_point deadline) const {
    return live_->recorder_stats().sessions_active == 0 ||
           std::chrono::steady_clock::now() >= deadline;
}

void ServerProcess::reload() {
    auto fresh = resolve_config(options_);
    if (!fresh) {
        logger_.log(LogLevel::Error,
                    "server",
                    "configuration not reloaded, the old one holds",
                    {{"error", fresh.error().message()}});
        return;
    }
    logger_.set_level(log_level_of(fresh->log_level));
    config_.drain_timeout = fresh->drain_timeout;
    if (worker_) {
        worker_->signal(SIGHUP);
    }
    if (profiles_) {
        profiles_->reload(fresh->interop);
    }
    if (live_) {
        if (const auto reloaded = live_->reload(*fresh); !reloaded) {
            logger_.log(LogLevel::Error,
                        "server",
                        "TLS files not reloaded, the old ones hold",
                        {{"error", Result<void>(reloaded).error().message()}});
        }
    }
    logger_.log(
        LogLevel::Info, "server", "configuration reloaded", {{"log_level", fresh->log_level}});
}

std::string ServerProcess::metrics() const {
    const DataLayout layout{config_.data_directory};
    ServerStats stats;
    if (live_) {
        stats.recorder = live_->recorder_stats();
        stats.capture = live_->capture_stats();
        stats.websocket = live_->websocket_stats();
    }
    stats.catalogue_up = catalog_watch_ && catalog_watch_->is_up();
    stats.worker_restarts = worker_ ? worker_->restarts() : 0;
    stats.database_restarts = postgres_ ? postgres_->restarts() : 0;
    stats.archive_queue_files = count_captures(layout.captures()) + count_captures(layout.live());
    return metrics_text(stats);
}

void ServerProcess::stop() {
    if (api_) {
        api_->stop();
    }
    if (live_) {
        live_->stop();
    }
    if (worker_) {
        worker_->stop();
    }
    if (archive_.joinable()) {
        archive_.request_stop();
        archive_.join();
    }
    catalog_watch_.reset();
    if (postgres_) {
        postgres_->stop();
    }
}

}  // namespace siprec::server
