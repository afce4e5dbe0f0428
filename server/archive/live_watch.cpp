#include "archive/live_watch.hpp"

#include "archive/record_builder.hpp"

#include <siprec/pcapng.hpp>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace siprec::server {
namespace {

constexpr std::size_t kReadBytes = std::size_t{16} * 1024;
constexpr std::size_t kRunningDocuments = 8;

}  // namespace

Result<std::size_t> LiveWatch::update(const std::set<std::string>& names, Catalog& catalog) {
    std::erase_if(captures_, [&](const auto& entry) { return !names.contains(entry.first); });
    std::size_t count = 0;
    for (const std::string& name : names) {
        LiveCapture& capture = captures_[name];
        if (capture.is_broken || (!capture.source && !open(name, capture))) {
            continue;
        }
        if (auto done = read(capture); !done) {
            give_up(name, capture, done.error());
        }
        const auto entered = enter(name, capture, catalog);
        if (!entered) {
            return entered.error();
        }
        count += *entered ? 1U : 0U;
    }
    return count;
}

Result<bool> LiveWatch::enter(const std::string& name,
                              LiveCapture& capture,
                              Catalog& catalog) const {
    CaptureDigest& digest = *capture.digest;
    // A session that has ended is on its way to captures/ and is entered from there; what a part
    // that has ended leaves open is entered from the next.
    if (!digest.session() || digest.ended() || digest.is_rotated() ||
        digest.version() == capture.entered_version) {
        return false;
    }
    bool is_entered = false;
    if (!digest.tracker().has_named() && !digest.tracker().is_idle()) {
        const auto entered = enter(name, build_running_record(digest, nullptr), catalog);
        if (!entered) {
            return entered;
        }
        is_entered = *entered;
    }
    const std::vector<SessionStay> stays = digest.tracker().stays();
    for (const SessionStay& stay : stays) {
        const auto entered = enter(name, build_running_record(digest, &stay), catalog);
        if (!entered) {
            return entered;
        }
        is_entered = is_entered || *entered;
        if (stay.is_over()) {
            digest.forget(stay.session_id, stay.number);
        }
    }
    // The archive has them all when it is over.
    digest.keep_documents(kRunningDocuments);
    capture.entered_version = digest.version();
    return is_entered;
}

Result<bool> LiveWatch::enter(const std::string& name,
                              const RecordingRecord& record,
                              Catalog& catalog) const {
    const auto entered = catalog.put(record);
    if (!entered && entered.error().is_retryable()) {
        return entered.error();
    }
    if (!entered) {
        const std::string id = session_of(name).to_string();
        const std::string reason = entered.error().to_string();
        logger_.log(LogLevel::Error,
                    "archive",
                    "the catalogue refuses a running session",
                    {{"rs", id}, {"call_id", record.call_id}, {"reason", reason}});
    }
    return entered.has_value();
}

bool LiveWatch::open(const std::string& name, LiveCapture& capture) const {
    auto opened = JournalSource::open(layout_.live() + "/" + name);
    if (!opened) {
        // Finished meanwhile.
        return false;
    }
    capture.source = std::move(*opened);
    capture.digest = std::make_unique<CaptureDigest>(profiles_.current(), limits_);
    capture.playback = std::make_unique<CapturePlayback>(*capture.digest);
    return true;
}

Result<void> LiveWatch::read(LiveCapture& capture) const {
    std::vector<std::byte> fresh(kReadBytes);
    auto count = capture.source->read(fresh);
    if (!count || *count == 0) {
        capture.source->release();
    }
    if (!count || *count == 0) {
        return count ? Result<void>{} : std::move(count).error();
    }
    // A reader takes a file from its front and once: what is new is given to a new one as a file of
    // its own.
    std::vector<std::byte> blocks;
    pcapng::Writer::section_header(blocks, {});
    while (count && *count > 0) {
        const auto bytes = std::span<const std::byte>(fresh).first(*count);
        blocks.insert(blocks.end(), bytes.begin(), bytes.end());
        count = capture.source->read(fresh);
    }
    capture.source->release();
    if (!count) {
        return std::move(count).error();
    }
    pcapng::Reader reader([rest = std::span<const std::byte>(blocks)](
                              std::span<std::byte> out) mutable -> Result<std::size_t> {
        const auto next = rest.first(std::min(out.size(), rest.size()));
        std::copy(next.begin(), next.end(), out.begin());
        rest = rest.subspan(next.size());
        return next.size();
    });
    auto played = capture.playback->play(reader);
    if (!played) {
        return std::move(played).error();
    }
    return played->damage ? Result<void>(*played->damage) : Result<void>{};
}

void LiveWatch::give_up(const std::string& name, LiveCapture& capture, const Error& failure) const {
    capture.is_broken = true;
    const std::string id = session_of(name).to_string();
    const std::string reason = failure.to_string();
    logger_.log(LogLevel::Warning,
                "archive",
                "a running capture cannot be followed, it is looked at again when it is finished",
                {{"rs", id}, {"reason", reason}});
}

}  // namespace siprec::server
