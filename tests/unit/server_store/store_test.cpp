#include "store/file_store.hpp"
#include "store/files.hpp"
#include "store/sha256.hpp"
#include "unit/server_capture/capture_fixture.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace siprec::server::testing {
namespace {

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("store: SHA-256 of a file is that of FIPS 180-4 when it holds abc", "[unit][store]") {
    const TempFolder folder;
    const std::string path = folder.path() + "/abc";
    REQUIRE(write_file_durably(path, "abc").has_value());
    const auto digest = digest_file(path);
    REQUIRE(digest.has_value());
    CHECK(digest->bytes == 3);
    CHECK(digest->sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest_file(folder.path() + "/none").error().code() == ErrorCode::NotFound);
}

TEST_CASE("store: an artefact lies in the folder of its day in UTC", "[unit][store]") {
    const Uuid id = Uuid::parse("01234567-89ab-cdef-0123-456789abcdef").value();
    const WallTime late = std::chrono::sys_days(std::chrono::year(2026) / 2 / 3) + 24h - 1ns;
    CHECK(FileStore::artefact_path(late, id, "wav") ==
          "2026/02/03/01234567-89ab-cdef-0123-456789abcdef.wav");
}

TEST_CASE("store: an artefact is not there before it is committed", "[unit][store]") {
    const TempFolder folder;
    const FileStore store(folder.path() + "/recordings");
    const auto part = store.prepare("2026/01/02/a.wav");
    REQUIRE(part.has_value());
    std::ofstream(*part) << "sound";
    CHECK_FALSE(std::filesystem::exists(store.absolute("2026/01/02/a.wav")));
    const auto digest = store.commit("2026/01/02/a.wav");
    REQUIRE(digest.has_value());
    CHECK(digest->bytes == 5);
    CHECK(read_file(store.absolute("2026/01/02/a.wav")) == "sound");
    CHECK_FALSE(std::filesystem::exists(*part));
}

TEST_CASE("store: adopting twice gives the same artefact and keeps the source", "[unit][store]") {
    const TempFolder folder;
    const FileStore store(folder.path() + "/recordings");
    const std::string source = folder.path() + "/source";
    REQUIRE(write_file_durably(source, "capture").has_value());
    const auto first = store.adopt(source, "a/b.pcapng");
    const auto second = store.adopt(source, "a/b.pcapng");
    REQUIRE(first.has_value());
    REQUIRE(second.has_value());
    CHECK(first->sha256 == second->sha256);
    CHECK(read_file(source) == "capture");
    REQUIRE(remove_durably(source).has_value());
    REQUIRE(remove_durably(source).has_value());
    CHECK(read_file(store.absolute("a/b.pcapng")) == "capture");
    CHECK_FALSE(std::filesystem::exists(store.absolute("a/b.pcapng.part")));
}

TEST_CASE("store: a second holder of a lock is refused until the first lets go", "[unit][store]") {
    const TempFolder folder;
    const std::string path = folder.path() + "/lock";
    {
        const auto first = FileLock::acquire(path);
        REQUIRE(first.has_value());
        CHECK(FileLock::acquire(path).error().code() == ErrorCode::Conflict);
    }
    CHECK(FileLock::acquire(path).has_value());
}

TEST_CASE("store: a full disk is told as exhausted with the bytes that went out", "[unit][store]") {
    auto full = open_file("/dev/full", O_WRONLY);
    REQUIRE(full.has_value());
    const std::vector<std::byte> bytes(100);
    const WriteOutcome outcome = write_some(full->get(), bytes);
    CHECK(outcome.written == 0);
    CHECK(file_error("write", "x", outcome.error_number).code() == ErrorCode::ResourceExhausted);
}

TEST_CASE("store: files are listed by suffix and in order", "[unit][store]") {
    const TempFolder folder;
    for (const char* name : {"b.pcapng", "a.pcapng", "a.pcapng.part"}) {
        REQUIRE(write_file_durably(folder.path() + "/" + name, "").has_value());
    }
    REQUIRE(make_directories(folder.path() + "/c.pcapng").has_value());
    CHECK(list_files(folder.path(), ".pcapng").value() ==
          std::vector<std::string>{"a.pcapng", "b.pcapng"});
    CHECK(list_files(folder.path() + "/none", ".pcapng").error().code() == ErrorCode::NotFound);
}

}  // namespace
}  // namespace siprec::server::testing
