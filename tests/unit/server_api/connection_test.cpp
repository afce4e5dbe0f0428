#include "unit/server_api/fakes.hpp"
#include "unit/server_api/http_probe.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <future>
#include <string>

using siprec::server::ApiLimits;
using siprec::server::test::get;
using siprec::server::test::HttpProbe;
using siprec::server::test::World;

TEST_CASE("connection: serves several requests when the client keeps it", "[unit][api][rfc9112]") {
    const World world;
    HttpProbe probe(world.server->endpoint());
    for (int i = 0; i < 3; ++i) {
        probe.get("/healthz");
        CHECK(probe.read().status == 200);
    }
    probe.get("/healthz", "Connection: close\r\n");
    CHECK(probe.read().headers.at("connection") == "close");
    CHECK(probe.is_closed());
}

TEST_CASE("connection: answers in order when requests are pipelined", "[unit][api][rfc9112]") {
    const World world;
    HttpProbe probe(world.server->endpoint());
    const std::string tail = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    probe.send("GET " + world.path("/audio") + tail + "GET /nowhere" + tail + "GET /healthz" +
               tail);
    CHECK(probe.read().status == 200);
    CHECK(probe.read().status == 404);
    CHECK(probe.read().body == R"({"alive":true})");
}

TEST_CASE("connection: closes when an HTTP/1.0 client has its answer", "[unit][api]") {
    const World world;
    HttpProbe probe(world.server->endpoint());
    probe.send("GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n");
    CHECK(probe.read().status == 200);
    CHECK(probe.is_closed());
}

TEST_CASE("connection: takes a request when it comes byte by byte", "[unit][api]") {
    const World world;
    HttpProbe probe(world.server->endpoint());
    for (const char c : std::string("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
        probe.send({&c, 1});
    }
    CHECK(probe.read().status == 200);
}

TEST_CASE("connection: answers 400 and closes when the request is not HTTP", "[unit][api]") {
    const World world;
    const auto* bytes = GENERATE("hello\r\n\r\n",
                                 "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
                                 "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                 "GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
                                 "GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                 "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n");
    HttpProbe probe(world.server->endpoint());
    probe.send(bytes);
    const auto answer = probe.read();
    CHECK(answer.status == 400);
    CHECK(answer.headers.at("content-type") == "application/problem+json");
    CHECK(probe.is_closed());
}

TEST_CASE("connection: refuses hosts and methods when they are not served", "[unit][api]") {
    const World world;
    HttpProbe probe(world.server->endpoint());
    probe.send("GET / HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n");
    CHECK(probe.read().status == 421);
    probe.send("GET / HTTP/1.1\r\n\r\n");
    CHECK(probe.read().status == 400);
    probe.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
    const auto put = probe.read();
    CHECK(put.status == 405);
    CHECK(put.headers.at("allow") == "GET, HEAD");
}

TEST_CASE("connection: refuses a request when head or body is too large", "[unit][api]") {
    const World world;
    SECTION("head") {
        HttpProbe probe(world.server->endpoint());
        probe.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(70'000, 'a') +
                   "\r\n\r\n");
        CHECK(probe.read().status == 431);
        CHECK(probe.is_closed());
    }
    SECTION("body") {
        HttpProbe probe(world.server->endpoint());
        probe.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n" +
                   std::string(70'000, 'a'));
        CHECK(probe.read().status == 413);
        CHECK(probe.is_closed());
    }
}

TEST_CASE("connection: ends when the client is too slow", "[unit][api]") {
    const World world({.timeout = std::chrono::milliseconds(50)});
    SECTION("in the middle of a request") {
        HttpProbe probe(world.server->endpoint());
        probe.send("GET /healthz HTTP/1.1\r\nHost: loc");
        CHECK(probe.is_closed());
    }
    SECTION("before it says anything") {
        HttpProbe probe(world.server->endpoint());
        CHECK(probe.is_closed());
    }
}

TEST_CASE("connection: answers 503 when the catalogue is too slow", "[unit][api][faults]") {
    World world({.timeout = std::chrono::milliseconds(50)});
    std::promise<void> released;
    const auto gate = released.get_future().share();
    world.database.before_get = [gate] { gate.wait(); };
    const auto slow = get(world.server->endpoint(), world.path());
    CHECK(slow.status == 503);
    CHECK(get(world.server->endpoint(), "/api/v1/status").status == 200);
    released.set_value();
}

TEST_CASE("connection: turns clients away when there are too many", "[unit][api]") {
    const World world({.connections = 2});
    HttpProbe first(world.server->endpoint());
    first.get("/healthz");
    CHECK(first.read().status == 200);
    HttpProbe second(world.server->endpoint());
    second.get("/healthz");
    CHECK(second.read().status == 200);
    HttpProbe third(world.server->endpoint());
    const auto answer = third.read();
    CHECK(answer.status == 503);
    CHECK(answer.headers.count("retry-after") == 1);
    first.get("/healthz");
    CHECK(first.read().status == 200);
}

TEST_CASE("connection: finishes its request when the server stops", "[unit][api]") {
    World world;
    std::promise<void> entered;
    std::promise<void> released;
    const auto gate = released.get_future().share();
    world.database.before_get = [&entered, gate] {
        entered.set_value();
        gate.wait();
    };
    HttpProbe idle(world.server->endpoint());
    HttpProbe busy(world.server->endpoint());
    busy.get(world.path());
    entered.get_future().wait();
    auto stopped = std::async(std::launch::async, [&] { world.server->stop(); });
    CHECK(idle.is_closed());
    released.set_value();
    const auto answer = busy.read();
    CHECK(answer.status == 200);
    CHECK(answer.headers.at("connection") == "close");
    stopped.get();
    CHECK_THROWS(HttpProbe(world.server->endpoint()));
}
