#include "offer.hpp"

#include <siprec/body.hpp>
#include <siprec/uuid.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

namespace srcsim {

using siprec::sdp::Direction;
using siprec::sdp::SessionDescription;

namespace {

std::string base64(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            group = group << 8U | (i < count ? bytes[at + i] : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            out += i <= count ? kAlphabet[group >> (18U - 6U * i) & 0x3FU] : '=';
        }
    }
    return out;
}

std::string random_id() {
    return base64(siprec::Uuid::random().bytes());
}

std::string hex_id() {
    std::string text = siprec::Uuid::random().to_string();
    std::erase(text, '-');
    return text;
}

std::string connection(const siprec::IpAddress& address) {
    return std::string{address.is_v6() ? "IN IP6 " : "IN IP4 "} + address.to_string();
}

siprec::metadata::Participant participant(const std::string& id, const Party& party) {
    siprec::metadata::Participant out;
    out.id = id;
    out.names.push_back({party.aor, party.name, {}});
    return out;
}

siprec::metadata::ParticipantSessionAssoc in_session(const CallFacts& facts,
                                                     const std::string& id,
                                                     siprec::metadata::Interval when) {
    siprec::metadata::ParticipantSessionAssoc out;
    out.participant_id = id;
    out.session_id = facts.ids.session;
    out.associated = when;
    return out;
}

// `side` 0: the caller's stream is sent and the other received; 1: the reverse. One mixed stream is
// both.
siprec::metadata::ParticipantStreamAssoc on_streams(const CallFacts& facts,
                                                    const std::string& id,
                                                    std::size_t side,
                                                    siprec::metadata::Interval when) {
    const std::size_t last = facts.ids.streams.size() - 1;
    siprec::metadata::ParticipantStreamAssoc out;
    out.participant_id = id;
    out.send = {facts.ids.streams[std::min(side, last)]};
    out.recv = {facts.ids.streams[std::min(1 - side, last)]};
    out.associated = when;
    return out;
}

void check_contact(const Message& response, std::vector<std::string>& problems) {
    const auto contact = parse_name_addr(response.value("Contact"));
    if (!contact) {
        problems.emplace_back("no Contact");
        return;
    }
    // RFC 7866 6.1.2: a feature tag is a parameter of the header, not of the URI.
    if (contact->param("+sip.srs") == nullptr) {
        const bool inside = contact->uri.find("+sip.srs") != std::string::npos;
        problems.emplace_back(inside ? "+sip.srs inside the brackets of Contact"
                                     : "no +sip.srs in Contact");
    }
}

// The SDP of a response, plain or (a problem) inside a multipart.
std::string answer_sdp(const Message& response, std::vector<std::string>& problems) {
    if (response.body.empty()) {
        problems.emplace_back("no SDP");
        return {};
    }
    const std::string_view type = response.value("Content-Type");
    if (equals_ignoring_case(trimmed(type.substr(0, type.find(';'))), "application/sdp")) {
        return response.body;
    }
    problems.emplace_back("body is not plain application/sdp");
    const auto parts =
        siprec::parse_body(type, response.value("Content-Disposition"), response.body);
    if (parts) {
        for (const siprec::BodyPart& part : *parts) {
            if (part.is_sdp()) {
                return part.content;
            }
        }
    }
    return {};
}

std::string_view profile(Srtp srtp) {
    switch (srtp) {
        case Srtp::Sdes:
            return "RTP/SAVP";
        case Srtp::Dtls:
            return "UDP/TLS/RTP/SAVP";
        case Srtp::None:
            break;
    }
    return "RTP/AVP";
}

siprec::sdp::Crypto crypto_line(const siprec::srtp::Protection& keys) {
    siprec::sdp::Crypto crypto;
    crypto.suite_name = siprec::srtp::traits(keys.suite).name;
    crypto.protection = keys;
    return crypto;
}

const std::string* find_attribute(const siprec::sdp::Media& media, std::string_view name) {
    const auto found =
        std::find_if(media.attributes.begin(), media.attributes.end(), [&](const auto& attribute) {
            return equals_ignoring_case(attribute.name, name);
        });
    return found == media.attributes.end() ? nullptr : &found->value;
}

// RFC 4568 5.1.3: the answer's key, under the tag and suite of our one line.
siprec::srtp::Keying agree_on_sdes(const siprec::sdp::Media& media,
                                   const siprec::srtp::Protection& ours,
                                   std::vector<std::string>& problems) {
    const std::string* value = find_attribute(media, "crypto");
    const auto crypto = value == nullptr ? siprec::Result<siprec::sdp::Crypto>(siprec::Error(
                                               siprec::ErrorCode::Malformed, "missing"))
                                         : siprec::sdp::parse_crypto(*value);
    if (!crypto || crypto->tag != 1 || crypto->protection.suite != ours.suite) {
        problems.emplace_back("no a=crypto of the offered suite and tag");
        return {};
    }
    if (crypto->protection.keys.front().key == ours.keys.front().key) {
        problems.emplace_back("our own key in a=crypto");
    }
    return siprec::srtp::SdesKeys{.receive = crypto->protection, .send = ours};
}

siprec::srtp::Keying agree_on_dtls(const siprec::sdp::Media& media,
                                   const MediaOffer& offer,
                                   std::vector<std::string>& problems) {
    const std::string* fingerprint = find_attribute(media, "fingerprint");
    const std::string* setup = find_attribute(media, "setup");
    const auto peer =
        fingerprint == nullptr ? std::nullopt : siprec::sdp::parse_fingerprint(*fingerprint);
    const auto role = setup == nullptr ? std::nullopt : siprec::sdp::parse_setup(*setup);
    const bool is_active = role == siprec::sdp::Setup::Active;
    if (!peer || (!is_active && role != siprec::sdp::Setup::Passive)) {
        problems.emplace_back("no a=fingerprint, or a=setup neither active nor passive");
        return {};
    }
    siprec::srtp::DtlsTerms terms;
    terms.role = is_active ? siprec::srtp::DtlsRole::Server : siprec::srtp::DtlsRole::Client;
    terms.certificate = offer.certificate;
    terms.peer = {*peer};
    for (const auto& suite : siprec::srtp::kSuites) {
        if (suite.dtls_profile != 0) {
            terms.suites.push_back(suite.suite);
        }
    }
    return terms;
}

siprec::srtp::Keying agree(const siprec::sdp::Media& media,
                           const MediaOffer& offer,
                           std::size_t index,
                           std::vector<std::string>& problems) {
    if (media.port == 0) {
        return {};
    }
    switch (offer.srtp) {
        case Srtp::Sdes:
            return agree_on_sdes(media, offer.keys.at(index), problems);
        case Srtp::Dtls:
            return agree_on_dtls(media, offer, problems);
        case Srtp::None:
            break;
    }
    return {};
}

void check_media(const siprec::sdp::Media& media,
                 const std::string& label,
                 const siprec::PayloadFormat& format,
                 std::vector<std::string>& problems) {
    if (media.port == 0) {
        problems.emplace_back("stream refused");
        return;
    }
    if (!media.label) {
        problems.emplace_back("label missing");
    } else if (*media.label != label) {
        problems.emplace_back("label changed");
    }
    if (media.direction == Direction::SendRecv || media.direction == Direction::SendOnly) {
        problems.emplace_back("direction " + std::string{siprec::sdp::to_string(media.direction)});
    }
    if (std::none_of(media.formats.begin(), media.formats.end(), [&](const auto& answered) {
            return answered.payload_type == format.payload_type;
        })) {
        problems.emplace_back("offered format not in the answer");
    }
}

}  // namespace

std::string write_sdp(const MediaOffer& offer,
                      const std::vector<Direction>& directions,
                      std::uint64_t version) {
    const siprec::IpAddress address = offer.local.front().address;
    std::string sdp = "v=0\r\no=siprec-src " + std::to_string(offer.session_id) + " " +
                      std::to_string(version) + " " + connection(address) +
                      "\r\ns=-\r\nc=" + connection(address) + "\r\nt=0 0\r\n";
    const std::string type = std::to_string(offer.format.payload_type);
    for (std::size_t i = 0; i < offer.local.size(); ++i) {
        sdp.append("m=audio ").append(std::to_string(offer.local[i].port));
        sdp.append(" ").append(profile(offer.srtp)).append(" ").append(type);
        sdp.append("\r\na=rtpmap:").append(type).append(" ").append(offer.format.encoding);
        sdp.append("/").append(std::to_string(offer.format.clock_rate));
        if (offer.format.channels > 1) {
            sdp.append("/").append(std::to_string(offer.format.channels));
        }
        if (!offer.format.parameters.empty()) {
            sdp.append("\r\na=fmtp:").append(type).append(" ").append(offer.format.parameters);
        }
        sdp.append("\r\na=ptime:").append(std::to_string(offer.ptime_ms));
        sdp.append("\r\na=").append(siprec::sdp::to_string(directions[i]));
        sdp.append("\r\na=label:").append(offer.labels[i]).append("\r\n");
        if (offer.srtp == Srtp::Sdes) {
            const auto crypto = crypto_line(offer.keys[i]);
            sdp.append("a=crypto:").append(siprec::sdp::write_crypto(crypto)).append("\r\n");
        } else if (offer.srtp == Srtp::Dtls) {
            sdp.append("a=fingerprint:")
                .append(siprec::sdp::write_fingerprint(offer.certificate->fingerprint()))
                .append("\r\na=setup:actpass\r\n");
        }
    }
    return sdp;
}

std::vector<Direction> answer_directions(const SessionDescription& offer, bool on_hold) {
    std::vector<Direction> out;
    for (const siprec::sdp::Media& media : offer.media) {
        const bool wanted =
            media.direction == Direction::RecvOnly || media.direction == Direction::SendRecv;
        out.push_back(wanted && !on_hold ? Direction::SendOnly : Direction::Inactive);
    }
    return out;
}

MetadataIds MetadataIds::random(std::size_t stream_count) {
    MetadataIds ids{random_id(),
                    random_id(),
                    hex_id() + ";remote=" + hex_id(),
                    random_id(),
                    random_id(),
                    random_id(),
                    {}};
    for (std::size_t i = 0; i < stream_count; ++i) {
        ids.streams.push_back(random_id());
    }
    return ids;
}

siprec::metadata::Document complete_metadata(const CallFacts& facts) {
    const siprec::metadata::Interval since_start{facts.start, {}};
    siprec::metadata::Document document;
    document.groups.push_back({facts.ids.group, since_start, {}});

    siprec::metadata::CommunicationSession session;
    session.id = facts.ids.session;
    session.sip_session_ids = {facts.ids.sip_session};
    session.group_ref = facts.ids.group;
    session.start_time = facts.start;
    document.sessions.push_back(session);

    document.participants = {participant(facts.ids.caller, facts.caller),
                             participant(facts.ids.callee, facts.callee)};
    for (std::size_t i = 0; i < facts.ids.streams.size(); ++i) {
        document.streams.push_back({facts.ids.streams[i], facts.ids.session, facts.labels[i], {}});
    }
    document.session_recording_assocs.push_back({facts.ids.session, since_start, {}});
    document.participant_session_assocs = {in_session(facts, facts.ids.caller, since_start),
                                           in_session(facts, facts.ids.callee, since_start)};
    document.participant_stream_assocs = {on_streams(facts, facts.ids.caller, 0, since_start),
                                          on_streams(facts, facts.ids.callee, 1, since_start)};
    return document;
}

siprec::metadata::Document transfer_metadata(const CallFacts& facts, siprec::WallTime now) {
    const siprec::metadata::Interval ended{{}, now};
    const siprec::metadata::Interval begun{now, {}};
    siprec::metadata::Document document;
    document.mode = siprec::metadata::DataMode::Partial;
    document.participants = {participant(facts.ids.transferee, facts.transferee)};
    document.participant_session_assocs = {in_session(facts, facts.ids.callee, ended),
                                           in_session(facts, facts.ids.transferee, begun)};
    document.participant_stream_assocs = {on_streams(facts, facts.ids.callee, 1, ended),
                                          on_streams(facts, facts.ids.transferee, 1, begun)};
    return document;
}

std::vector<AnsweredStream> stream_targets(const SessionDescription& description) {
    std::vector<AnsweredStream> streams;
    for (const siprec::sdp::Media& media : description.media) {
        const siprec::IpAddress address = media.connection.value_or(siprec::IpAddress{});
        const auto next_port = static_cast<std::uint16_t>(media.port + 1);  // RFC 3550 11
        const bool wanted =
            media.direction == Direction::RecvOnly || media.direction == Direction::SendRecv;
        streams.push_back({{address, media.port},
                           {address, media.rtcp_port.value_or(next_port)},
                           wanted && media.port != 0 && !address.is_unspecified(),
                           {}});
    }
    return streams;
}

Answer check_answer(const Message& response, const MediaOffer& offer) {
    Answer answer;
    check_contact(response, answer.problems);
    const std::string text = answer_sdp(response, answer.problems);
    if (text.empty()) {
        return answer;
    }
    const auto sdp = siprec::sdp::parse(text);
    if (!sdp) {
        answer.problems.emplace_back("SDP malformed");
        return answer;
    }
    if (sdp->media.size() != offer.labels.size()) {
        answer.problems.emplace_back("number of m-lines changed");
        return answer;
    }
    for (std::size_t i = 0; i < sdp->media.size(); ++i) {
        check_media(sdp->media[i], offer.labels[i], offer.format, answer.problems);
    }
    answer.streams = stream_targets(*sdp);
    for (std::size_t i = 0; i < sdp->media.size(); ++i) {
        answer.streams[i].keying = agree(sdp->media[i], offer, i, answer.problems);
    }
    return answer;
}

}  // namespace srcsim
