#include "api/request_guard.hpp"

#include <catch2/catch.hpp>

using siprec::Endpoint;
using siprec::server::HttpRequest;
using siprec::server::refuse_stranger;

namespace {

unsigned status_for(const HttpRequest& request, const char* listen) {
    const auto refusal = refuse_stranger(request, *Endpoint::parse(listen));
    return refusal ? refusal->status : 200;
}

HttpRequest with_host(const char* host) {
    return {"GET", "/", "", {{"Host", host}}};
}

}  // namespace

TEST_CASE("request guard: lets loopback hosts pass when it listens on loopback", "[unit][api]") {
    const auto* host = GENERATE("localhost",
                                "LocalHost:8080",
                                "localhost.",
                                "127.0.0.1",
                                "127.0.0.1:9",
                                "127.1.2.3",
                                "[::1]",
                                "[::1]:8080");
    CHECK(status_for(with_host(host), "127.0.0.1:8080") == 200);
}

TEST_CASE("request guard: refuses other hosts when it listens on loopback", "[unit][api]") {
    const auto* host = GENERATE("example.com",
                                "example.com:8080",
                                "localhost.example.com",
                                "127.0.0.1.example.com",
                                "192.0.2.1",
                                "[2001:db8::1]:8080",
                                "[::1",
                                "0x7f000001",
                                ":8080");
    CHECK(status_for(with_host(host), "127.0.0.1:8080") == 421);
}

TEST_CASE("request guard: lets any host pass when it listens for the network", "[unit][api]") {
    CHECK(status_for(with_host("recorder.example.com"), "192.0.2.1:8080") == 200);
    CHECK(status_for(with_host("recorder.example.com"), "0.0.0.0:8080") == 200);
}

TEST_CASE("request guard: wants exactly one Host when there are none or two",
          "[unit][api][rfc9112]") {
    CHECK(status_for({"GET", "/", "", {}}, "127.0.0.1:8080") == 400);
    CHECK(status_for({"GET", "/", "", {{"Host", "localhost"}, {"host", "localhost"}}},
                     "127.0.0.1:8080") == 400);
}

TEST_CASE("request guard: refuses changes when another site asks for them", "[unit][api]") {
    struct Row {
        const char* name;
        const char* value;
        unsigned status;
    };

    const auto row = GENERATE(Row{"Accept", "*/*", 200},
                              Row{"Origin", "http://localhost:8080", 200},
                              Row{"Origin", "http://localhost:9090", 403},
                              Row{"Origin", "https://localhost:8080", 403},
                              Row{"Origin", "http://example.com", 403},
                              Row{"Origin", "null", 403},
                              Row{"Sec-Fetch-Site", "same-origin", 200},
                              Row{"Sec-Fetch-Site", "none", 200},
                              Row{"Sec-Fetch-Site", "same-site", 403},
                              Row{"Sec-Fetch-Site", "cross-site", 403});
    const HttpRequest request{
        "DELETE", "/", "", {{"Host", "localhost:8080"}, {row.name, row.value}}};
    CHECK(status_for(request, "127.0.0.1:8080") == row.status);
}
