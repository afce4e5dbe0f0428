#include <siprec/metadata.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// Whatever is accepted can be applied, written, and read again as the same document.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the bytes of the input as text.
    const std::string_view xml(reinterpret_cast<const char*>(data), size);
    const auto parsed = siprec::metadata::parse(xml);
    if (!parsed) {
        return 0;
    }
    siprec::metadata::State state;
    state.apply(parsed->document, siprec::WallTime{});
    state.apply(parsed->document, siprec::WallTime{std::chrono::seconds(1)});
    // Extension data that the published schema refuses is wrapped, and so nested one deeper.
    siprec::metadata::ParseLimits limits;
    limits.max_depth *= 2;
    limits.max_bytes *= 8;
    limits.max_elements *= 8;
    const auto again =
        siprec::metadata::parse(siprec::metadata::write(parsed->document), {}, limits);
    if (!again || again->dialect != siprec::metadata::Dialect::Rfc7865 ||
        again->document.participants.size() != parsed->document.participants.size() ||
        again->document.streams.size() != parsed->document.streams.size()) {
        std::abort();
    }
    return 0;
}
