#include "sip/message_class.hpp"

#include "body/header.hpp"
#include "sip/address_repair.hpp"

#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_parser.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace siprec::sip {

namespace {

/// The first line of a multipart body is one of its delimiters; empty: this is none.
std::string_view first_delimiter(std::string_view body) {
    body.remove_prefix(std::min(body.find_first_not_of(" \t\r\n"), body.size()));
    const std::string_view line = body::trim(body::take_line(body));
    return line.size() > 2 && line.starts_with("--") ? line : std::string_view{};
}

/// RFC 3261 18.3 discards what stands behind the body's announced end, which is right for another
/// message and wrong for the rest of a multipart: whose last delimiter says where it ends.
bool closes_behind(std::string_view datagram, std::size_t announced) {
    const std::string_view delimiter = first_delimiter(datagram);
    if (delimiter.empty()) {
        return false;
    }
    const std::string closing = "\n" + std::string(delimiter) + "--";
    const std::size_t found = datagram.find(closing);
    return found != std::string_view::npos && found + closing.size() > announced;
}

}  // namespace

extern "C" {

// Interop(several, observed): a datagram is as long as it is, whatever Content-Length says.
// sofia-sip would refuse a call whose announced body is longer than what came.
static issize_t siprec_extract_body(
    msg_t* message, msg_pub_t* object, char* bytes, isize_t size, int is_all) noexcept {
    sip_t* sip = reinterpret_cast<sip_t*>(object);
    const bool is_in_body = (sip->sip_flags & MSG_FLG_BODY) != 0;
    if (is_all != 0 && is_in_body && sip->sip_content_length != nullptr) {
        try {
            const std::string_view rest(bytes, static_cast<std::size_t>(size));
            const std::size_t announced = sip->sip_content_length->l_length;
            if (announced > rest.size() || closes_behind(rest, announced)) {
                sip->sip_content_length->l_length = static_cast<std::uint32_t>(rest.size());
            }
        } catch (...) {
            return -1;
        }
    }
    return sip_extract_body(message, sip, bytes, size, is_all);
}

/// sofia-sip's own reading of From and To, and where that fails, of what was meant: a request whose
/// sender's name breaks the grammar is still somebody's call.
static issize_t siprec_parse_address(su_home_t* home,
                                     msg_header_t* header,
                                     char* text,
                                     isize_t length) noexcept {
    try {
        const std::string written(text, static_cast<std::size_t>(length));
        if (const issize_t parsed = sip_from_d(home, header, text, length); parsed >= 0) {
            return parsed;
        }
        sip_addr_t* address = reinterpret_cast<sip_addr_t*>(header);
        for (const std::string& repaired :
             {repaired_address(written), anonymous_address(written)}) {
            char* copy = repaired.empty() ? nullptr : su_strdup(home, repaired.c_str());
            if (copy == nullptr) {
                continue;
            }
            address->a_display = nullptr;
            address->a_url[0] = url_t{};
            address->a_params = nullptr;
            address->a_comment = nullptr;
            address->a_tag = nullptr;
            if (sip_from_d(home, header, copy, static_cast<isize_t>(repaired.size())) >= 0) {
                return 0;
            }
        }
    } catch (...) {
        return -1;
    }
    return -1;
}
}

namespace {

/// One reference a letter.
using CompactForms = std::array<msg_href_t, MC_SHORT_SIZE>;

/// Requests that the stack makes itself, the ACK of a refusal among them, name sofia-sip's own
/// class: it keeps an entry, behind ours, where reading a message does not come to it.
void keep_known(msg_mclass_t& messages, const msg_href_t& known) {
    int slot = known.hr_class->hc_hash % messages.mc_hash_size;
    while (messages.mc_hash[slot].hr_class != nullptr) {
        slot = (slot + 1) % messages.mc_hash_size;
    }
    messages.mc_hash[slot] = known;
    ++messages.mc_hash_used;
}

/// A header class that reads an address as above; all else is sofia-sip's.
void forgive_address(msg_mclass_t& messages,
                     CompactForms& compact,
                     msg_hclass_t& known,
                     msg_hclass_s& ours) {
    ours = known;
    ours.hc_parse = siprec_parse_address;
    msg_href_t replaced{};
    const auto replace = [&](msg_href_t& reference) {
        if (reference.hr_class == &known) {
            replaced = reference;
            reference.hr_class = &ours;
        }
    };
    std::ranges::for_each(compact, replace);
    for (int i = 0; i < messages.mc_hash_size; ++i) {
        replace(messages.mc_hash[i]);
    }
    keep_known(messages, replaced);
}

}  // namespace

msg_mclass_t* tolerant_message_class() {
    struct Free {
        void operator()(msg_mclass_t* made) const noexcept { std::free(made); }
    };

    static const std::unique_ptr<msg_mclass_t, Free> made = [] {
        std::unique_ptr<msg_mclass_t, Free> clone(msg_mclass_clone(sip_default_mclass(), 0, 0));
        if (clone) {
            clone->mc_extract_body = siprec_extract_body;
            static msg_hclass_s from;
            static msg_hclass_s to;
            static CompactForms compact;
            std::copy_n(clone->mc_short, compact.size(), compact.begin());
            forgive_address(*clone, compact, sip_from_class[0], from);
            forgive_address(*clone, compact, sip_to_class[0], to);
            clone->mc_short = compact.data();
        }
        return clone;
    }();
    return made.get();
}

}  // namespace siprec::sip
