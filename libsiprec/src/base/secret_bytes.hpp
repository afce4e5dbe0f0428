#pragma once

#include <cstddef>
#include <span>

namespace siprec::base {

/// Overwrites what the compiler would otherwise leave, because nobody reads it again.
void wipe(std::span<std::byte> bytes) noexcept;

/// Fills with the kernel's random bytes; ends the program when there are none, because every key
/// depends on them.
void fill_random(std::span<std::byte> bytes) noexcept;

}  // namespace siprec::base
