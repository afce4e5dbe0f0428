#include "api/watched_catalog.hpp"

#include <utility>

namespace siprec::server {

namespace {

class WatchedCatalog final : public Catalog {
  public:
    WatchedCatalog(std::unique_ptr<Catalog> catalog, CatalogHealth& health)
        : catalog_(std::move(catalog)), health_(health) {}

    [[nodiscard]] Result<void> migrate() override { return note(catalog_->migrate()); }

    [[nodiscard]] Result<void> put(const RecordingRecord& recording) override {
        return note(catalog_->put(recording));
    }

    [[nodiscard]] Result<void> put_capture(const SessionCaptureRecord& capture) override {
        return note(catalog_->put_capture(capture));
    }

    [[nodiscard]] Result<RecordingPage> list(const RecordingQuery& query) override {
        return note(catalog_->list(query));
    }

    [[nodiscard]] Result<RecordingRecord> get(const Uuid& id) override {
        return note(catalog_->get(id));
    }

    [[nodiscard]] Result<void> ping() override { return note(catalog_->ping()); }

  private:
    template <typename T>
    Result<T> note(Result<T> result) {
        const bool is_away = !result && (result.error().code() == ErrorCode::Unavailable ||
                                         result.error().code() == ErrorCode::Timeout);
        health_.update({!is_away, is_away ? result.error().message() : std::string()});
        return result;
    }

    std::unique_ptr<Catalog> catalog_;
    CatalogHealth& health_;
};

}  // namespace

std::unique_ptr<Catalog> watch(std::unique_ptr<Catalog> catalog, CatalogHealth& health) {
    return std::make_unique<WatchedCatalog>(std::move(catalog), health);
}

}  // namespace siprec::server
