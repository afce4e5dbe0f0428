#pragma once

/// The whole public API of libsiprec.

#include <siprec/assembler.hpp>
#include <siprec/audio.hpp>
#include <siprec/body.hpp>
#include <siprec/callback_sink.hpp>
#include <siprec/clock.hpp>
#include <siprec/codec.hpp>
#include <siprec/config.hpp>
#include <siprec/dtls.hpp>
#include <siprec/error.hpp>
#include <siprec/isolated_sinks.hpp>
#include <siprec/keying.hpp>
#include <siprec/log.hpp>
#include <siprec/media_sink.hpp>
#include <siprec/metadata.hpp>
#include <siprec/net.hpp>
#include <siprec/pcapng.hpp>
#include <siprec/policy.hpp>
#include <siprec/recorder.hpp>
#include <siprec/result.hpp>
#include <siprec/rtp.hpp>
#include <siprec/sdp.hpp>
#include <siprec/session.hpp>
#include <siprec/session_sink.hpp>
#include <siprec/sinks.hpp>
#include <siprec/sip_text.hpp>
#include <siprec/srtp.hpp>
#include <siprec/stats.hpp>
#include <siprec/stream.hpp>
#include <siprec/uuid.hpp>
#include <siprec/version.hpp>
#include <siprec/websocket_sink.hpp>
