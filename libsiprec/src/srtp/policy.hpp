#pragma once

#include <siprec/result.hpp>
#include <siprec/srtp.hpp>

#include <srtp2/srtp.h>

#include <cstdint>
#include <vector>

namespace siprec::srtp {

/// libsrtp2's view of a `Protection`, with the memory that it points into. Stays where it is made.
class Policy {
  public:
    /// @return InvalidArgument when the keys do not fit the suite (RFC 4568 6.1)
    [[nodiscard]] static Result<void> check(const Protection& protection);

    /// @param protection  checked
    Policy(const Protection& protection, srtp_ssrc_type_t direction);
    Policy(const Policy&) = delete;
    Policy& operator=(const Policy&) = delete;
    ~Policy() = default;

    [[nodiscard]] const srtp_policy_t& get() const noexcept { return policy_; }

    /// The same for one SSRC alone.
    [[nodiscard]] srtp_policy_t for_ssrc(std::uint32_t ssrc) const noexcept;

    [[nodiscard]] bool uses_mki() const noexcept { return uses_mki_; }

    /// Bytes that a protected packet may have more than the plain one.
    [[nodiscard]] static constexpr std::size_t growth() noexcept { return SRTP_MAX_TRAILER_LEN; }

  private:
    Protection protection_;
    bool uses_mki_;
    std::vector<srtp_master_key_t> keys_;
    std::vector<srtp_master_key_t*> key_pointers_;
    srtp_policy_t policy_{};
};

}  // namespace siprec::srtp
