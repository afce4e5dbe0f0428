#include "ops/logger.hpp"

#include <siprec/uuid.hpp>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <regex>

namespace {

using siprec::LogLevel;
using siprec::server::append_field;
using siprec::server::log_level_of;
using siprec::server::ServerLogger;

std::string field(std::string_view value) {
    std::string line;
    append_field(line, {.name = "k", .value = value});
    return line;
}

TEST_CASE("logger: field is quoted when it is not one word", "[unit][ops]") {
    CHECK(field("abc-1@host") == "k=abc-1@host");
    CHECK(field("") == "k=\"\"");
    CHECK(field("two words") == "k=\"two words\"");
    CHECK(field("say \"x\"\\") == R"(k="say \"x\"\\")");
    CHECK(field("line\nforged=1") == R"(k="line\x0aforged=1")");
}

TEST_CASE("logger: line holds level and fields when the level is enough", "[unit][ops]") {
    const std::string path =
        std::filesystem::temp_directory_path() / ("siprec-" + siprec::Uuid::random().to_string());
    std::vector<std::string> lines;
    {
        auto logger = ServerLogger::open(path, LogLevel::Warning);
        REQUIRE(logger);
        (*logger)->log(LogLevel::Info, "sip", "dropped");
        (*logger)->log(LogLevel::Error, "sip", "first\nline", {{"rs", "1"}, {"call_id", "a b"}});
        (*logger)->set_level(LogLevel::Debug);
        (*logger)->log(LogLevel::Debug, "rtp", "second {}");
    }
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    std::filesystem::remove(path);
    REQUIRE(lines.size() == 2);
    CHECK(std::regex_match(
        lines[0],
        std::regex(
            R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z error sip: first line rs=1 call_id="a b")")));
    CHECK(lines[1].ends_with("Z debug rtp: second {}"));
}

TEST_CASE("logger: error names the file when it cannot be opened", "[unit][ops]") {
    const auto logger = ServerLogger::open("/proc/none/log", LogLevel::Info);
    REQUIRE_FALSE(logger);
    CHECK(logger.error().message().find("/proc/none/log") != std::string::npos);
}

TEST_CASE("logger: level has a name when it is configured", "[unit][ops]") {
    CHECK(log_level_of("debug") == LogLevel::Debug);
    CHECK(log_level_of("info") == LogLevel::Info);
    CHECK(log_level_of("warning") == LogLevel::Warning);
    CHECK(log_level_of("error") == LogLevel::Error);
}

}  // namespace
