#include "catalog/private_postgres.hpp"

#include "catalog/catalog.hpp"
#include "catalog/postgres_install.hpp"
#include "support/test_postgres.hpp"

#include <catch2/catch.hpp>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

namespace {

using namespace std::chrono_literals;

using siprec::server::Catalog;
using siprec::server::PrivatePostgres;
using siprec::test::TestPostgres;

/// Until `condition` holds, or half a minute has gone.
template <typename Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

TEST_CASE("postgres: comes back when its postmaster is killed", "[unit][catalog]") {
    TestPostgres database;
    const pid_t first = database.postgres().pid();
    REQUIRE(first > 0);
    const auto catalog = Catalog::create(database.url());
    REQUIRE(catalog->migrate());
    REQUIRE(::kill(first, SIGKILL) == 0);
    REQUIRE(eventually([&] {
        return database.postgres().restarts() > 0 && database.postgres().pid() != first &&
               catalog->ping();
    }));
    database.stop();
    CHECK(database.postgres().pid() == 0);
    CHECK_FALSE(catalog->ping());
}

TEST_CASE("postgres: socket is closed to others when it runs", "[unit][catalog]") {
    TestPostgres database;

    struct stat status {};

    REQUIRE(::stat((database.folder() + "/run").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0700U);
    REQUIRE(::stat((database.folder() + "/postgres").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0700U);
    CHECK(status.st_uid != 0);
}

TEST_CASE("postgres: takes over when an earlier server was killed", "[unit][catalog]") {
    TestPostgres database;
    database.stop();
    // An earlier server: a process that starts the database and is killed with it running. Its
    // death signal stops the postmaster; until that is done the next start finds it alive.
    const pid_t earlier = ::fork();
    REQUIRE(earlier >= 0);
    if (earlier == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        PrivatePostgres postgres({.data_directory = database.folder(), .durable = false},
                                 siprec::null_logger());
        for (;;) {
            ::pause();
        }
    }
    const std::string cluster = database.folder() + "/postgres";
    const bool came_up = eventually([&] {
        return siprec::server::running_postmaster(cluster).has_value() &&
               Catalog::create(database.url())->ping();
    });
    const auto leftover = siprec::server::running_postmaster(cluster);
    ::kill(earlier, SIGKILL);
    ::waitpid(earlier, nullptr, 0);
    REQUIRE(came_up);
    database.start();
    CHECK(database.postgres().pid() != leftover);
    CHECK(Catalog::create(database.url())->ping());
}

TEST_CASE("postgres: starts when its lock files name another program", "[unit][catalog]") {
    TestPostgres database;
    database.stop();
    std::ofstream(database.folder() + "/postgres/postmaster.pid") << ::getpid() << "\n";
    std::ofstream(database.folder() + "/run/.s.PGSQL.5432.lock") << ::getpid() << "\n";
    database.start();
    CHECK(Catalog::create(database.url())->ping());
}

TEST_CASE("postgres: socket is elsewhere when the data directory's path is too long",
          "[unit][catalog]") {
    TestPostgres outer;  // for its folder only
    outer.stop();
    const std::string folder = outer.folder() + "/" + std::string(90, 'x');
    std::string socket_folder;
    {
        PrivatePostgres postgres({.data_directory = folder, .durable = false},
                                 siprec::null_logger());
        REQUIRE(postgres.wait_until_ready(60s));
        CHECK(Catalog::create(postgres.url())->ping());
        CHECK(postgres.url().find(folder) == std::string::npos);
        const std::string url = postgres.url();
        const std::size_t begin = url.find('\'') + 1;
        socket_folder = url.substr(begin, url.find('\'', begin) - begin);
        CHECK(std::filesystem::exists(socket_folder));
    }
    CHECK_FALSE(std::filesystem::exists(socket_folder));
}

TEST_CASE("postgres: says which folder is closed when its user cannot get through",
          "[unit][catalog]") {
    TestPostgres outer;
    outer.stop();
    const std::string closed = outer.folder() + "/closed";
    REQUIRE(::mkdir(closed.c_str(), 0700) == 0);
    const auto reachable =
        siprec::server::check_reachable(closed + "/data/postgres", {.user = 4711, .group = 4711});
    REQUIRE_FALSE(reachable);
    CHECK(reachable.error().message().find(closed) != std::string::npos);
    CHECK(siprec::server::check_reachable(outer.folder() + "/data", {.user = 4711, .group = 4711}));
}

}  // namespace
