#pragma once

// Reads a TOML table key by key, each once; what nobody asked for is an error.

#include <siprec/result.hpp>

#include <toml++/toml.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::server {

/// The first thing that is wrong with a file; later ones are not looked at.
class TomlErrors {
  public:
    explicit TomlErrors(std::string file) : file_(std::move(file)) {}

    void add(const toml::source_region& where, std::string_view key, std::string_view what);

    [[nodiscard]] const std::optional<Error>& first() const { return first_; }

  private:
    std::string file_;
    std::optional<Error> first_;
};

/// One `[table]` and, when it goes, a check that every key of it was read.
class TomlTable {
  public:
    /// @param table  null when the file has no such table
    /// @param name   for messages; empty for the whole file
    TomlTable(const toml::table* table, std::string name, TomlErrors& errors)
        : table_(table), name_(std::move(name)), errors_(errors) {}

    TomlTable(const TomlTable&) = delete;
    TomlTable& operator=(const TomlTable&) = delete;
    ~TomlTable();

    TomlTable table(std::string_view key);

    /// Each leaves `value` as it is when the key is absent or wrong.
    void text(std::string_view key, std::string& value);

    void flag(std::string_view key, bool& value);

    template <typename Number>
    void number(std::string_view key, Number& value, std::int64_t low, std::int64_t high) {
        static_assert(std::numeric_limits<Number>::is_integer);
        if (const auto read = integer(key, low, high)) {
            value = static_cast<Number>(*read);
        }
    }

    template <typename Duration>
    void duration(std::string_view key, Duration& value, std::int64_t low, std::int64_t high) {
        if (const auto read = integer(key, low, high)) {
            value = Duration(*read);
        }
    }

    /// A text that `take` reads; its error is reported at the key's line.
    void parsed(std::string_view key, const std::function<Result<void>(const std::string&)>& take);

    /// A list of texts, each given to `take`; `begin` before the first, also for an empty list.
    void parsed_list(std::string_view key,
                     const std::function<void()>& begin,
                     const std::function<Result<void>(const std::string&)>& take);

    /// A list of texts.
    void texts(std::string_view key, std::vector<std::string>& values);

    /// All keys of the table, in order of their names.
    [[nodiscard]] std::vector<std::string> keys() const;

    /// Each table of a list of tables.
    void each_table(std::string_view key, const std::function<void(TomlTable&)>& take);

    /// Reports an error at the key's line; at the table's own when the key is not there.
    void refuse(std::string_view key, std::string_view why);

  private:
    const toml::node* find(std::string_view key);
    std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high);
    std::optional<std::string> string(const toml::node& node, std::string_view key);
    [[nodiscard]] std::string full_name(std::string_view key) const;

    const toml::table* table_;
    std::string name_;
    TomlErrors& errors_;
    std::set<std::string, std::less<>> known_;
};

/// Reads a document that is in memory.
/// @param name  for messages
/// @return the first thing that is wrong: file, line and key
[[nodiscard]] Result<void> read_toml(std::string_view text,
                                     const std::string& name,
                                     const std::function<void(TomlTable&)>& take);

}  // namespace siprec::server
