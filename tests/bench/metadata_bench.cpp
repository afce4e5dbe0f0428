// What a metadata document costs to read and to merge, from 1 KiB to 10 MiB and for 10,000
// participants: the cost of a byte must not depend on how many there are.
#include <siprec/metadata.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

using siprec::WallTime;
namespace metadata = siprec::metadata;

std::string document_of(std::size_t bytes, std::size_t participants) {
    std::string text =
        "<recording xmlns='urn:ietf:params:xml:ns:recording:1'><datamode>complete</datamode>"
        "<session session_id='s'/>";
    for (std::size_t i = 0; participants == 0 ? text.size() < bytes : i < participants; ++i) {
        text += fmt::format(
            "<participant participant_id='p{0}'><nameID aor='sip:{0}@example.net'><name>Name "
            "{0}</name>"
            "</nameID></participant><stream stream_id='m{0}' "
            "session_id='s'><label>{0}</label></stream>"
            "<participantsessionassoc participant_id='p{0}' session_id='s'><associate-time>"
            "2026-01-01T00:00:00Z</associate-time></participantsessionassoc>"
            "<participantstreamassoc "
            "participant_id='p{0}'><send>m{0}</send></participantstreamassoc>",
            i);
    }
    return text + "</recording>";
}

/// The best of some rounds, nanoseconds.
template <typename Work>
double best_of(int rounds, Work&& work) {
    double best = 0;
    for (int i = 0; i < rounds; ++i) {
        const auto start = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double, std::nano> took =
            std::chrono::steady_clock::now() - start;
        best = i == 0 || took.count() < best ? took.count() : best;
    }
    return best;
}

}  // namespace

int main(int argc, char** argv) {
    metadata::ParseLimits limits;
    limits.max_bytes = std::size_t{64} << 20U;
    limits.max_elements = 10'000'000;
    std::string json = "{\"metadata\": [";
    const std::vector<std::pair<std::size_t, std::size_t>> sizes{
        {1 << 10, 0}, {16 << 10, 0}, {256 << 10, 0}, {1 << 20, 0}, {10 << 20, 0}, {0, 10'000}};
    for (const auto& [bytes, participants] : sizes) {
        const std::string text = document_of(bytes, participants);
        const int rounds = text.size() < 300'000 ? 20 : 3;
        auto read = metadata::parse(text, {}, limits);
        if (!read) {
            std::fputs(read.error().to_string().c_str(), stderr);
            return 1;
        }
        const double parse =
            best_of(rounds, [&] { static_cast<void>(metadata::parse(text, {}, limits)); });
        const double apply = best_of(rounds, [&] {
            metadata::State state;
            state.apply(read->document, WallTime{});
        });
        metadata::State known;
        known.apply(read->document, WallTime{});
        const double again = best_of(rounds, [&] { known.apply(read->document, WallTime{}); });
        const auto size = static_cast<double>(text.size());
        fmt::print(
            "{:>9} bytes {:>6} participants: parse {:8.1f} ns/byte, merge {:6.1f} ns/byte, "
            "repeated {:6.1f} ns/byte\n",
            text.size(),
            read->document.participants.size(),
            parse / size,
            apply / size,
            again / size);
        json += fmt::format(
            "{}{{\"bytes\": {}, \"participants\": {}, \"parse_ns\": {:.0f}, \"merge_ns\": {:.0f}, "
            "\"repeat_ns\": {:.0f}}}",
            json.ends_with('[') ? "" : ", ",
            text.size(),
            read->document.participants.size(),
            parse,
            apply,
            again);
    }
    json += "]}\n";
    if (argc == 3 && std::string(argv[1]) == "--json") {
        std::ofstream out(argv[2], std::ios::binary);
        if (!(out << json).flush()) {
            return 1;
        }
    }
    return 0;
}
