#include "cli/siprecctl.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    try {
        return siprec::server::run_siprecctl(
            std::vector<std::string>(argv + 1, argv + argc), std::cout, std::cerr);
    } catch (const std::exception& failure) {
        std::cerr << "siprecctl: " << failure.what() << '\n';
        return 1;
    }
}
