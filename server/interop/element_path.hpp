#pragma once

#include <siprec/metadata.hpp>
#include <siprec/result.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

/// Elements from the outermost that the path names to the one that it is about.
using ElementChain = std::vector<const metadata::XmlElement*>;

/// Where a value stands in extension data: local names, whatever their namespace and case,
/// outermost first: `callType/origCall/dialedDigits`, `header[label=Call-ID]/value`, `*` for any
/// name. The first step may be at any depth. *Immutable.*
class ElementPath {
  public:
    /// @return Malformed with what is wrong
    [[nodiscard]] static Result<ElementPath> parse(std::string_view text);

    /// Calls `take` for each element that the path leads to, in document order.
    void each(const std::vector<metadata::XmlElement>& extensions,
              const std::function<void(const ElementChain&)>& take) const;

    /// The last step's name; empty when the path cannot be looked for in text (`*`, a condition).
    [[nodiscard]] std::string plain_name() const;

  private:
    struct Step {
        std::string name;
        std::string attribute;  // empty: no condition
        std::string value;
    };

    [[nodiscard]] static bool fits(const Step& step, const metadata::XmlElement& element);
    void walk(const metadata::XmlElement& element,
              std::size_t step,
              ElementChain& chain,
              const std::function<void(const ElementChain&)>& take) const;
    void search(const metadata::XmlElement& element,
                ElementChain& chain,
                const std::function<void(const ElementChain&)>& take) const;

    std::vector<Step> steps_;
};

/// Names and attribute values of vendors differ in case from version to version.
[[nodiscard]] bool equals_folded(std::string_view a, std::string_view b);

}  // namespace siprec::server
