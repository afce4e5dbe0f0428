#include "capture/recovery.hpp"

#include "capture/events.hpp"
#include "store/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <span>
#include <variant>
#include <vector>

namespace siprec::server {
namespace {

/// What is in a leftover.
struct Leftover {
    std::uint64_t good_bytes = 0;
    bool has_start = false;
    bool has_end = false;
    bool is_rotated = false;  // another part was begun
    bool has_packets = false;
    std::string call_id;
    WallTime last;                // time of the last thing in it
    std::optional<Error> damage;  // why it could be read no further
};

void note_event(Leftover& leftover, const pcapng::JournalEntry& entry) {
    const auto event = read_event(entry);
    if (!event || !*event) {
        return;
    }
    leftover.last = std::max(leftover.last, (*event)->time);
    if (const auto* started = std::get_if<SessionStarted>(&(*event)->body)) {
        leftover.has_start = true;
        leftover.call_id = started->session.call_id;
    }
    leftover.is_rotated =
        leftover.is_rotated || std::holds_alternative<CaptureRotated>((*event)->body);
    leftover.has_end = leftover.has_end || std::holds_alternative<SessionEnded>((*event)->body);
}

Result<Leftover> examine(const std::string& path) {
    auto source = pcapng::file_source(path);
    if (!source) {
        return std::move(source).error();
    }
    pcapng::Reader reader(std::move(*source));
    Leftover leftover;
    while (true) {
        auto block = reader.next();
        if (!block) {
            if (block.error().code() != ErrorCode::Malformed) {
                return std::move(block).error();
            }
            leftover.damage = std::move(block).error();
            break;
        }
        if (!*block) {
            break;
        }
        if (const auto* datagram = std::get_if<pcapng::Datagram>(&**block)) {
            leftover.has_packets = true;
            leftover.last = std::max(leftover.last, datagram->time);
        } else if (const auto* entry = std::get_if<pcapng::JournalEntry>(&**block)) {
            note_event(leftover, *entry);
        }
    }
    leftover.good_bytes = reader.good_bytes();
    return leftover;
}

/// What a reader stops at may be one bad block before hours of good ones.
Result<void> keep_tail(const DataLayout& layout,
                       const std::string& name,
                       const Leftover& leftover) {
    const std::string path = layout.live() + "/" + name;
    const std::string kept = layout.failed() + "/" + name + ".tail";
    auto from = open_file(path, O_RDONLY);
    auto to = open_file(kept, O_WRONLY | O_CREAT | O_TRUNC);
    if (!from || !to) {
        return from ? std::move(to).error() : std::move(from).error();
    }
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    auto position = static_cast<off_t>(leftover.good_bytes);
    while (true) {
        const ssize_t count = ::pread(from->get(), buffer.data(), buffer.size(), position);
        if (count < 0) {
            return file_error("read", path, errno);
        }
        if (count == 0) {
            break;
        }
        const auto bytes = std::span(buffer).first(static_cast<std::size_t>(count));
        const WriteOutcome outcome = write_some(to->get(), bytes);
        if (outcome.error_number != 0) {
            return file_error("write", kept, outcome.error_number);
        }
        position += count;
    }
    if (auto closed = to->close(kept); !closed) {
        return closed;
    }
    if (auto synced = sync_path(kept); !synced) {
        return synced;
    }
    return write_file_durably(kept + ".reason", leftover.damage->to_string() + "\n");
}

/// @param has_successor  the session goes on in another part
Result<void> complete(const std::string& path, const Leftover& leftover, bool has_successor) {
    auto file = open_file(path, O_WRONLY | O_APPEND);
    if (!file) {
        return std::move(file).error();
    }
    if (::ftruncate(file->get(), static_cast<off_t>(leftover.good_bytes)) != 0) {
        return file_error("cut", path, errno);
    }
    if (!leftover.has_end && !has_successor) {
        std::vector<std::byte> block;
        append_event(block,
                     {leftover.last,
                      SessionEnded{std::string(kInterrupted),
                                   leftover.damage ? leftover.damage->message() : std::string()}});
        const WriteOutcome outcome = write_some(file->get(), block);
        if (outcome.error_number != 0) {
            return file_error("write", path, outcome.error_number);
        }
    }
    if (::fsync(file->get()) != 0) {
        return file_error("sync", path, errno);
    }
    return file->close(path);
}

Result<void> recover_one(const DataLayout& layout,
                         const std::string& name,
                         Logger& logger,
                         std::set<std::string>& finished,
                         RecoveryCount& count) {
    const std::string path = layout.live() + "/" + name;
    const auto leftover = examine(path);
    if (!leftover) {
        return Error(leftover.error()).with_context("recover capture");
    }
    const std::string id = session_of(name).to_string();
    if (!leftover->has_start && !leftover->has_packets && !leftover->damage) {
        ++count.removed;
        logger.log(
            LogLevel::Warning, "capture", "removed a leftover that held nothing", {{"rs", id}});
        return remove_durably(path);
    }
    if (!leftover->has_start) {
        ++count.set_aside;
        const std::string reason =
            leftover->damage ? leftover->damage->to_string() : "no session-started entry";
        logger.log(LogLevel::Error,
                   "capture",
                   "a leftover cannot be read, moved to failed/",
                   {{"rs", id}, {"reason", reason}});
        return set_aside(layout, path, reason);
    }
    if (leftover->damage) {
        if (auto kept = keep_tail(layout, name, *leftover); !kept) {
            return kept;
        }
    }
    const bool has_successor = leftover->is_rotated &&
                               finished.contains(capture_name(session_of(name), part_of(name) + 1));
    if (auto completed = complete(path, *leftover, has_successor); !completed) {
        return completed;
    }
    ++count.finished;
    finished.insert(name);
    logger.log(LogLevel::Warning,
               "capture",
               leftover->has_end || has_successor
                   ? "finished a capture that an earlier run had ended"
                   : "finished a capture that was cut off",
               {{"rs", id}, {"call_id", leftover->call_id}});
    return {};
}

/// Earlier parts first: a part in `captures/` stands for all before it.
void hand_over(const DataLayout& layout,
               const std::set<std::string>& finished,
               Logger& logger,
               RecoveryCount& count) {
    std::vector<std::string> names(finished.begin(), finished.end());
    std::sort(names.begin(), names.end(), [](const std::string& left, const std::string& right) {
        return part_of(left) < part_of(right);
    });
    for (const std::string& name : names) {
        const auto renamed =
            rename_durably(layout.live() + "/" + name, layout.captures() + "/" + name);
        if (!renamed) {
            ++count.left;
            --count.finished;
            logger.log(LogLevel::Error, "capture", renamed.error().to_string());
        }
    }
}

}  // namespace

Result<RecoveryCount> recover_captures(const DataLayout& layout, Logger& logger) {
    auto names = list_files(layout.live(), kCaptureSuffix);
    if (!names) {
        return std::move(names).error();
    }
    // Later parts first: whether an earlier one has an end depends on what becomes of the next.
    std::sort(names->begin(), names->end(), [](const std::string& left, const std::string& right) {
        return part_of(left) > part_of(right);
    });
    std::set<std::string> finished;
    RecoveryCount count;
    for (const std::string& name : *names) {
        if (auto recovered = recover_one(layout, name, logger, finished, count); !recovered) {
            ++count.left;
            logger.log(
                LogLevel::Error,
                "capture",
                "a leftover could not be finished, the next start will try again",
                {{"rs", session_of(name).to_string()}, {"reason", recovered.error().to_string()}});
        }
    }
    hand_over(layout, finished, logger, count);
    return count;
}

}  // namespace siprec::server
