#pragma once

#include <siprec/metadata.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::metadata {

/// Where in a document something stands; rendered only when a finding needs it.
struct Where {
    const Where* parent = nullptr;
    std::string_view name;
    std::size_t index = 0;  ///< from 1 among equal names; 0: the only one

    [[nodiscard]] std::string to_string() const;
};

/// Collects findings, and stops at a number that no honest document reaches, so that a hostile one
/// cannot make the report larger than itself.
class Findings {
  public:
    static constexpr std::size_t kMax = 256;

    void add(std::string_view code, std::string message, const Where& where);
    void add(std::string_view code, std::string message, std::string path = {});

    [[nodiscard]] std::vector<Finding> take() && { return std::move(list_); }

  private:
    std::vector<Finding> list_;
};

}  // namespace siprec::metadata
