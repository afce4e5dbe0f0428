#include "base/secret_bytes.hpp"

#include <siprec/srtp.hpp>

#include <string.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

namespace siprec::base {

void wipe(std::span<std::byte> bytes) noexcept {
    if (!bytes.empty()) {  // an empty span points nowhere, which the call does not allow
        ::explicit_bzero(bytes.data(), bytes.size());
    }
}

void fill_random(std::span<std::byte> bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
        if (got < 0 && errno != EINTR) {
            std::terminate();
        }
        bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
}

}  // namespace siprec::base

namespace siprec::srtp {

Secret::Secret(std::vector<std::byte> bytes) noexcept : bytes_(std::move(bytes)) {}

Secret::Secret(const Secret& other) = default;

Secret& Secret::operator=(const Secret& other) {
    if (this != &other) {
        wipe();
        bytes_ = other.bytes_;
    }
    return *this;
}

Secret::Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        bytes_ = std::exchange(other.bytes_, {});
    }
    return *this;
}

Secret::~Secret() {
    wipe();
}

Secret Secret::random(std::size_t size) {
    std::vector<std::byte> bytes(size);
    base::fill_random(bytes);
    return Secret(std::move(bytes));
}

void Secret::wipe() noexcept {
    base::wipe(bytes_);
}

}  // namespace siprec::srtp
