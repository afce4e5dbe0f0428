#pragma once

#include <siprec/result.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace siprec::server {

/// A regular expression (RE2 syntax, case folded) over text that strangers wrote: matching takes
/// time linear in the text, whatever the expression. *Immutable*, cheap to copy.
class Pattern {
  public:
    /// @return Malformed with what is wrong
    [[nodiscard]] static Result<Pattern> parse(const std::string& text);

    /// Does it occur anywhere in the text?
    [[nodiscard]] bool occurs_in(std::string_view text) const;

    /// The first group of the first match that took part in it; without groups the match itself.
    [[nodiscard]] std::optional<std::string> first_match(std::string_view text) const;

  private:
    explicit Pattern(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}

    std::shared_ptr<const re2::RE2> compiled_;  // shared by the copies of one profile set
};

}  // namespace siprec::server
