#include "srtp/certificate.hpp"

#include <siprec/dtls.hpp>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <utility>

namespace siprec::srtp {

namespace {

// Fits into any path's MTU with IPv6 and UDP around it.
constexpr long kMtu = 1200;

/// What OpenSSL takes for a socket.
struct Datagrams {
    std::deque<std::vector<std::byte>> incoming;
    std::vector<std::vector<std::byte>> outgoing;
};

extern "C" {

static int write_datagram(BIO* bio, const char* bytes, int size) noexcept {
    auto& datagrams = *static_cast<Datagrams*>(BIO_get_data(bio));
    const auto view = std::as_bytes(std::span(bytes, static_cast<std::size_t>(size)));
    datagrams.outgoing.emplace_back(view.begin(), view.end());
    return size;
}

static int read_datagram(BIO* bio, char* bytes, int size) noexcept {
    auto& datagrams = *static_cast<Datagrams*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (datagrams.incoming.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::vector<std::byte> datagram = std::move(datagrams.incoming.front());
    datagrams.incoming.pop_front();
    const std::size_t count = std::min(datagram.size(), static_cast<std::size_t>(size));
    std::memcpy(bytes, datagram.data(), count);
    return static_cast<int>(count);
}

static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) noexcept {
    switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_DGRAM_QUERY_MTU:
        case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
            return kMtu;
        default:
            return 0;
    }
}

// Any chain: what counts is the fingerprint in SDP, which is compared when the handshake is over.
static int take_any_certificate(int /*is_valid*/, X509_STORE_CTX* /*store*/) noexcept {
    return 1;
}

}  // extern "C"

const BIO_METHOD* datagram_method() {
    using MethodPtr = std::unique_ptr<BIO_METHOD, OpensslFree<BIO_meth_free>>;
    static const MethodPtr method = [] {
        MethodPtr made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams"));
        if (made) {
            BIO_meth_set_write(made.get(), write_datagram);
            BIO_meth_set_read(made.get(), read_datagram);
            BIO_meth_set_ctrl(made.get(), control);
        }
        return made;
    }();
    return method.get();
}

std::string profile_list(const std::vector<Suite>& suites) {
    std::string list;
    for (const Suite suite : suites) {
        if (traits(suite).dtls_profile != 0) {
            list += list.empty() ? "" : ":";
            list += traits(suite).openssl_name;
        }
    }
    return list;
}

Protection to_protection(Suite suite,
                         std::span<const std::byte> key,
                         std::span<const std::byte> salt) {
    std::vector<std::byte> bytes;
    bytes.reserve(key.size() + salt.size());
    bytes.insert(bytes.end(), key.begin(), key.end());
    bytes.insert(bytes.end(), salt.begin(), salt.end());
    MasterKey master;
    master.key = Secret(std::move(bytes));
    Protection protection;
    protection.suite = suite;
    protection.keys.push_back(std::move(master));
    return protection;
}

}  // namespace

struct DtlsAssociation::Impl {
    explicit Impl(DtlsTerms agreed) : terms(std::move(agreed)) {}

    [[nodiscard]] bool open();
    void shake_hands();
    void read();
    void finish();
    void fail(std::string why);
    [[nodiscard]] bool is_vouched_for() const;
    [[nodiscard]] std::optional<Keys> export_keys() const;

    DtlsTerms terms;
    Datagrams datagrams;
    SslPtr ssl;
    State state = State::Handshaking;
    std::string failure;
    std::optional<Keys> keys;
};

bool DtlsAssociation::Impl::open() {
    ssl = SslPtr(SSL_new(terms.certificate->state_->context.get()));
    BIO* bio = ssl ? BIO_new(datagram_method()) : nullptr;
    if (bio == nullptr) {
        return false;
    }
    BIO_set_data(bio, &datagrams);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl.get(), bio, bio);  // owns it now
    SSL_set_verify(
        ssl.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, take_any_certificate);
    SSL_set_mtu(ssl.get(), kMtu);
    if (terms.role == DtlsRole::Client) {
        SSL_set_connect_state(ssl.get());
    } else {
        SSL_set_accept_state(ssl.get());
    }
    // Unlike the rest of OpenSSL, 0 is success here.
    return SSL_set_tlsext_use_srtp(ssl.get(), profile_list(terms.suites).c_str()) == 0;
}

void DtlsAssociation::Impl::fail(std::string why) {
    state = State::Failed;
    failure = std::move(why);
    datagrams.incoming.clear();
}

void DtlsAssociation::Impl::shake_hands() {
    if (state != State::Handshaking) {
        return;
    }
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl.get());
    if (done == 1) {
        finish();
    } else if (SSL_get_error(ssl.get(), done) != SSL_ERROR_WANT_READ) {
        fail(fmt::format("the DTLS handshake fails: {}", take_openssl_error()));
    }
}

void DtlsAssociation::Impl::finish() {
    if (!is_vouched_for()) {
        // RFC 5763 5: the media session ends at once.
        SSL_shutdown(ssl.get());
        fail("the peer's certificate does not match its a=fingerprint (RFC 5763 5)");
        return;
    }
    keys = export_keys();
    if (!keys) {
        fail("no SRTP profile was agreed on (RFC 5764 4.1.1)");
        return;
    }
    state = State::Connected;
}

bool DtlsAssociation::Impl::is_vouched_for() const {
    const X509* certificate = SSL_get0_peer_certificate(ssl.get());
    return certificate != nullptr &&
           std::ranges::any_of(terms.peer, [certificate](const Fingerprint& stated) {
               return fingerprint_of(certificate, stated.hash) == stated;
           });
}

std::optional<DtlsAssociation::Keys> DtlsAssociation::Impl::export_keys() const {
    const SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(ssl.get());
    if (profile == nullptr) {
        return std::nullopt;
    }
    const auto* suite = std::ranges::find_if(kSuites, [profile](const SuiteTraits& candidate) {
        return candidate.dtls_profile != 0 && candidate.dtls_profile == profile->id;
    });
    if (suite == kSuites.end()) {
        return std::nullopt;
    }
    constexpr std::string_view kLabel = "EXTRACTOR-dtls_srtp";  // RFC 5764 4.2
    std::vector<unsigned char> material(2 * (suite->key_bytes + suite->salt_bytes));
    const int done = SSL_export_keying_material(
        ssl.get(), material.data(), material.size(), kLabel.data(), kLabel.size(), nullptr, 0, 0);
    // Client's key, server's key, client's salt, server's salt.
    const auto bytes = std::as_bytes(std::span(material));
    const auto part = [&](std::size_t key_at, std::size_t salt_at) {
        return to_protection(suite->suite,
                             bytes.subspan(key_at, suite->key_bytes),
                             bytes.subspan(salt_at, suite->salt_bytes));
    };
    auto client = part(0, 2 * suite->key_bytes);
    auto server = part(suite->key_bytes, 2 * suite->key_bytes + suite->salt_bytes);
    OPENSSL_cleanse(material.data(), material.size());
    if (done != 1) {
        return std::nullopt;
    }
    const bool is_client = terms.role == DtlsRole::Client;
    return Keys{.receive = is_client ? std::move(server) : client,
                .send = is_client ? std::move(client) : std::move(server)};
}

/// Behind the handshake: the peer's last flight again, to which OpenSSL repeats ours, or its alert.
void DtlsAssociation::Impl::read() {
    std::array<char, 2048> ignored{};
    while (!datagrams.incoming.empty() && state == State::Connected) {
        ERR_clear_error();
        if (SSL_read(ssl.get(), ignored.data(), static_cast<int>(ignored.size())) <= 0 &&
            (SSL_get_shutdown(ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0) {
            state = State::Closed;
        }
    }
    datagrams.incoming.clear();
}

DtlsAssociation::DtlsAssociation(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

DtlsAssociation::DtlsAssociation(DtlsAssociation&&) noexcept = default;
DtlsAssociation& DtlsAssociation::operator=(DtlsAssociation&&) noexcept = default;
DtlsAssociation::~DtlsAssociation() = default;

Result<DtlsAssociation> DtlsAssociation::create(const DtlsTerms& terms) {
    if (!terms.certificate || terms.peer.empty() || profile_list(terms.suites).empty()) {
        return Error(ErrorCode::InvalidArgument,
                     "DTLS-SRTP wants a certificate, a fingerprint of the peer's and a suite");
    }
    auto impl = std::make_unique<Impl>(terms);
    if (!impl->open()) {
        return Error(ErrorCode::Internal,
                     fmt::format("cannot open a DTLS association: {}", take_openssl_error()));
    }
    return DtlsAssociation(std::move(impl));
}

void DtlsAssociation::start() {
    if (impl_->terms.role == DtlsRole::Client) {
        impl_->shake_hands();
    }
}

void DtlsAssociation::receive(std::span<const std::byte> datagram) {
    impl_->datagrams.incoming.emplace_back(datagram.begin(), datagram.end());
    impl_->shake_hands();
    impl_->read();
}

std::vector<std::vector<std::byte>> DtlsAssociation::take_output() {
    return std::exchange(impl_->datagrams.outgoing, {});
}

std::optional<std::chrono::microseconds> DtlsAssociation::timeout() const {
    timeval left{};
    if (impl_->state != State::Handshaking || DTLSv1_get_timeout(impl_->ssl.get(), &left) != 1) {
        return std::nullopt;
    }
    return std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
}

void DtlsAssociation::on_timeout() {
    if (impl_->state == State::Handshaking && DTLSv1_handle_timeout(impl_->ssl.get()) < 0) {
        impl_->fail("the DTLS handshake gets no answer");
    }
}

void DtlsAssociation::close() {
    if (impl_->state == State::Connected) {
        SSL_shutdown(impl_->ssl.get());
        impl_->state = State::Closed;
    }
}

DtlsAssociation::State DtlsAssociation::state() const noexcept {
    return impl_->state;
}

const std::string& DtlsAssociation::failure() const noexcept {
    return impl_->failure;
}

const std::optional<DtlsAssociation::Keys>& DtlsAssociation::keys() const noexcept {
    return impl_->keys;
}

}  // namespace siprec::srtp
