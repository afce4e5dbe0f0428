#pragma once

#include "call.hpp"
#include "media.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace srcsim {

/// The result of all calls. *One thread.*
class Report {
  public:
    void add(std::size_t number,
             const std::string& call_id,
             const Outcome& outcome,
             const std::vector<StreamStats>& streams);

    void set_duration(std::chrono::nanoseconds duration) { duration_ = duration; }

    void set_worst_lateness(std::chrono::nanoseconds lateness) { worst_lateness_ = lateness; }

    void set_interrupted() { is_interrupted_ = true; }

    void set_write_failed() { has_write_failed_ = true; }

    [[nodiscard]] bool is_success() const noexcept {
        return calls_failed_ == 0 && !has_write_failed_;
    }

    /// For a program: one object on one line.
    [[nodiscard]] std::string to_json() const;

    /// For a person.
    [[nodiscard]] std::string to_text() const;

  private:
    struct CallLine {
        std::size_t number = 0;
        std::string call_id;
        std::string error;
        std::vector<std::uint32_t> ssrcs;
        std::vector<std::uint64_t> packets;
    };

    // Times to answer, in milliseconds.
    struct AnswerTimes {
        double p50 = 0;
        double p90 = 0;
        double p99 = 0;
        double max = 0;
    };

    [[nodiscard]] static AnswerTimes spread(std::vector<double> sorted);

    std::size_t calls_ok_ = 0;
    std::size_t calls_failed_ = 0;
    std::map<std::string, std::size_t> failures_;
    std::map<std::string, std::size_t> warnings_;
    std::vector<double> answer_ms_;
    std::vector<double> refusal_ms_;
    std::vector<CallLine> lines_;
    std::uint64_t packets_sent_ = 0;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t rtcp_sent_ = 0;
    std::uint64_t rtcp_received_ = 0;
    std::uint64_t send_errors_ = 0;
    std::chrono::nanoseconds duration_{0};
    std::chrono::nanoseconds worst_lateness_{0};
    bool is_interrupted_ = false;
    bool has_write_failed_ = false;  // of --save-sent
};

}  // namespace srcsim
