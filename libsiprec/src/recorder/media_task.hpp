#pragma once

// Closures as tasks of a media thread.

#include "rtp/engine.hpp"

#include <memory>
#include <utility>

namespace siprec::recorder {

/// A closure as a task of a media thread.
template <typename Call>
class CallTask final : public rtp::Task {
  public:
    explicit CallTask(Call call) : call_(std::move(call)) {}

    void run(rtp::MediaThread& thread) override { call_(thread); }

  private:
    Call call_;
};

template <typename Call>
std::unique_ptr<rtp::Task> make_task(Call call) {
    return std::make_unique<CallTask<Call>>(std::move(call));
}

}  // namespace siprec::recorder
