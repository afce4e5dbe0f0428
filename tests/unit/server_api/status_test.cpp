#include "unit/server_api/fakes.hpp"
#include "unit/server_api/http_probe.hpp"

#include <siprec/version.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <chrono>

using nlohmann::json;
using siprec::server::ApiServer;
using siprec::server::test::get;
using siprec::server::test::request;
using siprec::server::test::World;

namespace {

/// Asks until the catalogue's state is known to be `up`; the server learns it from its own calls.
json status_with_catalogue(const World& world, bool up) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    json status;
    do {
        status = json::parse(get(world.server->endpoint(), "/api/v1/status").body);
    } while (status["catalogue"]["up"] != up && std::chrono::steady_clock::now() < deadline);
    return status;
}

}  // namespace

TEST_CASE("api: tells its status when asked", "[unit][api]") {
    const World world;
    const json status = status_with_catalogue(world, true);
    CHECK(status["version"] == siprec::kVersion);
    CHECK(status["uptime_s"] >= 0);
    CHECK(status["sessions_active"] == 3);
    CHECK(status["counters"]["rtp_packets"] == 4711);
    CHECK(status["disk"]["free_bytes"] == 5'000'000);
    CHECK(status["catalogue"]["up"] == true);
    CHECK(status["listeners"][0] == json{{"transport", "udp"}, {"address", "127.0.0.1:5060"}});
    CHECK(status["listeners"][1]["address"] == "[::1]:5060");
}

TEST_CASE("api: status and metrics work when the catalogue is away", "[unit][api][faults]") {
    World world;
    world.database.away = true;
    const auto list = get(world.server->endpoint(), "/api/v1/recordings");
    CHECK(list.status == 503);
    CHECK(list.headers.at("retry-after") == "5");
    CHECK(list.headers.at("content-type") == "application/problem+json");
    const json status = status_with_catalogue(world, false);
    CHECK(status["catalogue"]["up"] == false);
    CHECK(status["catalogue"]["reason"] == "the fake database is away");
    const auto metrics = get(world.server->endpoint(), "/metrics");
    CHECK(metrics.status == 200);
    CHECK(metrics.body == "siprec_up 1\n");
    CHECK(metrics.headers.at("content-type").starts_with("text/plain; version=0.0.4"));
}

TEST_CASE("api: is ready but says so when only the catalogue is away", "[unit][api]") {
    World world;
    world.database.away = true;
    static_cast<void>(get(world.server->endpoint(), "/api/v1/recordings"));
    const auto answer = get(world.server->endpoint(), "/readyz");
    CHECK(answer.status == 200);
    const json body = json::parse(answer.body);
    CHECK(body["ready"] == true);
    REQUIRE(body["reasons"].size() == 1);
    CHECK(body["reasons"][0]["component"] == "catalogue");
    CHECK(body["reasons"][0]["blocks"] == false);
}

TEST_CASE("api: is not ready and names the reason when no session can be recorded", "[unit][api]") {
    World world;
    static_cast<void>(status_with_catalogue(world, true));
    world.live.ready = false;
    SECTION("draining") {
        const auto answer = get(world.server->endpoint(), "/readyz");
        CHECK(answer.status == 503);
        CHECK(answer.headers.count("retry-after") == 1);
        CHECK(json::parse(answer.body)["reasons"][0]["component"] == "recorder");
    }
    SECTION("disk full") {
        world.live.refusing = true;
        const json body = json::parse(get(world.server->endpoint(), "/readyz").body);
        REQUIRE(body["reasons"].size() == 1);
        CHECK(body["reasons"][0]["component"] == "capture");
        CHECK(body["reasons"][0]["blocks"] == true);
    }
    const auto alive = get(world.server->endpoint(), "/healthz");
    CHECK(alive.status == 200);
}

TEST_CASE("api: is ready with a remark when the disk is nearly full", "[unit][api]") {
    World world;
    static_cast<void>(status_with_catalogue(world, true));
    world.live.disk_alarm = true;
    const auto answer = get(world.server->endpoint(), "/readyz");
    CHECK(answer.status == 200);
    CHECK(json::parse(answer.body)["reasons"][0]["component"] == "disk");
}

TEST_CASE("api: needs the catalogue to be ready when it has no live wing", "[unit][api]") {
    World world({}, false);
    const json status = status_with_catalogue(world, true);
    CHECK(status["role"] == "archive");
    CHECK(get(world.server->endpoint(), "/readyz").status == 200);
    world.database.away = true;
    static_cast<void>(get(world.server->endpoint(), "/api/v1/recordings"));
    CHECK(get(world.server->endpoint(), "/readyz").status == 503);
    CHECK(get(world.server->endpoint(), "/api/v1/sessions").body == R"({"sessions":[]})");
}

TEST_CASE("api: lists and ends sessions when they run", "[unit][api]") {
    const World world;
    const json body = json::parse(get(world.server->endpoint(), "/api/v1/sessions").body);
    REQUIRE(body["sessions"].size() == 1);
    const std::string id = body["sessions"][0]["id"];
    CHECK(id == world.live.session_id.to_string());
    CHECK(body["sessions"][0]["streams"] == 2);
    const std::string path = "/api/v1/sessions/" + id;

    CHECK(request(world.server->endpoint(), "DELETE", path, "Origin: http://example.com\r\n")
              .status == 403);
    CHECK(world.live.ended == 0);
    const auto ended = request(world.server->endpoint(), "DELETE", path);
    CHECK(ended.status == 204);
    CHECK(ended.headers.count("content-length") == 0);
    CHECK(world.live.ended == 1);
    CHECK(request(world.server->endpoint(),
                  "DELETE",
                  "/api/v1/sessions/" + siprec::Uuid::random().to_string())
              .status == 404);
    CHECK(request(world.server->endpoint(), "DELETE", "/api/v1/sessions/x").status == 404);
}

TEST_CASE("api: hands wishes to the session and tells what came of them", "[unit][api]") {
    World world;
    const auto endpoint = world.server->endpoint();
    const std::string path = "/api/v1/sessions/" + world.live.session_id.to_string();
    CHECK(request(endpoint, "POST", path + "/pause").status == 204);
    CHECK(request(endpoint, "POST", path + "/resume").status == 204);
    CHECK(request(endpoint, "POST", path + "/snapshot").status == 204);
    CHECK(request(endpoint, "DELETE", path + "/streams/1").status == 204);
    CHECK(request(endpoint, "DELETE", path + "/streams/x").status == 404);
    CHECK(request(endpoint, "POST", path + "/sinks?name=speech").status == 204);
    CHECK(request(endpoint, "POST", path + "/sinks").status == 400);
    CHECK(request(endpoint, "POST", path + "/sinks?name=a&name=b").status == 400);
    const auto started = request(endpoint, "POST", "/api/v1/sessions?src=sip%3Aa%40b");
    CHECK(started.status == 201);
    CHECK(started.body.find(world.live.session_id.to_string()) != std::string::npos);
    CHECK(request(endpoint, "POST", "/api/v1/sessions").status == 400);
    CHECK(world.live.wishes ==
          std::vector<std::string>{
              "pause", "resume", "snapshot", "drop 1", "attach speech", "start sip:a@b"});
    world.live.refusal = siprec::Error(siprec::ErrorCode::Conflict, "pause was answered 488");
    const auto refused = request(endpoint, "POST", path + "/pause");
    CHECK(refused.status == 409);
    CHECK(refused.body.find("488") != std::string::npos);
    world.live.refusal = siprec::Error(siprec::ErrorCode::Timeout, "no answer yet");
    CHECK(request(endpoint, "POST", path + "/pause").status == 504);
    CHECK(request(endpoint, "POST", path + "/pause", "Origin: http://example.com\r\n").status ==
          403);
    CHECK(request(
              endpoint, "POST", "/api/v1/sessions/" + siprec::Uuid::random().to_string() + "/pause")
              .status == 404);
}

TEST_CASE("api: serves the page under a strict policy when / is asked", "[unit][api][portal]") {
    const World world;
    const auto page = get(world.server->endpoint(), "/");
    CHECK(page.status == 200);
    CHECK(page.headers.at("content-type") == "text/html; charset=utf-8");
    CHECK(page.headers.at("content-security-policy").starts_with("default-src 'self'"));
    CHECK(page.headers.at("x-content-type-options") == "nosniff");
    CHECK(page.body.starts_with("<!doctype html>"));
    const auto script = get(world.server->endpoint(), "/app.js");
    CHECK(script.headers.at("content-type") == "text/javascript; charset=utf-8");
    CHECK(script.body.find("innerHTML") == std::string::npos);
    CHECK(get(world.server->endpoint(), "/style.css").status == 200);
}

TEST_CASE("api: names the address when it cannot listen there", "[unit][api]") {
    const World world;
    siprec::server::ApiDependencies dependencies;
    dependencies.open_catalog = [] { return nullptr; };
    auto second = ApiServer::start(world.server->endpoint(), dependencies, siprec::null_logger());
    REQUIRE_FALSE(second);
    CHECK(second.error().code() == siprec::ErrorCode::Io);
    CHECK(second.error().message().find(world.server->endpoint().to_string()) != std::string::npos);
}
