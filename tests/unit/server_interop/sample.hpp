#pragma once

// A message or a metadata document from a file, as the profiles see it.

#include "interop/lift.hpp"

#include <siprec/body.hpp>
#include <siprec/metadata.hpp>
#include <siprec/session.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace siprec::server::testing {

/// Reads .sip (a request), .mime (a multipart body that begins with its boundary), .xml (metadata).
class Sample {
  public:
    explicit Sample(const std::filesystem::path& path) {
        std::ifstream file(path, std::ios::binary);
        text_.assign(std::istreambuf_iterator<char>(file), {});
        std::string_view rest = text_;
        std::string content_type;
        if (path.extension() == ".sip") {
            rest = read_head(rest, content_type);
        } else if (path.extension() == ".mime") {
            const auto dashes = rest.find("--");
            const std::string_view line =
                rest.substr(dashes + 2, rest.find('\n', dashes) - dashes - 2);
            content_type = "multipart/mixed;boundary=\"" +
                           std::string(line.substr(0, line.find_last_not_of("\r ") + 1)) + '"';
        }
        read_body(content_type, rest);
    }

    [[nodiscard]] CallView view() const {
        CallView call{.session = session_, .document = document_, .received = {}, .broken = {}};
        for (const std::string& one : received_) {
            call.received.emplace_back(one);
        }
        for (const std::string& one : broken_) {
            call.broken.emplace_back(one);
        }
        return call;
    }

    [[nodiscard]] bool is_read() const { return !text_.empty(); }

  private:
    std::string_view read_head(std::string_view rest, std::string& content_type) {
        const auto take_line = [&] {
            const auto end = rest.find('\n');
            std::string_view line = rest.substr(0, end);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
            return line.substr(0, line.find_last_not_of('\r') + 1);
        };
        const std::string_view request = take_line();
        const auto blank = request.find(' ');
        session_.request_uri = request.substr(blank + 1, request.rfind(' ') - blank - 1);
        for (auto line = take_line(); !line.empty(); line = take_line()) {
            const auto colon = std::min(line.find(':'), line.size());
            std::string name(line.substr(0, colon));
            std::string_view value = line.substr(std::min(colon + 1, line.size()));
            value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
            note(name, std::string(value), content_type);
            session_.headers.emplace_back(std::move(name), value);
        }
        return rest;
    }

    void note(const std::string& name, const std::string& value, std::string& content_type) {
        const auto uri = [&] { return find_transform("uri")(value).front(); };
        if (name == "Content-Type") {
            content_type = value;
        } else if (name == "From") {
            session_.from_uri = uri();
        } else if (name == "To") {
            session_.to_uri = uri();
        } else if (name == "Contact") {
            session_.contact_uri = uri();
        } else if (name == "User-Agent") {
            session_.user_agent = value;
        } else if (name == "Call-ID") {
            session_.call_id = value;
        }
    }

    void read_body(const std::string& content_type, std::string_view body) {
        const auto parts = parse_body(content_type, "", body);
        if (!parts) {
            return;
        }
        metadata::State state;
        for (const BodyPart& part : *parts) {
            if (!part.is_metadata()) {
                continue;
            }
            received_.push_back(part.content);
            const auto parsed = metadata::parse(part.content, part.charset);
            if (!parsed || parsed->dialect == metadata::Dialect::Salvaged) {
                broken_.push_back(part.content);
            }
            if (parsed) {
                state.apply(parsed->document, {});
            }
        }
        document_ = state.everything();
    }

    std::string text_;
    SessionInfo session_;
    metadata::Document document_;
    std::vector<std::string> received_;
    std::vector<std::string> broken_;
};

}  // namespace siprec::server::testing
