#include "recorder/media_task.hpp"
#include "recorder/recorder_impl.hpp"

#include <siprec/sip_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec::recorder {

namespace {

/// A message that carries metadata, without its body; one whose body cannot be told apart too.
std::string_view without_metadata(std::string_view message) {
    const auto text = read_sip_text(message);
    if (!text || text->body.empty()) {
        return message;
    }
    const auto parts = parse_body(
        text->header("Content-Type", "c"), text->header("Content-Disposition"), text->body);
    return parts && std::ranges::none_of(*parts, &BodyPart::is_metadata)
               ? message
               : message.substr(0, message.size() - text->body.size());
}

}  // namespace

void RecorderImpl::hand_over(LiveSession& live,
                             const Origin& origin,
                             session::Outcome& outcome,
                             std::map<Uuid, rtp::MediaSockets>& sockets) {
    using Kind = session::StreamChange::Kind;
    // At once: no packet comes between the opening of a stream and the document that says whose it
    // is.
    std::vector<std::unique_ptr<rtp::Task>> tasks;
    for (session::StreamChange& change : outcome.changes) {
        watch_video(live, change);
        change.stream.since = origin.time;
        switch (change.kind) {
            case Kind::Open: {
                auto node = sockets.extract(change.stream.id);
                // A task has to be movable only; the closure holds the sockets until it runs.
                tasks.push_back(
                    make_task([media = live.media,
                               stream = std::move(change.stream),
                               keying = std::move(change.keying),
                               // A bundled stream has none of its own (RFC 9143).
                               opened = node ? std::move(node.mapped()) : rtp::MediaSockets{}](
                                  rtp::MediaThread& thread) mutable {
                        media->open_stream(
                            thread, stream, std::move(opened), keying ? *keying : srtp::Keying{});
                    }));
                break;
            }
            case Kind::Change:
                tasks.push_back(
                    make_task([media = live.media,
                               stream = std::move(change.stream),
                               keying = std::move(change.keying)](rtp::MediaThread& thread) {
                        media->change_stream(thread, stream);
                        if (keying) {
                            media->secure_stream(thread, stream.id, *keying);
                        }
                    }));
                break;
            case Kind::Close:
                // What the re-INVITE overtook still belongs to the stream.
                linger(live,
                       make_task([media = live.media, id = change.stream.id, when = origin.time](
                                     rtp::MediaThread& thread) {
                           media->close_stream(thread, id, when);
                       }));
                break;
        }
    }
    for (BodyPart& part : outcome.documents) {
        DocumentMessage message{.document = std::move(part.content),
                                .content_type = std::move(part.content_type_full),
                                .method = origin.method,
                                .received = origin.time,
                                .parsed = Error(ErrorCode::Internal, "not parsed")};
        message.parsed = metadata::parse(message.document, part.charset, config_.limits.metadata);
        ++documents_;
        minimise(message);
        note_findings(*live.info, message);
        watch_baseline(live, message);
        tasks.push_back(
            make_task([media = live.media, message = std::move(message)](rtp::MediaThread& thread) {
                media->record_document(thread, message);
            }));
    }
    if (!tasks.empty()) {
        post(live, make_task([tasks = std::move(tasks)](rtp::MediaThread& thread) {
                 for (const auto& task : tasks) {
                     task->run(thread);
                 }
             }));
    }
}

/// RFC 7865 10. Comments and attributes of a document can say anything: it is written anew.
void RecorderImpl::minimise(DocumentMessage& message) const {
    if (config_.metadata.keeps_all()) {
        return;
    }
    message.document.clear();
    if (message.parsed) {
        metadata::Document& document = message.parsed->document;
        const std::size_t removed =
            metadata::minimise(document, config_.metadata.extension_namespaces);
        if (removed > 0) {
            message.parsed->findings.push_back(
                {"minimised", fmt::format("{} extension elements are not kept", removed), {}});
        }
        message.document = metadata::write(document);
        message.content_type = "application/rs-metadata+xml";
    }
}

/// RFC 7866 8.1.7.1.1: a video stream begins with a picture that stands alone. The media thread
/// asks by FIR; where that was not agreed on, SIP has to.
void RecorderImpl::watch_video(LiveSession& live, const session::StreamChange& change) {
    const StreamInfo& stream = change.stream;
    if (change.kind == session::StreamChange::Kind::Close || stream.media_type != "video" ||
        stream.takes_fir || stream.direction != sdp::Direction::RecvOnly ||
        std::ranges::any_of(live.wishes,
                            [](const Wish& wish) { return wish.kind == Wish::Kind::Picture; })) {
        return;
    }
    Wish wish;
    wish.kind = Wish::Kind::Picture;
    // The answer to the request that brought the stream, and its ACK, go first.
    wish.not_before = system_clock().steady_now() + std::chrono::milliseconds(200);
    live.wishes.push_back(std::move(wish));
    schedule(live);
}

/// RFC 7866 9.2: partial documents build on a complete one. Asks for one at most once in a session,
/// as what is wrong with a client's documents is likely to stay wrong.
void RecorderImpl::watch_baseline(LiveSession& live, const DocumentMessage& message) {
    const bool is_complete =
        message.parsed && message.parsed->document.mode == metadata::DataMode::Complete;
    live.has_baseline = live.has_baseline || is_complete;
    if (is_complete || (message.parsed && live.has_baseline) || live.snapshot_asked ||
        config_.snapshot == SnapshotPolicy::Never ||
        (config_.snapshot == SnapshotPolicy::WhenAnnounced && !live.peer.announced_snapshot)) {
        return;
    }
    live.snapshot_asked = true;
    Wish wish;
    wish.kind = Wish::Kind::Snapshot;
    wish.reason = message.parsed ? "no complete document has come" : "a document was unreadable";
    // The answer to the request that brought the document goes first.
    wish.not_before = system_clock().steady_now() + std::chrono::milliseconds(50);
    live.wishes.push_back(std::move(wish));
    schedule(live);
}

/// Says what was wrong with a document: why it is unusable, or what was made of it.
void RecorderImpl::note_findings(const SessionInfo& info, const DocumentMessage& message) {
    constexpr std::size_t kMostLines = 5;
    const auto log = [&](LogLevel level, std::string_view text, std::string_view code) {
        logger_.log(level,
                    "metadata",
                    text,
                    {{"rs", info.id.to_string()},
                     {"call_id", info.call_id},
                     {"method", message.method},
                     {"code", code}});
    };
    if (!message.parsed) {
        ++documents_unusable_;
        log(LogLevel::Warning,
            fmt::format("metadata kept, but unusable: {}", message.parsed.error().to_string()),
            "unusable");
        return;
    }
    const bool salvaged = message.parsed->dialect == metadata::Dialect::Salvaged;
    const auto& findings = message.parsed->findings;
    for (std::size_t i = 0; i < std::min(findings.size(), kMostLines); ++i) {
        log(salvaged ? LogLevel::Warning : LogLevel::Info, findings[i].message, findings[i].code);
    }
    if (findings.size() > kMostLines) {
        log(LogLevel::Info, fmt::format("{} findings in all", findings.size()), "more-findings");
    }
}

void RecorderImpl::hand_over(LiveSession& live, const Origin& origin, session::Outcome outcome) {
    std::map<Uuid, rtp::MediaSockets> none;
    hand_over(live, origin, outcome, none);
}

void RecorderImpl::log(LogLevel level, const SessionInfo& info, std::string_view message) {
    logger_.log(
        level, "recorder", message, {{"rs", info.id.to_string()}, {"call_id", info.call_id}});
}

void RecorderImpl::note(const SessionInfo& info,
                        const session::Outcome& outcome,
                        std::string_view method) {
    for (const std::string& text : outcome.notes) {
        logger_.log(LogLevel::Warning,
                    "session",
                    text,
                    {{"rs", info.id.to_string()},
                     {"call_id", info.call_id},
                     {"method", std::string(method)}});
    }
}

void RecorderImpl::post(LiveSession& live, std::unique_ptr<rtp::Task> task) {
    if (!engine_->post_always(live.thread, std::move(task))) {
        logger_.log(LogLevel::Error,
                    "recorder",
                    "the media thread has stopped",
                    {{"rs", live.info->id.to_string()}, {"call_id", live.info->call_id}});
    }
}

void RecorderImpl::record_wire(LiveSession& live, const sip::WireMessage& message) {
    SipRecord record{
        .bytes = sdp::blank_keys(config_.metadata.keeps_all() ? std::string_view(message.bytes)
                                                              : without_metadata(message.bytes)),
        .sent = message.sent,
        .transport = message.transport,
        .local = message.local,
        .remote = message.remote,
        .time = message.time};
    post(live, make_task([media = live.media, record = std::move(record)](rtp::MediaThread&) {
             media->record_sip(record);
         }));
}

void RecorderImpl::linger(LiveSession& live, std::unique_ptr<rtp::Task> task) {
    post(live,
         make_task([task = std::move(task),
                    delay = config_.media.linger](rtp::MediaThread& thread) mutable {
             thread.run_after(delay, std::move(task));
         }));
}

}  // namespace siprec::recorder
