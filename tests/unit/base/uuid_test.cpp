#include <siprec/uuid.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <unordered_set>

using siprec::Uuid;

TEST_CASE("uuid: random ones differ and are of version 4", "[unit][base][rfc9562][7865-6.10-1]") {
    std::set<Uuid> seen;
    for (int i = 0; i < 1000; ++i) {
        const Uuid id = Uuid::random();
        CHECK((id.bytes()[6] >> 4U) == 4);
        CHECK((id.bytes()[8] >> 6U) == 2);
        seen.insert(id);
    }
    CHECK(seen.size() == 1000);
}

TEST_CASE("uuid: text and value are the same thing", "[unit][base]") {
    const std::string text = "0189c3a4-7b1e-8def-9abc-0123456789ab";
    const auto id = Uuid::parse(text);
    REQUIRE(id);
    CHECK(id->to_string() == text);
    CHECK(Uuid::parse("0189C3A4-7B1E-8DEF-9ABC-0123456789AB") == id);
    CHECK(id->bytes()[0] == 0x01);
    CHECK(id->bytes()[15] == 0xAB);
    CHECK_FALSE(id->is_nil());
}

TEST_CASE("uuid: what has another form is none", "[unit][base]") {
    const char* text = GENERATE("",
                                "0189c3a47b1e8def9abc0123456789ab",
                                "{0189c3a4-7b1e-8def-9abc-0123456789ab}",
                                "0189c3a4-7b1e-8def-9abc-0123456789a",
                                "0189c3a4-7b1e-8def-9abc-0123456789abc",
                                "0189c3a4-7b1e-8def-9abc-0123456789ag",
                                "0189c3a4-7b1e-8def-9abc00123456789ab",
                                "urn:uuid:0189c3a4-7b1e-8def-9abc-012");
    INFO(text);
    CHECK_FALSE(Uuid::parse(text));
}

TEST_CASE("uuid: derived ones repeat and depend on space and name", "[unit][base][rfc9562]") {
    const Uuid space = *Uuid::parse("0189c3a4-7b1e-8def-9abc-0123456789ab");
    const Uuid id = Uuid::derived(space, "recording/1");
    CHECK(id == Uuid::derived(space, "recording/1"));
    CHECK(id != Uuid::derived(space, "recording/2"));
    CHECK(id != Uuid::derived(Uuid{}, "recording/1"));
    CHECK((id.bytes()[6] >> 4U) == 8);
    CHECK((id.bytes()[8] >> 6U) == 2);
}

TEST_CASE("uuid: nil is nil and hashes tell ids apart", "[unit][base]") {
    CHECK(Uuid{}.is_nil());
    CHECK(Uuid{}.to_string() == "00000000-0000-0000-0000-000000000000");
    std::unordered_set<Uuid> ids;
    for (int i = 0; i < 100; ++i) {
        ids.insert(Uuid::derived(Uuid{}, std::to_string(i)));
    }
    CHECK(ids.size() == 100);
    CHECK(ids.contains(Uuid::derived(Uuid{}, "7")));
}
