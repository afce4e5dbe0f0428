#pragma once

#include "srtp/policy.hpp"

#include <siprec/result.hpp>

#include <srtp2/srtp.h>

#include <memory>
#include <span>
#include <type_traits>
#include <vector>

namespace siprec::srtp {

struct ContextFree {
    void operator()(srtp_t context) const noexcept { static_cast<void>(srtp_dealloc(context)); }
};

/// A libsrtp2 session. *Not thread-safe.*
class Context {
  public:
    /// Wants libsrtp2 started. @return Unsupported when it refuses the policy
    [[nodiscard]] static Result<Context> create(const srtp_policy_t& policy);

    [[nodiscard]] srtp_t get() const noexcept { return context_.get(); }

    [[nodiscard]] bool protect_rtp(std::vector<std::byte>& packet, bool with_mki) noexcept;
    [[nodiscard]] bool protect_rtcp(std::vector<std::byte>& packet, bool with_mki) noexcept;
    [[nodiscard]] srtp_err_status_t unprotect_rtp(std::span<std::byte>& packet,
                                                  bool with_mki) noexcept;
    [[nodiscard]] srtp_err_status_t unprotect_rtcp(std::span<std::byte>& packet,
                                                   bool with_mki) noexcept;

  private:
    explicit Context(srtp_t context) noexcept : context_(context) {}

    std::unique_ptr<std::remove_pointer_t<srtp_t>, ContextFree> context_;
};

}  // namespace siprec::srtp
