#pragma once

#include "audio.hpp"
#include "message.hpp"
#include "offer.hpp"
#include "sockets.hpp"
#include "tls.hpp"

#include <siprec/net.hpp>
#include <siprec/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace srcsim {

inline constexpr int kExitOk = 0;
inline constexpr int kExitCallFailed = 1;
inline constexpr int kExitUsage = 2;

/// The command line, checked and with its files read.
struct Options {
    std::string to;
    SipUri target;
    std::size_t calls = 1;
    double rate = 10.0;  ///< new calls a second
    std::chrono::milliseconds duration{10'000};
    std::chrono::milliseconds timeout{32'000};
    siprec::Transport transport = siprec::Transport::Udp;
    TlsFiles tls;
    std::string user;  ///< for digest authentication; empty: none
    std::string password;
    Codec codec = Codec::Pcmu;
    std::vector<Samples> audio;  ///< one entry a side; empty: generated
    std::string metadata;        ///< empty: generated
    std::vector<std::string> metadata_labels;
    std::optional<siprec::IpAddress> bind;
    PortRange media_ports;
    std::chrono::milliseconds ptime{20};
    std::uint64_t seed = 1;
    Party caller;  ///< `{n}` in either stands for the call's number
    Party callee;
    std::optional<std::filesystem::path> save_sent;
    Srtp srtp = Srtp::None;
    siprec::srtp::Suite suite = siprec::srtp::Suite::AesCm128HmacSha1_80;  ///< of SDES
    bool with_rtcp = true;
    bool update = false;
    bool hold = false;
    bool mixed = false;
    bool is_lenient = false;
    bool json = false;
};

/// Reads the command line; prints help and complaints itself.
/// @return options, or the exit code with which the program ends
[[nodiscard]] std::variant<Options, int> parse_options(int argc, const char* const* argv);

/// "Alice <sip:alice@example.com>" or a bare number or URI.
[[nodiscard]] Result<Party> parse_party(const std::string& text);

/// "20000-29999" or "any".
[[nodiscard]] Result<PortRange> parse_port_range(const std::string& text);

/// The party of call `number`: `{n}` replaced.
[[nodiscard]] Party numbered(const Party& party, std::size_t number);

}  // namespace srcsim
