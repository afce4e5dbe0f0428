// Any file that an integrator may have: SIP text, bodies, documents, SDP, and none of these.
#include "cli/explanation.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the bytes of the input as text.
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::string text = siprec::server::explanation_text(siprec::server::explain(bytes));
    if (text.empty() || text.back() != '\n') {
        std::abort();
    }
    return 0;
}
