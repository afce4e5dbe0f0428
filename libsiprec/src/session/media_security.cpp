#include "session/media_security.hpp"

#include "base/base64.hpp"
#include "sdp/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace siprec::session {

namespace {

using sdp::Attribute;
using sdp::Media;
using sdp::SessionDescription;
using sdp::Setup;

enum class Profile : std::uint8_t { Plain, Secure, SecureOverDtls };

Profile profile_of(const Media& media) {
    const std::string name = sdp::to_upper(media.protocol);
    if (name.starts_with("UDP/TLS/")) {
        return Profile::SecureOverDtls;
    }
    return name.find("SAVP") == std::string::npos ? Profile::Plain : Profile::Secure;
}

std::vector<std::string_view> values_of(const std::vector<Attribute>& attributes,
                                        std::string_view name) {
    std::vector<std::string_view> values;
    for (const Attribute& attribute : attributes) {
        if (sdp::equals_ignoring_case(attribute.name, name)) {
            values.emplace_back(attribute.value);
        }
    }
    return values;
}

/// The m-line's own, else the session's.
std::vector<std::string_view> values_for(const SessionDescription& offer,
                                         const Media& media,
                                         std::string_view name) {
    auto own = values_of(media.attributes, name);
    return own.empty() ? values_of(offer.attributes, name) : own;
}

/// Where the client's media comes from. A hold by `c=0.0.0.0`, or no address, changes nothing.
std::optional<Endpoint> remote_of(const Media& media, const Agreement* before) {
    if (media.connection && !media.connection->is_unspecified()) {
        return Endpoint{.address = *media.connection, .port = media.port};
    }
    return before == nullptr ? std::nullopt : before->remote;
}

Error refused(std::string why) {
    return {ErrorCode::Unsupported, std::move(why)};
}

/// Where a suite stands in the policy; the first is the best. Nothing: it is not taken.
std::optional<std::size_t> rank(const SrtpConfig& config, srtp::Suite suite) {
    if (config.suites.empty()) {
        return 0;
    }
    const auto found = std::ranges::find(config.suites, suite);
    return found == config.suites.end()
               ? std::nullopt
               : std::optional(static_cast<std::size_t>(found - config.suites.begin()));
}

/// RFC 4568 5.1.2: exactly one line, the first that is valid and supported; or by our own order.
std::optional<sdp::Crypto> choose_crypto(const Media& media,
                                         const SrtpConfig& config,
                                         std::vector<std::string>& notes) {
    std::optional<sdp::Crypto> chosen;
    std::size_t best = 0;
    for (const std::string_view value : values_of(media.attributes, "crypto")) {
        auto crypto = sdp::parse_crypto(value);
        if (!crypto) {
            notes.push_back(crypto.error().message());
            continue;
        }
        const auto place = rank(config, crypto->protection.suite);
        if (!place) {
            notes.push_back(fmt::format("a=crypto: suite {} is not among media.srtp.suites",
                                        srtp::traits(crypto->protection.suite).name));
        } else if (!crypto->protection.authenticates_rtp && !config.unauthenticated_srtp) {
            // RFC 4568 6.3.3: NOT RECOMMENDED; anybody could make a stream then.
            notes.emplace_back("a=crypto: UNAUTHENTICATED_SRTP is not allowed here");
        } else if (!chosen || *place < best) {
            best = *place;
            chosen = *std::move(crypto);
        }
    }
    return chosen;
}

/// Our own key, for our RTCP: never the client's (RFC 4568 7.1.2).
srtp::Protection own_protection(const srtp::Protection& theirs) {
    const auto& suite = srtp::traits(theirs.suite);
    srtp::Protection ours = theirs;
    srtp::MasterKey key;
    key.key = srtp::Secret::random(suite.key_bytes + suite.salt_bytes);
    ours.keys.clear();
    ours.keys.push_back(std::move(key));
    return ours;
}

Result<Agreement> agree_on_sdes(const Media& media,
                                const SecurityTerms& terms,
                                const Agreement* before,
                                std::vector<std::string>& notes) {
    const auto crypto = choose_crypto(media, terms.config, notes);
    if (!crypto) {
        return refused("no usable a=crypto line (RFC 4568 5.1.2)");
    }
    if (!terms.signalling_is_secure && terms.config.sdes_needs_tls) {
        return refused("keys in SDP that came without TLS are not used (RFC 4568 8.3)");
    }
    Agreement agreed;
    agreed.remote = remote_of(media, before);
    agreed.suite = srtp::traits(crypto->protection.suite).name;
    srtp::SdesKeys keys{.receive = crypto->protection, .send = {}};
    const auto* kept = before == nullptr ? nullptr : std::get_if<srtp::SdesKeys>(&before->keying);
    // RFC 4568 7.1.4: the same key from the same address goes on, counters and all.
    if (kept != nullptr && kept->receive == keys.receive && before->remote == agreed.remote) {
        keys.send = kept->send;
        agreed.is_new = false;
    } else {
        keys.send = own_protection(keys.receive);
        if (!terms.signalling_is_secure) {
            notes.emplace_back("the SRTP keys came without TLS, for all to read (RFC 4568 8.3)");
        }
    }
    sdp::Crypto answer = *crypto;
    answer.protection = keys.send;
    agreed.answer.push_back({.name = "crypto", .value = sdp::write_crypto(answer)});
    agreed.keying = std::move(keys);
    return agreed;
}

/// RFC 5763 5, and RFC 8842 5.3 for offers with other values than actpass.
Result<srtp::DtlsRole> answer_role(const SessionDescription& offer, const Media& media) {
    const auto values = values_for(offer, media, "setup");
    // RFC 4145 4.1: active, where nothing is said.
    const auto setup = values.empty() ? std::optional(Setup::Active) : sdp::parse_setup(values[0]);
    if (!setup || *setup == Setup::HoldConn) {
        return refused("a=setup is neither active, passive nor actpass (RFC 5763 5)");
    }
    return *setup == Setup::Active ? srtp::DtlsRole::Server : srtp::DtlsRole::Client;
}

std::vector<srtp::Fingerprint> usable_fingerprints(const SessionDescription& offer,
                                                   const Media& media,
                                                   const SrtpConfig& config,
                                                   std::vector<std::string>& notes) {
    std::vector<srtp::Fingerprint> usable;
    for (const std::string_view value : values_for(offer, media, "fingerprint")) {
        auto fingerprint = sdp::parse_fingerprint(value);
        if (!fingerprint) {
            notes.emplace_back("a=fingerprint: unknown hash, or not a digest of its (RFC 8122 5)");
        } else if (fingerprint->hash == srtp::Hash::Sha1 && !config.sha1_fingerprints) {
            notes.emplace_back("a=fingerprint: SHA-1 is not allowed here");
        } else {
            usable.push_back(*std::move(fingerprint));
        }
    }
    return usable;
}

bool same_association(const srtp::DtlsTerms& a, const srtp::DtlsTerms& b) {
    return a.role == b.role && a.peer == b.peer && a.certificate == b.certificate;
}

Result<Agreement> agree_on_dtls(const SessionDescription& offer,
                                const Media& media,
                                const SecurityTerms& terms,
                                const Agreement* before,
                                std::vector<std::string>& notes) {
    if (!terms.certificate) {
        return refused("DTLS is not available");
    }
    srtp::DtlsTerms dtls;
    dtls.certificate = terms.certificate;
    dtls.peer = usable_fingerprints(offer, media, terms.config, notes);
    if (dtls.peer.empty()) {
        return refused("no usable a=fingerprint (RFC 5763 5)");
    }
    const auto role = answer_role(offer, media);
    if (!role) {
        return role.error();
    }
    dtls.role = *role;
    for (const srtp::SuiteTraits& suite : srtp::kSuites) {
        if (suite.dtls_profile != 0 && rank(terms.config, suite.suite)) {
            dtls.suites.push_back(suite.suite);
        }
    }
    if (dtls.suites.empty()) {
        return refused("media.srtp.suites has none that DTLS knows (RFC 5764 4.1.2)");
    }
    std::ranges::stable_sort(dtls.suites, {}, [&terms](srtp::Suite suite) {
        return rank(terms.config, suite).value_or(0);
    });
    Agreement agreed;
    agreed.remote = remote_of(media, before);
    const auto ids = values_for(offer, media, "tls-id");
    agreed.transport_id = ids.empty() ? std::string_view{} : ids.front();
    const auto* kept = before == nullptr ? nullptr : std::get_if<srtp::DtlsTerms>(&before->keying);
    // RFC 8842 3.1: a new association for another tls-id, set of fingerprints or role. Without
    // tls-id another address is another association as well (RFC 5763 6.6).
    agreed.is_new = kept == nullptr || !same_association(*kept, dtls) ||
                    before->transport_id != agreed.transport_id ||
                    (agreed.transport_id.empty() && before->remote != agreed.remote);
    agreed.answer.push_back(
        {.name = "fingerprint", .value = sdp::write_fingerprint(dtls.certificate->fingerprint())});
    const Setup setup = dtls.role == srtp::DtlsRole::Client ? Setup::Active : Setup::Passive;
    agreed.answer.push_back({.name = "setup", .value = std::string(sdp::to_string(setup))});
    if (!agreed.transport_id.empty()) {
        // RFC 8842 5.3: only where the offer has one. Ours lives as long as the association.
        std::string own = agreed.is_new ? base::to_base64(srtp::Secret::random(18).bytes())
                                        : before->answer.back().value;
        agreed.answer.push_back({.name = "tls-id", .value = std::move(own)});
    }
    agreed.keying = std::move(dtls);
    return agreed;
}

Agreement plain(const Agreement* before) {
    Agreement agreed;
    agreed.is_new = before != nullptr && !std::holds_alternative<std::monostate>(before->keying);
    return agreed;
}

/// RFC 8643 3.2: one keying method, or none.
Agreement agree_opportunistically(const SessionDescription& offer,
                                  const Media& media,
                                  const SecurityTerms& terms,
                                  const Agreement* before,
                                  std::vector<std::string>& notes) {
    if (!values_for(offer, media, "fingerprint").empty()) {
        if (auto agreed = agree_on_dtls(offer, media, terms, before, notes)) {
            return *std::move(agreed);
        }
    }
    if (!values_of(media.attributes, "crypto").empty()) {
        auto agreed = agree_on_sdes(media, terms, before, notes);
        if (agreed) {
            return *std::move(agreed);
        }
        notes.push_back(fmt::format("plain RTP: {}", agreed.error().message()));
    }
    return plain(before);
}

}  // namespace

Result<Agreement> agree(const SessionDescription& offer,
                        const Media& media,
                        const SecurityTerms& terms,
                        const Agreement* before,
                        std::vector<std::string>& notes) {
    const Profile profile = profile_of(media);
    const SrtpPolicy policy = terms.config.policy;
    if (profile == Profile::Plain) {
        if (policy == SrtpPolicy::Require) {
            // RFC 8643 4: opportunistic encryption is no encryption where that is required.
            return refused("media has to be encrypted (media.srtp.policy is require)");
        }
        return policy == SrtpPolicy::Off
                   ? plain(before)
                   : agree_opportunistically(offer, media, terms, before, notes);
    }
    if (policy == SrtpPolicy::Off) {
        return refused("encrypted media is not taken (media.srtp.policy is off)");
    }
    if (profile == Profile::Secure) {
        const bool has_fingerprint = !values_for(offer, media, "fingerprint").empty();
        auto agreed = agree_on_sdes(media, terms, before, notes);
        // Interop(WebRTC gateways, observed): DTLS under the profiles of SDES.
        if (agreed || !has_fingerprint) {
            return agreed;
        }
    }
    return agree_on_dtls(offer, media, terms, before, notes);
}

void propose_keys(const SecurityTerms& terms, Media& media) {
    if (terms.config.policy != SrtpPolicy::Require) {
        return;
    }
    sdp::Crypto crypto;
    if (!terms.config.suites.empty()) {
        crypto.protection.suite = terms.config.suites.front();
    }
    crypto.suite_name = srtp::traits(crypto.protection.suite).name;
    crypto.protection = own_protection(crypto.protection);
    media.protocol = "RTP/SAVP";
    media.attributes.push_back({.name = "crypto", .value = sdp::write_crypto(crypto)});
}

void take_answer(const SessionDescription& answer, const Media& media, Agreement& agreed) {
    if (auto* sdes = std::get_if<srtp::SdesKeys>(&agreed.keying)) {
        for (const std::string_view value : values_of(media.attributes, "crypto")) {
            const auto crypto = sdp::parse_crypto(value);
            if (crypto && crypto->protection.suite == sdes->receive.suite &&
                !(crypto->protection == sdes->receive)) {
                sdes->receive = crypto->protection;
                agreed.is_new = true;
            }
        }
    } else if (auto* dtls = std::get_if<srtp::DtlsTerms>(&agreed.keying)) {
        std::vector<srtp::Fingerprint> peer;
        for (const std::string_view value : values_for(answer, media, "fingerprint")) {
            if (auto fingerprint = sdp::parse_fingerprint(value)) {
                peer.push_back(*std::move(fingerprint));
            }
        }
        if (!peer.empty() && peer != dtls->peer) {
            dtls->peer = std::move(peer);
            agreed.is_new = true;
        }
    }
}

KeyExchange key_exchange_of(const srtp::Keying& keying) noexcept {
    if (std::holds_alternative<srtp::SdesKeys>(keying)) {
        return KeyExchange::Sdes;
    }
    return std::holds_alternative<srtp::DtlsTerms>(keying) ? KeyExchange::Dtls : KeyExchange::None;
}

}  // namespace siprec::session
