#include "assembler/resampler.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace {

using siprec::assembler::Resampler;
using Samples = std::vector<std::int16_t>;

Samples tone(double hertz, std::uint32_t rate, std::size_t count) {
    Samples out(count);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = static_cast<std::int16_t>(std::lrint(
            10'000 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate)));
    }
    return out;
}

/// Largest difference, ends left out: there the filter sees the silence before and after.
int largest_difference(const Samples& left, const Samples& right, std::size_t margin) {
    int largest = 0;
    for (std::size_t i = margin; i + margin < std::min(left.size(), right.size()); ++i) {
        largest = std::max(largest, std::abs(left[i] - right[i]));
    }
    return largest;
}

Samples resampled(std::uint32_t from, std::uint32_t to, const Samples& input, std::size_t piece) {
    Resampler resampler(from, to);
    Samples out;
    for (std::size_t at = 0; at < input.size(); at += piece) {
        resampler.process(std::span(input).subspan(at, std::min(piece, input.size() - at)), out);
    }
    resampler.flush(out);
    return out;
}

}  // namespace

TEST_CASE("resampler: a tone keeps frequency phase and level at exactly the length of the ratio",
          "[unit][assembler][resampler]") {
    const auto [from, to] = GENERATE(table<std::uint32_t, std::uint32_t>({{48'000, 8000},
                                                                          {8000, 48'000},
                                                                          {16'000, 8000},
                                                                          {8000, 16'000},
                                                                          {44'100, 8000},
                                                                          {8000, 44'100},
                                                                          {44'101, 8000}}));
    const Samples out = resampled(from, to, tone(1000, from, from), from / 50);
    CHECK(out.size() == to);
    CHECK(largest_difference(out, tone(1000, to, to), to / 50) < 40);
}

TEST_CASE("resampler: the result does not depend on how the input was cut",
          "[unit][assembler][resampler]") {
    const Samples input = tone(440, 48'000, 9600);
    const Samples whole = resampled(48'000, 8000, input, input.size());
    CHECK(resampled(48'000, 8000, input, 1) == whole);
    CHECK(resampled(48'000, 8000, input, 961) == whole);
}

TEST_CASE("resampler: what the lower rate cannot hold is filtered out",
          "[unit][assembler][resampler]") {
    const Samples out = resampled(48'000, 8000, tone(6000, 48'000, 48'000), 960);
    CHECK(largest_difference(out, Samples(out.size(), 0), 200) < 20);
}

TEST_CASE("resampler: it begins anew after a flush", "[unit][assembler][resampler]") {
    Resampler resampler(48'000, 8000);
    const Samples input = tone(440, 48'000, 4800);
    Samples first;
    resampler.process(input, first);
    resampler.flush(first);
    Samples second;
    resampler.process(input, second);
    resampler.flush(second);
    CHECK(first == second);
    CHECK(resampler.owed() == 0);
}
