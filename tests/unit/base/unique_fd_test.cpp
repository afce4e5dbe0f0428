#include "base/unique_fd.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

using siprec::base::UniqueFd;

namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

UniqueFd open_something() {
    return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

TEST_CASE("unique fd: closes when it goes", "[unit][base]") {
    int number = -1;
    {
        const UniqueFd fd = open_something();
        REQUIRE(fd);
        number = fd.get();
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE("unique fd: moves its descriptor and closes what it held before", "[unit][base]") {
    UniqueFd first = open_something();
    UniqueFd second = open_something();
    const int kept = first.get();
    const int closed = second.get();
    second = std::move(first);
    CHECK(second.get() == kept);
    CHECK_FALSE(is_open(closed));
    const UniqueFd third(std::move(second));
    CHECK(third.get() == kept);
    CHECK(is_open(kept));
}

TEST_CASE("unique fd: is empty by default and after a reset", "[unit][base]") {
    UniqueFd fd;
    CHECK_FALSE(fd);
    fd = open_something();
    const int number = fd.get();
    fd.reset(-1);
    CHECK_FALSE(fd);
    CHECK_FALSE(is_open(number));
}
