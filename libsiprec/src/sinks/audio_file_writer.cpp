#include <siprec/sinks.hpp>

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace siprec {

namespace {

/// Sizes in a RIFF header are 32 bits wide; the header itself needs some of that.
constexpr std::uint64_t kMaxWavBytes = std::numeric_limits<std::uint32_t>::max() - 4096ULL;

/// What libsndfile gives an Opus encoder for one channel, bits a second.
constexpr std::uint32_t kLeastBits = 6000;
constexpr std::uint32_t kMostBits = 256'000;

struct FileCloser {
    void operator()(SNDFILE* file) const noexcept { (void)sf_close(file); }
};

/// @tparam Base  what the file is to the caller
template <typename Base>
class SndFileWriter final : public Base {
  public:
    SndFileWriter(std::string path,
                  std::unique_ptr<SNDFILE, FileCloser> file,
                  std::uint16_t channels,
                  std::uint64_t max_bytes)
        : path_(std::move(path)),
          file_(std::move(file)),
          channels_(channels),
          max_bytes_(max_bytes) {}

    [[nodiscard]] Result<void> write(std::span<const std::int16_t> interleaved) override {
        if (!file_) {
            return Error(ErrorCode::Conflict, fmt::format("{}: is closed", path_));
        }
        if (interleaved.size() % channels_ != 0) {
            return Error(ErrorCode::InvalidArgument,
                         fmt::format("{}: {} samples are no whole frames of {} channels",
                                     path_,
                                     interleaved.size(),
                                     channels_));
        }
        data_bytes_ += interleaved.size_bytes();
        if (data_bytes_ > max_bytes_) {
            return Error(ErrorCode::LimitExceeded,
                         fmt::format("{}: a WAV file holds no more than 4 GiB", path_));
        }
        const auto wanted = static_cast<sf_count_t>(interleaved.size());
        if (sf_write_short(file_.get(), interleaved.data(), wanted) != wanted) {
            return Error(ErrorCode::Io,
                         fmt::format("write {}: {}", path_, sf_strerror(file_.get())));
        }
        return {};
    }

    [[nodiscard]] Result<void> close() override {
        if (!file_) {
            return {};
        }
        const int error = sf_close(file_.release());
        if (error != SF_ERR_NO_ERROR) {
            return Error(ErrorCode::Io, fmt::format("close {}: {}", path_, sf_error_number(error)));
        }
        return {};
    }

  private:
    std::string path_;
    std::unique_ptr<SNDFILE, FileCloser> file_;
    std::uint16_t channels_;
    const std::uint64_t max_bytes_;  // of samples
    std::uint64_t data_bytes_ = 0;
};

Result<std::unique_ptr<SNDFILE, FileCloser>> open_file(const std::string& path,
                                                       std::uint32_t sample_rate,
                                                       std::uint16_t channels,
                                                       int format) {
    SF_INFO info{};
    info.samplerate = static_cast<int>(sample_rate);
    info.channels = channels;
    info.format = format;
    std::unique_ptr<SNDFILE, FileCloser> file(sf_open(path.c_str(), SFM_WRITE, &info));
    if (!file) {
        return Error(ErrorCode::Io, fmt::format("create {}: {}", path, sf_strerror(nullptr)));
    }
    return file;
}

}  // namespace

AudioFileWriter::~AudioFileWriter() = default;

WavWriter::~WavWriter() = default;

Result<std::unique_ptr<WavWriter>> WavWriter::create(const std::string& path,
                                                     std::uint32_t sample_rate,
                                                     std::uint16_t channels) {
    if (sample_rate == 0 || sample_rate > std::numeric_limits<int>::max() / 2 || channels == 0) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("{}: {} Hz, {} channels", path, sample_rate, channels));
    }
    auto file = open_file(path, sample_rate, channels, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
    if (!file) {
        return std::move(file).error();
    }
    if (sf_command(file->get(), SFC_SET_UPDATE_HEADER_AUTO, nullptr, SF_TRUE) != SF_TRUE) {
        return Error(ErrorCode::Io,
                     fmt::format("create {}: the header cannot be kept up to date", path));
    }
    return std::unique_ptr<WavWriter>(
        std::make_unique<SndFileWriter<WavWriter>>(path, std::move(*file), channels, kMaxWavBytes));
}

OggWriter::~OggWriter() = default;

Result<std::unique_ptr<OggWriter>> OggWriter::create(const std::string& path,
                                                     std::uint32_t sample_rate,
                                                     std::uint16_t channels,
                                                     std::uint32_t bits_a_second) {
    constexpr std::array<std::uint32_t, 5> kRates{8000, 12'000, 16'000, 24'000, 48'000};
    constexpr std::uint16_t kMostChannels = 2;
    if (std::ranges::find(kRates, sample_rate) == kRates.end() || channels == 0 ||
        channels > kMostChannels || bits_a_second < kLeastBits || bits_a_second > kMostBits) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("{}: {} Hz, {} channels, {} bit/s for each",
                                 path,
                                 sample_rate,
                                 channels,
                                 bits_a_second));
    }
    auto file = open_file(path, sample_rate, channels, SF_FORMAT_OGG | SF_FORMAT_OPUS);
    if (!file) {
        return std::move(file).error();
    }
    // libsndfile's scale: 0 is the most bits, 1 the least, even between.
    double level = 1.0 - static_cast<double>(bits_a_second - kLeastBits) / (kMostBits - kLeastBits);
    if (sf_command(file->get(), SFC_SET_COMPRESSION_LEVEL, &level, sizeof level) != SF_TRUE) {
        return Error(ErrorCode::Io, fmt::format("create {}: the bit rate cannot be set", path));
    }
    return std::unique_ptr<OggWriter>(std::make_unique<SndFileWriter<OggWriter>>(
        path, std::move(*file), channels, std::numeric_limits<std::uint64_t>::max()));
}

}  // namespace siprec
