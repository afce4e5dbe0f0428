#include "srtp/context.hpp"

#include <fmt/format.h>

#include <limits>

namespace siprec::srtp {

namespace {

// No UDP datagram is longer; libsrtp2 counts in int.
constexpr std::size_t kMaxPacket = 65'535;

template <typename Protect>
bool protect(std::vector<std::byte>& packet, Protect call) noexcept {
    const std::size_t plain = packet.size();
    if (plain > kMaxPacket) {
        return false;
    }
    packet.resize(plain + Policy::growth());
    int length = static_cast<int>(plain);
    const bool done = call(packet.data(), &length) == srtp_err_status_ok;
    packet.resize(done ? static_cast<std::size_t>(length) : plain);
    return done;
}

template <typename Unprotect>
srtp_err_status_t unprotect(std::span<std::byte>& packet, Unprotect call) noexcept {
    if (packet.size() > kMaxPacket) {
        return srtp_err_status_bad_param;
    }
    int length = static_cast<int>(packet.size());
    const srtp_err_status_t status = call(packet.data(), &length);
    if (status == srtp_err_status_ok) {
        packet = packet.first(static_cast<std::size_t>(length));
    }
    return status;
}

}  // namespace

Result<Context> Context::create(const srtp_policy_t& policy) {
    srtp_t made = nullptr;
    const srtp_err_status_t status = srtp_create(&made, &policy);
    if (status != srtp_err_status_ok) {
        return Error(
            ErrorCode::Unsupported,
            fmt::format("libsrtp2 refuses the suite with status {}", static_cast<int>(status)));
    }
    return Context(made);
}

bool Context::protect_rtp(std::vector<std::byte>& packet, bool with_mki) noexcept {
    return protect(packet, [this, with_mki](std::byte* bytes, int* length) {
        return srtp_protect_mki(context_.get(), bytes, length, with_mki ? 1U : 0U, 0);
    });
}

bool Context::protect_rtcp(std::vector<std::byte>& packet, bool with_mki) noexcept {
    return protect(packet, [this, with_mki](std::byte* bytes, int* length) {
        return srtp_protect_rtcp_mki(context_.get(), bytes, length, with_mki ? 1U : 0U, 0);
    });
}

srtp_err_status_t Context::unprotect_rtp(std::span<std::byte>& packet, bool with_mki) noexcept {
    return unprotect(packet, [this, with_mki](std::byte* bytes, int* length) {
        return srtp_unprotect_mki(context_.get(), bytes, length, with_mki ? 1U : 0U);
    });
}

srtp_err_status_t Context::unprotect_rtcp(std::span<std::byte>& packet, bool with_mki) noexcept {
    return unprotect(packet, [this, with_mki](std::byte* bytes, int* length) {
        return srtp_unprotect_rtcp_mki(context_.get(), bytes, length, with_mki ? 1U : 0U);
    });
}

}  // namespace siprec::srtp
