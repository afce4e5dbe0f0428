#include "cli/siprecctl.hpp"

#include "unit/server_api/fakes.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

using nlohmann::json;
using siprec::server::test::example_recording;
using siprec::server::test::kAudio;
using siprec::server::test::TemporaryFolder;
using siprec::server::test::World;

namespace {

struct Outcome {
    int status;
    std::string out;
    std::string err;
};

Outcome run(std::vector<std::string> arguments) {
    std::ostringstream out;
    std::ostringstream err;
    const int status = siprec::server::run_siprecctl(std::move(arguments), out, err);
    return {status, out.str(), err.str()};
}

Outcome run(const World& world, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"--server", "http://" + world.server->endpoint().to_string()});
    return run(std::move(arguments));
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t files_in(const TemporaryFolder& folder) {
    return static_cast<std::size_t>(std::distance(
        std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()));
}

}  // namespace

TEST_CASE("siprecctl: prints the status when the server is there", "[unit][cli]") {
    const World world;
    const auto text = run(world, {"status"});
    CHECK(text.status == 0);
    CHECK(text.out.find("udp:127.0.0.1:5060") != std::string::npos);
    const auto as_json = run(world, {"status", "--json"});
    CHECK(json::parse(as_json.out)["sessions_active"] == 3);
}

TEST_CASE("siprecctl: lists recordings when asked in either form", "[unit][cli]") {
    World world;
    const auto text = run(world, {"list"});
    CHECK(text.status == 0);
    CHECK(text.out.find(world.recording.id.to_string()) != std::string::npos);
    CHECK(text.out.find("0:01:30") != std::string::npos);
    CHECK(text.out.find('\x1b') == std::string::npos);
    const auto as_json = json::parse(run(world, {"list", "--json", "--limit", "5"}).out);
    CHECK(as_json["recordings"].size() == 1);
    CHECK(as_json["recordings"][0]["id"] == world.recording.id.to_string());
    CHECK(as_json["next"].is_null());
    CHECK(world.database.last_query.limit == 5);
}

TEST_CASE("siprecctl: passes every filter on when it lists", "[unit][cli]") {
    World world;
    const auto outcome = run(world,
                             {"list",
                              "--from",
                              "2026-01-01T00:00:00+01:00",
                              "--until",
                              "2027-01-01T00:00:00Z",
                              "--number",
                              "+49*",
                              "--name",
                              "Ann M\xc3\xbcller & Co",
                              "--participant",
                              "p",
                              "--direction",
                              "outbound",
                              "--src",
                              "gw*",
                              "--call-id",
                              "a=b&c",
                              "--state",
                              "partial"});
    REQUIRE(outcome.status == 0);
    const auto& query = world.database.last_query;
    CHECK(siprec::to_rfc3339(*query.from) == "2025-12-31T23:00:00.000000Z");
    CHECK(query.until);
    CHECK(query.number == "+49*");
    CHECK(query.name == "Ann M\xc3\xbcller & Co");
    CHECK(query.participant == "p");
    CHECK(query.direction == "outbound");
    CHECK(query.src == "gw*");
    CHECK(query.call_id == "a=b&c");
    CHECK(query.state == "partial");
}

TEST_CASE("siprecctl: walks through the pages when there are more", "[unit][cli]") {
    World world;
    world.database.recordings.clear();
    for (int i = 0; i < 1100; ++i) {
        world.database.recordings.push_back(example_recording(i));
    }
    const auto all = json::parse(run(world, {"list", "--json", "--all"}).out);
    CHECK(all["recordings"].size() == 1100);
    CHECK(all["next"].is_null());
    const auto some = json::parse(run(world, {"list", "--json", "--limit", "1050"}).out);
    CHECK(some["recordings"].size() == 1050);
    CHECK(some["next"] == "1050");
    const auto rest = json::parse(run(world, {"list", "--json", "--cursor", "1050"}).out);
    CHECK(rest["recordings"].size() == 50);
    CHECK(run(world, {"list", "--limit", "2"}).out.find("--cursor 2") != std::string::npos);
}

TEST_CASE("siprecctl: prints valid JSON when nothing is found", "[unit][cli]") {
    World world;
    world.database.recordings.clear();
    const auto empty = json::parse(run(world, {"list", "--json"}).out);
    CHECK(empty == json{{"recordings", json::array()}, {"next", nullptr}});
}

TEST_CASE("siprecctl: shows a recording when its id or the start of it is given", "[unit][cli]") {
    const World world;
    const std::string id = world.recording.id.to_string();
    const auto text = run(world, {"show", id});
    CHECK(text.status == 0);
    CHECK(text.out.find("sip:gateway@example.com") != std::string::npos);
    CHECK(text.out.find("metadata 1") != std::string::npos);
    CHECK(text.out.find('\x1b') == std::string::npos);
    const auto as_json = run(world, {"show", id.substr(0, 8), "--json"});
    CHECK(json::parse(as_json.out)["id"] == id);
}

TEST_CASE("siprecctl: says what is wrong when an id leads nowhere", "[unit][cli]") {
    World world;
    CHECK(run(world, {"show", siprec::Uuid::random().to_string()}).status == 1);
    CHECK(run(world, {"show", "00000000"}).status == 1);
    const auto nonsense = run(world, {"show", "../status"});
    CHECK(nonsense.status == 2);
    CHECK(nonsense.err.find("../status") != std::string::npos);
    auto twin = world.recording;
    auto bytes = twin.id.bytes();
    bytes[15] = static_cast<std::uint8_t>(bytes[15] + 1);
    twin.id = siprec::Uuid(bytes);
    world.database.recordings.push_back(twin);
    const auto ambiguous = run(world, {"show", twin.id.to_string().substr(0, 8)});
    CHECK(ambiguous.status == 2);
    CHECK(ambiguous.err.find("2 of the newest") != std::string::npos);
}

TEST_CASE("siprecctl: exports files when they are what the catalogue names", "[unit][cli]") {
    World world;
    const TemporaryFolder folder;
    const std::string id = world.recording.id.to_string();
    const auto none = run(world, {"export", id, "--format", "mkv", "-o", "-"});
    CHECK(none.status != 0);
    CHECK(none.err.find("has no mkv") != std::string::npos);
    world.add_video_and_text();
    for (const char* format : {"wav", "mkv", "vtt", "pcapng"}) {
        const auto path = folder.path() / format;
        const auto outcome = run(world, {"export", id, "--format", format, "-o", path.string()});
        CHECK(outcome.err.empty());
        CHECK(outcome.status == 0);
        CHECK(content_of(path) == kAudio);
    }
    CHECK(run(world, {"export", id, "--format", "wav", "-o", "-"}).out == kAudio);
    CHECK(run(world, {"export", id, "--format", "metadata", "-o", "-"}).out ==
          world.recording.documents[0].document);
    CHECK(run(world, {"export", id, "--format", "metadata", "--document", "2", "-o", "-"}).out ==
          world.recording.documents[1].document);
    CHECK(json::parse(run(world, {"export", id, "--format", "json", "-o", "-"}).out)["id"] == id);
    CHECK(files_in(folder) == 4);
}

TEST_CASE("siprecctl: leaves no file when what arrives is not whole", "[unit][cli]") {
    World world;
    const TemporaryFolder folder;
    const std::string path = (folder.path() / "out.wav").string();
    const std::string id = world.recording.id.to_string();
    SECTION("other content than the hash says") {
        world.store.write("a.wav", "0123456789ABCDEF");
    }
    SECTION("other length than the catalogue says") {
        world.store.write("a.wav", "0123");
    }
    SECTION("no audio") {
        world.database.recordings[0].artefacts.clear();
    }
    SECTION("no catalogue") {
        world.database.away = true;
    }
    const auto outcome = run(world, {"export", id, "--format", "wav", "-o", path});
    CHECK(outcome.status == 1);
    CHECK(outcome.err.starts_with("siprecctl: "));
    CHECK(files_in(folder) == 0);
    const auto to_stream = run(world, {"export", id, "--format", "wav", "-o", "-"});
    CHECK(to_stream.status == 1);
    CHECK(to_stream.out.empty());
}

TEST_CASE("siprecctl: keeps the old file when an export fails", "[unit][cli]") {
    World world;
    const TemporaryFolder folder;
    folder.write("out.wav", "old");
    world.store.write("a.wav", "0123456789ABCDEF");
    const std::string path = (folder.path() / "out.wav").string();
    CHECK(run(world, {"export", world.recording.id.to_string(), "--format", "wav", "-o", path})
              .status == 1);
    CHECK(content_of(path) == "old");
    const auto nowhere = run(
        world,
        {"export", world.recording.id.to_string(), "--format", "wav", "-o", path + "/no/way.wav"});
    CHECK(nowhere.status == 1);
    CHECK(nowhere.err.find("way.wav") != std::string::npos);
}

TEST_CASE("siprecctl: names the URL when the server is away", "[unit][cli]") {
    std::string url;
    {
        const World world;
        url = "http://" + world.server->endpoint().to_string();
    }
    const auto outcome = run({"--server", url, "status"});
    CHECK(outcome.status == 1);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find(url) != std::string::npos);
}

TEST_CASE("siprecctl: exits with 2 when it is used wrongly", "[unit][cli]") {
    using Arguments = std::vector<std::string>;
    const auto arguments = GENERATE(Arguments{},
                                    Arguments{"dance"},
                                    Arguments{"list", "--limit", "0"},
                                    Arguments{"list", "--limit", "5", "--all"},
                                    Arguments{"show"},
                                    Arguments{"export", "x"},
                                    Arguments{"export", "x", "--format", "mp3", "-o", "-"},
                                    Arguments{"--server", "ftp://x", "status"},
                                    Arguments{"show", "short"});
    const auto outcome = run(arguments);
    CHECK(outcome.status == 2);
    CHECK_FALSE(outcome.err.empty());
    CHECK(outcome.out.empty());
}

TEST_CASE("siprecctl: exits with 0 when help or version is asked", "[unit][cli]") {
    CHECK(run({"--help"}).status == 0);
    CHECK(run({"--version"}).out.find('.') != std::string::npos);
    CHECK(run({"list", "--help"}).out.find("--number") != std::string::npos);
}

TEST_CASE("siprecctl: passes the server's refusal on when a filter is wrong", "[unit][cli]") {
    const World world;
    const auto outcome = run(world, {"list", "--state", "gone"});
    CHECK(outcome.status == 2);
    CHECK(outcome.err.find("state: must be one of") != std::string::npos);
    CHECK(outcome.out.empty());
}
