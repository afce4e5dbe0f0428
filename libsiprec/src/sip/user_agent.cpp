#include "sip/user_agent.hpp"

#include "sip/agent_impl.hpp"
#include "sip/message_class.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <utility>

namespace siprec::sip {

namespace {

constexpr su_duration_t kTickMs = 100;
constexpr std::chrono::seconds kMalformedLogPeriod{10};
constexpr std::uint64_t kTicksPerCleanUp = 5;

}  // namespace

// sofia-sip's own log is global to the process; its lines come on the thread of the stack that
// writes them, and the last one says why a message was dropped.
static thread_local std::string last_stack_message;

extern "C" {

static void siprec_on_timer(su_root_magic_t* /*magic*/,
                            su_timer_t* /*timer*/,
                            su_timer_arg_t* argument) noexcept {
    reinterpret_cast<UserAgentImpl*>(argument)->tick();
}

/// Whatever belongs to no dialog and no transaction.
static int siprec_on_message(UserAgentImpl* agent,
                             nta_agent_t* /*native*/,
                             msg_t* message,
                             sip_t* sip) noexcept {
    MessagePtr owned(message);
    try {
        if (sip != nullptr && sip->sip_request != nullptr) {
            agent->receive_new(std::move(owned), *sip);
        }
    } catch (...) {
        return 0;  // dropped, and sent again by its client
    }
    return 0;
}

static void siprec_on_log(void* /*stream*/, const char* format, va_list arguments) noexcept {
    std::array<char, 256> line{};
    if (std::vsnprintf(line.data(), line.size(), format, arguments) > 0) {
        last_stack_message = line.data();
    }
}
}

Result<void> UserAgentImpl::open() {
    su_log_redirect(nullptr, siprec_on_log, nullptr);
    agent_.reset(nta_agent_create(
        root_,
        reinterpret_cast<const url_string_t*>(-1),
        siprec_on_message,
        this,
        NTATAG_MCLASS(tolerant_message_class()),
        NTATAG_UA(1),
        NTATAG_MERGE_482(1),
        NTATAG_SIP_T1X64(static_cast<unsigned>(settings_.transaction_timeout.count())),
        NTATAG_CANCEL_487(1),
        NTATAG_SERVER_RPORT(1),
        NTATAG_TCP_RPORT(1),
        NTATAG_MAXSIZE(static_cast<usize_t>(settings_.max_message_bytes)),
        // A header that does not parse costs us that header, not the call:
        // one client in six sends a Contact that breaks the grammar.
        NTATAG_BAD_REQ_MASK(0),
        // Parse a copy, so that the bytes stay as they were received.
        NTATAG_SIPFLAGS(MSG_DO_EXTRACT_COPY),
        NTATAG_BAD_RESP_MASK(0),
        TAG_END()));
    if (!agent_) {
        return Error(ErrorCode::Internal, "nta_agent_create failed");
    }
    if (auto opened = open_listeners(); !opened) {
        return opened;
    }
    load_.watch(listeners_);
    timer_ = su_timer_create(su_root_task(root_), kTickMs);
    if (timer_ == nullptr ||
        su_timer_set_for_ever(timer_, siprec_on_timer, reinterpret_cast<su_timer_arg_t*>(this)) !=
            0) {
        return Error(ErrorCode::Internal, "su_timer_create failed");
    }
    return {};
}

void UserAgentImpl::tick() {
    load_.tick(system_clock().steady_now());
    try {
        handler_.on_tick();
    } catch (const std::exception& error) {
        logger_.log(LogLevel::Error, "sip", "a timer failed", {{"error", error.what()}});
    }
    if (++ticks_ % kTicksPerCleanUp == 0) {
        clean_up();
    }
}

void UserAgentImpl::clean_up() {
    const SteadyTime now = system_clock().steady_now();
    if (const std::uint64_t malformed = stats().malformed;
        malformed > malformed_reported_ && now - malformed_logged_ >= kMalformedLogPeriod) {
        // A flood of junk must not become a flood of log.
        malformed_logged_ = now;
        while (last_stack_message.ends_with('\n')) {
            last_stack_message.pop_back();
        }
        logger_.log(LogLevel::Warning,
                    "sip",
                    "malformed messages dropped or refused by the stack",
                    {{"count", std::to_string(malformed - malformed_reported_)},
                     {"cause", last_stack_message}});
        malformed_reported_ = malformed;
    }
    // A dialog that is still acknowledging or hanging up keeps its place in the stack.
    std::erase_if(ended_, [this](const std::unique_ptr<Dialog>& dialog) {
        // One that ended just now is still named by a Replaces that crossed it (RFC 3891 3).
        constexpr std::chrono::seconds kRemembered{5};
        if (!dialog->transactions.empty() ||
            system_clock().steady_now() - dialog->ended_at < kRemembered) {
            return false;
        }
        handler_.on_gone(dialog->id);
        return true;
    });
}

Result<std::unique_ptr<UserAgent>> UserAgent::create(void* native_root,
                                                     Settings settings,
                                                     Handler& handler,
                                                     Logger& logger) {
    auto agent = std::make_unique<UserAgentImpl>(
        static_cast<su_root_t*>(native_root), std::move(settings), handler, logger);
    if (auto opened = agent->open(); !opened) {
        return std::move(opened).error();
    }
    return std::unique_ptr<UserAgent>(std::move(agent));
}

}  // namespace siprec::sip
