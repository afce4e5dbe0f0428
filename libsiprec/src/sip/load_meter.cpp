#include "sip/load_meter.hpp"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>

namespace siprec::sip {

namespace {

// A datagram takes about twice its size of the kernel's buffer, and never less than this.
constexpr double kKernelFactor = 2;
constexpr double kKernelLeast = 768;
constexpr std::uint64_t kFewMessages = 20;
constexpr double kLearn = 0.3;
// The stack keeps its descriptors to itself; they are opened at the start, when few are.
constexpr int kMostDescriptors = 4096;

std::uint16_t port_of(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET6) {
        return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
    }
    return address.ss_family == AF_INET
               ? ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port)
               : std::uint16_t{0};
}

bool is_udp_on(int fd, std::uint16_t port) {
    int type = 0;
    socklen_t length = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_DGRAM) {
        return false;
    }
    sockaddr_storage address{};
    length = sizeof address;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
           port_of(address) == port;
}

std::chrono::nanoseconds thread_cpu() {
    timespec used{};
    if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0) {
        return {};
    }
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace

void LoadMeter::watch(const std::vector<Listener>& listeners) {
    for (const Listener& listener : listeners) {
        for (int fd = 0; listener.transport == Transport::Udp && fd < kMostDescriptors; ++fd) {
            if (is_udp_on(fd, listener.endpoint.port)) {
                sockets_.push_back(fd);
            }
        }
    }
}

void LoadMeter::count(std::size_t bytes) {
    ++messages_;
    message_bytes_ += (static_cast<double>(bytes) - message_bytes_) * 0.02;
}

void LoadMeter::tick(SteadyTime now) {
    const auto cpu = thread_cpu();
    const bool is_behind = backlog_bytes() > 0;
    if (ticked_ != SteadyTime{} && messages_ >= kFewMessages) {
        // While there is always something waiting, time that others had the core counts too.
        const std::chrono::duration<double, std::micro> spent =
            is_behind && was_behind_ ? now - ticked_ : cpu - cpu_;
        message_us_ += (spent.count() / static_cast<double>(messages_) - message_us_) * kLearn;
    }
    messages_ = 0;
    ticked_ = now;
    cpu_ = cpu;
    was_behind_ = is_behind;
}

std::size_t LoadMeter::backlog_bytes() const {
    std::size_t bytes = 0;
    for (const int fd : sockets_) {
        std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
        socklen_t length = sizeof info;
        if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info.data(), &length) == 0) {
            bytes += info[SK_MEMINFO_RMEM_ALLOC];
        }
    }
    return bytes;
}

std::chrono::microseconds LoadMeter::delay() const {
    const double each = std::max(kKernelLeast, message_bytes_ * kKernelFactor);
    return std::chrono::microseconds(
        static_cast<std::int64_t>(static_cast<double>(backlog_bytes()) / each * message_us_));
}

}  // namespace siprec::sip
