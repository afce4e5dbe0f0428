#include "sip/address_repair.hpp"

#include <catch2/catch.hpp>

#include <string>

using siprec::sip::anonymous_address;
using siprec::sip::repaired_address;

TEST_CASE("sip: an address that breaks the grammar is written as it was meant", "[unit][sip]") {
    const auto [written, meant] = GENERATE(table<std::string, std::string>({
        {R"("Q" sip:q@example.net;tag=1)", R"("Q" <sip:q@example.net>;tag=1)"},
        {"Q, Inc. <sip:q@example.net>;x=\"y;tag=ab", R"("Q, Inc." <sip:q@example.net>;tag=ab)"},
        {R"("Q <sip:q@example.net>;tag=1)", R"("Q" <sip:q@example.net>;tag=1)"},
        {"<sip:q@example.net;user=phone;tag=1", "<sip:q@example.net;user=phone>;tag=1"},
        {"<SIP:q@example.net>;TAG=1", "<SIP:q@example.net>;TAG=1"},
        {"<tel:+15550100>", "<tel:+15550100>"},
        {"sips:q@example.net?x=y, other", "<sips:q@example.net?x=y>"},
    }));
    CHECK(repaired_address(written) == meant);
}

TEST_CASE("sip: what holds no address becomes nobody's with its tag", "[unit][sip]") {
    CHECK(repaired_address("(null);tag=7").empty());
    CHECK(anonymous_address("(null);tag=7") == "<sip:anonymous@anonymous.invalid>;tag=7");
    CHECK(anonymous_address("") == "<sip:anonymous@anonymous.invalid>");
}
