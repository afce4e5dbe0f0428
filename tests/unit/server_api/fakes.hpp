#pragma once

// A live wing and a catalogue that say what a test tells them to, and an API server on top of them.

#include "api/api_server.hpp"

#include <siprec/log.hpp>

#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace siprec::server::test {

inline WallTime at_second(int second) {
    return WallTime(std::chrono::seconds(1'790'000'000 + second));
}

class FakeLiveWing final : public LiveWing {
  public:
    [[nodiscard]] std::vector<Listener> listeners() const override {
        return {{Transport::Udp, *Endpoint::parse("127.0.0.1:5060")},
                {Transport::Tcp, *Endpoint::parse("[::1]:5060")}};
    }

    [[nodiscard]] RecorderStats recorder_stats() const override {
        RecorderStats stats;
        stats.sessions_active = 3;
        stats.media.packets = 4711;
        return stats;
    }

    [[nodiscard]] CaptureStats capture_stats() const override {
        CaptureStats stats;
        stats.disk_free_bytes = 5'000'000;
        stats.disk_alarm = disk_alarm;
        stats.refusing = refusing;
        return stats;
    }

    [[nodiscard]] std::vector<SessionStatus> sessions() const override {
        SessionStatus session;
        session.id = session_id;
        session.call_id = "call-1";
        session.started = at_second(0);
        session.streams = 2;
        return {session};
    }

    [[nodiscard]] Result<void> end_session(const Uuid& session, std::string reason) override {
        if (session != session_id) {
            return Error(ErrorCode::NotFound, "no such session");
        }
        end_reason = std::move(reason);
        ++ended;
        return {};
    }

    [[nodiscard]] Result<void> pause(const Uuid& session) override {
        return asked(session, "pause");
    }

    [[nodiscard]] Result<void> resume(const Uuid& session) override {
        return asked(session, "resume");
    }

    [[nodiscard]] Result<void> drop_stream(const Uuid& session,
                                           std::uint32_t media_index) override {
        return asked(session, "drop " + std::to_string(media_index));
    }

    [[nodiscard]] Result<void> request_snapshot(const Uuid& session,
                                                std::string /*reason*/) override {
        return asked(session, "snapshot");
    }

    [[nodiscard]] Result<void> attach_sink(const Uuid& session, const std::string& name) override {
        return asked(session, "attach " + name);
    }

    [[nodiscard]] WebSocketStats websocket_stats() const override { return {}; }

    [[nodiscard]] Result<void> reload(const Config& /*config*/) override { return {}; }

    [[nodiscard]] Result<Uuid> start_session(std::string src) override {
        if (auto done = asked(session_id, "start " + src); !done) {
            return done.error();
        }
        return session_id;
    }

    Result<void> asked(const Uuid& session, std::string what) {
        if (session != session_id) {
            return Error(ErrorCode::NotFound, "no such session");
        }
        wishes.push_back(std::move(what));
        if (refusal) {
            return *refusal;
        }
        return {};
    }

    std::vector<std::string> wishes;
    std::optional<Error> refusal;

    [[nodiscard]] bool is_ready() const override { return ready; }

    void drain() override {}

    void stop() override {}

    const Uuid session_id = Uuid::random();
    std::atomic<bool> ready = true;
    std::atomic<bool> refusing = false;
    std::atomic<bool> disk_alarm = false;
    std::atomic<int> ended = 0;
    std::string end_reason;
};

/// What all connections of a fake catalogue see.
struct FakeDatabase {
    std::atomic<bool> away = false;
    std::mutex mutex;
    std::vector<RecordingRecord> recordings;  // newest first
    RecordingQuery last_query;
    std::function<void()> before_get = [] {};
};

class FakeCatalog final : public Catalog {
  public:
    explicit FakeCatalog(FakeDatabase& database) : database_(database) {}

    [[nodiscard]] Result<void> migrate() override { return ping(); }

    [[nodiscard]] Result<void> put(const RecordingRecord& recording) override {
        const std::scoped_lock lock(database_.mutex);
        database_.recordings.push_back(recording);
        return {};
    }

    [[nodiscard]] Result<void> put_capture(const SessionCaptureRecord& /*capture*/) override {
        return {};
    }

    [[nodiscard]] Result<RecordingPage> list(const RecordingQuery& query) override {
        if (const auto up = ping(); !up) {
            return up.error();
        }
        const std::scoped_lock lock(database_.mutex);
        database_.last_query = query;
        const std::size_t begin = query.cursor.empty() ? 0 : std::stoul(query.cursor);
        const std::size_t end =
            std::min<std::size_t>(database_.recordings.size(), begin + query.limit);
        RecordingPage page;
        for (std::size_t i = begin; i < end; ++i) {
            page.recordings.push_back(database_.recordings[i]);
        }
        if (end < database_.recordings.size()) {
            page.next = std::to_string(end);
        }
        return page;
    }

    [[nodiscard]] Result<RecordingRecord> get(const Uuid& id) override {
        if (const auto up = ping(); !up) {
            return up.error();
        }
        database_.before_get();
        const std::scoped_lock lock(database_.mutex);
        for (const RecordingRecord& recording : database_.recordings) {
            if (recording.id == id) {
                return recording;
            }
        }
        return Error(ErrorCode::NotFound, "no such recording");
    }

    [[nodiscard]] Result<void> ping() override {
        if (database_.away) {
            return Error(ErrorCode::Unavailable, "the fake database is away");
        }
        return {};
    }

  private:
    FakeDatabase& database_;
};

/// A folder that goes when the test ends.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "api-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("mkdtemp failed");
        }
        path_ = pattern;
    }

    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    void write(const std::string& name, const std::string& content) const {
        std::ofstream file(path_ / name, std::ios::binary);
        file << content;
        if (!file.flush()) {
            throw std::runtime_error("cannot write " + name);
        }
    }

  private:
    std::filesystem::path path_;
};

/// SHA-256 of "0123456789abcdef".
inline constexpr std::string_view kAudio = "0123456789abcdef";
inline constexpr std::string_view kAudioHash =
    "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f";

/// A stored recording whose audio is `kAudio`, in `wav`.
inline RecordingRecord example_recording(int second = 0) {
    RecordingRecord recording;
    recording.id = Uuid::random();
    recording.recording_session = Uuid::random();
    recording.state = RecordingState::Stored;
    recording.start = at_second(second);
    recording.end = at_second(second + 90);
    recording.duration_s = 90.5;
    recording.direction = "inbound";
    recording.src_uri = "sip:gateway@example.com";
    recording.src_address = "192.0.2.7:5060";
    recording.src_user_agent = "Gateway 1.0";
    recording.call_id = "call-1@example.com";
    recording.verdict = Verdict::Degraded;
    recording.reasons = {"stream-silent"};
    ParticipantRecord ann;
    ann.src_id = "p1";
    ann.names = {{"sip:+49711@example.com", "Ann <script>"}, {"tel:+49711", "Ann"}};
    ann.number = "+49711";
    ParticipantRecord bob;
    bob.src_id = "p2";
    bob.names = {{"sip:bob@example.com", "Bob \xff\x1b[31m"}};
    recording.participants = {ann, bob};
    TrackRecord track;
    track.id = Uuid::random();
    track.label = "1";
    track.codec = "PCMU";
    track.channel = 0;
    track.packets = 4500;
    recording.tracks = {track};
    recording.artefacts = {
        {"wav", "a.wav", "audio/wav", kAudio.size(), std::string(kAudioHash)},
        {"capture", "a.pcapng", "application/x-pcapng", kAudio.size(), std::string(kAudioHash)}};
    recording.documents = {{at_second(second),
                            "INVITE",
                            "application/rs-metadata+xml",
                            "<recording>\xc3\xa9</recording>",
                            true,
                            "[]"},
                           {at_second(second + 1),
                            "UPDATE",
                            "text/html\r\nX-Evil: 1",
                            "<script>alert(1)</script>",
                            false,
                            "not json"}};
    return recording;
}

/// An API server on loopback with its world; one recording in its catalogue.
struct World {
    explicit World(ApiLimits limits = {}, bool with_live = true) {
        recording = example_recording();
        database.recordings = {recording};
        store.write("a.wav", std::string(kAudio));
        store.write("a.pcapng", std::string(kAudio));
        ApiDependencies dependencies;
        dependencies.live = with_live ? &live : nullptr;
        dependencies.open_catalog = [this] { return std::make_unique<FakeCatalog>(database); };
        dependencies.store_root = store.path().string();
        dependencies.metrics = [] { return std::string("siprec_up 1\n"); };
        dependencies.limits = limits;
        auto started =
            ApiServer::start(*Endpoint::parse("127.0.0.1:0"), dependencies, null_logger());
        if (!started) {
            throw std::runtime_error(started.error().to_string());
        }
        server = std::move(*started);
    }

    void add_video_and_text() {
        store.write("a.mkv", std::string(kAudio));
        store.write("a.vtt", std::string(kAudio));
        const std::string hash(kAudioHash);
        auto& artefacts = database.recordings.at(0).artefacts;
        artefacts.push_back({"video", "a.mkv", "video/x-matroska", kAudio.size(), hash});
        artefacts.push_back({"text", "a.vtt", "text/vtt", kAudio.size(), hash});
    }

    [[nodiscard]] std::string path(const std::string& rest = "") const {
        return "/api/v1/recordings/" + recording.id.to_string() + rest;
    }

    FakeLiveWing live;
    FakeDatabase database;
    TemporaryFolder store;
    RecordingRecord recording;
    std::unique_ptr<ApiServer> server;
};

}  // namespace siprec::server::test
