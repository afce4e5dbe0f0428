#include "recorder/disk_watch.hpp"

#include <sys/statvfs.h>

#include <utility>

namespace siprec::server {
namespace {

constexpr std::uint64_t kMebibyte = std::uint64_t{1024} * 1024;

}  // namespace

DiskWatch::DiskWatch(std::string directory, const DiskConfig& limits, Logger& logger)
    : directory_(std::move(directory)), limits_(limits), logger_(logger) {}

void DiskWatch::check() {
    struct statvfs status {};

    // A file system that does not answer shows itself in the captures' writes; the last value
    // stays.
    if (::statvfs(directory_.c_str(), &status) != 0) {
        return;
    }
    const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
    free_bytes_.store(free, std::memory_order_relaxed);
    cross(alarm_,
          free < limits_.alarm_free_mib * kMebibyte,
          "the disk is filling up",
          "the disk has room again");
    cross(full_,
          free < limits_.refuse_free_mib * kMebibyte,
          "the disk is nearly full, new sessions are refused",
          "new sessions are taken again");
}

void DiskWatch::cross(std::atomic<bool>& flag,
                      bool value,
                      std::string_view entered,
                      std::string_view left) {
    if (flag.exchange(value, std::memory_order_relaxed) == value) {
        return;
    }
    const std::string free_mib = std::to_string(free_bytes() / kMebibyte);
    logger_.log(value ? LogLevel::Error : LogLevel::Info,
                "disk",
                value ? entered : left,
                {{"directory", directory_}, {"free_mib", free_mib}});
}

}  // namespace siprec::server
