// The lenient second pass: reads what looks like tags and takes the rest for text. Linear: every
// byte is looked at a bounded number of times.
#include "metadata/text.hpp"
#include "metadata/xml_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace siprec::metadata {

namespace {

constexpr std::array<std::string_view, 7> kTopLevel = {"group",
                                                       "session",
                                                       "participant",
                                                       "stream",
                                                       "sessionrecordingassoc",
                                                       "participantsessionassoc",
                                                       "participantstreamassoc"};

bool is_one_of(const auto& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == ':';
}

std::string_view leading_name(std::string_view text) {
    std::size_t length = 0;
    while (length < text.size() && is_name_char(text[length])) {
        ++length;
    }
    return text.substr(0, length);
}

/// Interop(Oracle, observed): `<sip:...>` of a copied header stands raw in a value.
bool is_uri_start(std::string_view name) {
    constexpr std::array<std::string_view, 7> kSchemes = {
        "sip", "sips", "tel", "urn", "http", "https", "mailto"};
    const std::size_t colon = name.find(':');
    return colon != std::string_view::npos && is_one_of(kSchemes, name.substr(0, colon));
}

void append_reference(std::string& out, std::string_view name) {
    constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
        {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}}};
    for (const auto& [entity, c] : kEntities) {
        if (entity == name) {
            out += c;
            return;
        }
    }
    if (name.starts_with('#')) {
        const bool is_hex = name.starts_with("#x");
        const std::string_view digits = name.substr(is_hex ? 2 : 1);
        unsigned code = 0;
        const auto parsed =
            std::from_chars(digits.data(), digits.data() + digits.size(), code, is_hex ? 16 : 10);
        if (parsed.ec == std::errc() && code >= 0x20 && code < 0x7F) {
            out += static_cast<char>(code);
            return;
        }
    }
    out += '&';
    out += name;
    out += ';';
}

/// The five entities and ASCII references resolved, everything else left as it stands; control
/// characters, which XML cannot carry, dropped.
std::string decoded(std::string_view raw) {
    constexpr std::size_t kLongestReference = 10;
    std::string out;
    out.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        const char c = raw[i];
        const std::size_t end =
            c == '&' ? raw.substr(i, kLongestReference).find(';') : std::string_view::npos;
        if (end != std::string_view::npos && end > 1) {
            append_reference(out, raw.substr(i + 1, end - 1));
            i += end;
        } else if (static_cast<std::uint8_t>(c) >= 0x20 || is_white_space(c)) {
            out += c;
        }
    }
    return out;
}

constexpr std::size_t kLongestPrefix = 64;

class Scanner {
  public:
    Scanner(std::string_view text, const ParseLimits& limits) : text_(text), limits_(limits) {
        open_.emplace_back().name = "recording";
    }

    Result<XmlElement> scan();

  private:
    [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

    void skip_behind(std::string_view end) {
        const std::size_t found = text_.find(end, at_);
        at_ = found == std::string_view::npos ? text_.size() : found + end.size();
    }

    /// Interop(Oracle, observed): `<!{CDATA{` is text, and what follows it too.
    [[nodiscard]] bool is_declaration() const {
        return rest().starts_with("<!") && rest().size() > 2 && is_name_char(rest()[2]);
    }

    void skip_white_space() {
        while (at_ < text_.size() && is_white_space(text_[at_])) {
            ++at_;
        }
    }

    void add_text(std::string_view raw) { open_.back().text += decoded(raw); }

    void text_tag();
    void end_tag();
    void start_tag(std::string_view name);
    bool attribute(XmlElement& element);
    std::string_view attribute_value();
    void close_innermost();
    void make_room_for(std::string_view name);

    std::string_view text_;
    const ParseLimits& limits_;
    std::size_t at_ = 0;
    std::size_t elements_ = 0;
    std::vector<XmlElement> open_;  // the root of ours, then what has started and not ended
    std::optional<std::string_view> root_prefix_;
    bool too_large_ = false;
};

Result<XmlElement> Scanner::scan() {
    while (at_ < text_.size() && !too_large_) {
        const std::size_t tag = std::min(text_.find('<', at_), text_.size());
        add_text(text_.substr(at_, tag - at_));
        at_ = tag;
        if (at_ == text_.size()) {
            break;
        }
        if (rest().starts_with("<!--")) {
            skip_behind("-->");
        } else if (rest().starts_with("<![CDATA[")) {
            const std::size_t content = at_ + 9;
            const std::size_t end = std::min(text_.find("]]>", content), text_.size());
            open_.back().text += text_.substr(content, end - content);
            at_ = std::min(end + 3, text_.size());
        } else if (rest().starts_with("<?") || is_declaration()) {
            skip_behind(">");
        } else if (rest().starts_with("</")) {
            end_tag();
        } else {
            text_tag();
        }
    }
    if (too_large_) {
        return Error(ErrorCode::LimitExceeded, "metadata with too many or too deep elements")
            .at(at_);
    }
    while (open_.size() > 1) {
        close_innermost();
    }
    trim(open_.front().text);
    return std::move(open_.front());
}

/// A tag, or a '<' that is none.
void Scanner::text_tag() {
    const std::string_view name = leading_name(text_.substr(at_ + 1));
    const char first = name.empty() ? '\0' : name.front();
    const bool starts_like_a_name = first != '\0' && first != '-' && first != '.' && first != ':' &&
                                    !(first >= '0' && first <= '9');
    const std::size_t behind_name = at_ + 1 + name.size();
    const char next = behind_name < text_.size() ? text_[behind_name] : '>';
    if (starts_like_a_name && !is_uri_start(name) &&
        (next == '>' || next == '/' || is_white_space(next))) {
        start_tag(name);
        return;
    }
    add_text("<");
    ++at_;
}

void Scanner::end_tag() {
    at_ += 2;
    const std::string_view name = local_part(leading_name(rest()));
    skip_behind(">");
    const auto match = std::find_if(
        open_.rbegin(), open_.rend() - 1, [&](const XmlElement& e) { return e.name == name; });
    if (match == open_.rend() - 1) {
        return;
    }
    for (auto levels = match - open_.rbegin(); levels >= 0; --levels) {
        close_innermost();
    }
}

void Scanner::start_tag(std::string_view qualified_name) {
    const std::string_view name = local_part(qualified_name);
    at_ += 1 + qualified_name.size();
    XmlElement element;
    element.name = name;
    while (attribute(element)) {
    }
    if (at_ == text_.size() && element.attributes.empty()) {
        return;  // cut off: what looks like its name may be the beginning of another one
    }
    const bool is_empty = rest().starts_with("/>");
    if (is_empty) {
        at_ += 2;
    } else if (rest().starts_with(">")) {
        ++at_;
    }
    const std::string_view prefix = qualified_name.substr(0, qualified_name.size() - name.size());
    if (name == "recording_metadata" ||
        (name == "recording" && !is_empty && open_.size() == 1 && open_.front().children.empty())) {
        root_prefix_ = prefix;  // the root itself is open already
        return;
    }
    make_room_for(name);
    if (++elements_ > limits_.max_elements || open_.size() > limits_.max_depth) {
        too_large_ = true;
        return;
    }
    // Another prefix than the root's shows extension data; declarations may be part of the damage.
    if (root_prefix_ && !prefix.empty() && prefix != *root_prefix_) {
        element.name_space = prefix.substr(0, kLongestPrefix);
    }
    open_.push_back(std::move(element));
    if (is_empty) {
        close_innermost();
    }
}

/// Where an end tag was lost, an element that only stands at the root ends what is open.
void Scanner::make_room_for(std::string_view name) {
    if (!is_one_of(kTopLevel, name)) {
        return;
    }
    while (open_.size() > 1) {
        close_innermost();
    }
}

bool Scanner::attribute(XmlElement& element) {
    skip_white_space();
    const std::string_view name = leading_name(rest());
    if (name.empty()) {
        // Junk inside a tag is skipped up to what can end it.
        while (at_ < text_.size() && text_[at_] != '>' && text_[at_] != '<' &&
               !is_white_space(text_[at_]) && !rest().starts_with("/>")) {
            ++at_;
        }
        return at_ < text_.size() && is_white_space(text_[at_]);
    }
    at_ += name.size();
    skip_white_space();
    if (!rest().starts_with('=')) {
        return true;
    }
    ++at_;
    skip_white_space();
    const std::string_view value = attribute_value();
    if (!name.starts_with("xmlns") &&
        element.attributes.size() < limits_.max_attributes_per_element) {
        element.attributes.emplace_back(local_part(name), decoded(value));
    }
    return true;
}

std::string_view Scanner::attribute_value() {
    constexpr std::size_t kLongestQuoted = 4096;
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote == '"' || quote == '\'') {
        const std::string_view inside = text_.substr(at_ + 1, kLongestQuoted);
        const std::size_t line = inside.find('\n');
        const std::size_t end = inside.substr(0, line).find(quote);
        if (end != std::string_view::npos) {
            at_ += end + 2;
            return inside.substr(0, end);
        }
        ++at_;  // the closing quote is lost
    }
    std::size_t length = 0;
    const std::string_view unquoted = rest();
    while (length < unquoted.size() && !is_white_space(unquoted[length]) &&
           unquoted[length] != '>' && !unquoted.substr(length).starts_with("/>")) {
        ++length;
    }
    at_ += length;
    return unquoted.substr(0, length);
}

void Scanner::close_innermost() {
    XmlElement done = std::move(open_.back());
    open_.pop_back();
    trim(done.text);
    open_.back().children.push_back(std::move(done));
}

bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

}  // namespace

Result<XmlElement> salvage_tree(std::string_view utf8, const ParseLimits& limits) {
    return Scanner(utf8, limits).scan();
}

std::vector<std::string> salvage_aors(std::string_view text) {
    constexpr std::size_t kMaxAors = 64;
    constexpr std::size_t kLongestUser = 256;
    std::vector<std::string> aors;
    for (std::size_t at = text.find("sip:"); at != std::string_view::npos && aors.size() < kMaxAors;
         at = text.find("sip:", at + 4)) {
        // Run-together values: an address ends where the next one starts.
        const std::string_view candidate =
            text.substr(at, std::min(text.find("sip:", at + 4), text.size()) - at);
        const std::size_t sign = candidate.substr(0, kLongestUser).find('@');
        if (sign == std::string_view::npos ||
            candidate.substr(0, sign).find_first_of(" \t\r\n<>\"") != std::string_view::npos) {
            continue;
        }
        std::size_t end = sign + 1;
        while (end < candidate.size() && is_host_char(candidate[end])) {
            ++end;
        }
        std::string aor(candidate.substr(0, end));
        if (end > sign + 1 && std::find(aors.begin(), aors.end(), aor) == aors.end()) {
            aors.push_back(std::move(aor));
        }
    }
    return aors;
}

}  // namespace siprec::metadata
