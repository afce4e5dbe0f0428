#pragma once

#include <siprec/result.hpp>

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace srcsim {

struct TlsFiles {
    std::string ca;           ///< empty: any certificate of the recorder's will do
    std::string certificate;  ///< ours, with its key; empty: we show none
};

/// The client's side of TLS over a socket that somebody else owns. *One thread.*
class TlsSession {
  public:
    TlsSession(ssl_ctx_st* context, int fd);
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;
    ~TlsSession();

    /// As send() and recv() on a socket that does not block: EAGAIN while the peer is awaited, also
    /// during the handshake.
    [[nodiscard]] ssize_t send(const char* data, std::size_t size);
    [[nodiscard]] ssize_t receive(char* data, std::size_t size);

  private:
    ssize_t result_of(int result);

    ssl_st* session_;
};

/// What the sessions are made from.
class TlsContext {
  public:
    [[nodiscard]] static siprec::Result<std::unique_ptr<TlsContext>> load(const TlsFiles& files);

    explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    [[nodiscard]] std::unique_ptr<TlsSession> connect(int fd) const {
        return std::make_unique<TlsSession>(context_, fd);
    }

  private:
    ssl_ctx_st* context_;
};

}  // namespace srcsim
