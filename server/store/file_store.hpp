#pragma once

// The filesystem store: finished artefacts in a tree by day. An artefact is there whole or not at
// all.

#include "store/sha256.hpp"

#include <siprec/clock.hpp>
#include <siprec/result.hpp>
#include <siprec/uuid.hpp>

#include <string>

namespace siprec::server {

/// Every call can be repeated after a crash at any instant with the same result. *Thread-safe* for
/// different artefacts.
class FileStore {
  public:
    /// @param root  made when the first artefact comes
    explicit FileStore(std::string root) : root_(std::move(root)) {}

    /// `YYYY/MM/DD/<id>.<extension>`, below the root; the day is that of `start` in UTC.
    [[nodiscard]] static std::string artefact_path(WallTime start,
                                                   const Uuid& id,
                                                   std::string_view extension);

    [[nodiscard]] std::string absolute(const std::string& relative) const;

    /// Where an artefact is written before `commit`; its folder is made.
    [[nodiscard]] Result<std::string> prepare(const std::string& relative) const;

    /// Syncs what was written at the prepared path, puts it in place and says what it is.
    [[nodiscard]] Result<FileDigest> commit(const std::string& relative) const;

    /// Takes a file that exists elsewhere into the store without removing it there: as a second
    /// name for the same bytes where the file system can, else as a copy.
    [[nodiscard]] Result<FileDigest> adopt(const std::string& file,
                                           const std::string& relative) const;

  private:
    std::string root_;
};

}  // namespace siprec::server
