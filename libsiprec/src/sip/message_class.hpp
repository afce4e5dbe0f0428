#pragma once

// How sofia-sip reads our messages: as it does by itself, but for what the field gets wrong.

#include "sip/sofia.hpp"

namespace siprec::sip {

/// sofia-sip's message class with a reader of bodies that forgives a Content-Length. Lives as long
/// as the program; null when there is no memory for it.
[[nodiscard]] msg_mclass_t* tolerant_message_class();

}  // namespace siprec::sip
