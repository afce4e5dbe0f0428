// CPU time that it takes to decrypt and authenticate a G.711 packet of 20 ms, in every suite, with
// the ciphers of the installed libsrtp2 and with OpenSSL's.
//
//   bench_srtp [--packets N] [--json FILE]
#include "srtp/backend.hpp"
#include "srtp/fast_types.hpp"

#include <siprec/srtp.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace siprec::srtp;
using Bytes = std::vector<std::byte>;

constexpr std::size_t kPayload = 160;

double cpu_seconds() {
    timespec now{};
    static_cast<void>(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

Bytes packet(std::size_t number) {
    Bytes rtp(12 + kPayload, std::byte{0x55});
    rtp[0] = std::byte{0x80};
    rtp[1] = std::byte{0};
    rtp[2] = static_cast<std::byte>(number >> 8U & 0xFFU);
    rtp[3] = static_cast<std::byte>(number & 0xFFU);
    return rtp;
}

/// Microseconds a packet; below zero when one was not authentic.
double measure(const SuiteTraits& suite, std::size_t packets) {
    MasterKey key;
    key.key = Secret::random(suite.key_bytes + suite.salt_bytes);
    Protection protection;
    protection.suite = suite.suite;
    protection.keys.push_back(key);
    auto sender = Sender::create(protection);
    auto receiver = Receiver::create(protection);
    if (!sender || !receiver) {
        return -1;
    }
    constexpr std::size_t kBatch = 1000;
    std::vector<Bytes> batch(kBatch);
    double spent = 0;
    for (std::size_t done = 0; done < packets; done += kBatch) {
        for (std::size_t i = 0; i < kBatch; ++i) {
            batch[i] = packet(done + i);
            if (!sender->protect_rtp(batch[i])) {
                return -1;
            }
        }
        const double start = cpu_seconds();
        for (Bytes& sealed : batch) {
            std::span<std::byte> view(sealed);
            if (receiver->unprotect_rtp(view) != Verdict::Ok) {
                return -1;
            }
        }
        spent += cpu_seconds() - start;
    }
    return spent * 1e6 / static_cast<double>(packets);
}

std::vector<double> measure_all(std::size_t packets) {
    std::vector<double> figures;
    for (const SuiteTraits& suite : kSuites) {
        figures.push_back(measure(suite, packets));
    }
    return figures;
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t packets = 200'000;
    std::string json;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view option(argv[i]);
        const std::string_view value(argv[i + 1]);
        if (option == "--packets") {
            static_cast<void>(std::from_chars(value.data(), value.data() + value.size(), packets));
        } else if (option == "--json") {
            json = value;
        }
    }
    if (!start() || !restore_builtin()) {
        return EXIT_FAILURE;
    }
    const auto builtin = measure_all(packets);
    if (!install(fast_ciphers(), fast_hmac_type())) {
        return EXIT_FAILURE;
    }
    const auto fast = measure_all(packets);
    fmt::print("{:<26} {:>10} {:>10} {:>7}\n", "us a packet", "libsrtp2", "OpenSSL", "ratio");
    std::string rows;
    for (std::size_t i = 0; i < kSuites.size(); ++i) {
        fmt::print("{:<26} {:>10.3f} {:>10.3f} {:>7.1f}\n",
                   kSuites.at(i).name,
                   builtin[i],
                   fast[i],
                   builtin[i] / fast[i]);
        rows += fmt::format(
            "{}\n    {{\"suite\": \"{}\", \"libsrtp2_us\": {:.3f}, "
            "\"openssl_us\": {:.3f}}}",
            rows.empty() ? "" : ",",
            kSuites.at(i).name,
            builtin[i],
            fast[i]);
    }
    if (!json.empty()) {
        std::ofstream out(json);
        out << "{\"bench\": \"srtp\", \"packets\": " << packets << ", \"suites\": [" << rows
            << "\n]}\n";
        out.close();
        return out ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
