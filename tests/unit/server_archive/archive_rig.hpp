#pragma once

// An archive worker on captures of the server's own sink, with a catalogue that does as it is told.

#include "archive/archive_worker.hpp"
#include "unit/server_capture/capture_fixture.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

namespace siprec::server::testing {

/// A catalogue that can be away, and remembers what it was given.
class FakeCatalog final : public Catalog {
  public:
    Result<void> migrate() override { return {}; }

    Result<void> put(const RecordingRecord& recording) override {
        ++asked;
        if (away) {
            return Error(ErrorCode::Unavailable, "the test's catalogue is away");
        }
        if (refused) {
            return Error(ErrorCode::Internal, "the test's catalogue refuses");
        }
        states.push_back(recording.state);
        rows[recording.id] = recording;
        return {};
    }

    Result<void> put_capture(const SessionCaptureRecord& capture) override {
        captures.push_back(capture);
        return {};
    }

    Result<RecordingPage> list(const RecordingQuery& /*query*/) override { return RecordingPage{}; }

    Result<RecordingRecord> get(const Uuid& id) override {
        const auto row = rows.find(id);
        return row == rows.end() ? Result<RecordingRecord>(Error(ErrorCode::NotFound, "no row"))
                                 : Result<RecordingRecord>(row->second);
    }

    Result<void> ping() override { return {}; }

    bool away = false;
    bool refused = false;
    int asked = 0;
    std::vector<RecordingState> states;
    std::map<Uuid, RecordingRecord> rows;
    std::vector<SessionCaptureRecord> captures;
};

struct ArchiveRig : CaptureRig {
    ArchiveWorker worker_of_its_own() {
        return {layout, RenderConfig{}, {}, {}, profiles, catalog, decoders, clock, null_logger()};
    }

    [[nodiscard]] std::string stored(const ArtefactRecord& artefact) const {
        return layout.recordings() + "/" + artefact.path;
    }

    [[nodiscard]] const RecordingRecord& only_row() const {
        REQUIRE(catalog.rows.size() == 1);
        return catalog.rows.begin()->second;
    }

    ProfileStore profiles{InteropConfig{}, null_logger()};
    FakeCatalog catalog;
    DecoderRegistry decoders = DecoderRegistry::with_defaults();
};

}  // namespace siprec::server::testing
