#pragma once

#include "message.hpp"
#include "offer.hpp"
#include "transaction.hpp"

#include <siprec/clock.hpp>
#include <siprec/net.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace srcsim {

/// What one recording session is to do. *Immutable* once the call has it.
struct CallSettings {
    std::string target;            ///< Request-URI and To
    siprec::Endpoint destination;  ///< next hop of requests outside the dialog's route
    siprec::Endpoint local;        ///< our SIP address, for Via and Contact
    siprec::Transport transport = siprec::Transport::Udp;
    MediaOffer offer;
    CallFacts facts;
    std::string metadata;  ///< sent in place of a generated document; may be empty
    std::string user;      ///< for digest authentication; empty: a 401 ends the call
    std::string password;
    std::chrono::milliseconds duration{0};         ///< of the media
    std::chrono::milliseconds timeout = kTimeout;  ///< for the answer
    bool update = false;      ///< partial metadata at three quarters of the call
    bool hold = false;        ///< inactive between a quarter and a half of it
    bool is_lenient = false;  ///< an answer's problems are warnings as long as media can flow
};

/// What the engine has to do for a call.
struct Send {
    siprec::Endpoint to;
    std::string text;
};

struct StartMedia {
    std::vector<AnsweredStream> streams;
};

struct ChangeMedia {
    std::vector<AnsweredStream> streams;  ///< is_active false: pause this one
};

struct StopMedia {};

struct Finished {};

using Action = std::variant<Send, StartMedia, ChangeMedia, StopMedia, Finished>;

struct Outcome {
    bool is_ok = false;
    std::string error;  ///< the first cause of failure; empty when there was none
    std::vector<std::string> warnings;
    std::optional<std::chrono::nanoseconds> answer_time;     ///< INVITE to 2xx
    std::optional<std::chrono::nanoseconds> refusal_time{};  ///< INVITE to what refused it
};

/// One recording session of a session recording client (RFC 7866 7.1): an INVITE dialog, pure in
/// that messages and times go in and actions come out. *One thread.*
class Call {
  public:
    explicit Call(CallSettings settings);

    void start(siprec::SteadyTime now);
    void on_message(const Message& message, const siprec::Endpoint& source, siprec::SteadyTime now);
    /// All of the call's media has been sent.
    void on_media_done(siprec::SteadyTime now);
    /// Its request could not be sent at all.
    void on_send_error(const std::string& cause);
    /// A TCP connection broke; matters to a call that waits for an answer on it.
    void on_connection_lost(const siprec::Endpoint& peer);
    void on_timer(siprec::SteadyTime now);
    /// Ends it before its time, without making it a failure.
    void hang_up(siprec::SteadyTime now);

    [[nodiscard]] siprec::SteadyTime deadline() const;

    [[nodiscard]] std::vector<Action> take_actions() { return std::exchange(actions_, {}); }

    [[nodiscard]] bool is_finished() const noexcept { return state_ == State::Done; }

    [[nodiscard]] const Outcome& outcome() const noexcept { return outcome_; }

    [[nodiscard]] const std::string& call_id() const noexcept { return call_id_; }

  private:
    enum class State : std::uint8_t { Idle, Calling, Cancelling, Established, Leaving, Done };
    enum class Step : std::uint8_t { Hold, Resume, Update, Snapshot };

    struct DueStep {
        siprec::SteadyTime at{};
        Step step = Step::Hold;
    };

    // The one client transaction that a dialog has at a time, but for CANCEL.
    struct Transaction {
        std::string method;
        std::uint32_t cseq = 0;
        Send request;
        std::optional<Step> step;
        Retransmission timer;
    };

    [[nodiscard]] Message make_request(std::string_view method, std::uint32_t cseq) const;
    void add_contact(Message& message) const;
    void add_offer(Message& message,
                   const std::vector<siprec::sdp::Direction>& directions,
                   bool with_metadata);
    void send_invite(siprec::SteadyTime now);
    void begin(const Message& request, std::optional<Step> step, siprec::SteadyTime now);
    void send_bye(siprec::SteadyTime now);
    void send_cancel(siprec::SteadyTime now);
    void send_ack(const Message& response, std::uint32_t cseq);
    void run_step(Step step, siprec::SteadyTime now);
    void advance(siprec::SteadyTime now);

    void on_response(const Message& response, siprec::SteadyTime now);
    void on_first_answer(const Message& response, siprec::SteadyTime now);
    void on_established(const Message& response, siprec::SteadyTime now);
    void on_step_answer(Step step, const Message& response, siprec::SteadyTime now);
    void on_late_answer(const Message& response, siprec::SteadyTime now);
    void on_timeout(siprec::SteadyTime now);

    void on_request(const Message& request, const siprec::Endpoint& source, siprec::SteadyTime now);
    void on_bye();
    void on_offer(const Message& request, Message& response, siprec::SteadyTime now);
    [[nodiscard]] Message make_response(const Message& request, int status) const;
    void change_media(std::vector<AnsweredStream> streams);
    void learn_dialog(const Message& response);
    [[nodiscard]] siprec::Endpoint next_hop() const;
    void fail(std::string cause);
    void leave();
    void finish();

    CallSettings settings_;
    State state_ = State::Idle;
    std::vector<Action> actions_;
    Outcome outcome_;

    std::string call_id_;
    std::string from_;
    std::string to_;
    std::string remote_target_;
    std::vector<std::string> route_set_;
    std::uint32_t cseq_ = 0;
    std::string authorization_;  // of the INVITE that starts the session
    std::uint64_t sdp_version_ = 1;

    Transaction transaction_;
    std::map<std::uint32_t, Send> acks_;  // by CSeq, for responses that are repeated
    Send last_response_;
    std::string last_request_id_;  // CSeq and Via of the request that last_response_ answers
    Retransmission answer_timer_;  // of our 2xx to the SRS's re-INVITE

    siprec::SteadyTime started_;
    std::vector<DueStep> steps_;
    bool has_provisional_ = false;
    bool is_on_hold_ = false;
    bool bye_wanted_ = false;
    bool has_media_ = false;
};

}  // namespace srcsim
