#pragma once

#include <siprec/result.hpp>

#include <string>

namespace siprec::server {

/// Counts beside a capture how often its archiving was begun and never ended, because the process
/// died in it: a capture that brings a decoder down must not keep the worker from all others for
/// ever. One thread.
class Attempts {
  public:
    /// Counts one attempt more.
    [[nodiscard]] static Result<Attempts> begin(const std::string& capture_path);

    /// It came back, with whatever result; what died before counts no more.
    [[nodiscard]] Result<void> end() const;

    /// The capture is taken away.
    [[nodiscard]] static Result<void> forget(const std::string& capture_path);

    /// This attempt counts no more, those that died before do: a step before the dangerous one came
    /// back, or the process is ended from outside.
    [[nodiscard]] Result<void> excuse() const;

    /// Died often enough to leave the decoding out.
    [[nodiscard]] bool is_doubtful() const noexcept { return died_ >= 3; }

    /// Died without decoding, too.
    [[nodiscard]] bool is_hopeless() const noexcept { return died_ >= 5; }

  private:
    Attempts(std::string path, unsigned died) : path_(std::move(path)), died_(died) {}

    std::string path_;
    unsigned died_ = 0;
};

}  // namespace siprec::server
