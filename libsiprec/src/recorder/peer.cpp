#include "recorder/peer.hpp"

#include <algorithm>
#include <string_view>

namespace siprec::recorder {

namespace {

bool contains(const std::vector<std::string>& tokens, std::string_view wanted) {
    return std::ranges::find(tokens, wanted) != tokens.end();
}

}  // namespace

void Peer::learn(const sip::Headers& headers) {
    if (const auto allowed = sip::header_tokens(headers, "allow"); !allowed.empty()) {
        allows_update = contains(allowed, "update");
    }
    if (contains(sip::header_tokens(headers, "accept"), "application/rs-metadata-request")) {
        announced_snapshot = true;
    }
    if (contains(sip::header_tokens(headers, "supported", "k"), "timer")) {
        has_timer = true;
    }
}

session::SessionTimer::Terms timer_terms(const sip::Headers& headers) {
    session::SessionTimer::Terms terms;
    terms.supported = contains(sip::header_tokens(headers, "supported", "k"), "timer") ||
                      contains(sip::header_tokens(headers, "require"), "timer");
    if (const std::string* value = sip::find_header(headers, "session-expires", "x")) {
        if (const auto parsed = sip::parse_delta_seconds(*value)) {
            terms.expires = parsed->value;
            for (const auto& [name, side] : parsed->parameters) {
                if (name == "refresher" && (side == "uac" || side == "uas")) {
                    terms.refresher =
                        side == "uac" ? session::Refresher::Uac : session::Refresher::Uas;
                }
            }
        }
    }
    if (const std::string* value = sip::find_header(headers, "min-se")) {
        if (const auto parsed = sip::parse_delta_seconds(*value)) {
            terms.min_se = parsed->value;
        }
    }
    return terms;
}

}  // namespace siprec::recorder
