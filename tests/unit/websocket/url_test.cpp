#include "websocket/url.hpp"

#include <catch2/catch.hpp>

using siprec::websocket::parse_url;

TEST_CASE("websocket url: parts of what an administrator writes", "[unit][websocket]") {
    const auto plain = parse_url("ws://speech.example");
    REQUIRE(plain);
    CHECK_FALSE(plain->is_secure);
    CHECK(plain->host == "speech.example");
    CHECK(plain->port == "80");
    CHECK(plain->target == "/");
    const auto full = parse_url("wss://[2001:db8::1]:9443/v1/audio?model=a");
    REQUIRE(full);
    CHECK(full->is_secure);
    CHECK(full->host == "2001:db8::1");
    CHECK(full->port == "9443");
    CHECK(full->target == "/v1/audio?model=a");
    CHECK(full->authority() == "[2001:db8::1]:9443");
    CHECK(full->without_query() == "wss://[2001:db8::1]:9443/v1/audio");
    CHECK(plain->without_query() == "ws://speech.example:80/");
    CHECK(parse_url("wss://a")->port == "443");
    CHECK(parse_url("ws://a?x=1")->target == "/?x=1");
}

TEST_CASE("websocket url: what is none is refused with a reason", "[unit][websocket]") {
    for (const char* text : {"http://a",
                             "ws://",
                             "ws://:80/",
                             "ws://a:",
                             "ws://a:x/",
                             "ws://a:70000/",
                             "ws://[::1",
                             "ws://[::1]x",
                             "ws://user:secret@a/",
                             ""}) {
        INFO(text);
        const auto url = parse_url(text);
        REQUIRE_FALSE(url);
        CHECK(url.error().code() == siprec::ErrorCode::InvalidArgument);
    }
}

TEST_CASE("websocket url: an error does not repeat what may be a secret", "[unit][websocket]") {
    for (const char* text : {"ws://user:secret@a/", "http://a/?token=secret", "ws://a:x/?secret"}) {
        const auto url = parse_url(text);
        REQUIRE_FALSE(url);
        CHECK(url.error().message().find("secret") == std::string::npos);
    }
    CHECK(parse_url("http://a/b").error().message().find("http://a/b") == 0);
}
