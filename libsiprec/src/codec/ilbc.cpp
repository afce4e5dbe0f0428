// iLBC by libavcodec, the only decoder that Debian 12 has. RFC 3952: frames of 20 ms in 38 octets
// or of 30 ms in 50.
#include "codec/concealment.hpp"
#include "codec/decoders.hpp"
#include "codec/parameters.hpp"

#include <fmt/format.h>

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <algorithm>
#include <array>

namespace siprec::codec {

namespace {

constexpr std::uint32_t kSampleRate = 8000;
constexpr std::size_t kShortFrameBytes = 38;
constexpr std::size_t kLongFrameBytes = 50;

struct ContextDeleter {
    void operator()(AVCodecContext* context) const noexcept { avcodec_free_context(&context); }
};

struct PacketDeleter {
    void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
};

struct FrameDeleter {
    void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
};

using Context = std::unique_ptr<AVCodecContext, ContextDeleter>;

/// @return null when libavcodec was built without iLBC
Context open_context(std::size_t frame_bytes) {
    const AVCodec* codec = avcodec_find_decoder(AV_CODEC_ID_ILBC);
    Context context(codec != nullptr ? avcodec_alloc_context3(codec) : nullptr);
    if (!context) {
        return nullptr;
    }
    context->sample_rate = static_cast<int>(kSampleRate);
    context->block_align = static_cast<int>(frame_bytes);
    if (avcodec_open2(context.get(), codec, nullptr) < 0) {
        return nullptr;
    }
    return context;
}

class IlbcDecoder final : public ConcealingDecoder {
  public:
    IlbcDecoder(Context context, std::size_t frame_bytes)
        : ConcealingDecoder(kSampleRate),
          context_(std::move(context)),
          frame_bytes_(frame_bytes),
          packet_(av_packet_alloc()),
          frame_(av_frame_alloc()) {}

  private:
    [[nodiscard]] Result<void> decode_payload(std::span<const std::byte> payload,
                                              std::vector<std::int16_t>& out) override {
        if (auto known = follow_mode(payload.size()); !known) {
            return known;
        }
        for (; !payload.empty(); payload = payload.subspan(frame_bytes_)) {
            if (auto decoded = decode_frame(payload.first(frame_bytes_), out); !decoded) {
                return decoded;
            }
        }
        return {};
    }

    /// Senders do not always keep to the mode they named: the size tells.
    [[nodiscard]] Result<void> follow_mode(std::size_t size) {
        if (size > 0 && size % frame_bytes_ == 0) {
            return {};
        }
        const std::size_t other =
            frame_bytes_ == kLongFrameBytes ? kShortFrameBytes : kLongFrameBytes;
        auto context = size > 0 && size % other == 0 ? open_context(other) : nullptr;
        if (!context) {
            return Error(ErrorCode::Malformed,
                         fmt::format("iLBC: {} bytes are no whole frames", size));
        }
        context_ = std::move(context);
        frame_bytes_ = other;
        return {};
    }

    [[nodiscard]] Result<void> decode_frame(std::span<const std::byte> frame,
                                            std::vector<std::int16_t>& out) {
        std::array<std::uint8_t, kLongFrameBytes + AV_INPUT_BUFFER_PADDING_SIZE> padded{};
        std::copy_n(octets(frame), frame.size(), padded.begin());
        packet_->data = padded.data();
        packet_->size = static_cast<int>(frame.size());
        int outcome = avcodec_send_packet(context_.get(), packet_.get());
        if (outcome >= 0) {
            outcome = avcodec_receive_frame(context_.get(), frame_.get());
        }
        if (outcome < 0 || frame_->format != AV_SAMPLE_FMT_S16) {
            return Error(ErrorCode::Malformed, "iLBC: corrupt frame");
        }
        const std::span samples(reinterpret_cast<const std::int16_t*>(frame_->data[0]),
                                static_cast<std::size_t>(frame_->nb_samples));
        out.insert(out.end(), samples.begin(), samples.end());
        return {};
    }

    Context context_;
    std::size_t frame_bytes_;
    std::unique_ptr<AVPacket, PacketDeleter> packet_;
    std::unique_ptr<AVFrame, FrameDeleter> frame_;
};

}  // namespace

Result<std::unique_ptr<AudioDecoder>> make_ilbc(const PayloadFormat& format) {
    if (auto fits = expect_mono(format, kSampleRate); !fits) {
        return std::move(fits).error();
    }
    // RFC 3952 4.2: without the parameter the frames are of 30 ms.
    const bool is_short = number_parameter(format.parameters, "mode").value_or(30) == 20;
    const std::size_t frame_bytes = is_short ? kShortFrameBytes : kLongFrameBytes;
    Context context = open_context(frame_bytes);
    if (!context) {
        return Error(ErrorCode::Unsupported, "iLBC: libavcodec has no decoder");
    }
    return std::unique_ptr<AudioDecoder>(
        std::make_unique<IlbcDecoder>(std::move(context), frame_bytes));
}

}  // namespace siprec::codec
