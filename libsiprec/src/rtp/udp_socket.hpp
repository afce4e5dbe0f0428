#pragma once

// Opens, reads and writes UDP sockets.

#include "base/unique_fd.hpp"

#include <siprec/clock.hpp>
#include <siprec/net.hpp>

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace siprec::rtp {

/// A bound socket, or the errno that prevented it.
struct OpenedSocket {
    base::UniqueFd fd;
    int error = 0;
};

/// A non-blocking UDP socket that stamps arrival times in the kernel.
/// @param receive_buffer_bytes  as root also beyond net.core.rmem_max
[[nodiscard]] OpenedSocket open_udp(const Endpoint& local,
                                    std::size_t receive_buffer_bytes) noexcept;

/// A socket that receives nothing. The kernel begins to stamp some time after the first socket of
/// the machine asks for it and ends with the last one, and what it has not stamped counts from when
/// it is read: as long as this one is open, the first packets of a call have their times too.
[[nodiscard]] base::UniqueFd keep_stamping() noexcept;

/// @return 0, or the errno
[[nodiscard]] int send_datagram(int fd,
                                const Endpoint& to,
                                std::span<const std::byte> bytes) noexcept;

/// One received datagram. A view into its batch, valid until that is filled again.
struct Datagram {
    std::span<std::byte> bytes;  // may be decrypted in place
    Endpoint source;
    std::optional<WallTime> arrival;  // none when the kernel gave no time
    bool is_cut = false;
};

/// Reads many datagrams with one system call into buffers of its own, each large enough for any UDP
/// datagram. Memory that no datagram ever reached is never touched.
class DatagramBatch {
  public:
    static constexpr std::size_t kSize = 16;

    DatagramBatch();

    /// Takes what waits, at most `kSize`. @return how many; 0 with `error()` EAGAIN when none wait
    [[nodiscard]] std::size_t receive(int fd) noexcept;

    [[nodiscard]] int error() const noexcept { return error_; }

    [[nodiscard]] Datagram operator[](std::size_t index) const noexcept;

  private:
    // A little over 64 KiB: buffers exactly that far apart would share the same cache lines.
    static constexpr std::size_t kBufferBytes = 65536 + 192;
    static constexpr std::size_t kControlBytes = 64;

    std::unique_ptr<std::byte[]> buffers_;
    std::array<mmsghdr, kSize> messages_{};
    std::array<iovec, kSize> vectors_{};
    std::array<sockaddr_storage, kSize> sources_{};
    alignas(cmsghdr) std::array<std::array<std::byte, kControlBytes>, kSize> controls_{};
    std::size_t used_ = 0;
    int error_ = 0;
};

}  // namespace siprec::rtp
