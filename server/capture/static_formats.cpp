#include "capture/static_formats.hpp"

#include <algorithm>

namespace siprec::server {

std::vector<PayloadFormat> with_static_formats(std::vector<PayloadFormat> formats) {
    for (const PayloadFormat& g711 :
         {PayloadFormat{.payload_type = 0, .encoding = "PCMU", .parameters = {}},
          PayloadFormat{.payload_type = 8, .encoding = "PCMA", .parameters = {}}}) {
        const bool is_free =
            std::none_of(formats.begin(), formats.end(), [&](const PayloadFormat& format) {
                return format.payload_type == g711.payload_type;
            });
        if (is_free) {
            formats.push_back(g711);
        }
    }
    return formats;
}

}  // namespace siprec::server
