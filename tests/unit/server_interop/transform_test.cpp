#include "interop/transform.hpp"

#include <catch2/catch.hpp>

namespace {

using siprec::server::find_transform;
using Values = std::vector<std::string>;

Values apply(const char* name, const std::string& value) {
    const auto transform = find_transform(name);
    REQUIRE(transform != nullptr);
    return transform(value);
}

}  // namespace

TEST_CASE("transform: each does what its name says", "[unit][interop]") {
    struct Row {
        const char* transform;
        std::string in;
        Values out;
    };

    const std::vector<Row> rows{
        {"trim", " \t a b \r\n", {"a b"}},
        {"unquote", " \"Ann\" ", {"Ann"}},
        {"unquote", "\"", {"\""}},
        {"unbrace", "{1-2}", {"1-2"}},
        {"strip_parameters", "00FA08;encoding=hex", {"00FA08"}},
        {"uri", "\"A\" <sip:a@b;user=phone>;tag=1", {"sip:a@b;user=phone"}},
        {"uri_user", "<SIP:+1555@host:5060;user=phone>", {"+1555"}},
        {"uri_user", "sip:192.0.2.1", {""}},
        {"uri_user", "tel:+1-555", {"+1-555"}},
        {"uri_user", "4711", {"4711"}},
        {"uri_host", "sip:a@[2001:db8::1]:5060", {"[2001:db8::1]"}},
        {"uri_host", "sip:host.example:5060;lr", {"host.example"}},
        {"number", "sip:+1 (212) 555-0100@x", {"+12125550100"}},
        {"number", "alice.smith@x", {"alice.smith"}},
        {"hex_to_text", "68656C6C6F", {"hello"}},
        {"hex_to_text", "00FA", {"00FA"}},
        {"hex_to_text", "not hex", {"not hex"}},
        {"direction", "Terminating", {"inbound"}},
        {"direction", "origCall", {"outbound"}},
        {"direction", "sideways", {}},
        {"guid",
         "{0000000001-0000000255-0000000002-4294967295}",
         {"0000000001-0000000255-0000000002-4294967295", "00000001000000FF00000002FFFFFFFF"}},
        {"guid",
         "{12345678-1234-5678-9ABC-123456789ABC}",
         {"12345678-1234-5678-9ABC-123456789ABC"}},
        {"lower", "AbC", {"abc"}},
        {"upper", "AbC", {"ABC"}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.transform, row.in);
        CHECK(apply(row.transform, row.in) == row.out);
    }
    CHECK(find_transform("no_such") == nullptr);
}

TEST_CASE("transform: a UCID is given in every form in which it is looked for", "[unit][interop]") {
    // Node 10, sequence 5000, time 1700000000: 000A 1388 6553F100.
    const Values bare{"000A13886553F100", "00010050001700000000"};
    CHECK(apply("ucid", "00FA08000A13886553F100;encoding=hex") ==
          Values{"00FA08000A13886553F100", bare[0], bare[1]});
    CHECK(apply("ucid", "fa08000a13886553f100") ==
          Values{"fa08000a13886553f100", bare[0], bare[1]});
    CHECK(apply("ucid", "000A13886553F100") == Values{"000A13886553F100", bare[0], bare[1]});
    CHECK(apply("ucid", "C0934BE7") == Values{"C0934BE7"});
    CHECK(apply("ucid_in_uui", "04FA08000A13886553F100C8143030;encoding=hex") ==
          Values{bare[0], bare[0], bare[1]});
    CHECK(apply("ucid_in_uui", "04C8143030;encoding=hex").empty());
}
