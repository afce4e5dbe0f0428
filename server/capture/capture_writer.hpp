#pragma once

#include "capture/spool.hpp"
#include "config/config.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace siprec::server {

/// The two threads behind the captures of one data directory: one appends each flush interval, one
/// commits each commit interval. *Thread-safe.*
class CaptureWriter {
  public:
    /// @param spool  outlives the writer; driven by nobody else
    CaptureWriter(CaptureSpool& spool, const CaptureConfig& config);
    CaptureWriter(const CaptureWriter&) = delete;
    CaptureWriter& operator=(const CaptureWriter&) = delete;
    ~CaptureWriter();

    /// Writes and commits what is left, and joins the threads. Every session has ended by then.
    /// What a failing disk still refuses stays in `live/` for the next start to finish.
    void stop();

  private:
    CaptureSpool& spool_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread flusher_;
    std::jthread committer_;
};

}  // namespace siprec::server
