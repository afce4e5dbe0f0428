#include "metadata/findings.hpp"

#include <fmt/format.h>

#include <utility>

namespace siprec::metadata {

std::string Where::to_string() const {
    std::string path = parent == nullptr ? std::string() : parent->to_string() + "/";
    path += name;
    if (index > 0) {
        path += fmt::format("[{}]", index);
    }
    return path;
}

void Findings::add(std::string_view code, std::string message, const Where& where) {
    if (list_.size() <= kMax) {
        add(code, std::move(message), where.to_string());
    }
}

void Findings::add(std::string_view code, std::string message, std::string path) {
    if (list_.size() < kMax) {
        list_.push_back({std::string(code), std::move(message), std::move(path)});
    } else if (list_.size() == kMax) {
        list_.push_back({"more-findings", "further findings are not listed", {}});
    }
}

}  // namespace siprec::metadata
