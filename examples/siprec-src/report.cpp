#include "report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace srcsim {

namespace {

constexpr std::size_t kMostCallsListed = 100;

double milliseconds(std::chrono::nanoseconds time) {
    return std::chrono::duration<double, std::milli>{time}.count();
}

}  // namespace

void Report::add(std::size_t number,
                 const std::string& call_id,
                 const Outcome& outcome,
                 const std::vector<StreamStats>& streams) {
    ++(outcome.is_ok ? calls_ok_ : calls_failed_);
    if (!outcome.is_ok) {
        ++failures_[outcome.error];
    }
    for (const std::string& warning : outcome.warnings) {
        ++warnings_[warning];
    }
    if (outcome.answer_time) {
        answer_ms_.push_back(milliseconds(*outcome.answer_time));
    }
    if (outcome.refusal_time) {
        refusal_ms_.push_back(milliseconds(*outcome.refusal_time));
    }
    CallLine line{number, call_id, outcome.error, {}, {}};
    for (const StreamStats& stream : streams) {
        packets_sent_ += stream.packets;
        bytes_sent_ += stream.payload_bytes;
        rtcp_sent_ += stream.rtcp_sent;
        rtcp_received_ += stream.rtcp_received;
        send_errors_ += stream.send_errors;
        line.ssrcs.push_back(stream.ssrc);
        line.packets.push_back(stream.packets);
    }
    if (lines_.size() <= kMostCallsListed) {
        lines_.push_back(std::move(line));
    }
}

Report::AnswerTimes Report::spread(std::vector<double> sorted) {
    if (sorted.empty()) {
        return {};
    }
    std::sort(sorted.begin(), sorted.end());
    const auto percentile = [&](double share) {
        const auto rank =
            static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
        return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
    };
    return {percentile(0.50), percentile(0.90), percentile(0.99), sorted.back()};
}

std::string Report::to_json() const {
    const AnswerTimes times = spread(answer_ms_);
    const AnswerTimes refusals = spread(refusal_ms_);
    nlohmann::ordered_json out;
    out["calls_ok"] = calls_ok_;
    out["calls_failed"] = calls_failed_;
    out["failures"] = failures_;
    out["warnings"] = warnings_;
    out["packets_sent"] = packets_sent_;
    out["bytes_sent"] = bytes_sent_;
    out["rtcp_sent"] = rtcp_sent_;
    out["rtcp_received"] = rtcp_received_;
    out["send_errors"] = send_errors_;
    out["answer_ms"] = {
        {"p50", times.p50}, {"p90", times.p90}, {"p99", times.p99}, {"max", times.max}};
    out["refusal_ms"] = {
        {"p50", refusals.p50}, {"p90", refusals.p90}, {"p99", refusals.p99}, {"max", refusals.max}};
    out["worst_lateness_ms"] = milliseconds(worst_lateness_);
    out["duration_s"] = milliseconds(duration_) / 1000;
    out["interrupted"] = is_interrupted_;
    if (lines_.size() <= kMostCallsListed) {
        out["calls"] = nlohmann::ordered_json::array();
        for (const CallLine& line : lines_) {
            nlohmann::ordered_json call;
            call["number"] = line.number;
            call["call_id"] = line.call_id;
            call["ok"] = line.error.empty();
            call["ssrc"] = line.ssrcs;
            call["packets_sent"] = line.packets;
            call["error"] = nullptr;
            if (!line.error.empty()) {
                call["error"] = line.error;
            }
            out["calls"].push_back(std::move(call));
        }
    }
    // A peer's reason phrase need not be UTF-8.
    return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string Report::to_text() const {
    const AnswerTimes times = spread(answer_ms_);
    std::ostringstream out;
    out << std::fixed << std::setprecision(1);
    out << "calls    " << calls_ok_ << " ok, " << calls_failed_ << " failed, in "
        << milliseconds(duration_) / 1000 << " s" << (is_interrupted_ ? ", interrupted" : "")
        << '\n';
    for (const auto& [cause, count] : failures_) {
        out << "  failed " << count << " x " << cause << '\n';
    }
    for (const auto& [cause, count] : warnings_) {
        out << "  warned " << count << " x " << cause << '\n';
    }
    out << "answer   " << times.p50 << " ms median, " << times.p90 << " ms p90, " << times.p99
        << " ms p99, " << times.max << " ms max\n";
    out << "media    " << packets_sent_ << " packets, " << bytes_sent_ << " payload bytes, "
        << send_errors_ << " send errors, at most " << milliseconds(worst_lateness_)
        << " ms late\n";
    out << "rtcp     " << rtcp_sent_ << " sent, " << rtcp_received_ << " received\n";
    return out.str();
}

}  // namespace srcsim
