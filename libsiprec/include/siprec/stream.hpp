#pragma once

#include <siprec/audio.hpp>
#include <siprec/clock.hpp>
#include <siprec/net.hpp>
#include <siprec/rtp.hpp>
#include <siprec/sdp.hpp>
#include <siprec/uuid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace siprec {

/// A stream that shares one port with other m-lines (RFC 9143).
struct BundledStream {
    Uuid transport;   ///< the stream whose port it is: the tagged m-line's, itself perhaps
    std::string mid;  ///< `a=mid`
    std::uint8_t mid_extension = 0;      ///< id of the MID header extension; 0: none
    std::vector<std::uint32_t> ssrcs{};  ///< `a=ssrc`

    friend bool operator==(const BundledStream&, const BundledStream&) = default;
};

/// Where the keys of an encrypted stream come from.
enum class KeyExchange : std::uint8_t {
    None,  ///< plain RTP
    Sdes,  ///< SDP security descriptions (RFC 4568)
    Dtls,  ///< a DTLS handshake (RFC 5763)
};

/// "none", "sdes" or "dtls".
[[nodiscard]] constexpr std::string_view to_string(KeyExchange exchange) noexcept {
    switch (exchange) {
        case KeyExchange::Sdes:
            return "sdes";
        case KeyExchange::Dtls:
            return "dtls";
        case KeyExchange::None:
            break;
    }
    return "none";
}

/// One media stream of a recording session: an m-line that was accepted. *Immutable* value.
struct StreamInfo {
    Uuid id;                             ///< ours; stays the same while the m-line stays in use
    std::uint32_t media_index = 0;       ///< position of the m-line in the SDP, from 0
    std::string label;                   ///< `a=label`; empty when the client gave none
    std::string media_type;              ///< "audio", "video", ...
    std::string protocol;                ///< "RTP/AVP", ...
    std::vector<PayloadFormat> formats;  ///< accepted payload formats
    sdp::Direction direction = sdp::Direction::RecvOnly;  ///< as answered: RecvOnly or Inactive
    bool rtcp_mux = false;
    std::string record;                   ///< `a=record` as sent: "on", "off", "paused"; else empty
    std::string recordpref;               ///< `a=recordpref` as sent (RFC 7866 7.3.2); else empty
    Endpoint local_rtp;                   ///< where we receive
    Endpoint local_rtcp;                  ///< equals local_rtp under rtcp-mux
    std::optional<Endpoint> remote_rtp;   ///< what the offer says; none without a usable `c=`
    std::optional<Endpoint> remote_rtcp;  ///< where our receiver reports go first
    /// CNAME of our reports: one for all streams of a session (RFC 3550 6.5.1); empty: any.
    std::string rtcp_cname{};
    std::optional<BundledStream> bundled{};
    bool takes_fir = false;  ///< `a=rtcp-fb` with `ccm fir` was agreed (RFC 5104)
    bool takes_pli = false;  ///< `a=rtcp-fb` with `nack pli` was agreed (RFC 4585)
    /// `a=ssrc` lines with a cname (RFC 5576 6.1).
    std::vector<SourceName> sources{};
    KeyExchange key_exchange = KeyExchange::None;
    std::string crypto_suite;  ///< by its SDES name; empty without SDES: DTLS agrees on it later
    WallTime since{};          ///< when the message came by which this holds
};

}  // namespace siprec
