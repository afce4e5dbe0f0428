#include "api/router.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>
#include <string>
#include <utility>

namespace {

using Operation = std::pair<std::string, std::string>;  // method, path

/// Paths stand two blanks deep under `paths:`, methods four.
std::set<Operation> operations_of(std::istream& yaml) {
    std::set<Operation> operations;
    std::string line;
    std::string path;
    bool in_paths = false;
    while (std::getline(yaml, line)) {
        const std::size_t depth = line.find_first_not_of(' ');
        if (depth == 0) {
            in_paths = line == "paths:";
        } else if (in_paths && depth == 2) {
            path = line.substr(2, line.rfind(':') - 2);
        } else if (in_paths && line == "    get:") {
            operations.emplace("GET", path);
        } else if (in_paths && line == "    post:") {
            operations.emplace("POST", path);
        } else if (in_paths && line == "    delete:") {
            operations.emplace("DELETE", path);
        } else if (in_paths && depth == 4) {
            REQUIRE(line == "    parameters:");
        }
    }
    return operations;
}

}  // namespace

TEST_CASE("openapi: describes exactly what is routed when compared with the router",
          "[unit][api][openapi]") {
    std::ifstream yaml(SIPREC_SOURCE_DIR "/schemas/openapi.yaml");
    REQUIRE(yaml);
    std::set<Operation> routed;
    for (const auto& route : siprec::server::routes()) {
        routed.emplace(route.method, route.pattern);
    }
    CHECK(operations_of(yaml) == routed);
    CHECK(routed.size() == siprec::server::routes().size());
}

TEST_CASE("router: finds the route and its parameters when path and method are known",
          "[unit][api]") {
    const auto match = siprec::server::find_route("HEAD", "/api/v1/recordings/abc/metadata/2");
    REQUIRE(match.route != nullptr);
    CHECK(match.route->pattern == "/api/v1/recordings/{id}/metadata/{n}");
    CHECK(match.parameters == std::vector<std::string>{"abc", "2"});
}

TEST_CASE("router: refuses when path or method is not served", "[unit][api]") {
    struct Row {
        const char* method;
        const char* path;
        unsigned status;
    };

    const auto row = GENERATE(Row{"GET", "/api/v1/recordings/", 404},
                              Row{"GET", "/api/v1/recordings//audio", 404},
                              Row{"GET", "/api/v1/recordings/a/audio/", 404},
                              Row{"GET", "/api/v1", 404},
                              Row{"GET", "//", 404},
                              Row{"GET", "/../etc/passwd", 404},
                              Row{"DELETE", "/nowhere", 404},
                              Row{"POST", "/nowhere", 405},
                              Row{"POST", "/api/v1/recordings", 405},
                              Row{"OPTIONS", "/", 405},
                              Row{"DELETE", "/api/v1/recordings/a", 405},
                              Row{"GET", "/api/v1/sessions/a", 405});
    const auto match = siprec::server::find_route(row.method, row.path);
    CHECK(match.route == nullptr);
    CHECK(match.refusal.status == row.status);
}
