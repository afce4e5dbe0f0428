#pragma once

// The way of a session's finished captures into store and catalogue, as steps that can be repeated.

#include "archive/attempts.hpp"
#include "archive/record_builder.hpp"
#include "archive/session_job.hpp"
#include "capture/layout.hpp"
#include "catalog/catalog.hpp"
#include "config/config.hpp"
#include "interop/profile_set.hpp"
#include "store/file_store.hpp"

#include <siprec/codec.hpp>
#include <siprec/log.hpp>

#include <mutex>
#include <optional>
#include <string>

namespace siprec::server {

/// Owned by one thread, but for `excuse`.
class CaptureArchiver {
  public:
    /// @param limits  what a document may ask for: the live wing's
    /// @param profiles, decoders, logger  outlive the archiver
    CaptureArchiver(DataLayout layout,
                    const RenderConfig& render,
                    const metadata::ParseLimits& limits,
                    const ProfileStore& profiles,
                    const DecoderRegistry& decoders,
                    Logger& logger);

    /// Does the next thing: reads a part, or renders a recording that is over and puts it with its
    /// parts into the store.
    /// @return whether there was something to do; ResourceExhausted, Io: the disk refuses, try
    /// again
    [[nodiscard]] Result<bool> prepare(SessionJob& job);

    /// Enters what is pending, or finds that it is there.
    /// @return as `Catalog::put`
    [[nodiscard]] Result<void> enter(SessionJob& job, Catalog& catalog) const;

    /// Takes the parts that nobody needs any more out of `captures/`; those that belong to no
    /// recording go into the store.
    [[nodiscard]] Result<void> remove_parts(SessionJob& job, Catalog& catalog) const;

    /// *Thread-safe*: the process is told to stop; the attempt that is running is no death of its
    /// capture.
    void excuse();

  private:
    [[nodiscard]] Result<void> work(SessionJob& job, CapturePart* part, const Attempts& attempts);
    [[nodiscard]] Result<void> play(SessionJob& job, CapturePart& part) const;
    [[nodiscard]] Result<void> build(SessionJob& job,
                                     const SessionStay* stay,
                                     const Attempts& attempts) const;
    [[nodiscard]] Result<void> render(const std::vector<std::string>& captures,
                                      BuiltRecord& built,
                                      std::optional<Rendering>& rendering) const;
    [[nodiscard]] Result<void> make_unreadable(SessionJob& job,
                                               CapturePart& part,
                                               std::string reason) const;
    [[nodiscard]] Result<void> keep_unclaimed(const SessionJob& job,
                                              std::uint32_t number,
                                              Catalog& catalog) const;
    [[nodiscard]] std::string path_of(const CapturePart& part) const;
    void log_result(const RecordingRecord& record) const;

    const DataLayout layout_;
    const FileStore store_;
    const RenderConfig render_;
    const metadata::ParseLimits limits_;
    const ProfileStore& profiles_;
    const DecoderRegistry& decoders_;
    Logger& logger_;
    std::mutex mutex_;
    std::optional<Attempts> attempt_;  // guarded by mutex_
};

}  // namespace siprec::server
