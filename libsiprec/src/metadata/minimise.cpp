#include <siprec/metadata.hpp>

#include <algorithm>

namespace siprec::metadata {
namespace {

class Allowed {
  public:
    explicit Allowed(const std::vector<std::string>& namespaces) : namespaces_(namespaces) {}

    /// Takes out what is not allowed, at any depth.
    std::size_t apply(std::vector<XmlElement>& elements) const {
        std::size_t removed = std::erase_if(
            elements, [this](const XmlElement& element) { return !has(element.name_space); });
        for (XmlElement& element : elements) {
            removed += apply(element.children);
        }
        return removed;
    }

    template <typename Owner>
    std::size_t apply_each(std::vector<Owner>& owners) const {
        std::size_t removed = 0;
        for (Owner& owner : owners) {
            removed += apply(owner.extensions);
        }
        return removed;
    }

  private:
    [[nodiscard]] bool has(std::string_view name_space) const {
        return std::ranges::any_of(namespaces_, [&](std::string_view pattern) {
            return pattern.ends_with('*')
                       ? name_space.starts_with(pattern.substr(0, pattern.size() - 1))
                       : name_space == pattern && !pattern.empty();
        });
    }

    const std::vector<std::string>& namespaces_;
};

}  // namespace

std::size_t minimise(Document& document, const std::vector<std::string>& namespaces) {
    const Allowed allowed(namespaces);
    return allowed.apply(document.extensions) + allowed.apply_each(document.groups) +
           allowed.apply_each(document.sessions) + allowed.apply_each(document.participants) +
           allowed.apply_each(document.streams) +
           allowed.apply_each(document.session_recording_assocs) +
           allowed.apply_each(document.participant_session_assocs) +
           allowed.apply_each(document.participant_stream_assocs);
}

}  // namespace siprec::metadata
