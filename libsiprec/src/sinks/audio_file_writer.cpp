#include <siprec/sinks.hpp>

#include <fmt/format.h>
#include <sndfile.h>

#include <limits>
#include <utility>

namespace siprec {

namespace {

/// Sizes in a RIFF header are 32 bits wide; the header itself needs some of that.
constexpr std::uint64_t kMaxDataBytes = std::numeric_limits<std::uint32_t>::max() - 4096ULL;

struct FileCloser {
    void operator()(SNDFILE* file) const noexcept { (void)sf_close(file); }
};

class SndFileWriter final : public WavWriter {
  public:
    SndFileWriter(std::string path,
                  std::unique_ptr<SNDFILE, FileCloser> file,
                  std::uint16_t channels)
        : path_(std::move(path)), file_(std::move(file)), channels_(channels) {}

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
        if (data_bytes_ > kMaxDataBytes) {
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
    std::uint64_t data_bytes_ = 0;
};

}  // namespace

WavWriter::~WavWriter() = default;

Result<std::unique_ptr<WavWriter>> WavWriter::create(const std::string& path,
                                                     std::uint32_t sample_rate,
                                                     std::uint16_t channels) {
    if (sample_rate == 0 || sample_rate > std::numeric_limits<int>::max() / 2 || channels == 0) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("{}: {} Hz, {} channels", path, sample_rate, channels));
    }
    SF_INFO info{};
    info.samplerate = static_cast<int>(sample_rate);
    info.channels = channels;
    info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    std::unique_ptr<SNDFILE, FileCloser> file(sf_open(path.c_str(), SFM_WRITE, &info));
    if (!file) {
        return Error(ErrorCode::Io, fmt::format("create {}: {}", path, sf_strerror(nullptr)));
    }
    if (sf_command(file.get(), SFC_SET_UPDATE_HEADER_AUTO, nullptr, SF_TRUE) != SF_TRUE) {
        return Error(ErrorCode::Io,
                     fmt::format("create {}: the header cannot be kept up to date", path));
    }
    return std::unique_ptr<WavWriter>(
        std::make_unique<SndFileWriter>(path, std::move(file), channels));
}

}  // namespace siprec
