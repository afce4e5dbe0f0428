#pragma once

// What is agreed on the encryption of an m-line: SDES (RFC 4568), DTLS-SRTP (RFC 5763), both also
// where a plain profile offers them (RFC 8643), or none.

#include <siprec/config.hpp>
#include <siprec/keying.hpp>
#include <siprec/result.hpp>
#include <siprec/sdp.hpp>
#include <siprec/stream.hpp>

#include <memory>
#include <string>
#include <vector>

namespace siprec::session {

/// What holds for all m-lines of a session.
struct SecurityTerms {
    SrtpConfig config;  ///< its policy is the one for this client
    bool signalling_is_secure = false;
    std::shared_ptr<const srtp::Certificate> certificate{};  ///< null: no DTLS
};

/// What was agreed on one m-line.
struct Agreement {
    srtp::Keying keying;
    bool is_new = true;                  ///< other keys, or another association, than before
    std::vector<sdp::Attribute> answer;  ///< for our m-line
    std::string suite;                   ///< of SDES
    // What keys and associations last with:
    std::string transport_id;        ///< the client's `a=tls-id`
    std::optional<Endpoint> remote;  ///< where its media comes from
};

/// Decides on an m-line.
/// @param before  what holds on this m-line by now; null: nothing
/// @param notes   gets what was tolerated or not used, and why; never a key
/// @return Unsupported when the m-line has to be refused
[[nodiscard]] Result<Agreement> agree(const sdp::SessionDescription& offer,
                                      const sdp::Media& media,
                                      const SecurityTerms& terms,
                                      const Agreement* before,
                                      std::vector<std::string>& notes);

/// Makes an m-line of our own first offer a secure one, where the policy requires that: with a key
/// in the client's place that nobody knows, until its answer brings one (`take_answer`).
void propose_keys(const SecurityTerms& terms, sdp::Media& media);

/// Takes over what the client's answer to an offer of ours changes: its key, its fingerprints.
void take_answer(const sdp::SessionDescription& answer, const sdp::Media& media, Agreement& agreed);

[[nodiscard]] KeyExchange key_exchange_of(const srtp::Keying& keying) noexcept;

}  // namespace siprec::session
