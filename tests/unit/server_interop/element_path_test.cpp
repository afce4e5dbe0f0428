#include "interop/element_path.hpp"

#include <catch2/catch.hpp>

namespace {

using siprec::metadata::XmlElement;
using siprec::server::ElementChain;
using siprec::server::ElementPath;

XmlElement element(std::string name, std::string text, std::vector<XmlElement> children = {}) {
    XmlElement made;
    made.name = std::move(name);
    made.text = std::move(text);
    made.children = std::move(children);
    return made;
}

std::vector<std::string> texts(const char* path, const std::vector<XmlElement>& tree) {
    const auto parsed = ElementPath::parse(path);
    REQUIRE(parsed);
    std::vector<std::string> found;
    parsed->each(tree, [&](const ElementChain& chain) { found.push_back(chain.back()->text); });
    return found;
}

}  // namespace

TEST_CASE("path: local names lead to elements whatever namespace and depth", "[unit][interop]") {
    XmlElement header = element("header", "", {element("value", "one")});
    header.name_space = "urn:a";
    header.attributes = {{"label", "Call-ID"}};
    XmlElement other = element("Header", "", {element("Value", "two")});
    other.attributes = {{"Label", "X"}};
    const std::vector<XmlElement> tree{element("extensiondata", "", {header, other}),
                                       element("value", "three")};
    using Texts = std::vector<std::string>;
    CHECK(texts("value", tree) == Texts{"one", "two", "three"});
    CHECK(texts("header/value", tree) == Texts{"one", "two"});
    CHECK(texts("header[label=call-id]/value", tree) == Texts{"one"});
    CHECK(texts("extensiondata/*/value", tree) == Texts{"one", "two"});
    CHECK(texts("value/header", tree).empty());
}

TEST_CASE("path: what is none is refused", "[unit][interop]") {
    for (const char* wrong : {"", "a//b", "a/", "ns:a", "a[b", "a[=c]", "a[b]", "a b"}) {
        CAPTURE(wrong);
        CHECK_FALSE(ElementPath::parse(wrong));
    }
}
