#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The few things one does with the words of an SDP line.
namespace siprec::sdp {

/// Where the line that begins at `start` ends. A bare CR and a NUL end a line as well, so that no
/// value that is echoed can hold one.
[[nodiscard]] std::size_t find_line_end(std::string_view text, std::size_t start) noexcept;

[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

[[nodiscard]] bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept;

[[nodiscard]] std::string to_upper(std::string_view text);

/// Takes the first blank-separated word off `text`; empty at the end.
[[nodiscard]] std::string_view take_word(std::string_view& text) noexcept;

/// Takes what stands before the first `separator` off `text`, and the separator too.
[[nodiscard]] std::string_view take_until(std::string_view& text, char separator) noexcept;

/// The number that `text` begins with; what follows its digits is left out of account.
[[nodiscard]] std::optional<std::uint32_t> leading_number(std::string_view text) noexcept;

/// `text`, when it is a number and nothing else.
[[nodiscard]] std::optional<std::uint32_t> whole_number(std::string_view text) noexcept;

}  // namespace siprec::sdp
