#pragma once

namespace siprec {

/// The library's version, `major.minor.patch`, as in the CMake project.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace siprec
