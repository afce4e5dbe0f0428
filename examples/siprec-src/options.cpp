#include "options.hpp"

#include <siprec/metadata.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

namespace srcsim {

using siprec::Error;
using siprec::ErrorCode;

namespace {

// The command line as written.
struct RawOptions {
    std::string to;
    std::string transport;
    std::string srtp = "none";
    std::string suite = "AES_CM_128_HMAC_SHA1_80";
    std::string codec = "PCMU";
    std::string bind;
    std::string media_ports = "any";
    std::string from = "Alice <sip:+4930100@example.com>";
    std::string callee = "Bob <sip:+4930200@example.com>";
    std::vector<std::string> audio;
    std::string audio_remote;
    std::string metadata;
    std::string save_sent;
    double duration = 0.0;
    double timeout = 32.0;
    int ptime = 20;
};

Error usage(std::string message) {
    return {ErrorCode::InvalidArgument, std::move(message)};
}

void define(CLI::App& app, RawOptions& raw, Options& options) {
    app.add_option("--to", raw.to, "SIP URI of the recorder: sip:user@host:port")->required();
    app.add_option("--calls", options.calls, "number of calls")->capture_default_str();
    app.add_option("--rate", options.rate, "new calls a second")->capture_default_str();
    app.add_option("--duration",
                   raw.duration,
                   "seconds of media a call (default: the length of --audio, else 10)");
    app.add_option("--timeout", raw.timeout, "seconds to wait for an answer")
        ->capture_default_str();
    app.add_option("--transport", raw.transport, "udp, tcp or tls");
    app.add_option("--ca", options.tls.ca, "CA that the recorder's certificate has to come from");
    app.add_option("--cert", options.tls.certificate, "own certificate and key, one PEM file");
    app.add_option("--user", options.user, "name for digest authentication");
    app.add_option("--password", options.password, "its password");
    app.add_option("--srtp", raw.srtp, "none, sdes (RFC 4568) or dtls (RFC 5763)")
        ->capture_default_str();
    app.add_option("--suite", raw.suite, "crypto suite of --srtp sdes")->capture_default_str();
    app.add_option("--codec", raw.codec, codec_names())->capture_default_str();
    app.add_option(
           "--audio",
           raw.audio,
           "WAV (16-bit PCM, 8 kHz) or raw 16-bit file: once for both streams (stereo: left "
           "is the caller), or twice, one a stream; repeated when shorter than the call")
        ->expected(1)
        ->take_all();
    app.add_option("--audio-remote", raw.audio_remote, "the callee's sound, as a second --audio");
    app.add_option("--metadata", raw.metadata, "RFC 7865 document to send in place of our own");
    app.add_option("--bind", raw.bind, "own address for SIP and media");
    app.add_option("--media-ports", raw.media_ports, "LOW-HIGH or any")->capture_default_str();
    app.add_option("--ptime", raw.ptime, "milliseconds of sound a packet, 10 to 100")
        ->capture_default_str();
    app.add_option("--seed", options.seed, "chooses sounds, SSRCs and RTP offsets")
        ->capture_default_str();
    app.add_option("--from", raw.from, "the caller, \"Name <aor>\"; {n} is the call's number")
        ->capture_default_str();
    app.add_option("--callee", raw.callee, "the called party, likewise")->capture_default_str();
    app.add_option("--save-sent", raw.save_sent, "folder for the payloads sent, a file a stream");
    app.add_flag("!--no-rtcp", options.with_rtcp, "send no RTCP");
    app.add_flag(
        "--update", options.update, "send an UPDATE with partial metadata late in the call");
    app.add_flag("--hold", options.hold, "re-INVITE to inactive and back in mid-call");
    app.add_flag("--mixed", options.mixed, "one m-line with both parties mixed");
    app.add_flag("--lenient",
                 options.is_lenient,
                 "count an answer's flaws as warnings as long as media can flow");
    app.add_flag("--json", options.json, "print one JSON object");
}

Result<std::string> read_file(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    if (!in) {
        return usage("cannot read " + path);
    }
    return text;
}

Result<void> check_target(const RawOptions& raw, Options& options) {
    const auto target = parse_sip_uri(raw.to);
    if (!target) {
        return usage("--to: not a SIP URI: " + raw.to);
    }
    options.to = raw.to.substr(0, raw.to.find('?'));
    options.target = *target;
    const std::string transport = !raw.transport.empty()      ? raw.transport
                                  : target->scheme == "sips"  ? "tls"
                                  : target->transport.empty() ? "udp"
                                                              : target->transport;
    if (transport == "udp" && target->scheme != "sips") {
        options.transport = siprec::Transport::Udp;
    } else if (transport == "tcp" && target->scheme != "sips") {
        options.transport = siprec::Transport::Tcp;
    } else if (transport == "tls") {
        options.transport = siprec::Transport::Tls;
    } else {
        return usage("--transport: udp, tcp or tls (with sips: only tls), not " + transport);
    }
    if (!raw.bind.empty()) {
        options.bind = siprec::IpAddress::parse(raw.bind);
        if (!options.bind) {
            return usage("--bind: not an address: " + raw.bind);
        }
    }
    return {};
}

Result<void> check_media(const RawOptions& raw, Options& options) {
    const auto suite = siprec::srtp::suite_of(raw.suite);
    if (!suite) {
        return usage("--suite: AES_CM_128_HMAC_SHA1_80, AEAD_AES_256_GCM or the like, not " +
                     raw.suite);
    }
    options.suite = *suite;
    if (raw.srtp == "sdes") {
        options.srtp = Srtp::Sdes;
    } else if (raw.srtp == "dtls") {
        options.srtp = Srtp::Dtls;
    } else if (raw.srtp != "none") {
        return usage("--srtp: none, sdes or dtls, not " + raw.srtp);
    }
    const auto codec = parse_codec(raw.codec);
    if (!codec) {
        return usage("--codec: " + codec_names() + "; " + raw.codec + " is not built in");
    }
    options.codec = *codec;
    auto ports = parse_port_range(raw.media_ports);
    if (!ports) {
        return std::move(ports).error().with_context("--media-ports");
    }
    options.media_ports = *ports;
    if (raw.ptime < 10 || raw.ptime > 100) {
        return usage("--ptime: 10 to 100");
    }
    options.ptime = std::chrono::milliseconds{raw.ptime};
    const CodecUnit unit = unit_of(options.codec);
    const std::size_t samples = static_cast<std::size_t>(raw.ptime) * kSampleRate / 1000;
    if (samples % unit.samples != 0 || (unit.is_packet && samples != unit.samples)) {
        return usage("--ptime: " + std::to_string(unit.samples * 1000 / kSampleRate) +
                     (unit.is_packet ? "" : " or a multiple of it") + " for " + raw.codec);
    }
    return {};
}

Result<void> read_sound(const RawOptions& raw, Options& options) {
    std::vector<std::string> files = raw.audio;
    if (!raw.audio_remote.empty()) {
        files.push_back(raw.audio_remote);
    }
    if (files.size() > 2 || (files.size() == 1 && raw.audio.empty())) {
        return usage("--audio is given once or twice, --audio-remote behind one --audio");
    }
    for (const std::string& file : files) {
        auto channels = read_audio(file);
        if (!channels) {
            return std::move(channels).error();
        }
        if (files.size() == 2 && channels->size() != 1) {
            return usage(file + ": one file a stream has to be mono");
        }
        std::move(channels->begin(), channels->end(), std::back_inserter(options.audio));
    }
    if (options.audio.size() == 1) {
        options.audio.push_back(options.audio.front());
    }
    return {};
}

Result<void> read_metadata(const RawOptions& raw, Options& options) {
    if (raw.metadata.empty()) {
        return {};
    }
    auto text = read_file(raw.metadata);
    if (!text) {
        return std::move(text).error();
    }
    options.metadata = *text;
    // The m-lines take the document's labels. One that cannot be read is sent all the same: testing
    // a recorder with broken metadata is a use of this program.
    if (const auto parsed = siprec::metadata::parse(options.metadata)) {
        for (const auto& stream : parsed->document.streams) {
            if (stream.label) {
                options.metadata_labels.push_back(*stream.label);
            }
        }
    }
    return {};
}

Result<void> check_numbers(const RawOptions& raw, Options& options) {
    if (options.calls < 1 || !(options.rate > 0)) {
        return usage("--calls and --rate have to be above 0");
    }
    if (raw.duration < 0 || !(raw.timeout > 0)) {
        return usage("--duration and --timeout cannot be negative");
    }
    if (raw.duration > 0) {
        options.duration = std::chrono::milliseconds{std::llround(raw.duration * 1000)};
    } else if (!options.audio.empty()) {
        const std::size_t samples =
            std::max(options.audio.front().size(), options.audio.back().size());
        options.duration = std::chrono::milliseconds{samples * 1000 / kSampleRate};
    }
    options.timeout = std::chrono::milliseconds{std::llround(raw.timeout * 1000)};
    return {};
}

Result<void> check_parties(const RawOptions& raw, Options& options) {
    auto caller = parse_party(raw.from);
    auto callee = parse_party(raw.callee);
    if (!caller || !callee) {
        return usage("--from and --callee: \"Name <aor>\" or an aor");
    }
    options.caller = *caller;
    options.callee = *callee;
    if (raw.save_sent.empty()) {
        return {};
    }
    options.save_sent = raw.save_sent;
    std::error_code error;
    std::filesystem::create_directories(raw.save_sent, error);
    if (error) {
        return usage("--save-sent " + raw.save_sent + ": " + error.message());
    }
    return {};
}

Result<void> complete(const RawOptions& raw, Options& options) {
    constexpr std::array kSteps{
        check_target, check_media, read_sound, read_metadata, check_numbers, check_parties};
    for (const auto step : kSteps) {
        if (auto result = step(raw, options); !result) {
            return result;
        }
    }
    return {};
}

}  // namespace

Result<Party> parse_party(const std::string& text) {
    const auto parsed = parse_name_addr(text);
    if (!parsed) {
        return usage("no address in \"" + text + "\"");
    }
    return Party{parsed->display, parsed->uri};
}

Result<PortRange> parse_port_range(const std::string& text) {
    if (text == "any") {
        return PortRange{};
    }
    PortRange range;
    const char* const end = text.data() + text.size();
    const auto low = std::from_chars(text.data(), end, range.low);
    if (low.ec != std::errc{} || low.ptr == end || *low.ptr != '-') {
        return usage("LOW-HIGH or any, not " + text);
    }
    const auto high = std::from_chars(low.ptr + 1, end, range.high);
    if (high.ec != std::errc{} || high.ptr != end || range.low == 0 || range.high <= range.low) {
        return usage("LOW-HIGH or any, not " + text);
    }
    return range;
}

Party numbered(const Party& party, std::size_t number) {
    constexpr std::string_view kPlace = "{n}";
    Party out = party;
    for (std::string* text : {&out.name, &out.aor}) {
        for (std::size_t at = text->find(kPlace); at != std::string::npos;
             at = text->find(kPlace)) {
            text->replace(at, kPlace.size(), std::to_string(number));
        }
    }
    return out;
}

std::variant<Options, int> parse_options(int argc, const char* const* argv) {
    Options options;
    RawOptions raw;
    CLI::App app{"Session recording client simulator and load generator (RFC 7866)", "siprec-src"};
    app.footer("Exit code: 0 all calls went well, 1 a call failed, 2 wrong usage.");
    define(app, raw, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kExitOk : kExitUsage;
    }
    if (const auto completed = complete(raw, options); !completed) {
        std::cerr << "siprec-src: " << Result<void>{completed}.error().message() << '\n';
        return kExitUsage;
    }
    return options;
}

}  // namespace srcsim
