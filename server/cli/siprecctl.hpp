#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace siprec::server {

/// The program siprecctl.
/// @param arguments  without the program's name
/// @return exit status: 0 done, 1 failed, 2 used wrongly
[[nodiscard]] int run_siprecctl(std::vector<std::string> arguments,
                                std::ostream& out,
                                std::ostream& err);

}  // namespace siprec::server
