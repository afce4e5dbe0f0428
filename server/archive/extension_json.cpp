#include "archive/extension_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace siprec::server {
namespace {

using nlohmann::json;

std::string without_nul(std::string_view text) {
    std::string kept(text);
    std::erase(kept, '\0');
    return kept;
}

void add_value(json& object, const std::string& name, const std::string& value) {
    json& slot = object[without_nul(name)];
    if (slot.is_null()) {
        slot = without_nul(value);
        return;
    }
    if (!slot.is_array()) {
        slot = json::array({slot});
    }
    slot.push_back(without_nul(value));
}

json encode(const std::vector<metadata::XmlElement>& elements);

// NOLINTNEXTLINE(misc-no-recursion): the parser bounds the depth (ParseLimits::max_depth).
json encode(const metadata::XmlElement& element) {
    json object = {{"name", without_nul(element.name)}};
    if (!element.name_space.empty()) {
        object["namespace"] = without_nul(element.name_space);
    }
    for (const auto& [name, value] : element.attributes) {
        add_value(object["attributes"], name, value);
    }
    if (!element.text.empty()) {
        object["text"] = without_nul(element.text);
    }
    if (!element.children.empty()) {
        object["children"] = encode(element.children);
    }
    return object;
}

// NOLINTNEXTLINE(misc-no-recursion): as above.
json encode(const std::vector<metadata::XmlElement>& elements) {
    json list = json::array();
    for (const metadata::XmlElement& element : elements) {
        list.push_back(encode(element));
    }
    return list;
}

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string extensions_to_json(const std::vector<metadata::XmlElement>& elements) {
    return dump(encode(elements));
}

std::string findings_to_json(const std::vector<metadata::Finding>& findings) {
    json list = json::array();
    for (const metadata::Finding& finding : findings) {
        list.push_back({{"code", without_nul(finding.code)},
                        {"message", without_nul(finding.message)},
                        {"path", without_nul(finding.path)}});
    }
    return dump(list);
}

std::string headers_to_json(const std::vector<std::pair<std::string, std::string>>& headers) {
    json object = json::object();
    for (const auto& [name, value] : headers) {
        json& values = object[without_nul(name)];
        values.push_back(without_nul(value));
    }
    return dump(object);
}

std::string storable(std::string_view text) {
    const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
    if (is_plain) {
        return std::string(text);
    }
    // The JSON writer knows UTF-8 and replaces what is none.
    return json::parse(dump(without_nul(text))).get<std::string>();
}

}  // namespace siprec::server
