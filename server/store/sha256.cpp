#include "store/sha256.hpp"

#include "store/files.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

namespace siprec::server {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} * 1024;

struct DigestFree {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

std::string to_hex(std::span<const unsigned char> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const unsigned char byte : bytes) {
        text.push_back(kDigits[byte >> 4U]);
        text.push_back(kDigits[byte & 0x0fU]);
    }
    return text;
}

Error digest_error() {
    return {ErrorCode::Internal, "SHA-256 is not available from the crypto library"};
}

}  // namespace

Result<FileDigest> digest_file(const std::string& path) {
    auto file = open_file(path, O_RDONLY);
    if (!file) {
        return std::move(file).error();
    }
    const std::unique_ptr<EVP_MD_CTX, DigestFree> context(EVP_MD_CTX_new());
    if (context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
        return digest_error();
    }
    FileDigest digest;
    std::vector<std::byte> buffer(kReadBytes);
    while (true) {
        const ssize_t count = ::read(file->get(), buffer.data(), buffer.size());
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            return file_error("read", path, errno);
        }
        if (count == 0) {
            break;
        }
        digest.bytes += static_cast<std::uint64_t>(count);
        if (EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(count)) != 1) {
            return digest_error();
        }
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(context.get(), sum.data(), &length) != 1) {
        return digest_error();
    }
    digest.sha256 = to_hex(std::span(sum).first(length));
    return digest;
}

}  // namespace siprec::server
