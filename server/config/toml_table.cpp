#include "config/toml_table.hpp"

#include <fmt/format.h>

#include <utility>

namespace siprec::server {

void TomlErrors::add(const toml::source_region& where,
                     std::string_view key,
                     std::string_view what) {
    if (!first_) {
        first_ = Error(ErrorCode::InvalidArgument,
                       fmt::format("{}:{}: {}: {}", file_, where.begin.line, key, what));
    }
}

TomlTable::~TomlTable() {
    if (table_ == nullptr) {
        return;
    }
    for (const auto& [key, node] : *table_) {
        if (!known_.contains(key.str())) {
            errors_.add(key.source(), full_name(key.str()), "there is no such option");
        }
    }
}

TomlTable TomlTable::table(std::string_view key) {
    const toml::node* node = find(key);
    if (node != nullptr && !node->is_table()) {
        errors_.add(node->source(), full_name(key), "this is a table, not an option");
        node = nullptr;
    }
    return {node == nullptr ? nullptr : node->as_table(), full_name(key), errors_};
}

void TomlTable::text(std::string_view key, std::string& value) {
    if (const toml::node* node = find(key)) {
        if (auto read = string(*node, key)) {
            value = *std::move(read);
        }
    }
}

void TomlTable::flag(std::string_view key, bool& value) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return;
    }
    if (const auto read = node->value_exact<bool>()) {
        value = *read;
    } else {
        errors_.add(node->source(), full_name(key), "wants true or false");
    }
}

void TomlTable::parsed(std::string_view key,
                       const std::function<Result<void>(const std::string&)>& take) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return;
    }
    if (const auto read = string(*node, key)) {
        if (const auto taken = take(*read); !taken) {
            errors_.add(node->source(), full_name(key), taken.error().message());
        }
    }
}

void TomlTable::parsed_list(std::string_view key,
                            const std::function<void()>& begin,
                            const std::function<Result<void>(const std::string&)>& take) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return;
    }
    const toml::array* array = node->as_array();
    if (array == nullptr) {
        errors_.add(node->source(), full_name(key), "wants a list of texts");
        return;
    }
    begin();
    for (const toml::node& element : *array) {
        const auto read = string(element, key);
        if (!read) {
            return;
        }
        if (const auto taken = take(*read); !taken) {
            errors_.add(element.source(), full_name(key), taken.error().message());
            return;
        }
    }
}

void TomlTable::texts(std::string_view key, std::vector<std::string>& values) {
    parsed_list(
        key,
        [&] { values.clear(); },
        [&](const std::string& text) {
            values.push_back(text);
            return Result<void>{};
        });
}

std::vector<std::string> TomlTable::keys() const {
    std::vector<std::string> names;
    if (table_ != nullptr) {
        for (const auto& [key, node] : *table_) {
            names.emplace_back(key.str());
        }
    }
    return names;
}

void TomlTable::each_table(std::string_view key, const std::function<void(TomlTable&)>& take) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return;
    }
    const toml::array* array = node->as_array();
    if (array == nullptr) {
        errors_.add(node->source(), full_name(key), "wants a list of tables: [{ ... }]");
        return;
    }
    std::size_t number = 0;
    for (const toml::node& element : *array) {
        const std::string name = fmt::format("{}[{}]", full_name(key), ++number);
        if (!element.is_table()) {
            errors_.add(element.source(), name, "wants a table: { ... }");
            continue;
        }
        TomlTable table(element.as_table(), name, errors_);
        take(table);
    }
}

void TomlTable::refuse(std::string_view key, std::string_view why) {
    const toml::node* node = find(key);
    const toml::node* place = node != nullptr ? node : table_;
    errors_.add(place != nullptr ? place->source() : toml::source_region{}, full_name(key), why);
}

const toml::node* TomlTable::find(std::string_view key) {
    known_.emplace(key);
    return table_ == nullptr ? nullptr : table_->get(key);
}

std::optional<std::int64_t> TomlTable::integer(std::string_view key,
                                               std::int64_t low,
                                               std::int64_t high) {
    const toml::node* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto* number = node->as_integer();
    if (number == nullptr) {
        errors_.add(node->source(), full_name(key), "wants a whole number");
        return std::nullopt;
    }
    if (number->get() < low || number->get() > high) {
        errors_.add(node->source(),
                    full_name(key),
                    fmt::format("{} is not between {} and {}", number->get(), low, high));
        return std::nullopt;
    }
    return number->get();
}

std::optional<std::string> TomlTable::string(const toml::node& node, std::string_view key) {
    const auto* text = node.as_string();
    if (text == nullptr) {
        errors_.add(node.source(), full_name(key), "wants a text in quotes");
        return std::nullopt;
    }
    return text->get();
}

std::string TomlTable::full_name(std::string_view key) const {
    return name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
}

Result<void> read_toml(std::string_view text,
                       const std::string& name,
                       const std::function<void(TomlTable&)>& take) {
    try {
        const toml::table document = toml::parse(text, name);
        TomlErrors errors(name);
        {
            TomlTable root(&document, "", errors);
            take(root);
        }
        return errors.first() ? Result<void>(*errors.first()) : Result<void>{};
    } catch (const toml::parse_error& error) {
        return Error(
            ErrorCode::Malformed,
            fmt::format("{}:{}: {}", name, error.source().begin.line, error.description()));
    }
}

}  // namespace siprec::server
