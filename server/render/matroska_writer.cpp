#include "render/matroska_writer.hpp"

#include "render/h264_units.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
}

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace siprec::server {
namespace {

using std::chrono::milliseconds;

constexpr AVRational kMilliseconds{1, 1000};

struct InputDeleter {
    void operator()(AVFormatContext* input) const noexcept { avformat_close_input(&input); }
};

struct OutputDeleter {
    void operator()(AVFormatContext* output) const noexcept {
        if (output->pb != nullptr) {
            static_cast<void>(avio_closep(&output->pb));  // close() has told of failures before
        }
        avformat_free_context(output);
    }
};

struct PacketDeleter {
    void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
};

struct ContextDeleter {
    void operator()(AVCodecContext* context) const noexcept { avcodec_free_context(&context); }
};

struct ParserDeleter {
    void operator()(AVCodecParserContext* parser) const noexcept { av_parser_close(parser); }
};

using Input = std::unique_ptr<AVFormatContext, InputDeleter>;
using Output = std::unique_ptr<AVFormatContext, OutputDeleter>;
using Packet = std::unique_ptr<AVPacket, PacketDeleter>;

Error av_error(const std::string& what, int code) {
    std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
    static_cast<void>(av_strerror(code, text.data(), text.size()));
    const bool is_disk = code == AVERROR(ENOSPC) || code == AVERROR(EIO) ||
                         code == AVERROR(EACCES) || code == AVERROR(ENOENT) ||
                         code == AVERROR(EDQUOT);
    return Error(is_disk ? ErrorCode::Io : ErrorCode::Unsupported, what + ": " + text.data());
}

/// The size of the picture as libavcodec's parser reads it from the sequence parameters.
bool read_h264_size(std::span<const std::byte> frame, VideoTrack& track) {
    const std::unique_ptr<AVCodecParserContext, ParserDeleter> parser(
        av_parser_init(AV_CODEC_ID_H264));
    const std::unique_ptr<AVCodecContext, ContextDeleter> context(avcodec_alloc_context3(nullptr));
    if (!parser || !context) {
        return false;
    }
    parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
    std::vector<std::uint8_t> padded(frame.size() + AV_INPUT_BUFFER_PADDING_SIZE, 0);
    std::memcpy(padded.data(), frame.data(), frame.size());
    std::uint8_t* out = nullptr;
    int out_size = 0;
    static_cast<void>(av_parser_parse2(parser.get(),
                                       context.get(),
                                       &out,
                                       &out_size,
                                       padded.data(),
                                       static_cast<int>(frame.size()),
                                       AV_NOPTS_VALUE,
                                       AV_NOPTS_VALUE,
                                       0));
    track.width = parser->width;
    track.height = parser->height;
    return track.width > 0 && track.height > 0;
}

/// RFC 6386 9.1: behind frame tag and start code, 14 bits each.
bool read_vp8_size(std::span<const std::byte> frame, VideoTrack& track) {
    constexpr std::size_t kHeaderBytes = 10;
    constexpr std::array kStartCode = {std::byte{0x9D}, std::byte{0x01}, std::byte{0x2A}};
    if (frame.size() < kHeaderBytes || !std::ranges::equal(frame.subspan(3, 3), kStartCode)) {
        return false;
    }
    const auto value = [&](std::size_t at) {
        return std::to_integer<int>(frame[at]) | (std::to_integer<int>(frame[at + 1]) & 0x3F) << 8;
    };
    track.width = value(6);
    track.height = value(8);
    return track.width > 0 && track.height > 0;
}

Result<void> set_extradata(AVCodecParameters& parameters, std::span<const std::byte> bytes) {
    auto* memory =
        static_cast<std::uint8_t*>(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    if (memory == nullptr) {
        return Error(ErrorCode::ResourceExhausted, "Matroska: no memory");
    }
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(memory));
    parameters.extradata = memory;  // libavformat frees it
    parameters.extradata_size = static_cast<int>(bytes.size());
    return {};
}

}  // namespace

std::optional<VideoTrack> describe(VideoCodec codec, std::span<const std::byte> key_frame) {
    VideoTrack track{.codec = codec, .parameter_sets = {}};
    if (codec == VideoCodec::H264) {
        track.parameter_sets = look_into(key_frame).parameter_sets;
        return !track.parameter_sets.empty() && read_h264_size(key_frame, track)
                   ? std::optional(track)
                   : std::nullopt;
    }
    return read_vp8_size(key_frame, track) ? std::optional(track) : std::nullopt;
}

struct MatroskaWriter::Impl {
    Output output;
    Input sound;
    int sound_stream = -1;  // its number in the output
    milliseconds sound_starts{0};
    Packet packet{av_packet_alloc()};
    Packet sound_packet{av_packet_alloc()};
    bool has_sound_packet = false;
    std::vector<std::int64_t> last;  // pts by track

    Result<void> add_video(const VideoTrack& track);
    Result<void> add_sound(const std::string& wav_path);
    Result<void> open(const std::string& path);
    Result<void> write_sound(milliseconds until);
};

Result<void> MatroskaWriter::Impl::add_video(const VideoTrack& track) {
    AVStream* stream = avformat_new_stream(output.get(), nullptr);
    if (stream == nullptr) {
        return Error(ErrorCode::ResourceExhausted, "Matroska: no memory");
    }
    stream->time_base = kMilliseconds;
    stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    stream->codecpar->codec_id =
        track.codec == VideoCodec::H264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_VP8;
    stream->codecpar->width = track.width;
    stream->codecpar->height = track.height;
    last.push_back(-1);
    return set_extradata(*stream->codecpar, track.parameter_sets);
}

Result<void> MatroskaWriter::Impl::add_sound(const std::string& wav_path) {
    AVFormatContext* opened = nullptr;
    int outcome =
        avformat_open_input(&opened, wav_path.c_str(), av_find_input_format("wav"), nullptr);
    if (outcome < 0) {
        return av_error(wav_path, outcome);
    }
    sound.reset(opened);
    AVStream* stream =
        sound->nb_streams == 1 ? avformat_new_stream(output.get(), nullptr) : nullptr;
    if (stream == nullptr) {
        return Error(ErrorCode::Unsupported, wav_path + ": no sound in it");
    }
    outcome = avcodec_parameters_copy(stream->codecpar, sound->streams[0]->codecpar);
    if (outcome < 0) {
        return av_error(wav_path, outcome);
    }
    stream->codecpar->codec_tag = 0;
    sound_stream = stream->index;
    return {};
}

Result<void> MatroskaWriter::Impl::open(const std::string& path) {
    int outcome = avio_open(&output->pb, path.c_str(), AVIO_FLAG_WRITE);
    if (outcome >= 0) {
        outcome = avformat_write_header(output.get(), nullptr);
    }
    return outcome < 0 ? Result<void>(av_error(path, outcome)) : Result<void>();
}

/// Players want what belongs together close together in the file.
Result<void> MatroskaWriter::Impl::write_sound(milliseconds until) {
    while (sound) {
        const int read = has_sound_packet ? 0 : av_read_frame(sound.get(), sound_packet.get());
        if (read == AVERROR_EOF) {
            sound.reset();
            break;
        }
        if (read < 0) {
            return av_error("read sound", read);
        }
        has_sound_packet = true;
        const AVRational base = sound->streams[0]->time_base;
        const auto when = av_rescale_q(sound_packet->pts, base, kMilliseconds);
        if (when + sound_starts.count() > until.count()) {
            break;
        }
        const AVRational out_base = output->streams[sound_stream]->time_base;
        av_packet_rescale_ts(sound_packet.get(), base, out_base);
        const auto shift = av_rescale_q(sound_starts.count(), kMilliseconds, out_base);
        sound_packet->pts += shift;
        sound_packet->dts += shift;
        sound_packet->stream_index = sound_stream;
        sound_packet->pos = -1;
        has_sound_packet = false;
        const int outcome = av_interleaved_write_frame(output.get(), sound_packet.get());
        if (outcome < 0) {
            return av_error("write sound", outcome);
        }
    }
    return {};
}

MatroskaWriter::MatroskaWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MatroskaWriter::~MatroskaWriter() = default;

Result<std::unique_ptr<MatroskaWriter>> MatroskaWriter::create(
    const std::string& path,
    const std::vector<VideoTrack>& tracks,
    const std::string& wav_path,
    milliseconds sound_starts) {
    av_log_set_level(AV_LOG_QUIET);  // what matters comes as a result
    auto impl = std::make_unique<Impl>();
    impl->sound_starts = sound_starts;
    if (!impl->packet || !impl->sound_packet) {
        return Error(ErrorCode::ResourceExhausted, "Matroska: no memory");
    }
    AVFormatContext* made = nullptr;
    const int outcome = avformat_alloc_output_context2(&made, nullptr, "matroska", path.c_str());
    if (outcome < 0) {
        return av_error(path, outcome);
    }
    impl->output.reset(made);
    for (const VideoTrack& track : tracks) {
        if (auto added = impl->add_video(track); !added) {
            return std::move(added).error();
        }
    }
    if (!wav_path.empty()) {
        if (auto added = impl->add_sound(wav_path); !added) {
            return std::move(added).error();
        }
    }
    if (auto opened = impl->open(path); !opened) {
        return std::move(opened).error();
    }
    return std::unique_ptr<MatroskaWriter>(new MatroskaWriter(std::move(impl)));
}

Result<void> MatroskaWriter::write(std::size_t track, const VideoFrame& frame, milliseconds when) {
    if (auto written = impl_->write_sound(when); !written) {
        return written;
    }
    AVPacket& packet = *impl_->packet;
    const int outcome_new = av_new_packet(&packet, static_cast<int>(frame.data.size()));
    if (outcome_new < 0) {
        return av_error("write video", outcome_new);
    }
    std::memcpy(packet.data, frame.data.data(), frame.data.size());
    const std::int64_t pts = std::max(impl_->last.at(track) + 1, std::int64_t{when.count()});
    impl_->last.at(track) = pts;
    packet.stream_index = static_cast<int>(track);
    packet.pts = pts;
    packet.dts = pts;
    packet.flags = frame.is_key ? AV_PKT_FLAG_KEY : 0;
    av_packet_rescale_ts(&packet, kMilliseconds, impl_->output->streams[track]->time_base);
    const int outcome = av_interleaved_write_frame(impl_->output.get(), &packet);
    return outcome < 0 ? Result<void>(av_error("write video", outcome)) : Result<void>();
}

Result<void> MatroskaWriter::close() {
    if (auto written = impl_->write_sound(milliseconds::max()); !written) {
        return written;
    }
    int outcome = av_write_trailer(impl_->output.get());
    const int closed = avio_closep(&impl_->output->pb);
    outcome = outcome < 0 ? outcome : closed;
    return outcome < 0 ? Result<void>(av_error("write video", outcome)) : Result<void>();
}

}  // namespace siprec::server
