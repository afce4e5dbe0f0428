#include "base/byte_reader.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <span>

using siprec::base::ByteReader;

namespace {

constexpr std::array<std::byte, 15> kBytes{std::byte{1},
                                           std::byte{2},
                                           std::byte{3},
                                           std::byte{4},
                                           std::byte{5},
                                           std::byte{6},
                                           std::byte{7},
                                           std::byte{8},
                                           std::byte{9},
                                           std::byte{10},
                                           std::byte{11},
                                           std::byte{12},
                                           std::byte{13},
                                           std::byte{14},
                                           std::byte{0xFF}};

}  // namespace

TEST_CASE("byte reader: integers come in network order", "[unit][base]") {
    ByteReader reader(kBytes);
    CHECK(reader.u8() == std::uint8_t{1});
    CHECK(reader.u16() == std::uint16_t{0x0203});
    CHECK(reader.u32() == std::uint32_t{0x04050607});
    CHECK(reader.u64() == std::uint64_t{0x08090A0B0C0D0EFF});
    CHECK(reader.remaining() == 0);
    CHECK(reader.u8() == std::nullopt);
}

TEST_CASE("byte reader: a read that fails moves nothing", "[unit][base]") {
    ByteReader reader(std::span<const std::byte>(kBytes).first(3));
    CHECK(reader.u32() == std::nullopt);
    CHECK(reader.u64() == std::nullopt);
    CHECK_FALSE(reader.take(4));
    CHECK(reader.remaining() == 3);
    const auto taken = reader.take(2);
    REQUIRE(taken);
    CHECK((*taken)[1] == std::byte{2});
    CHECK(reader.u16() == std::nullopt);
    CHECK(reader.u8() == std::uint8_t{3});
    CHECK(reader.take(0));
}
