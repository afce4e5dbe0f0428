#include "tls/bridge.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace siprec::tls {

namespace {

constexpr std::size_t kReadSize = 16384;
// Beyond, the side that sends has to wait.
constexpr std::size_t kMostBuffered = std::size_t{256} * 1024;

}  // namespace

void SslDeleter::operator()(ssl_st* connection) const noexcept {
    SSL_free(connection);
}

Bridge::Bridge(base::UniqueFd client,
               std::shared_ptr<const Context> context,
               const Endpoint& remote,
               const Endpoint& local,
               SteadyTime deadline,
               std::size_t max_head_bytes)
    : client_(std::move(client)),
      context_(std::move(context)),
      ssl_(SSL_new(context_->get())),
      remote_(remote),
      local_(local),
      deadline_(deadline),
      inbound_(max_head_bytes),
      outbound_(max_head_bytes) {
    if (!ssl_ || SSL_set_fd(ssl_.get(), client_.get()) != 1) {
        failure_ = openssl_error();
        state_ = State::Over;
        return;
    }
    SSL_set_accept_state(ssl_.get());
}

void Bridge::attach(base::UniqueFd backend) {
    backend_ = std::move(backend);
    state_ = State::Running;
}

Bridge::State Bridge::pump() {
    // What an earlier connection left there would be taken for this one's.
    ERR_clear_error();
    if (state_ == State::Handshake) {
        shake_hands();
    }
    if (state_ != State::Running) {
        return state_;
    }
    read_client();
    write_backend();
    read_backend();
    write_client();
    const bool client_over = client_done_ && to_backend_.empty();
    const bool backend_over = backend_done_ && to_client_.empty();
    if (client_over || backend_over) {
        static_cast<void>(SSL_shutdown(ssl_.get()));  // best effort: the peer may be gone
        ERR_clear_error();
        state_ = State::Over;
    }
    return state_;
}

bool Bridge::retry(int result) {
    const int error = SSL_get_error(ssl_.get(), result);
    wants_write_ = error == SSL_ERROR_WANT_WRITE;
    return error == SSL_ERROR_WANT_READ || wants_write_;
}

void Bridge::shake_hands() {
    const int result = SSL_accept(ssl_.get());
    if (result == 1) {
        wants_write_ = false;
        state_ = State::Ready;
        return;
    }
    if (retry(result)) {
        return;
    }
    const long verified = SSL_get_verify_result(ssl_.get());
    failure_ = verified == X509_V_OK ? openssl_error() : X509_verify_cert_error_string(verified);
    ERR_clear_error();
    state_ = State::Over;
}

void Bridge::read_client() {
    std::array<char, kReadSize> buffer{};
    while (!client_done_ && to_backend_.size() < kMostBuffered) {
        const int size = SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()));
        if (size <= 0) {
            client_done_ = !retry(size);
            return;
        }
        client_done_ = !inbound_.push(
            {buffer.data(), static_cast<std::size_t>(size)}, to_backend_, [](std::string head) {
                return with_transport(std::move(head), "TCP");
            });
    }
}

void Bridge::write_backend() {
    while (!to_backend_.empty()) {
        const ssize_t sent =
            ::send(backend_.get(), to_backend_.data(), to_backend_.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
                backend_done_ = true;
                to_backend_.clear();
            }
            return;
        }
        to_backend_.erase(0, static_cast<std::size_t>(sent));
    }
}

void Bridge::read_backend() {
    std::array<char, kReadSize> buffer{};
    while (!backend_done_ && to_client_.size() < kMostBuffered) {
        const ssize_t size = ::recv(backend_.get(), buffer.data(), buffer.size(), 0);
        if (size < 0) {
            backend_done_ = errno != EAGAIN && errno != EINTR && errno != ENOTCONN;
            return;
        }
        backend_done_ =
            size == 0 || !outbound_.push({buffer.data(), static_cast<std::size_t>(size)},
                                         to_client_,
                                         [this](std::string head) {
                                             return for_client(std::move(head), remote_, local_);
                                         });
    }
}

void Bridge::write_client() {
    while (!to_client_.empty()) {
        const int sent =
            SSL_write(ssl_.get(), to_client_.data(), static_cast<int>(to_client_.size()));
        if (sent <= 0) {
            if (!retry(sent)) {
                client_done_ = true;
                to_client_.clear();
            }
            return;
        }
        to_client_.erase(0, static_cast<std::size_t>(sent));
    }
    wants_write_ = false;
}

std::uint32_t Bridge::client_events() const {
    const bool wants_read =
        state_ == State::Handshake || (!client_done_ && to_backend_.size() < kMostBuffered);
    return (wants_read ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
           (wants_write_ ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
}

std::uint32_t Bridge::backend_events() const {
    return (!backend_done_ && to_client_.size() < kMostBuffered
                ? static_cast<std::uint32_t>(EPOLLIN)
                : 0U) |
           (to_backend_.empty() ? 0U : static_cast<std::uint32_t>(EPOLLOUT));
}

}  // namespace siprec::tls
