#include "catalog/catalog.hpp"

#include "catalog/database_connection.hpp"
#include "catalog/migrations.hpp"
#include "catalog/query.hpp"
#include "catalog/recording_reader.hpp"
#include "catalog/recording_writer.hpp"

#include <fmt/format.h>
#include <pqxx/pqxx>

#include <chrono>
#include <optional>
#include <set>
#include <utility>

namespace siprec::server {

namespace {

/// A snapshot of its own: rows of one recording are read by several statements.
using ReadTransaction = pqxx::transaction<pqxx::repeatable_read, pqxx::read_only>;

void apply_migrations(pqxx::connection& connection) {
    pqxx::work work(connection);
    // Another starter may hold the lock for as long as its migrations take.
    work.exec("SET LOCAL statement_timeout = '10min'");
    work.exec("SELECT pg_advisory_xact_lock(hashtext('siprec'), hashtext('migrations'))");
    work.exec(
        "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY,"
        " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())");
    std::set<int> applied;
    for (const pqxx::row& row : work.exec("SELECT version FROM schema_migrations")) {
        applied.insert(row[0].as<int>());
    }
    for (const Migration& migration : migrations()) {
        if (!applied.contains(migration.version)) {
            work.exec(std::string(migration.sql), std::string(migration.name));
            work.exec_params("INSERT INTO schema_migrations (version, name) VALUES ($1, $2)",
                             migration.version,
                             std::string(migration.name));
        }
    }
    work.commit();
}

PagePosition position_of(const RecordingRecord& recording) {
    const auto start =
        std::chrono::floor<std::chrono::microseconds>(recording.start.time_since_epoch());
    return {.start_us = start.count(), .id = recording.id};
}

class PostgresCatalog final : public Catalog {
  public:
    explicit PostgresCatalog(std::string url) : connection_(std::move(url)) {}

    Result<void> migrate() override { return connection_.run(apply_migrations); }

    Result<void> put(const RecordingRecord& recording) override {
        return connection_.run([&](pqxx::connection& connection) {
            pqxx::work work(connection);
            write_recording(work, recording);
            work.commit();
        });
    }

    Result<void> put_capture(const SessionCaptureRecord& capture) override {
        return connection_.run([&](pqxx::connection& connection) {
            pqxx::work work(connection);
            write_capture(work, capture);
            work.commit();
        });
    }

    Result<RecordingPage> list(const RecordingQuery& query) override {
        const auto sql = list_sql(query);
        if (!sql) {
            return sql.error();
        }
        return connection_.run([&](pqxx::connection& connection) {
            ReadTransaction transaction(connection);
            RecordingPage page{.recordings = read_recordings(transaction, *sql), .next = {}};
            if (page.recordings.size() > query.limit) {
                page.recordings.pop_back();
                page.next = encode_cursor(position_of(page.recordings.back()));
            }
            return page;
        });
    }

    Result<RecordingRecord> get(const Uuid& id) override {
        auto found = connection_.run([&](pqxx::connection& connection) {
            ReadTransaction transaction(connection);
            return read_recording(transaction, id);
        });
        if (!found) {
            return found.error();
        }
        std::optional<RecordingRecord>& recording = *found;
        if (!recording) {
            return Error(ErrorCode::NotFound, fmt::format("no recording {}", id.to_string()));
        }
        return *std::move(recording);
    }

    Result<void> ping() override {
        return connection_.run([](pqxx::connection& connection) {
            pqxx::nontransaction(connection).exec("SELECT 1");
        });
    }

  private:
    DatabaseConnection connection_;
};

}  // namespace

std::unique_ptr<Catalog> Catalog::create(std::string url) {
    return std::make_unique<PostgresCatalog>(std::move(url));
}

}  // namespace siprec::server
