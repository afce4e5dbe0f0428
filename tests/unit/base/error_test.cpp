#include <siprec/error.hpp>
#include <siprec/result.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>

using siprec::Error;
using siprec::ErrorCode;
using siprec::Result;

namespace {

Result<int> halve(int number) {
    if (number % 2 != 0) {
        return Error(ErrorCode::InvalidArgument, "odd");
    }
    return number / 2;
}

Result<void> only_even(int number) {
    if (auto half = halve(number); !half) {
        return std::move(half).error().with_context("only even");
    }
    return {};
}

}  // namespace

TEST_CASE("error: prints what failed and where", "[unit][base]") {
    CHECK(Error(ErrorCode::Malformed, "no v= line").to_string() == "malformed: no v= line");
    CHECK(Error(ErrorCode::Io, "no space left").at(17).with_context("open capture").to_string() ==
          "input/output error: open capture: no space left (at byte 17)");
}

TEST_CASE("error: each code has a name and a SIP status and a chance", "[unit][base][rfc3261]") {
    const auto [code, name, status, retryable] = GENERATE(table<ErrorCode, const char*, int, bool>({
        {ErrorCode::InvalidArgument, "invalid argument", 400, false},
        {ErrorCode::Malformed, "malformed", 400, false},
        {ErrorCode::Unsupported, "unsupported", 488, false},
        {ErrorCode::NotFound, "not found", 404, false},
        {ErrorCode::LimitExceeded, "limit exceeded", 413, false},
        {ErrorCode::ResourceExhausted, "resource exhausted", 503, true},
        {ErrorCode::Unavailable, "unavailable", 503, true},
        {ErrorCode::Timeout, "timeout", 504, true},
        {ErrorCode::Conflict, "conflict", 491, false},
        {ErrorCode::Io, "input/output error", 500, false},
        {ErrorCode::Internal, "internal error", 500, false},
    }));
    INFO(name);
    const Error error(code, "x");
    CHECK(siprec::to_string(code) == name);
    CHECK(error.sip_status() == status);
    CHECK(error.is_retryable() == retryable);
    CHECK(error.outcome_unknown() == (code == ErrorCode::Timeout));
    CHECK(error.offset() == std::nullopt);
}

TEST_CASE("result: holds a value or the error", "[unit][base]") {
    const Result<int> half = halve(8);
    REQUIRE(half);
    CHECK(*half == 4);
    CHECK(half.value_or(9) == 4);
    const Result<int> failed = halve(7);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code() == ErrorCode::InvalidArgument);
    CHECK(failed.value_or(9) == 9);
}

TEST_CASE("result: without a value it is success or the error", "[unit][base]") {
    CHECK(only_even(2));
    const Result<void> failed = only_even(3);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message() == "only even: odd");
}

TEST_CASE("result: a value that only moves is moved out", "[unit][base]") {
    Result<std::unique_ptr<int>> made = std::make_unique<int>(5);
    REQUIRE(made);
    const std::unique_ptr<int> taken = *std::move(made);
    CHECK(*taken == 5);
}

TEST_CASE("result: a value converts from what its type converts from", "[unit][base]") {
    const Result<std::string> text = "abc";
    REQUIRE(text);
    CHECK(text->size() == 3);
}
