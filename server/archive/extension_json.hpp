#pragma once

#include <siprec/metadata.hpp>

#include <string>
#include <vector>

namespace siprec::server {

/// XML trees as a JSON array of `{"namespace","name","attributes":{...},"text","children":[...]}`;
/// empty members are left out. An attribute name that occurs twice (in two namespaces) has an array
/// as its value.
[[nodiscard]] std::string extensions_to_json(const std::vector<metadata::XmlElement>& elements);

/// `[{"code","message","path"}, ...]`
[[nodiscard]] std::string findings_to_json(const std::vector<metadata::Finding>& findings);

/// `{"Name": ["value", ...], ...}`: SIP headers in their order within a name.
[[nodiscard]] std::string headers_to_json(
    const std::vector<std::pair<std::string, std::string>>& headers);

/// The text without NUL, which PostgreSQL does not take, and with what is no UTF-8 replaced: what a
/// client sends reaches the catalogue whatever it is.
[[nodiscard]] std::string storable(std::string_view text);

}  // namespace siprec::server
