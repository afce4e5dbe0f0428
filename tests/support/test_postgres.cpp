#include "support/test_postgres.hpp"

#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace siprec::test {

namespace {

std::string make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "siprec-test-XXXXXX").string();
    // The tests may run as root, the database cannot: its user has to get through.
    if (::mkdtemp(name.data()) == nullptr || ::chmod(name.c_str(), 0711) != 0) {
        throw std::runtime_error("cannot make a temporary folder");
    }
    return name;
}

}  // namespace

TestPostgres::TestPostgres(Logger& logger) : logger_(logger), folder_(make_folder()) {
    start();
}

TestPostgres::~TestPostgres() {
    stop();
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
    if (error) {
        std::fprintf(stderr, "cannot remove %s: %s\n", folder_.c_str(), error.message().c_str());
    }
}

std::string TestPostgres::url() const {
    return postgres_->url();
}

void TestPostgres::stop() {
    if (postgres_) {
        postgres_->stop();
    }
}

void TestPostgres::start() {
    postgres_ = std::make_unique<server::PrivatePostgres>(
        server::PrivatePostgresOptions{.data_directory = folder_, .durable = false}, logger_);
    const auto ready = postgres_->wait_until_ready(std::chrono::seconds(60));
    if (!ready) {
        throw std::runtime_error(ready.error().message());
    }
}

}  // namespace siprec::test
