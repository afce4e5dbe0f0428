#include "interop/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace siprec::server {
namespace {

// A longer value identifies nothing.
constexpr std::size_t kMostBytes = std::size_t{64} * 1024;

re2::StringPiece piece_of(std::string_view text) {
    text = text.substr(0, kMostBytes);
    return {text.data(), text.size()};
}

}  // namespace

Result<Pattern> Pattern::parse(const std::string& text) {
    RE2::Options options(RE2::Latin1);  // bytes: what clients send is not always UTF-8
    options.set_log_errors(false);
    options.set_case_sensitive(false);
    auto compiled = std::make_shared<const RE2>(text, options);
    if (!compiled->ok()) {
        return Error(ErrorCode::Malformed, "no regular expression: " + compiled->error());
    }
    return Pattern(std::move(compiled));
}

bool Pattern::occurs_in(std::string_view text) const {
    return RE2::PartialMatch(piece_of(text), *compiled_);
}

std::optional<std::string> Pattern::first_match(std::string_view text) const {
    const auto groups = static_cast<std::size_t>(compiled_->NumberOfCapturingGroups());
    std::vector<re2::StringPiece> found(groups + 1);
    const re2::StringPiece piece = piece_of(text);
    if (!compiled_->Match(piece,
                          0,
                          piece.size(),
                          RE2::UNANCHORED,
                          found.data(),
                          static_cast<int>(found.size()))) {
        return std::nullopt;
    }
    const auto group = std::find_if(
        found.begin() + 1, found.end(), [](const auto& one) { return one.data() != nullptr; });
    return (group == found.end() ? found.front() : *group).as_string();
}

}  // namespace siprec::server
