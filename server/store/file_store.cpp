#include "store/file_store.hpp"

#include "store/files.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>

namespace siprec::server {
namespace {

namespace fs = std::filesystem;

std::string padded(unsigned value, std::size_t width) {
    std::string digits = std::to_string(value);
    return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

Result<void> copy_to(const std::string& from, const std::string& to) {
    std::error_code failure;
    fs::copy_file(from, to, fs::copy_options::overwrite_existing, failure);
    if (failure) {
        return file_error("copy to " + to + " from", from, failure.value());
    }
    return {};
}

}  // namespace

std::string FileStore::artefact_path(WallTime start, const Uuid& id, std::string_view extension) {
    const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(start));
    return padded(static_cast<unsigned>(static_cast<int>(day.year())), 4) + "/" +
           padded(static_cast<unsigned>(day.month()), 2) + "/" +
           padded(static_cast<unsigned>(day.day()), 2) + "/" + id.to_string() + "." +
           std::string(extension);
}

std::string FileStore::absolute(const std::string& relative) const {
    return root_ + "/" + relative;
}

Result<std::string> FileStore::prepare(const std::string& relative) const {
    const std::string path = absolute(relative);
    if (auto made = make_directories(parent_directory(path)); !made) {
        return std::move(made).error();
    }
    return path + ".part";
}

Result<FileDigest> FileStore::commit(const std::string& relative) const {
    const std::string path = absolute(relative);
    const std::string part = path + ".part";
    if (auto synced = sync_path(part); !synced) {
        return std::move(synced).error();
    }
    auto digest = digest_file(part);
    if (!digest) {
        return digest;
    }
    if (auto renamed = rename_durably(part, path); !renamed) {
        return std::move(renamed).error();
    }
    return digest;
}

Result<FileDigest> FileStore::adopt(const std::string& file, const std::string& relative) const {
    auto part = prepare(relative);
    if (!part) {
        return std::move(part).error();
    }
    // rename() of two names of one file does nothing and leaves both: a repeated adopt needs no
    // second name.
    std::error_code ignored;
    if (fs::equivalent(file, absolute(relative), ignored)) {
        return digest_file(absolute(relative));
    }
    if (auto removed = remove_durably(*part); !removed) {
        return std::move(removed).error();
    }
    if (::link(file.c_str(), part->c_str()) != 0) {
        if (errno == ENOENT) {
            return file_error("link", file, errno);
        }
        if (auto copied = copy_to(file, *part); !copied) {
            return std::move(copied).error();
        }
    }
    return commit(relative);
}

}  // namespace siprec::server
