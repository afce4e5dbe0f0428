#include "rtp/udp_socket.hpp"

#include "base/socket_address.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <ctime>

namespace siprec::rtp {

namespace {

bool set_option(int fd, int level, int name, int value) noexcept {
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// A smaller buffer than asked for, or times taken by ourselves, still make a working socket.
void set_preferences(int fd, std::size_t receive_buffer_bytes) noexcept {
    const int bytes = static_cast<int>(std::min<std::size_t>(receive_buffer_bytes, INT_MAX / 2));
    if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) {
        static_cast<void>(set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes));
    }
    static_cast<void>(set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1));
}

std::optional<WallTime> kernel_time(const msghdr& header) noexcept {
    // The kernel's interface is not const-correct; nothing is written.
    auto* message = const_cast<msghdr*>(&header);
    for (cmsghdr* control = CMSG_FIRSTHDR(message); control != nullptr;
         control = CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
            timespec time{};
            std::memcpy(&time, CMSG_DATA(control), sizeof time);
            return WallTime(std::chrono::seconds(time.tv_sec) +
                            std::chrono::nanoseconds(time.tv_nsec));
        }
    }
    return std::nullopt;
}

}  // namespace

OpenedSocket open_udp(const Endpoint& local, std::size_t receive_buffer_bytes) noexcept {
    const bool six = local.address.is_v6();
    OpenedSocket opened;
    opened.fd = base::UniqueFd(
        ::socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int fd = opened.fd.get();
    const base::SocketAddress address = base::to_socket_address(local);
    if (!opened.fd || (six && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) ||
        ::bind(fd, address.get(), address.length) != 0) {
        opened.error = errno;
        opened.fd.reset(-1);
        return opened;
    }
    set_preferences(fd, receive_buffer_bytes);
    return opened;
}

base::UniqueFd keep_stamping() noexcept {
    base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    static_cast<void>(set_option(socket.get(), SOL_SOCKET, SO_TIMESTAMPNS, 1));
    return socket;
}

int send_datagram(int fd, const Endpoint& to, std::span<const std::byte> bytes) noexcept {
    const base::SocketAddress address = base::to_socket_address(to);
    const ssize_t sent = ::sendto(
        fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, address.get(), address.length);
    return sent < 0 ? errno : 0;
}

DatagramBatch::DatagramBatch()
    : buffers_(std::make_unique_for_overwrite<std::byte[]>(kSize * kBufferBytes)), used_(kSize) {
    for (std::size_t i = 0; i < kSize; ++i) {
        vectors_[i] = {.iov_base = buffers_.get() + i * kBufferBytes, .iov_len = kBufferBytes};
        msghdr& header = messages_[i].msg_hdr;
        header.msg_iov = &vectors_[i];
        header.msg_iovlen = 1;
        header.msg_name = &sources_[i];
        header.msg_control = controls_[i].data();
    }
}

std::size_t DatagramBatch::receive(int fd) noexcept {
    // The kernel overwrites the lengths of those that it fills, and of those only.
    for (std::size_t i = 0; i < used_; ++i) {
        messages_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
        messages_[i].msg_hdr.msg_controllen = kControlBytes;
    }
    int count = 0;
    do {
        count = ::recvmmsg(fd, messages_.data(), kSize, MSG_DONTWAIT, nullptr);
    } while (count < 0 && errno == EINTR);
    error_ = count < 0 ? errno : 0;
    used_ = count < 0 ? 1 : static_cast<std::size_t>(count);
    return count < 0 ? 0 : used_;
}

Datagram DatagramBatch::operator[](std::size_t index) const noexcept {
    const mmsghdr& message = messages_[index];
    return {.bytes = {buffers_.get() + index * kBufferBytes, message.msg_len},
            .source = base::to_endpoint(sources_[index]),
            .arrival = kernel_time(message.msg_hdr),
            .is_cut = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0};
}

}  // namespace siprec::rtp
