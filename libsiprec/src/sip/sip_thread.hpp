#pragma once

// The SIP thread: one su_root, and the one door by which other threads hand it work.

#include <siprec/result.hpp>

#include <functional>
#include <memory>

namespace siprec::sip {

/// *Thread-safe*, but for construction and `stop`, which belong to the owner.
class SipThread {
  public:
    /// Starts the thread. `on_started` runs on it first (creates the agent); when it fails the
    /// thread ends and the error is returned. `on_stopping` runs on it last.
    /// @param native_root  what `on_started` gets is the su_root_t* of the thread
    [[nodiscard]] static Result<std::unique_ptr<SipThread>> start(
        std::function<Result<void>(void* native_root)> on_started,
        std::function<void()> on_stopping);
    SipThread() = default;
    SipThread(const SipThread&) = delete;
    SipThread& operator=(const SipThread&) = delete;
    virtual ~SipThread() = default;

    /// Runs `work` on the SIP thread, in the order posted. @return false once `stop` was called
    [[nodiscard]] virtual bool post(std::function<void()> work) = 0;

    /// Runs what has been posted, ends the thread and joins it. Further calls do nothing.
    virtual void stop() = 0;
};

}  // namespace siprec::sip
