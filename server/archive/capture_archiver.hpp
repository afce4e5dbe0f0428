#pragma once

// The way of one finished capture into store and catalogue, as steps that can be repeated.

#include "archive/attempts.hpp"
#include "archive/record_builder.hpp"
#include "capture/layout.hpp"
#include "catalog/catalog.hpp"
#include "config/config.hpp"
#include "interop/profile_set.hpp"
#include "store/file_store.hpp"

#include <siprec/codec.hpp>
#include <siprec/log.hpp>

#include <optional>
#include <string>

namespace siprec::server {

/// One capture and how far it has come. What is not here is on disk: a job that is forgotten (the
/// process was killed) is found again in `captures/` and ends the same.
struct ArchiveJob {
    std::string name;                       ///< file name in `captures/`
    std::optional<RecordingRecord> record;  ///< rendered and stored, not yet out of `captures/`
    std::string unreadable;   ///< why the capture goes to `failed/`; empty: it does not
    bool is_entered = false;  ///< in the catalogue
};

/// Owned by one thread.
class CaptureArchiver {
  public:
    /// @param profiles, decoders, logger  outlive the archiver
    CaptureArchiver(DataLayout layout,
                    const RenderConfig& render,
                    const ProfileStore& profiles,
                    const DecoderRegistry& decoders,
                    Logger& logger);

    /// Reads the capture, renders it and puts both into the store; makes the record.
    /// @return ResourceExhausted, Io: the disk refuses, try again
    [[nodiscard]] Result<void> prepare(ArchiveJob& job) const;

    /// @return as `Catalog::put`
    [[nodiscard]] Result<void> enter(ArchiveJob& job, Catalog& catalog) const;

    /// Takes the capture out of `captures/`; the job is done.
    [[nodiscard]] Result<void> remove(const ArchiveJob& job) const;

  private:
    [[nodiscard]] Result<void> prepare_once(ArchiveJob& job, const Attempts& attempts) const;
    [[nodiscard]] Result<void> render(const std::string& capture,
                                      BuiltRecord& built,
                                      std::optional<Rendering>& rendering) const;
    [[nodiscard]] Result<void> make_unreadable(ArchiveJob& job, std::string reason) const;
    void log_result(const ArchiveJob& job) const;

    const DataLayout layout_;
    const FileStore store_;
    const RenderConfig render_;
    const ProfileStore& profiles_;
    const DecoderRegistry& decoders_;
    Logger& logger_;
};

}  // namespace siprec::server
