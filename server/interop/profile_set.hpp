#pragma once

#include "config/config.hpp"
#include "interop/profile.hpp"

#include <siprec/log.hpp>
#include <siprec/result.hpp>

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

/// Profiles in the order in which they are asked: by rank, then by name. *Immutable.*
struct ProfileSet {
    std::vector<Profile> profiles;
};

/// A profile file that comes with the server; embedded when it is built.
struct ShippedProfile {
    std::string_view file;
    std::string_view toml;
};

[[nodiscard]] std::span<const ShippedProfile> shipped_profile_files() noexcept;

/// The profiles that come with the server.
[[nodiscard]] const ProfileSet& shipped_profiles();

struct LoadedProfiles {
    ProfileSet set;
    std::vector<Error> problems;  ///< files that could not be used, each with file, line and key
};

/// Ours, and those of the administrator's folder (`*.toml`), which replace ours of the same name.
[[nodiscard]] LoadedProfiles load_profiles(const InteropConfig& config);

/// For --check-config: the first problem.
[[nodiscard]] Result<void> check_profiles(const InteropConfig& config);

/// The profiles in force; reloaded while workers use the set before. *Thread-safe.*
class ProfileStore {
  public:
    /// Files that cannot be used are logged and skipped.
    ProfileStore(const InteropConfig& config, Logger& logger);

    void reload(const InteropConfig& config);

    [[nodiscard]] std::shared_ptr<const ProfileSet> current() const;

  private:
    Logger& logger_;
    mutable std::mutex mutex_;
    std::shared_ptr<const ProfileSet> current_;  // shared with the workers that are in a capture
};

}  // namespace siprec::server
