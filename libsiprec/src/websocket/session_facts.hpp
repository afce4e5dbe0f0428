#pragma once

// What a receiver has to know of a session, as messages: for one that listens, and for one that
// comes later.

#include "base/mutex.hpp"
#include "websocket/messages.hpp"

#include <siprec/metadata.hpp>
#include <siprec/session.hpp>
#include <siprec/stream.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace siprec::websocket {

/// Written on the sinks' threads, read on the network's. *Thread-safe.*
class SessionFacts {
  public:
    explicit SessionFacts(SessionInfo info) : info_(std::move(info)) {}

    /// A stream opened, changed or closed.
    /// @return the messages that say what is new: about it, and about whose it is
    [[nodiscard]] std::vector<std::string> set_stream(const StreamInfo& stream, bool is_open);

    /// @return the messages that say what is new: the document, and those who came, changed or left
    [[nodiscard]] std::vector<std::string> set_metadata(const metadata::Document& document);

    /// All that holds. @param resumed  the session had a connection before
    [[nodiscard]] std::vector<std::string> greeting(std::uint32_t sample_rate,
                                                    std::chrono::milliseconds frame,
                                                    bool resumed) const;

  private:
    void update_participants(std::vector<std::string>& news) SIPREC_REQUIRES(mutex_);

    const SessionInfo info_;
    mutable base::Mutex mutex_;
    Streams streams_ SIPREC_GUARDED_BY(mutex_);
    metadata::Document document_ SIPREC_GUARDED_BY(mutex_);
    std::map<std::uint32_t, std::string> stream_messages_ SIPREC_GUARDED_BY(mutex_);
    std::map<std::string, std::string> participants_ SIPREC_GUARDED_BY(mutex_);  // by id
    std::string metadata_message_ SIPREC_GUARDED_BY(mutex_);  // empty: there is none yet
};

}  // namespace siprec::websocket
