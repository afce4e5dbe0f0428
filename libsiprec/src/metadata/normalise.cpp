#include "metadata/normalise.hpp"

#include "metadata/mapper.hpp"
#include "metadata/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

namespace siprec::metadata {

namespace {

/// Elements that stand below the root, and nowhere else.
constexpr std::array<std::string_view, 7> kTopLevel = {"group",
                                                       "session",
                                                       "participant",
                                                       "stream",
                                                       "sessionrecordingassoc",
                                                       "participantsessionassoc",
                                                       "participantstreamassoc"};

/// Elements within those, and within one another.
constexpr std::array<std::string_view, 16> kInner = {"nameID",
                                                     "name",
                                                     "aor",
                                                     "label",
                                                     "send",
                                                     "recv",
                                                     "id",
                                                     "associate-time",
                                                     "disassociate-time",
                                                     "start-time",
                                                     "stop-time",
                                                     "end-time",
                                                     "sipSessionID",
                                                     "group-ref",
                                                     "reason",
                                                     "param"};

bool is_top_level(std::string_view name) {
    return std::find(kTopLevel.begin(), kTopLevel.end(), name) != kTopLevel.end();
}

bool is_root(const XmlElement& element) {
    return is_same_name(element.name, "recording") ||
           is_same_name(element.name, "recording_metadata");
}

/// Lists have been seen around what RFC 7865 has side by side.
bool is_list(std::string_view name) {
    return std::ranges::any_of(
        std::array<std::string_view, 5>{
            "groups", "sessions", "participants", "streams", "associations"},
        [&](std::string_view list) { return is_same_name(name, list); });
}

template <typename Names>
bool take_spelling(XmlElement& element, const Names& names, Findings& findings) {
    for (const std::string_view name : names) {
        if (is_same_name(element.name, name)) {
            if (element.name != name) {
                findings.add("element-name", "an element is spelled " + element.name);
                element.name = name;
            }
            return true;
        }
    }
    return false;
}

// NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth (ParseLimits::max_depth).
XmlElement* find_root(XmlElement& element) {
    for (XmlElement& child : element.children) {
        if (is_root(child)) {
            return &child;
        }
        if (XmlElement* const found = find_root(child)) {
            return found;
        }
    }
    return nullptr;
}

class Normaliser {
  public:
    Normaliser(XmlElement& root, Findings& findings) : root_(root), findings_(findings) {}

    void run() {
        spell(root_, 0);
        std::vector<XmlElement> top;
        for (XmlElement& child : root_.children) {
            take(child, top);
        }
        root_.children = std::move(top);
    }

  private:
    [[nodiscard]] bool is_ours(const XmlElement& element) const {
        return is_model_namespace(element.name_space) || element.name_space == root_.name_space;
    }

    // NOLINTNEXTLINE(misc-no-recursion): as above.
    void spell(XmlElement& element, int depth) {
        for (XmlElement& child : element.children) {
            // Extension data keeps its names, whatever they are.
            if (is_ours(child) &&
                (take_spelling(child, kTopLevel, findings_) ||
                 (depth > 0 && take_spelling(child, kInner, findings_)) || is_list(child.name))) {
                spell(child, depth + 1);
            }
        }
    }

    /// Moves `child` to `top`, behind it what stands within it and belongs to the root.
    // NOLINTNEXTLINE(misc-no-recursion): as above.
    void take(XmlElement& child, std::vector<XmlElement>& top) {
        const bool is_container = is_ours(child) && (child.name == "session" ||
                                                     child.name == "group" || is_list(child.name));
        std::vector<XmlElement> nested;
        if (is_container) {
            lift(child, child, nested);
        }
        if (!is_ours(child) || !is_list(child.name) || !child.children.empty()) {
            top.push_back(std::move(child));
        }
        std::move(nested.begin(), nested.end(), std::back_inserter(top));
    }

    /// @param owner  the element that says to which session or group the nested ones belong
    // NOLINTNEXTLINE(misc-no-recursion): as above.
    void lift(XmlElement& element, const XmlElement& owner, std::vector<XmlElement>& nested) {
        std::vector<XmlElement> kept;
        for (XmlElement& child : element.children) {
            if (is_ours(child) && is_top_level(child.name)) {
                findings_.add("nested-element", child.name + " stands within " + element.name);
                link(child, owner);
                take(child, nested);
            } else if (is_ours(child) && is_list(child.name)) {
                lift(child, owner, nested);
                if (!child.children.empty()) {
                    kept.push_back(std::move(child));
                }
            } else {
                kept.push_back(std::move(child));
            }
        }
        element.children = std::move(kept);
    }

    /// What nesting says is said by an attribute, as the drafts have it.
    static void link(XmlElement& child, const XmlElement& owner) {
        const bool is_of_session = child.name == "participant" || child.name == "stream";
        const std::string_view wanted = is_of_session ? "session" : "group";
        if (owner.name != wanted || !(is_of_session || child.name == "session")) {
            return;
        }
        const auto has = [&](std::string_view name) {
            return std::ranges::any_of(child.attributes, [&](const auto& attribute) {
                return is_same_name(attribute.first, name);
            });
        };
        const std::string qualified = std::string(wanted) + "_id";
        if (has(wanted) || has(qualified)) {
            return;
        }
        for (const auto& [name, value] : owner.attributes) {
            if (is_same_name(name, qualified) || is_same_name(name, "id")) {
                child.attributes.emplace_back(wanted, value);
                return;
            }
        }
    }

    XmlElement& root_;
    Findings& findings_;
};

}  // namespace

bool is_same_name(std::string_view a, std::string_view b) {
    const auto skip = [](std::string_view& text) {
        while (!text.empty() && (text.front() == '_' || text.front() == '-')) {
            text.remove_prefix(1);
        }
    };
    for (;;) {
        skip(a);
        skip(b);
        if (a.empty() || b.empty()) {
            return a.empty() && b.empty();
        }
        if (!equals_ignoring_case(a.substr(0, 1), b.substr(0, 1))) {
            return false;
        }
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
}

void normalise_tree(XmlElement& root, Findings& findings) {
    if (!is_root(root)) {
        XmlElement* const found = find_root(root);
        if (found == nullptr) {
            return;
        }
        findings.add("wrapped-root", "the document stands within " + root.name);
        XmlElement inner = std::move(*found);
        root = std::move(inner);
    }
    Normaliser(root, findings).run();
}

}  // namespace siprec::metadata
