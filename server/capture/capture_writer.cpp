#include "capture/capture_writer.hpp"

#include <pthread.h>

#include <chrono>

namespace siprec::server {

CaptureWriter::CaptureWriter(CaptureSpool& spool, const CaptureConfig& config) : spool_(spool) {
    const auto every =
        [this](const std::stop_token& stop, std::chrono::milliseconds interval, auto step) {
            while (!stop.stop_requested()) {
                {
                    std::unique_lock lock(mutex_);
                    wake_.wait_for(lock, stop, interval, [] { return false; });
                }
                step();
            }
        };
    flusher_ =
        std::jthread([this, every, interval = config.flush_interval](const std::stop_token& stop) {
            every(stop, interval, [this] { spool_.flush(); });
        });
    committer_ =
        std::jthread([this, every, interval = config.commit_interval](const std::stop_token& stop) {
            every(stop, interval, [this] { spool_.commit(); });
        });
    static_cast<void>(::pthread_setname_np(flusher_.native_handle(), "capture-flush"));
    static_cast<void>(::pthread_setname_np(committer_.native_handle(), "capture-commit"));
}

CaptureWriter::~CaptureWriter() {
    stop();
}

void CaptureWriter::stop() {
    if (!flusher_.joinable()) {
        return;
    }
    flusher_.request_stop();
    committer_.request_stop();
    flusher_.join();
    committer_.join();
    spool_.flush();
    spool_.commit();
}

}  // namespace siprec::server
