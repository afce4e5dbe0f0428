#pragma once

// The only header that includes sofia-sip. The magic types are ours, so that its callbacks get
// typed pointers.

namespace siprec::sip {
class UserAgentImpl;
struct Dialog;
struct ClientTransaction;
}  // namespace siprec::sip

#define NTA_AGENT_MAGIC_T ::siprec::sip::UserAgentImpl
#define NTA_LEG_MAGIC_T ::siprec::sip::Dialog
#define NTA_INCOMING_MAGIC_T ::siprec::sip::Dialog
#define NTA_RELIABLE_MAGIC_T ::siprec::sip::UserAgentImpl
#define NTA_OUTGOING_MAGIC_T ::siprec::sip::ClientTransaction

// First, because sofia-sip has a macro named sip_status.
#include <siprec/error.hpp>

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_protos.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_tag.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>

#include <memory>

namespace siprec::sip {

struct MessageDeleter {
    void operator()(msg_t* message) const noexcept { msg_destroy(message); }
};

/// One reference to a message.
using MessagePtr = std::unique_ptr<msg_t, MessageDeleter>;

struct IncomingDeleter {
    void operator()(nta_incoming_t* request) const noexcept { nta_incoming_destroy(request); }
};

/// A server transaction; destroying it lets the stack finish it alone.
using IncomingPtr = std::unique_ptr<nta_incoming_t, IncomingDeleter>;

struct OutgoingDeleter {
    void operator()(nta_outgoing_t* request) const noexcept { nta_outgoing_destroy(request); }
};

using OutgoingPtr = std::unique_ptr<nta_outgoing_t, OutgoingDeleter>;

struct LegDeleter {
    void operator()(nta_leg_t* leg) const noexcept { nta_leg_destroy(leg); }
};

using LegPtr = std::unique_ptr<nta_leg_t, LegDeleter>;

struct AgentDeleter {
    void operator()(nta_agent_t* agent) const noexcept { nta_agent_destroy(agent); }
};

using AgentPtr = std::unique_ptr<nta_agent_t, AgentDeleter>;

struct TportDeleter {
    void operator()(tport_t* transport) const noexcept { tport_unref(transport); }
};

/// One reference to a connection, or to a listener.
using TportPtr = std::unique_ptr<tport_t, TportDeleter>;

struct HomeDeleter {
    void operator()(su_home_t* home) const noexcept { su_home_unref(home); }
};

using HomePtr = std::unique_ptr<su_home_t, HomeDeleter>;

}  // namespace siprec::sip
