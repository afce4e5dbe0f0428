#include "api/stored_file.hpp"

#include "unit/server_api/fakes.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <filesystem>

using siprec::ErrorCode;
using siprec::server::StoredFile;
using siprec::server::test::TemporaryFolder;

TEST_CASE("stored file: reads a stretch when the file is in the store", "[unit][api]") {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder.path() / "2026/11");
    folder.write("2026/11/a.wav", "0123456789");
    const auto file = StoredFile::open(folder.path().string(), "2026/11/a.wav");
    REQUIRE(file);
    CHECK(file->size() == 10);
    std::array<char, 8> buffer{};
    const auto got = file->read(6, buffer);
    REQUIRE(got);
    CHECK(std::string(buffer.data(), *got) == "6789");
}

TEST_CASE("stored file: is refused when the path leads out of the store", "[unit][api]") {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder.path() / "store/sub");
    std::filesystem::create_directories(folder.path() / "store-other");
    folder.write("secret", "secret");
    folder.write("store-other/secret", "secret");
    std::filesystem::create_symlink("../secret", folder.path() / "store/link");
    const std::string root = (folder.path() / "store").string();
    const std::string absolute = (folder.path() / "secret").string();
    for (const std::string& path : {std::string("../secret"),
                                    std::string("sub/../../secret"),
                                    std::string("../store-other/secret"),
                                    std::string("link"),
                                    absolute,
                                    std::string(),
                                    std::string("sub"),
                                    std::string(".")}) {
        CAPTURE(path);
        const auto file = StoredFile::open(root, path);
        REQUIRE_FALSE(file);
        CHECK(file.error().code() == ErrorCode::InvalidArgument);
    }
}

TEST_CASE("stored file: may come back when it cannot be found now", "[unit][api]") {
    const TemporaryFolder folder;
    const auto missing = StoredFile::open(folder.path().string(), "a.wav");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().is_retryable());
    const auto no_store = StoredFile::open((folder.path() / "away").string(), "a.wav");
    REQUIRE_FALSE(no_store);
    CHECK(no_store.error().is_retryable());
}
