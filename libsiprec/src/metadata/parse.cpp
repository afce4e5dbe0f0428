#include "metadata/document_text.hpp"
#include "metadata/findings.hpp"
#include "metadata/mapper.hpp"
#include "metadata/normalise.hpp"
#include "metadata/text.hpp"
#include "metadata/xml_tree.hpp"

#include <fmt/format.h>

#include <utility>

namespace siprec::metadata {

namespace {

constexpr std::string_view kVersionedNamespace = "urn:ietf:params:xml:ns:recording:";

std::optional<Dialect> dialect_of(const XmlElement& root) {
    if (is_same_name(root.name, "recording_metadata")) {
        return Dialect::EarlyDraft;
    }
    if (equals_ignoring_case(root.name, "recording")) {
        return root.name_space == kNamespace ? Dialect::Rfc7865 : Dialect::LateDraft;
    }
    return std::nullopt;
}

void note_root(const XmlElement& root, Findings& findings) {
    if (root.name_space.starts_with(kVersionedNamespace) && root.name_space != kNamespace) {
        // RFC 7865 6.11: there is no negotiation; what is known by name is read.
        findings.add("unsupported-version", "unknown version " + root.name_space, root.name);
    } else if (root.name_space != kNamespace) {
        findings.add("namespace", "not RFC 7865's namespace: '" + root.name_space + "'", root.name);
    }
    if (root.name != "recording") {
        findings.add("root-name", "the root element is named " + root.name, root.name);
    }
}

bool says_nothing(const Document& document) {
    return document.groups.empty() && document.sessions.empty() && document.participants.empty() &&
           document.streams.empty() && document.session_recording_assocs.empty() &&
           document.participant_session_assocs.empty() &&
           document.participant_stream_assocs.empty() && document.extensions.empty();
}

void add_participants_of_text(Document& document, std::string_view text, Findings& findings) {
    for (std::string& aor : salvage_aors(text)) {
        Participant& participant = document.participants.emplace_back();
        participant.names.push_back({std::move(aor), {}, {}});
    }
    if (!document.participants.empty()) {
        findings.add("tags-lost", "addresses picked out of text without tags");
    }
}

Result<ParsedDocument> salvage(std::string_view utf8,
                               const ParseLimits& limits,
                               const Error& problem,
                               Findings& findings) {
    auto tree = salvage_tree(utf8, limits);
    if (!tree) {
        return std::move(tree).error();
    }
    findings.add("not-well-formed", problem.message());
    const std::string text = tree->text;
    ParsedDocument parsed;
    parsed.dialect = Dialect::Salvaged;
    normalise_tree(*tree, findings);
    parsed.document = map_document(std::move(*tree), findings);
    if (says_nothing(parsed.document)) {
        add_participants_of_text(parsed.document, text, findings);
    }
    if (says_nothing(parsed.document)) {
        return Error(problem).with_context("metadata is not well-formed");
    }
    return parsed;
}

Result<ParsedDocument> read(std::string_view utf8, const ParseLimits& limits, Findings& findings) {
    auto tree = read_tree(utf8, limits, findings);
    if (!tree) {
        if (tree.error().code() != ErrorCode::Malformed) {
            return std::move(tree).error();
        }
        return salvage(utf8, limits, tree.error(), findings);
    }
    normalise_tree(*tree, findings);
    const auto dialect = dialect_of(*tree);
    if (!dialect) {
        return Error(ErrorCode::Malformed,
                     fmt::format("root element '{}', not recording (RFC 7865 5.1)", tree->name));
    }
    note_root(*tree, findings);
    const std::string text = tree->text;
    ParsedDocument parsed;
    parsed.dialect = *dialect;
    parsed.document = map_document(std::move(*tree), findings);
    if (!text.empty() && says_nothing(parsed.document)) {
        parsed.dialect = Dialect::Salvaged;
        add_participants_of_text(parsed.document, text, findings);
    }
    return parsed;
}

Result<ParsedDocument> parse_checked(std::string_view xml,
                                     std::string_view charset,
                                     const ParseLimits& limits) {
    if (xml.size() > limits.max_bytes) {
        return Error(
            ErrorCode::LimitExceeded,
            fmt::format("metadata of {} bytes, {} are allowed", xml.size(), limits.max_bytes));
    }
    Findings findings;
    DocumentText text;
    if (auto decoded = decode_document(text, xml, charset, findings); !decoded) {
        return std::move(decoded).error();
    }
    if (auto checked = check_markup(text.utf8, limits); !checked) {
        return std::move(checked).error();
    }
    auto parsed = read(text.utf8, limits, findings);
    if (parsed) {
        parsed->findings = std::move(findings).take();
    }
    return parsed;
}

}  // namespace

std::string_view to_string(Dialect dialect) noexcept {
    switch (dialect) {
        case Dialect::Rfc7865:
            return "rfc7865";
        case Dialect::LateDraft:
            return "late-draft";
        case Dialect::EarlyDraft:
            return "early-draft";
        case Dialect::Salvaged:
            break;
    }
    return "salvaged";
}

Result<ParsedDocument> parse(std::string_view xml,
                             std::string_view charset,
                             const ParseLimits& limits) {
    try {
        return parse_checked(xml, charset, limits);
    } catch (const std::exception& problem) {
        return Error(ErrorCode::Internal, fmt::format("metadata parser: {}", problem.what()));
    }
}

}  // namespace siprec::metadata
