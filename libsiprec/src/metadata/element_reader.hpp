#pragma once

#include "metadata/findings.hpp"
#include "metadata/normalise.hpp"

#include <siprec/metadata.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace siprec::metadata {

using Extensions = std::vector<XmlElement>;

/// Takes what is understood out of one element; what is left at the end is foreign, and is kept.
class ElementReader {
  public:
    ElementReader(XmlElement& element, Where where, Extensions& extensions, Findings& findings)
        : element_(element), where_(where), extensions_(extensions), findings_(findings) {}

    [[nodiscard]] const Where& where() const { return where_; }

    /// The first of `names` that is there; the RFC's name comes first, the others are the drafts'.
    [[nodiscard]] std::optional<std::string> attribute(
        std::initializer_list<std::string_view> names) {
        for (const std::string_view name : names) {
            for (auto it = element_.attributes.begin(); it != element_.attributes.end(); ++it) {
                if (!is_same_name(it->first, name)) {
                    continue;
                }
                if (it->first != *names.begin()) {
                    findings_.add("draft-attribute", "attribute of a draft: " + it->first, where_);
                }
                std::string value = std::move(it->second);
                element_.attributes.erase(it);
                return value;
            }
        }
        return std::nullopt;
    }

    /// Keeps what nobody took, under the element's own name in the foreign namespace.
    void keep_rest() {
        if (!element_.attributes.empty()) {
            findings_.add("unknown-attribute",
                          "unknown attribute: " + element_.attributes.front().first,
                          where_);
        }
        if (!element_.attributes.empty() || !element_.children.empty()) {
            extensions_.push_back({std::string(kForeignNamespace),
                                   std::move(element_.name),
                                   std::move(element_.attributes),
                                   {},
                                   std::move(element_.children)});
        }
    }

  private:
    XmlElement& element_;
    Where where_;
    Extensions& extensions_;
    Findings& findings_;
};

}  // namespace siprec::metadata
