#include "interop/element_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace siprec::server {

bool equals_folded(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
        return std::tolower(x) == std::tolower(y);
    });
}

Result<ElementPath> ElementPath::parse(std::string_view text) {
    ElementPath path;
    while (true) {
        const std::size_t end = text.find('/');
        std::string_view part = text.substr(0, end);
        Step step;
        if (const auto open = part.find('['); open != std::string_view::npos) {
            const std::string_view condition = part.substr(open + 1);
            const auto equals = condition.find('=');
            if (!condition.ends_with(']') || equals == std::string_view::npos || equals == 0) {
                return Error(ErrorCode::Malformed,
                             fmt::format("'{}' is not name[attribute=value]", part));
            }
            step.attribute = condition.substr(0, equals);
            step.value = condition.substr(equals + 1, condition.size() - equals - 2);
            part = part.substr(0, open);
        }
        if (part.empty() || part.find_first_of(" \t:@") != std::string_view::npos) {
            return Error(ErrorCode::Malformed,
                         fmt::format("'{}' is no element's local name", part));
        }
        step.name = part;
        path.steps_.push_back(std::move(step));
        if (end == std::string_view::npos) {
            return path;
        }
        text.remove_prefix(end + 1);
    }
}

void ElementPath::each(const std::vector<metadata::XmlElement>& extensions,
                       const std::function<void(const ElementChain&)>& take) const {
    ElementChain chain;
    for (const metadata::XmlElement& element : extensions) {
        search(element, chain, take);
    }
}

std::string ElementPath::plain_name() const {
    const bool is_plain = steps_.back().name != "*" &&
                          std::all_of(steps_.begin(), steps_.end(), [](const Step& step) {
                              return step.attribute.empty();
                          });
    return is_plain ? steps_.back().name : std::string();
}

bool ElementPath::fits(const Step& step, const metadata::XmlElement& element) {
    if (step.name != "*" && !equals_folded(step.name, element.name)) {
        return false;
    }
    return step.attribute.empty() ||
           std::any_of(
               element.attributes.begin(), element.attributes.end(), [&](const auto& attribute) {
                   return equals_folded(attribute.first, step.attribute) &&
                          equals_folded(attribute.second, step.value);
               });
}

// NOLINTNEXTLINE(misc-no-recursion): a path has few steps.
void ElementPath::walk(const metadata::XmlElement& element,
                       std::size_t step,
                       ElementChain& chain,
                       const std::function<void(const ElementChain&)>& take) const {
    if (!fits(steps_[step], element)) {
        return;
    }
    chain.push_back(&element);
    if (step + 1 == steps_.size()) {
        take(chain);
    } else {
        for (const metadata::XmlElement& child : element.children) {
            walk(child, step + 1, chain, take);
        }
    }
    chain.pop_back();
}

// NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth (ParseLimits::max_depth).
void ElementPath::search(const metadata::XmlElement& element,
                         ElementChain& chain,
                         const std::function<void(const ElementChain&)>& take) const {
    walk(element, 0, chain, take);
    for (const metadata::XmlElement& child : element.children) {
        search(child, chain, take);
    }
}

}  // namespace siprec::server
