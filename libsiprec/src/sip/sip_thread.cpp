#include "sip/sip_thread.hpp"

#include "base/mutex.hpp"
#include "sip/sofia.hpp"

#include <pthread.h>

#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace siprec::sip {

namespace {

struct RootDeleter {
    void operator()(su_root_t* root) const noexcept { su_root_destroy(root); }
};

/// su_init once in the program; its counterpart is left to the process's end, because other users
/// of sofia-sip in the same program may still need it.
Result<void> initialise_sofia() {
    static const int status = su_init();
    if (status != 0) {
        return Error(ErrorCode::Internal, "su_init failed");
    }
    return {};
}

using Work = std::function<void()>;

extern "C" void siprec_run_work(su_root_magic_t* /*magic*/,
                                su_msg_r message,
                                su_msg_arg_t* argument) noexcept {
    static_cast<void>(message);
    try {
        (**reinterpret_cast<Work**>(argument))();
    } catch (...) {
        // Posted work reports its own failures; one that threw must not take the SIP thread along.
    }
}

extern "C" void siprec_delete_work(su_msg_arg_t* argument) noexcept {
    const std::unique_ptr<Work> owned(*reinterpret_cast<Work**>(argument));
}

class SipThreadImpl final : public SipThread {
  public:
    SipThreadImpl() = default;
    SipThreadImpl(const SipThreadImpl&) = delete;
    SipThreadImpl& operator=(const SipThreadImpl&) = delete;

    ~SipThreadImpl() override { stop(); }

    Result<void> run(std::function<Result<void>(void*)> on_started,
                     std::function<void()> on_stopping) {
        std::promise<Result<void>> started;
        auto outcome = started.get_future();
        thread_ = std::thread([this,
                               &started,
                               on_started = std::move(on_started),
                               on_stopping = std::move(on_stopping)] {
            const std::unique_ptr<su_root_t, RootDeleter> root(su_root_create(nullptr));
            if (!root) {
                started.set_value(Error(ErrorCode::Internal, "su_root_create failed"));
                return;
            }
            auto result = on_started(root.get());
            const bool good = result.has_value();
            if (good) {
                const base::MutexLock lock(mutex_);
                root_ = root.get();
            }
            started.set_value(std::move(result));
            if (!good) {
                return;
            }
            su_root_run(root.get());
            on_stopping();
        });
        // The name is for those who look at the threads; nothing depends on it.
        static_cast<void>(::pthread_setname_np(thread_.native_handle(), "sip"));
        return outcome.get();
    }

    bool post(Work work) override {
        const base::MutexLock lock(mutex_);
        return root_ != nullptr && send(std::move(work));
    }

    void stop() override {
        {
            const base::MutexLock lock(mutex_);
            if (root_ != nullptr) {
                su_root_t* root = root_;
                // Last in the queue: what was posted before has run when the loop breaks.
                static_cast<void>(send([root] { su_root_break(root); }));
                root_ = nullptr;
            }
        }
        if (thread_.joinable()) {
            thread_.join();
        }
    }

  private:
    bool send(Work work) SIPREC_REQUIRES(mutex_) {
        su_msg_r message = SU_MSG_R_INIT;
        if (su_msg_create(
                message, su_root_task(root_), su_task_null, siprec_run_work, sizeof(Work*)) != 0) {
            return false;
        }
        su_msg_deinitializer(message, siprec_delete_work);
        auto owned = std::make_unique<Work>(std::move(work));
        *reinterpret_cast<Work**>(su_msg_data(message)) = owned.release();
        return su_msg_send(message) == 0;
    }

    base::Mutex mutex_;
    su_root_t* root_ SIPREC_GUARDED_BY(mutex_) = nullptr;
    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<SipThread>> SipThread::start(std::function<Result<void>(void*)> on_started,
                                                    std::function<void()> on_stopping) {
    if (auto ready = initialise_sofia(); !ready) {
        return std::move(ready).error();
    }
    auto thread = std::make_unique<SipThreadImpl>();
    if (auto started = thread->run(std::move(on_started), std::move(on_stopping)); !started) {
        return std::move(started).error();
    }
    return std::unique_ptr<SipThread>(std::move(thread));
}

}  // namespace siprec::sip
