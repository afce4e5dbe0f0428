#include "call.hpp"

#include <siprec/body.hpp>
#include <siprec/metadata.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using siprec::SteadyTime;
using srcsim::Call;
using srcsim::CallSettings;
using srcsim::Message;
using std::chrono::milliseconds;

namespace {

const siprec::Endpoint& srs() {
    static const siprec::Endpoint kSrs =
        siprec::Endpoint::parse("127.0.0.1:5060").value_or(siprec::Endpoint{});
    return kSrs;
}

CallSettings settings() {
    CallSettings out;
    const auto address = siprec::IpAddress::parse("127.0.0.1").value_or(siprec::IpAddress{});
    out.target = "sip:rec@127.0.0.1:5060";
    out.destination = srs();
    out.local = {address, 6000};
    out.offer.session_id = 1;
    out.offer.labels = {"1", "2"};
    out.offer.local = {{address, 40000}, {address, 40002}};
    out.offer.format = {0, "PCMU", 8000, 1, {}};
    out.facts.ids = srcsim::MetadataIds::random(2);
    out.facts.labels = out.offer.labels;
    out.facts.caller = {"Alice", "sip:alice@example.com"};
    out.facts.callee = {"Bob", "sip:bob@example.com"};
    out.facts.transferee = {"Carol", "sip:carol@example.com"};
    out.duration = milliseconds{4000};
    return out;
}

// A call and the recorder it talks to, on a clock that the test sets.
class Dialog {
  public:
    explicit Dialog(CallSettings call_settings = settings()) : call(std::move(call_settings)) {}

    void at(long milliseconds_since_start) {
        now = SteadyTime{milliseconds{milliseconds_since_start}};
        call.on_timer(now);
        collect();
    }

    void start() {
        call.start(now);
        collect();
    }

    void answer(const Message& request, int status, const std::string& direction = "recvonly") {
        Message response;
        response.status = status;
        response.reason = "Reason";
        for (const char* name : {"Via", "From", "Call-ID", "CSeq"}) {
            response.add(name, request.value(name));
        }
        response.add("To", std::string{request.value("To")} + (is_established ? "" : ";tag=srs"));
        response.add("Contact", "<sip:box@127.0.0.1:5099>;+sip.srs");
        if (status == 200 && request.method == "INVITE") {
            response.add("Content-Type", "application/sdp");
            response.body = sdp(direction);
            is_established = true;
        }
        deliver(response);
    }

    void deliver(const Message& message) {
        call.on_message(message, srs(), now);
        collect();
    }

    static std::string sdp(const std::string& direction) {
        return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
               "m=audio 30000 RTP/AVP 0\r\na=" +
               direction + "\r\na=label:1\r\nm=audio 30002 RTP/AVP 0\r\na=" + direction +
               "\r\na=label:2\r\n";
    }

    // A request of the SRS within the dialog.
    [[nodiscard]] Message request(const std::string& method, unsigned cseq) const {
        Message out;
        out.method = method;
        out.uri = "sip:siprec-src@127.0.0.1:6000";
        out.add("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK" + method + std::to_string(cseq));
        out.add("From", "<sip:rec@127.0.0.1:5060>;tag=srs");
        out.add("To", "<sip:siprec-src@127.0.0.1>;tag=ours");
        out.add("Call-ID", call.call_id());
        out.add("CSeq", std::to_string(cseq) + " " + method);
        return out;
    }

    [[nodiscard]] const Message& last() const { return sent.back(); }

    template <typename T>
    [[nodiscard]] std::size_t count() const {
        std::size_t found = 0;
        for (const auto& action : actions) {
            found += std::holds_alternative<T>(action) ? 1U : 0U;
        }
        return found;
    }

    Call call;
    SteadyTime now{};
    std::vector<Message> sent;
    std::vector<srcsim::Action> actions;
    bool is_established = false;

  private:
    void collect() {
        for (auto& action : call.take_actions()) {
            if (const auto* send = std::get_if<srcsim::Send>(&action)) {
                auto message = srcsim::parse_message(send->text);
                REQUIRE(message);
                sent.push_back(std::move(*message));
            }
            actions.push_back(std::move(action));
        }
    }
};

}  // namespace

TEST_CASE("siprec-src call: the INVITE is a SIPREC one", "[unit][siprec-src][rfc7866]") {
    Dialog dialog;
    dialog.start();
    REQUIRE(dialog.sent.size() == 1);
    const Message& invite = dialog.last();
    CHECK(invite.method == "INVITE");
    CHECK(invite.value("Require") == "siprec");
    const auto contact = srcsim::parse_name_addr(invite.value("Contact"));
    REQUIRE(contact);
    CHECK(contact->param("+sip.src") != nullptr);
    CHECK(std::string{invite.value("Via")}.find(";rport") != std::string::npos);
    const auto parts = siprec::parse_body(invite.value("Content-Type"), "", invite.body);
    REQUIRE(parts);
    REQUIRE(parts->size() == 2);
    CHECK((*parts)[0].is_sdp());
    CHECK((*parts)[1].is_metadata());
    CHECK((*parts)[1].content_disposition == "recording-session");
    CHECK(siprec::metadata::parse((*parts)[1].content));
}

TEST_CASE("siprec-src call: a call goes from INVITE to BYE", "[unit][siprec-src][rfc3261]") {
    Dialog dialog;
    dialog.start();
    const Message invite = dialog.last();
    dialog.answer(invite, 100);
    dialog.answer(invite, 180);
    dialog.at(20);
    dialog.answer(invite, 200);
    CHECK(dialog.last().method == "ACK");
    CHECK(dialog.last().uri == "sip:box@127.0.0.1:5099");
    CHECK(dialog.last().value("To").ends_with(";tag=srs"));
    CHECK(dialog.count<srcsim::StartMedia>() == 1);
    CHECK(dialog.call.outcome().answer_time == milliseconds{20});

    dialog.answer(invite, 200);  // its ACK was lost
    CHECK(dialog.sent.size() == 3);
    CHECK(dialog.last().method == "ACK");
    CHECK(dialog.count<srcsim::StartMedia>() == 1);

    dialog.call.on_media_done(dialog.now);
    dialog.at(4000);
    CHECK(dialog.last().method == "BYE");
    CHECK(dialog.last().value("CSeq") == "2 BYE");
    CHECK(dialog.count<srcsim::StopMedia>() == 1);
    CHECK_FALSE(dialog.call.is_finished());
    dialog.answer(dialog.last(), 200);
    CHECK(dialog.call.is_finished());
    CHECK(dialog.call.outcome().is_ok);
    CHECK(dialog.count<srcsim::Finished>() == 1);
}

TEST_CASE("siprec-src call: a refusal is acknowledged and named", "[unit][siprec-src][rfc3261]") {
    Dialog dialog;
    dialog.start();
    const Message invite = dialog.last();
    dialog.answer(invite, 503);
    CHECK(dialog.last().method == "ACK");
    CHECK(dialog.last().value("Via") == invite.value("Via"));
    CHECK(dialog.call.is_finished());
    CHECK_FALSE(dialog.call.outcome().is_ok);
    CHECK(dialog.call.outcome().error == "503 Reason");
    CHECK(dialog.count<srcsim::StartMedia>() == 0);
}

TEST_CASE("siprec-src call: an SRS that never answers is a timeout after 32 s",
          "[unit][siprec-src][rfc3261]") {
    Dialog dialog;
    dialog.start();
    while (!dialog.call.is_finished()) {
        dialog.at(
            std::chrono::duration_cast<milliseconds>(dialog.call.deadline().time_since_epoch())
                .count());
    }
    CHECK(dialog.now == SteadyTime{milliseconds{32000}});
    CHECK(dialog.sent.size() == 7);
    CHECK(dialog.call.outcome().error == "timeout: no final answer to INVITE");
}

TEST_CASE("siprec-src call: an SRS that only rings is cancelled", "[unit][siprec-src][rfc3261]") {
    Dialog dialog;
    dialog.start();
    const Message invite = dialog.last();
    dialog.answer(invite, 180);
    dialog.at(32000);
    CHECK(dialog.last().method == "CANCEL");
    CHECK(dialog.last().value("Via") == invite.value("Via"));
    CHECK(dialog.last().value("CSeq") == "1 CANCEL");
    dialog.answer(invite, 487);
    CHECK(dialog.last().method == "ACK");
    CHECK(dialog.call.is_finished());
}

TEST_CASE("siprec-src call: a bad answer ends in BYE and a named failure",
          "[unit][siprec-src][rfc7866]") {
    Dialog dialog;
    dialog.start();
    dialog.answer(dialog.last(), 200, "sendrecv");
    CHECK(dialog.last().method == "BYE");
    CHECK(dialog.count<srcsim::StartMedia>() == 0);
    dialog.answer(dialog.last(), 200);
    CHECK(dialog.call.outcome().error == "answer: direction sendrecv");
}

TEST_CASE("siprec-src call: a bad answer is a warning when lenient", "[unit][siprec-src]") {
    CallSettings lenient = settings();
    lenient.is_lenient = true;
    Dialog dialog{lenient};
    dialog.start();
    dialog.answer(dialog.last(), 200, "sendrecv");
    CHECK(dialog.count<srcsim::StartMedia>() == 1);
    CHECK(dialog.call.outcome().warnings.size() == 2);
}

TEST_CASE("siprec-src call: hold and update happen in mid-call one after the other",
          "[unit][siprec-src][rfc7866]") {
    CallSettings busy = settings();
    busy.hold = busy.update = true;
    Dialog dialog{busy};
    dialog.start();
    dialog.answer(dialog.last(), 200);
    dialog.at(1000);
    CHECK(dialog.last().method == "INVITE");
    CHECK(dialog.last().body.find("a=inactive") != std::string::npos);
    CHECK(dialog.count<srcsim::ChangeMedia>() == 1);
    const Message hold = dialog.last();
    dialog.at(2000);
    CHECK(dialog.last().value("CSeq") == hold.value("CSeq"));  // waits for the answer
    dialog.answer(hold, 200, "inactive");
    CHECK(dialog.last().method == "INVITE");
    CHECK(dialog.last().body.find("a=sendonly") != std::string::npos);
    dialog.answer(dialog.last(), 200);
    const auto* change = std::get_if<srcsim::ChangeMedia>(&dialog.actions.back());
    REQUIRE(change != nullptr);
    CHECK(change->streams[0].is_active);
    dialog.at(3000);
    CHECK(dialog.last().method == "UPDATE");
    const auto metadata = siprec::metadata::parse(dialog.last().body);
    REQUIRE(metadata);
    CHECK(metadata->document.mode == siprec::metadata::DataMode::Partial);
    dialog.answer(dialog.last(), 200);
    CHECK(dialog.call.outcome().error.empty());
}

TEST_CASE("siprec-src call: a BYE of the SRS is answered and counted as a failure",
          "[unit][siprec-src][rfc3261]") {
    Dialog dialog;
    dialog.start();
    dialog.answer(dialog.last(), 200);
    const Message bye = dialog.request("BYE", 1);
    dialog.deliver(bye);
    CHECK(dialog.last().status == 200);
    CHECK(dialog.call.is_finished());
    CHECK(dialog.call.outcome().error == "ended early by the SRS");
    CHECK(dialog.count<srcsim::StopMedia>() == 1);
    dialog.deliver(bye);
    CHECK(dialog.sent.size() == 4);
    CHECK(dialog.last().status == 200);
}

TEST_CASE("siprec-src call: requests of the SRS get sensible answers",
          "[unit][siprec-src][rfc3261]") {
    Dialog dialog;
    dialog.start();
    dialog.answer(dialog.last(), 200, "inactive");
    dialog.deliver(dialog.request("OPTIONS", 1));
    CHECK(dialog.last().status == 200);
    dialog.deliver(dialog.request("UPDATE", 2));
    CHECK(dialog.last().status == 200);
    dialog.deliver(dialog.request("REFER", 3));
    CHECK(dialog.last().status == 405);

    Message invite = dialog.request("INVITE", 4);  // RFC 7866 7.2: now it is ready
    invite.add("Content-Type", "application/sdp");
    invite.body = Dialog::sdp("recvonly");
    dialog.deliver(invite);
    CHECK(dialog.last().status == 200);
    CHECK(dialog.last().body.find("a=sendonly") != std::string::npos);
    CHECK(dialog.count<srcsim::ChangeMedia>() == 1);
    const std::size_t sent = dialog.sent.size();
    dialog.at(500);
    CHECK(dialog.sent.size() == sent + 1);  // no ACK yet
    dialog.deliver(dialog.request("ACK", 4));
    dialog.at(60000);
    CHECK(dialog.sent.size() == sent + 1);

    invite = dialog.request("INVITE", 5);
    invite.add("Content-Type", "application/sdp");
    invite.body = "nonsense";
    dialog.deliver(invite);
    CHECK(dialog.last().status == 488);
}

TEST_CASE("siprec-src call: a snapshot request is followed by complete metadata",
          "[unit][siprec-src][rfc7866]") {
    Dialog dialog;
    dialog.start();
    dialog.answer(dialog.last(), 200);
    Message update = dialog.request("UPDATE", 1);
    update.add("Content-Type", "application/rs-metadata-request");
    update.body = "<requestsnapshot/>";
    dialog.deliver(update);
    REQUIRE(dialog.sent.size() == 4);
    CHECK(dialog.sent[2].status == 200);
    CHECK(dialog.last().method == "INVITE");
    CHECK(dialog.last().value("Content-Type").starts_with("multipart/mixed"));
}

TEST_CASE("siprec-src call: hanging up early ends well after the answer and not before",
          "[unit][siprec-src]") {
    Dialog answered;
    answered.start();
    answered.answer(answered.last(), 200);
    answered.call.hang_up(answered.now);
    answered.at(1);
    CHECK(answered.last().method == "BYE");
    answered.answer(answered.last(), 200);
    CHECK(answered.call.outcome().is_ok);

    Dialog waiting;
    waiting.start();
    const Message invite = waiting.last();
    waiting.call.hang_up(waiting.now);
    waiting.at(1);
    waiting.answer(invite, 200);  // it crossed: acknowledged and ended at once
    CHECK(waiting.last().method == "BYE");
    waiting.answer(waiting.last(), 200);
    CHECK(waiting.call.is_finished());
    CHECK(waiting.call.outcome().error == "interrupted before the answer");
}

TEST_CASE("siprec-src call: requests follow the route set of the answer",
          "[unit][siprec-src][rfc3261]") {
    Dialog dialog;
    dialog.start();
    Message response;
    response.status = 200;
    response.reason = "OK";
    for (const char* name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
        response.add(name, dialog.last().value(name));
    }
    response.add("Record-Route", "<sip:127.0.0.3;lr>, <sip:127.0.0.2:5080;lr>");
    response.add("Contact", "<sip:box@127.0.0.1:5099>;+sip.srs");
    response.add("Content-Type", "application/sdp");
    response.body = Dialog::sdp("recvonly");
    dialog.deliver(response);
    const auto routes = dialog.last().values("Route");
    REQUIRE(routes.size() == 2);
    CHECK(routes[0] == "<sip:127.0.0.2:5080;lr>");
    const auto* ack = std::get_if<srcsim::Send>(&dialog.actions[1]);
    REQUIRE(ack != nullptr);
    CHECK(ack->to.to_string() == "127.0.0.2:5080");
}
