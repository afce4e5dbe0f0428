#pragma once

#include "archive/capture_digest.hpp"
#include "archive/journal_source.hpp"
#include "capture/layout.hpp"
#include "catalog/catalog.hpp"
#include "interop/profile_set.hpp"

#include <siprec/log.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace siprec::server {

/// Enters running sessions in the catalogue while the live wing writes their captures. Reads, never
/// writes, what is in `live/`. One thread.
class LiveWatch {
  public:
    /// @param profiles, logger  outlive the watch
    LiveWatch(DataLayout layout,
              const metadata::ParseLimits& limits,
              const ProfileStore& profiles,
              Logger& logger)
        : layout_(std::move(layout)), limits_(limits), profiles_(profiles), logger_(logger) {}

    /// Looks at the captures named, forgets all others, and enters those that say something new.
    /// @return how many were entered; or Unavailable, Timeout from the catalogue: what was not
    /// entered is at
    ///         the next call
    [[nodiscard]] Result<std::size_t> update(const std::set<std::string>& names, Catalog& catalog);

  private:
    struct LiveCapture {
        std::optional<JournalSource> source;
        std::unique_ptr<CaptureDigest> digest;
        std::unique_ptr<CapturePlayback> playback;
        std::uint64_t entered_version = 0;
        bool is_broken = false;
    };

    [[nodiscard]] bool open(const std::string& name, LiveCapture& capture) const;
    [[nodiscard]] Result<bool> enter(const std::string& name,
                                     LiveCapture& capture,
                                     Catalog& catalog) const;
    [[nodiscard]] Result<bool> enter(const std::string& name,
                                     const RecordingRecord& record,
                                     Catalog& catalog) const;
    [[nodiscard]] Result<void> read(LiveCapture& capture) const;
    void give_up(const std::string& name, LiveCapture& capture, const Error& failure) const;

    const DataLayout layout_;
    const metadata::ParseLimits limits_;
    const ProfileStore& profiles_;
    Logger& logger_;
    std::map<std::string, LiveCapture> captures_;
};

}  // namespace siprec::server
