#pragma once

// What a TLS connection is made from: certificate, key, and whom we believe.

#include <siprec/config.hpp>
#include <siprec/result.hpp>

#include <memory>
#include <string>
#include <vector>

// OpenSSL's own tags, so that this header needs none of its headers.
struct ssl_ctx_st;
struct ssl_st;

namespace siprec::tls {

/// *Immutable*: a reload makes another one, and running connections keep theirs.
class Context {
  public:
    /// Reads the files. @return an error that names the file
    [[nodiscard]] static Result<std::shared_ptr<const Context>> load(TlsConfig config);

    explicit Context(TlsConfig config) : config_(std::move(config)) {}

    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context();

    [[nodiscard]] ssl_ctx_st* get() const noexcept { return context_; }

    [[nodiscard]] const TlsConfig& config() const noexcept { return config_; }

    [[nodiscard]] bool allows(const std::vector<std::string>& names) const;

  private:
    Result<void> open();

    TlsConfig config_;
    ssl_ctx_st* context_ = nullptr;
};

/// The names in the certificate that the peer proved to own; empty when it showed none.
[[nodiscard]] std::vector<std::string> peer_names(const ssl_st* connection);

/// What OpenSSL complains of, and empties its queue.
[[nodiscard]] std::string openssl_error();

}  // namespace siprec::tls
