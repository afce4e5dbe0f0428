#include "catalog/private_postgres.hpp"

#include "catalog/database_connection.hpp"
#include "catalog/postgres_install.hpp"

#include <siprec/uuid.hpp>

#include <fmt/format.h>
#include <pqxx/pqxx>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

namespace siprec::server {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUser = "siprec";  // the cluster's superuser
constexpr std::string_view kDatabase = "siprec";
constexpr int kPort = 5432;  // names the socket only
constexpr std::chrono::seconds kLeftoverGrace{20};

/// The name of a Unix socket has 107 bytes at most.
bool fits_socket(const std::string& folder) {
    return fmt::format("{}/.s.PGSQL.{}", folder, kPort).size() < sizeof(sockaddr_un{}.sun_path);
}

std::string socket_folder_for(const std::string& data_directory) {
    const std::string run = data_directory + "/run";
    if (fits_socket(run)) {
        return run;
    }
    std::error_code error;
    fs::path temporary = fs::temp_directory_path(error);
    if (error || !fits_socket(temporary.string() + "/siprec-0123456789abcdef")) {
        temporary = "/tmp";
    }
    // A name that nobody can have taken before us.
    const std::string unique = Uuid::random().to_string().substr(0, 13);
    return (temporary / ("siprec-" + unique)).string();
}

/// A value in a libpq connection string.
std::string connection_value(std::string_view value) {
    std::string text = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') {
            text += '\\';
        }
        text += c;
    }
    return text + "'";
}

/// A lock file starts with a pid. One that another program has by now would keep PostgreSQL from
/// starting; a dead one PostgreSQL removes itself.
Result<void> remove_stale_lock(const std::string& lock_file) {
    pid_t holder = 0;
    std::ifstream(lock_file) >> holder;
    std::error_code error;
    if (holder > 1 && ::kill(holder, 0) == 0 && !fs::remove(lock_file, error) && error) {
        return Error(ErrorCode::Io, fmt::format("remove {}: {}", lock_file, error.message()));
    }
    return {};
}

bool wait_for_end(const std::string& cluster, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (running_postmaster(cluster)) {
        if (std::chrono::steady_clock::now() >= deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

}  // namespace

PrivatePostgres::PrivatePostgres(PrivatePostgresOptions options, Logger& logger)
    : options_(std::move(options)),
      logger_(logger),
      cluster_(options_.data_directory + "/postgres"),
      socket_folder_(socket_folder_for(options_.data_directory)),
      output_file_(options_.data_directory + "/postgres-start.log"),
      made_socket_folder_(socket_folder_ != options_.data_directory + "/run") {
    SupervisorPlan plan;
    plan.name = "postgres";
    plan.prepare = [this] { return prepare(); };
    plan.watch = [this] { watch(); };
    plan.stop_signal = SIGINT;  // fast shutdown: clients are disconnected
    plan.stop_grace = std::chrono::seconds(30);
    supervisor_ = std::make_unique<Supervisor>(std::move(plan), logger_);
}

PrivatePostgres::~PrivatePostgres() {
    stop();
}

std::string PrivatePostgres::url_of(const std::string& database) const {
    return fmt::format("host={} port={} user={} dbname={}",
                       connection_value(socket_folder_),
                       kPort,
                       kUser,
                       database);
}

std::string PrivatePostgres::url() const {
    return url_of(std::string(kDatabase));
}

Result<void> PrivatePostgres::wait_until_ready(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, timeout, [this] { return ready_; })) {
        return {};
    }
    return Error(ErrorCode::Unavailable,
                 fmt::format("the private PostgreSQL does not answer: {}", last_error_));
}

std::uint64_t PrivatePostgres::restarts() const noexcept {
    return supervisor_->restarts();
}

pid_t PrivatePostgres::pid() const noexcept {
    return supervisor_->pid();
}

void PrivatePostgres::stop() {
    supervisor_->stop();
    if (made_socket_folder_) {
        std::error_code error;
        fs::remove_all(socket_folder_, error);
        if (error) {
            logger_.log(LogLevel::Warning,
                        "catalog",
                        "cannot remove the socket folder",
                        {{"folder", socket_folder_}, {"error", error.message()}});
        }
    }
}

Result<ChildCommand> PrivatePostgres::prepare() {
    const auto failed = [this](Error error) {
        const std::scoped_lock lock(mutex_);
        ready_ = false;
        last_error_ = error.message();
        return error;
    };
    const auto programs = find_postgres_programs(cluster_);
    if (!programs) {
        return failed(programs.error());
    }
    const auto user = postgres_user(cluster_);
    if (!user) {
        return failed(user.error());
    }
    if (const auto done = prepare_folders(*user); !done) {
        return failed(done.error());
    }
    if (const auto done = initialise(*programs, *user); !done) {
        return failed(done.error());
    }
    if (const auto done = end_leftover(); !done) {
        return failed(done.error());
    }
    {
        const std::scoped_lock lock(mutex_);
        ready_ = false;
        last_error_ = "it is starting";
    }
    ChildCommand command;
    command.arguments = {*programs + "/postgres", "-D", cluster_, "-p", std::to_string(kPort)};
    for (const std::string& setting :
         {std::string("listen_addresses="),
          "unix_socket_directories=" + socket_folder_,
          std::string("unix_socket_permissions=0700"),
          std::string("shared_buffers=64MB"),
          std::string("max_connections=100"),
          std::string("logging_collector=on"),
          std::string("log_directory=log"),
          std::string("log_filename=postgres-%a.log"),  // a week of logs
          std::string("log_truncate_on_rotation=on"),
          std::string("log_rotation_age=1d"),
          std::string("log_rotation_size=0"),
          std::string(options_.durable ? "fsync=on" : "fsync=off")}) {
        command.arguments.emplace_back("-c");
        command.arguments.push_back(setting);
    }
    command.run_as = *user;
    command.output_file = output_file_;
    command.death_signal = SIGINT;
    return command;
}

Result<void> PrivatePostgres::prepare_folders(const std::optional<UserIds>& user) {
    std::error_code error;
    if (fs::create_directories(options_.data_directory, error); error) {
        return Error(ErrorCode::Io,
                     fmt::format("make {}: {}", options_.data_directory, error.message()));
    }
    if (user) {
        if (const auto opened = open_data_directory(user); !opened) {
            return opened;
        }
    }
    if (const auto made = make_private_folder(socket_folder_, user); !made) {
        return made;
    }
    // Only the output of this start.
    if (fs::exists(output_file_, error)) {
        fs::resize_file(output_file_, 0, error);
    }
    return {};
}

/// The server's own data directory may be closed to others; then it is opened just far enough for
/// the database's user to pass through. What lies above it is the administrator's.
Result<void> PrivatePostgres::open_data_directory(const std::optional<UserIds>& user) {
    struct stat status {};

    if (::stat(options_.data_directory.c_str(), &status) == 0 && status.st_uid == ::geteuid() &&
        (status.st_mode & S_IXOTH) == 0 &&
        ::chmod(options_.data_directory.c_str(), (status.st_mode & 07777U) | S_IXOTH) == 0) {
        logger_.log(LogLevel::Info,
                    "catalog",
                    "data directory opened (o+x) for the database's user",
                    {{"folder", options_.data_directory}});
    }
    return check_reachable(cluster_, *user);
}

Result<void> PrivatePostgres::initialise(const std::string& programs,
                                         const std::optional<UserIds>& user) {
    std::error_code error;
    if (fs::exists(cluster_, error)) {
        return {};
    }
    // Made beside its place and then moved there: an initdb that was cut off leaves nothing half
    // done.
    const std::string unfinished = cluster_ + ".new";
    if (fs::remove_all(unfinished, error); error) {
        return Error(ErrorCode::Io, fmt::format("remove {}: {}", unfinished, error.message()));
    }
    if (const auto made = make_private_folder(unfinished, user); !made) {
        return made;
    }
    logger_.log(LogLevel::Info, "catalog", "making the private database", {{"folder", cluster_}});
    ChildCommand command;
    // Trust: whoever can enter the socket's folder may connect.
    command.arguments = {programs + "/initdb",
                         "-D",
                         unfinished,
                         "-U",
                         std::string(kUser),
                         "--auth=trust",
                         "--encoding=UTF8",
                         "--locale=C.UTF-8"};
    if (!options_.durable) {
        command.arguments.emplace_back("--no-sync");
    }
    command.run_as = user;
    command.output_file = output_file_;
    command.death_signal = SIGKILL;
    auto child = ChildProcess::spawn(command);
    if (!child) {
        return child.error();
    }
    const int status = child->wait();
    if (status != 0) {
        return Error(ErrorCode::Unavailable,
                     fmt::format("initdb: {}: {}", describe_exit(status), last_output()));
    }
    if (fs::rename(unfinished, cluster_, error); error) {
        return Error(ErrorCode::Io, fmt::format("rename {}: {}", unfinished, error.message()));
    }
    return {};
}

/// A server that was killed leaves its postmaster for as long as that needs to stop, with a socket
/// folder that may not be ours.
Result<void> PrivatePostgres::end_leftover() {
    const auto leftover = running_postmaster(cluster_);
    if (leftover) {
        logger_.log(LogLevel::Warning,
                    "catalog",
                    "stopping a PostgreSQL that an earlier server left",
                    {{"pid", std::to_string(*leftover)}});
        ::kill(*leftover, SIGINT);
        if (!wait_for_end(cluster_, kLeftoverGrace)) {
            ::kill(*leftover, SIGQUIT);  // immediate shutdown; it recovers at the next start
            if (!wait_for_end(cluster_, kLeftoverGrace)) {
                return Error(ErrorCode::Conflict,
                             fmt::format("PostgreSQL {} still runs on {}", *leftover, cluster_));
            }
        }
    }
    // The socket folder is ours alone, so its lock is as dead as the cluster's own.
    for (const std::string& lock_file :
         {cluster_ + "/postmaster.pid",
          fmt::format("{}/.s.PGSQL.{}.lock", socket_folder_, kPort)}) {
        if (const auto removed = remove_stale_lock(lock_file); !removed) {
            return removed;
        }
    }
    return {};
}

void PrivatePostgres::watch() {
    {
        const std::scoped_lock lock(mutex_);
        if (ready_) {
            return;
        }
    }
    const auto created = create_database();
    const std::scoped_lock lock(mutex_);
    ready_ = created.has_value();
    if (ready_) {
        changed_.notify_all();
    } else {
        last_error_ = fmt::format("{} {}", created.error().message(), last_output());
    }
}

Result<void> PrivatePostgres::create_database() {
    DatabaseConnection maintenance(url_of("postgres"));
    return maintenance.run([](pqxx::connection& connection) {
        pqxx::nontransaction session(connection);
        const std::string name(kDatabase);
        if (session.exec_params("SELECT 1 FROM pg_database WHERE datname = $1", name).empty()) {
            session.exec("CREATE DATABASE " + session.quote_name(name));
        }
    });
}

std::string PrivatePostgres::last_output() const {
    std::ifstream file(output_file_);
    std::string last;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty()) {
            last = std::move(line);
        }
    }
    return last;
}

}  // namespace siprec::server
