// A datagram on the SIP port, up to our own values: what is read must never exceed what was sent.
#include "sip/convert.hpp"
#include "sip/message_class.hpp"

#include <sofia-sip/sip_parser.h>

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const siprec::sip::MessagePtr message(msg_make(siprec::sip::tolerant_message_class(),
                                                   MSG_DO_EXTRACT_COPY,
                                                   data,
                                                   static_cast<ssize_t>(size)));
    if (!message) {
        return 0;
    }
    const sip_t* sip = sip_object(message.get());
    if (sip == nullptr || sip->sip_request == nullptr || sip_sanity_check(sip) < 0) {
        return 0;
    }
    siprec::sip::Request request = siprec::sip::to_request(*sip);
    request.wire.bytes = siprec::sip::wire_bytes(message.get());
    siprec::sip::fill_from_wire(request);
    if (request.body.size() > size) {
        std::abort();
    }
    return 0;
}
