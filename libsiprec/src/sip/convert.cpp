#include "sip/convert.hpp"

#include "sip/headers.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <string_view>

namespace siprec::sip {

namespace {

std::string text(const char* value) {
    return value == nullptr ? std::string{} : std::string{value};
}

std::string url_text(const url_t* url) {
    if (url == nullptr) {
        return {};
    }
    std::array<char, 1024> buffer{};
    const issize_t length = url_e(buffer.data(), buffer.size(), url);
    if (length < 0 || static_cast<std::size_t>(length) >= buffer.size()) {
        return {};
    }
    return {buffer.data(), static_cast<std::size_t>(length)};
}

std::vector<std::string> tags(const msg_list_t* list) {
    std::vector<std::string> found;
    for (; list != nullptr; list = reinterpret_cast<const msg_list_t*>(list->k_next)) {
        if (list->k_items == nullptr) {
            continue;
        }
        for (const msg_param_t* item = list->k_items; *item != nullptr; ++item) {
            found.push_back(lower(*item));
        }
    }
    return found;
}

Method method_of(const sip_t& sip) {
    if (sip.sip_request == nullptr) {
        return Method::Other;
    }
    switch (sip.sip_request->rq_method) {
        case sip_method_invite:
            return Method::Invite;
        case sip_method_ack:
            return Method::Ack;
        case sip_method_cancel:
            return Method::Cancel;
        case sip_method_bye:
            return Method::Bye;
        case sip_method_options:
            return Method::Options;
        case sip_method_update:
            return Method::Update;
        case sip_method_info:
            return Method::Info;
        case sip_method_prack:
            return Method::Prack;
        default:
            return Method::Other;
    }
}

bool is_src_parameter(std::string_view name) {
    // Interop(BroadWorks, AudioCodes): `;src` in the place of `;+sip.src`.
    const std::string folded = lower(name.substr(0, name.find('=')));
    return folded == "+sip.src" || folded == "src";
}

/// The feature tag of RFC 7866 6.1.1, as a header parameter or, Interop(Avaya SBCE), inside the
/// URI.
bool shows_src(const sip_contact_t* contact) {
    for (; contact != nullptr; contact = contact->m_next) {
        if (contact->m_params != nullptr) {
            for (const msg_param_t* param = contact->m_params; *param != nullptr; ++param) {
                if (is_src_parameter(*param)) {
                    return true;
                }
            }
        }
        if (contact->m_url[0].url_params != nullptr) {
            std::string_view params = contact->m_url[0].url_params;
            while (!params.empty()) {
                const std::size_t end = params.find(';');
                if (is_src_parameter(params.substr(0, end))) {
                    return true;
                }
                params =
                    end == std::string_view::npos ? std::string_view{} : params.substr(end + 1);
            }
        }
    }
    return false;
}

/// What the headers say as written.
void read_headers(Request& request) {
    for (const auto& [name, value] : request.headers) {
        if (request.content_type.empty() && is_header(name, "content-type", "c")) {
            request.content_type = value;
        } else if (request.content_disposition.empty() &&
                   is_header(name, "content-disposition", "")) {
            request.content_disposition = value;
        } else if (request.user_agent.empty() && is_header(name, "user-agent", "")) {
            request.user_agent = value;
        } else if (request.reason.empty() && is_header(name, "reason", "")) {
            request.reason = value;
        } else if (is_header(name, "contact", "m") && request.contact_uri.empty() &&
                   !request.contact_is_src) {
            // Interop(several): a Contact that does not parse still shows its feature tag.
            const std::string folded = lower(value);
            request.contact_is_src = folded.find("+sip.src") != std::string::npos ||
                                     folded.find(";src") != std::string::npos;
        }
    }
}

}  // namespace

Request to_request(const sip_t& sip) {
    Request request;
    request.method = method_of(sip);
    if (sip.sip_request != nullptr) {
        request.method_name = text(sip.sip_request->rq_method_name);
        request.request_uri = url_text(sip.sip_request->rq_url);
    }
    if (sip.sip_call_id != nullptr) {
        request.call_id = text(sip.sip_call_id->i_id);
    }
    if (sip.sip_from != nullptr) {
        request.from_uri = url_text(sip.sip_from->a_url);
        request.from_display = text(sip.sip_from->a_display);
    }
    if (sip.sip_to != nullptr) {
        request.to_uri = url_text(sip.sip_to->a_url);
        request.has_to_tag = sip.sip_to->a_tag != nullptr;
    }
    if (sip.sip_contact != nullptr) {
        request.contact_uri = url_text(sip.sip_contact->m_url);
        request.contact_is_src = shows_src(sip.sip_contact);
    }
    request.require = tags(sip.sip_require);
    request.supported = tags(sip.sip_supported);
    request.cseq = sip.sip_cseq == nullptr ? 0 : sip.sip_cseq->cs_seq;
    if (sip.sip_payload != nullptr && sip.sip_payload->pl_data != nullptr) {
        request.body.assign(sip.sip_payload->pl_data, sip.sip_payload->pl_len);
    }
    return request;
}

void fill_from_wire(Request& request) {
    request.headers = parse_headers(request.wire.bytes);
    read_headers(request);
}

std::string wire_bytes(msg_t* message) {
    std::string bytes;
    if (message == nullptr || msg_prepare(message) < 0) {
        return bytes;
    }
    msg_header_t** head = msg_chain_head(message);
    for (const msg_header_t* header = head == nullptr ? nullptr : *head; header != nullptr;
         header = header->sh_succ) {
        if (header->sh_data != nullptr) {
            bytes.append(static_cast<const char*>(header->sh_data), header->sh_len);
        }
    }
    return bytes;
}

Endpoint message_source(msg_t* message) {
    Endpoint endpoint;
    const su_sockaddr_t* address = message == nullptr ? nullptr : msg_addr(message);
    if (address == nullptr) {
        return endpoint;
    }
    if (address->su_family == AF_INET) {
        std::array<std::uint8_t, 4> bytes{};
        std::memcpy(bytes.data(), &address->su_sin.sin_addr, bytes.size());
        endpoint.address = IpAddress::v4(bytes);
    } else if (address->su_family == AF_INET6) {
        std::array<std::uint8_t, 16> bytes{};
        std::memcpy(bytes.data(), &address->su_sin6.sin6_addr, bytes.size());
        endpoint.address = IpAddress::v6(bytes);
    }
    endpoint.port = ntohs(address->su_port);
    return endpoint;
}

}  // namespace siprec::sip
