#include "unit/server_api/fakes.hpp"
#include "unit/server_api/http_probe.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using nlohmann::json;
using siprec::server::test::at_second;
using siprec::server::test::example_recording;
using siprec::server::test::get;
using siprec::server::test::HttpProbe;
using siprec::server::test::kAudio;
using siprec::server::test::kAudioHash;
using siprec::server::test::request;
using siprec::server::test::World;

TEST_CASE("api: lists recordings page by page when a cursor is passed on", "[unit][api]") {
    World world;
    world.database.recordings = {example_recording(2), example_recording(1), example_recording(0)};
    const auto first = get(world.server->endpoint(), "/api/v1/recordings?limit=2&name=Ann*");
    CHECK(first.status == 200);
    CHECK(first.headers.at("cache-control") == "no-store");
    const json page = json::parse(first.body);
    REQUIRE(page["recordings"].size() == 2);
    CHECK(world.database.last_query.name == "Ann*");
    const std::string next = page["next"];
    const json rest =
        json::parse(get(world.server->endpoint(), "/api/v1/recordings?cursor=" + next).body);
    CHECK(rest["recordings"].size() == 1);
    CHECK(rest["next"].is_null());
}

TEST_CASE("api: shows what the interface promises when a recording is listed", "[unit][api]") {
    const World world;
    const json body = json::parse(get(world.server->endpoint(), "/api/v1/recordings").body);
    const json& shown = body["recordings"][0];
    CHECK(shown["id"] == world.recording.id.to_string());
    CHECK(shown["state"] == "stored");
    CHECK(shown["start"] == siprec::to_rfc3339(at_second(0)));
    CHECK(shown["end"] == siprec::to_rfc3339(at_second(90)));
    CHECK(shown["duration_s"] == 90.5);
    CHECK(shown["verdict"] == "degraded");
    CHECK(shown["reasons"] == json{"stream-silent"});
    CHECK(shown["direction"] == "inbound");
    CHECK(shown["src"]["uri"] == "sip:gateway@example.com");
    CHECK(shown["call_id"] == "call-1@example.com");
    REQUIRE(shown["participants"].size() == 2);
    CHECK(shown["participants"][0]["id"] == "p1");
    CHECK(shown["participants"][0]["name"] == "Ann <script>");
    CHECK(shown["participants"][0]["aor"] == "sip:+49711@example.com");
    CHECK(shown["participants"][0]["number"] == "+49711");
    CHECK(shown["participants"][0]["names"][1]["aor"] == "tel:+49711");
    CHECK(shown["tracks"][0]["codec"] == "PCMU");
    CHECK(shown["artefacts"][0]["sha256"] == kAudioHash);
    CHECK(shown["artefacts"][0]["url"] == world.path("/audio"));
}

TEST_CASE("api: gives valid JSON when a name is not UTF-8", "[unit][api]") {
    const World world;
    const json body = json::parse(get(world.server->endpoint(), world.path()).body);
    CHECK(body["participants"][1]["name"] == "Bob \xef\xbf\xbd\x1b[31m");
    CHECK(body["documents"][1]["findings"].is_null());
    CHECK(body["documents"][0]["url"] == world.path("/metadata/1"));
}

TEST_CASE("api: refuses a list when a parameter is wrong", "[unit][api]") {
    const World world;
    const auto answer = get(world.server->endpoint(), "/api/v1/recordings?limit=many");
    CHECK(answer.status == 400);
    CHECK(answer.headers.at("content-type") == "application/problem+json");
    const json body = json::parse(answer.body);
    CHECK(body["status"] == 400);
    CHECK(body["title"] == "Bad Request");
    CHECK(body["detail"].get<std::string>().starts_with("limit"));
}

TEST_CASE("api: answers 404 when there is no such recording", "[unit][api]") {
    const World world;
    const auto unknown = "/api/v1/recordings/" + siprec::Uuid::random().to_string();
    for (const auto& path : {unknown, unknown + "/audio", std::string("/api/v1/recordings/x")}) {
        const auto answer = get(world.server->endpoint(), path);
        CHECK(answer.status == 404);
        CHECK(json::parse(answer.body)["status"] == 404);
    }
}

TEST_CASE("api: sends audio and capture whole when nothing else is asked", "[unit][api]") {
    const World world;
    const auto audio = get(world.server->endpoint(), world.path("/audio"));
    CHECK(audio.status == 200);
    CHECK(audio.body == kAudio);
    CHECK(audio.headers.at("content-type") == "audio/wav");
    CHECK(audio.headers.at("accept-ranges") == "bytes");
    CHECK(audio.headers.at("etag") == "\"" + std::string(kAudioHash) + "\"");
    CHECK(audio.headers.at("content-disposition") ==
          "attachment; filename=\"" + world.recording.id.to_string() + ".wav\"");
    const auto capture = get(world.server->endpoint(), world.path("/capture"));
    CHECK(capture.headers.at("content-type") == "application/x-pcapng");
    CHECK(capture.body == kAudio);
}

TEST_CASE("api: sends video and text where a recording has them", "[unit][api]") {
    World world;
    for (const auto* path : {"/video", "/text"}) {
        CHECK(get(world.server->endpoint(), world.path(path)).status == 404);
    }
    world.add_video_and_text();
    const std::string id = world.recording.id.to_string();
    const auto shown = json::parse(get(world.server->endpoint(), world.path("")).body);
    CHECK(shown["artefacts"][2]["url"] == world.path("/video"));
    CHECK(shown["artefacts"][3]["url"] == world.path("/text"));
    const auto video = get(world.server->endpoint(), world.path("/video"));
    CHECK(video.status == 200);
    CHECK(video.body == kAudio);
    CHECK(video.headers.at("content-type") == "video/x-matroska");
    CHECK(video.headers.at("content-disposition") == "attachment; filename=\"" + id + ".mkv\"");
    const auto text = get(world.server->endpoint(), world.path("/text"));
    CHECK(text.status == 200);
    CHECK(text.headers.at("content-type") == "text/vtt");
    CHECK(text.headers.at("content-disposition") == "attachment; filename=\"" + id + ".vtt\"");
}

TEST_CASE("api: sends a part when Range asks for it", "[unit][api][rfc9110]") {
    const World world;
    const auto part = get(world.server->endpoint(), world.path("/audio"), "Range: bytes=4-7\r\n");
    CHECK(part.status == 206);
    CHECK(part.body == "4567");
    CHECK(part.headers.at("content-range") == "bytes 4-7/16");
    CHECK(part.headers.at("content-length") == "4");
    const auto beyond = get(world.server->endpoint(), world.path("/audio"), "Range: bytes=16-\r\n");
    CHECK(beyond.status == 416);
    CHECK(beyond.headers.at("content-range") == "bytes */16");
}

TEST_CASE("api: minds the version that the client has when it names an entity tag",
          "[unit][api][rfc9110]") {
    const World world;
    const std::string tag = "\"" + std::string(kAudioHash) + "\"";
    const auto path = world.path("/audio");
    const auto& server = world.server->endpoint();
    CHECK(get(server, path, "If-None-Match: " + tag + "\r\n").status == 304);
    CHECK(get(server, path, "If-None-Match: \"other\", W/" + tag + "\r\n").status == 304);
    CHECK(get(server, path, "If-None-Match: \"other\"\r\n").status == 200);
    CHECK(get(server, path, "Range: bytes=0-1\r\nIf-Range: " + tag + "\r\n").status == 206);
    CHECK(get(server, path, "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n").status == 200);
}

TEST_CASE("api: sends no body but the same head when asked by HEAD", "[unit][api][rfc9110]") {
    const World world;
    HttpProbe probe(world.server->endpoint());
    probe.send("HEAD " + world.path("/audio") +
               " HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-3\r\n\r\n");
    const auto head = probe.read(false);
    CHECK(head.status == 200);
    CHECK(head.headers.at("content-length") == "16");
    CHECK(head.headers.count("etag") == 1);
    // Had a body been sent, this answer would begin with it.
    probe.get("/healthz");
    CHECK(probe.read().body == R"({"alive":true})");
}

TEST_CASE("api: does not serve a file when it is not what the catalogue says", "[unit][api]") {
    World world;
    auto& artefact = world.database.recordings[0].artefacts[0];
    SECTION("outside the store") {
        artefact.path = "../../etc/passwd";
        // Unavailable where the path leads nowhere, a defect where it leads to a file.
        CHECK(get(world.server->endpoint(), world.path("/audio")).status >= 500);
    }
    SECTION("of another length") {
        artefact.bytes = 17;
        const auto answer = get(world.server->endpoint(), world.path("/audio"));
        CHECK(answer.status == 500);
        CHECK(answer.body.find("a.wav") == std::string::npos);
    }
    SECTION("missing") {
        artefact.path = "b.wav";
        const auto answer = get(world.server->endpoint(), world.path("/audio"));
        CHECK(answer.status == 503);
        CHECK(answer.headers.count("retry-after") == 1);
    }
    SECTION("not rendered yet") {
        world.database.recordings[0].artefacts.clear();
        CHECK(get(world.server->endpoint(), world.path("/audio")).status == 404);
    }
}

TEST_CASE("api: sends metadata documents byte for byte when asked", "[unit][api]") {
    const World world;
    const json list = json::parse(get(world.server->endpoint(), world.path("/metadata")).body);
    REQUIRE(list["documents"].size() == 2);
    CHECK(list["documents"][0]["method"] == "INVITE");
    CHECK(list["documents"][1]["usable"] == false);
    const auto document = get(world.server->endpoint(), world.path("/metadata/1"));
    CHECK(document.body == "<recording>\xc3\xa9</recording>");
    CHECK(document.headers.at("content-type") == "application/rs-metadata+xml");
    CHECK(document.headers.at("x-content-type-options") == "nosniff");
    CHECK(document.headers.at("content-disposition").starts_with("attachment;"));
    CHECK(document.headers.at("content-security-policy") == "default-src 'none'; sandbox");
    for (const char* bad : {"/metadata/0", "/metadata/3", "/metadata/-1", "/metadata/1x"}) {
        CHECK(get(world.server->endpoint(), world.path(bad)).status == 404);
    }
}

TEST_CASE("api: keeps its own head whole when a content type is hostile", "[unit][api]") {
    const World world;
    const auto document = get(world.server->endpoint(), world.path("/metadata/2"));
    CHECK(document.status == 200);
    CHECK(document.headers.at("content-type") == "application/octet-stream");
    CHECK(document.headers.count("x-evil") == 0);
}

TEST_CASE("api: streams a file when it is larger than any buffer", "[unit][api]") {
    World world;
    std::string content;
    for (int i = 0; i < 100'000; ++i) {
        content += std::to_string(i) + ",";
    }
    world.store.write("big.wav", content);
    auto& artefact = world.database.recordings[0].artefacts[0];
    artefact.path = "big.wav";
    artefact.bytes = content.size();
    const auto audio = get(world.server->endpoint(), world.path("/audio"));
    CHECK(audio.status == 200);
    CHECK((audio.body == content));
}
