#include "sdp/payload_types.hpp"

#include <catch2/catch.hpp>

using siprec::sdp::static_payload;

TEST_CASE("sdp: static payload types are those of RFC 3551", "[unit][sdp][rfc3551][3264-5.1-1]") {
    const auto [type, encoding, clock_rate, channels] =
        GENERATE(table<int, const char*, std::uint32_t, int>({
            {0, "PCMU", 8000, 1},   {2, "G726-32", 8000, 1}, {3, "GSM", 8000, 1},
            {4, "G723", 8000, 1},   {5, "DVI4", 8000, 1},    {6, "DVI4", 16000, 1},
            {7, "LPC", 8000, 1},    {8, "PCMA", 8000, 1},    {9, "G722", 8000, 1},
            {10, "L16", 44100, 2},  {11, "L16", 44100, 1},   {12, "QCELP", 8000, 1},
            {13, "CN", 8000, 1},    {14, "MPA", 90000, 1},   {15, "G728", 8000, 1},
            {16, "DVI4", 11025, 1}, {17, "DVI4", 22050, 1},  {18, "G729", 8000, 1},
            {19, "CN", 8000, 1},    {25, "CELB", 90000, 1},  {26, "JPEG", 90000, 1},
            {28, "NV", 90000, 1},   {31, "H261", 90000, 1},  {32, "MPV", 90000, 1},
            {33, "MP2T", 90000, 1}, {34, "H263", 90000, 1},
        }));
    const auto found = static_payload(static_cast<std::uint8_t>(type));
    REQUIRE(found);
    CHECK(found->payload_type == type);
    CHECK(found->encoding == encoding);
    CHECK(found->clock_rate == clock_rate);
    CHECK(found->channels == channels);
}

TEST_CASE("sdp: reserved and dynamic payload types stand for nothing", "[unit][sdp][rfc3551]") {
    const int type = GENERATE(1, 20, 24, 27, 29, 30, 35, 72, 95, 96, 127, 255);
    CHECK_FALSE(static_payload(static_cast<std::uint8_t>(type)));
}
