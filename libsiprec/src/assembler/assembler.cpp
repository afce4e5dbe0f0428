// Packets to one time line. The order of decisions for a packet: which source it belongs to
// (source.cpp), when its turn comes (Source::take_ready), where it is placed and what fills the
// room before it (here).
#include "assembler/format_table.hpp"
#include "assembler/source.hpp"
#include "assembler/track.hpp"

#include <siprec/assembler.hpp>
#include <siprec/redundancy.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace siprec {

namespace assembler {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using Kind = AudioBlock::Kind;

constexpr std::uint32_t kLowestRate = 8000;
constexpr std::uint32_t kHighestRate = 48'000;
/// Longer than any recording: bounds what a wrong arrival time can cost.
constexpr nanoseconds kLongestTrack = std::chrono::days(31);
/// Senders whose time stamps wobble: within this, consecutive packets are joined as they are.
constexpr nanoseconds kWobble = milliseconds(5);
/// A source that has been quiet for this long leaves the track to another.
constexpr nanoseconds kQuiet = milliseconds(100);
/// A source further behind what is on the track than this is not put behind it, but left out.
constexpr nanoseconds kLongestJoin = std::chrono::seconds(2);
/// Delay of a first packet beyond which the packets after it say where the source starts.
constexpr nanoseconds kLateStart = milliseconds(40);
/// After a pause: a sender that is late by no more than this has only been interrupted.
constexpr nanoseconds kInterrupted = milliseconds(100);
/// Decoders' concealment has faded by then; the rest of a loss is zeros.
constexpr nanoseconds kLongestConcealment = std::chrono::seconds(1);
/// A pause can be a hold, whose end nobody knows: its noise does not go on for ever.
constexpr nanoseconds kLongestNoise = std::chrono::seconds(10);
constexpr std::size_t kMaxSources = 8;

class TimeLine final : public Assembler {
  public:
    TimeLine(AssemblerConfig config, const DecoderRegistry& decoders, AudioConsumer& consumer)
        : config_(std::move(config)),
          decoders_(&decoders),
          consumer_(&consumer),
          track_(config_.sample_rate, consumer, stats_) {
        formats_.set(config_.formats);
    }

    void push(const RtpPacket& packet) override;
    void push_rtcp(const RtcpPacket& packet) override;

    void set_formats(std::vector<PayloadFormat> formats) override { formats_.set(formats); }

    void advance(WallTime now) override;
    void finish(std::optional<WallTime> end) override;

    [[nodiscard]] AssemblerStats stats() const override { return stats_; }

  private:
    [[nodiscard]] std::optional<nanoseconds> since_origin(WallTime time) const;

    [[nodiscard]] std::int64_t samples(nanoseconds time) const {
        return position_of(time, config_.sample_rate);
    }

    void unwrap(Packet& packet) const;
    Source& source_for(std::uint32_t ssrc, const Packet& packet);
    void make_room();
    void run();
    void start(Source& source);
    bool rejoin(Source& source);
    void drain(Source& source, nanoseconds deadline);

    void play(Source& source, const Packet& packet);
    void play_audio(Source& source, const Packet& packet);
    void play_event(Source& source, const Packet& packet);
    void play_quiet(Source& source, const Packet& packet);

    [[nodiscard]] bool may_play(Source& source, const Packet& packet);
    void join(Source& source, RtpClock& clock, const Packet& packet);
    void play_redundant(Source& source, const Packet& packet);
    void fill(Source& source, std::int64_t position, const Packet* next);
    void pause(Source& source, std::int64_t position);
    void conceal(Source& source, std::int64_t position, const Packet* next);
    void append(Kind kind, std::uint32_t rate, std::int64_t position);
    AudioDecoder* decoder_for(Source& source, const Reading& reading);
    [[nodiscard]] bool decode(Source& source,
                              const Reading& reading,
                              std::span<const std::byte> payload);
    void slip(RtpClock& clock, std::uint32_t rate);
    void close_press(Source& source);
    void report(const RtpClock& clock, const Press& press);

    AssemblerConfig config_;
    const DecoderRegistry* decoders_;
    AudioConsumer* consumer_;
    AssemblerStats stats_;
    FormatTable formats_;
    Track track_;
    std::list<Source> sources_;  // in order of appearance
    Source* on_track_ = nullptr;
    nanoseconds now_ = -kLongestTrack;
    bool finishing_ = false;
    std::vector<std::int16_t> pcm_;
};

/// @return nothing for times that no recording has
std::optional<nanoseconds> TimeLine::since_origin(WallTime time) const {
    const std::int64_t origin = config_.origin.time_since_epoch().count();
    std::int64_t elapsed = 0;
    if (__builtin_sub_overflow(time.time_since_epoch().count(), origin, &elapsed) ||
        nanoseconds(elapsed) > kLongestTrack || nanoseconds(elapsed) < -kLongestTrack) {
        return std::nullopt;
    }
    return nanoseconds(elapsed);
}

void TimeLine::push(const RtpPacket& packet) {
    ++stats_.packets;
    if (!stats_.first_arrival) {
        stats_.first_arrival = packet.arrival;
    }
    stats_.last_arrival = packet.arrival;
    const auto arrival = since_origin(packet.arrival);
    if (!arrival) {
        ++stats_.late;
        return;
    }
    now_ = std::max(now_, *arrival);
    Packet taken{.sequence16 = packet.sequence,
                 .timestamp32 = packet.timestamp,
                 .marker = packet.marker,
                 .reading = formats_.find(packet.payload_type),
                 .arrival = *arrival,
                 .payload = packet.payload,
                 .redundant = {}};
    unwrap(taken);
    Source& source = source_for(packet.ssrc, taken);
    switch (source.number(taken)) {
        case Source::Taken::Duplicate:
            ++stats_.duplicates;
            break;
        case Source::Taken::Late:
            ++stats_.late;
            // It was counted as lost when it was given up; it has come after all.
            if (source.is_playing() && stats_.lost > 0) {
                --stats_.lost;
            }
            break;
        case Source::Taken::Kept:
            if (source.is_next(taken)) {
                play(source, taken);
            } else {
                source.hold(taken);
            }
            break;
    }
    run();
}

/// RFC 2198: from here on the packet is one of its primary's format, with a memory.
void TimeLine::unwrap(Packet& packet) const {
    if (packet.reading == nullptr || packet.reading->use != PayloadUse::Redundancy) {
        return;
    }
    packet.reading = nullptr;
    const auto blocks = parse_redundancy(packet.payload);
    if (!blocks) {
        return;
    }
    const RedundantBlock& primary = blocks->back();
    const Reading* reading = formats_.find(primary.payload_type);
    if (reading == nullptr || reading->use == PayloadUse::Redundancy) {
        return;
    }
    packet.reading = reading;
    packet.primary = primary.begin;
    for (const RedundantBlock& block : std::span(*blocks).first(blocks->size() - 1)) {
        packet.redundant.push_back({.reading = formats_.find(block.payload_type),
                                    .offset = block.offset,
                                    .begin = block.begin,
                                    .size = block.size});
    }
}

void TimeLine::push_rtcp(const RtcpPacket& packet) {
    const auto report = find_sender_report(packet.bytes);
    const auto arrival = since_origin(packet.arrival);
    if (!report || !arrival) {
        return;
    }
    for (Source& source : sources_) {
        if (source.ssrc() == report->ssrc) {
            source.take_report(report->rtp_timestamp, *arrival);
        }
    }
}

void TimeLine::advance(WallTime now) {
    if (const auto elapsed = since_origin(now)) {
        now_ = std::max(now_, *elapsed);
        run();
    }
}

void TimeLine::finish(std::optional<WallTime> end) {
    finishing_ = true;
    run();
    for (Source& source : sources_) {
        close_press(source);
    }
    const auto length = end ? since_origin(*end) : std::nullopt;
    if (length) {
        track_.zeros(Kind::Silence, samples(*length) - track_.position());
    }
    track_.flush();
}

/// The source that the packet repeats or comes late to, else the newest that it goes on with, else
/// a new one.
Source& TimeLine::source_for(std::uint32_t ssrc, const Packet& packet) {
    const auto had = std::ranges::find_if(
        sources_, [&](const Source& source) { return source.is_behind(ssrc, packet); });
    if (had != sources_.end()) {
        return *had;
    }
    const auto known = std::find_if(sources_.rbegin(), sources_.rend(), [&](const Source& source) {
        return source.expects(ssrc, packet);
    });
    if (known != sources_.rend()) {
        return *known;
    }
    make_room();
    return sources_.emplace_back(ssrc, config_.sample_rate, packet);
}

void TimeLine::make_room() {
    if (sources_.size() < kMaxSources) {
        return;
    }
    auto oldest = sources_.end();
    for (auto source = sources_.begin(); source != sources_.end(); ++source) {
        if (&*source != on_track_ &&
            (oldest == sources_.end() || source->last_arrival() < oldest->last_arrival())) {
            oldest = source;
        }
    }
    start(*oldest);
    drain(*oldest, now_);
    close_press(*oldest);
    if (&*oldest == on_track_) {
        on_track_ = nullptr;
    }
    sources_.erase(oldest);
}

void TimeLine::run() {
    const nanoseconds deadline = finishing_ ? kLongestTrack : now_ - config_.reorder_window;
    for (auto source = sources_.begin(); source != sources_.end();) {
        if (!source->is_playing() && source->first_arrival() <= deadline) {
            if (rejoin(*source)) {
                source = sources_.erase(source);
                continue;
            }
            start(*source);
        }
        drain(*source, deadline);
        ++source;
    }
}

/// A sender that was quiet and comes back with time stamps that know nothing of the pause either
/// stood still (hold) or was held up on the way. In the latter case it catches up at once, and its
/// packets belong where their time stamps say.
bool TimeLine::rejoin(Source& source) {
    for (auto earlier = sources_.rbegin(); earlier != sources_.rend(); ++earlier) {
        if (&*earlier == &source || earlier->ssrc() != source.ssrc() || !earlier->is_playing()) {
            continue;
        }
        const auto delay = earlier->delay_of(source);
        if (!delay || *delay > kInterrupted || *delay < -kLongestJoin) {
            return false;
        }
        for (const auto& [sequence, held] : source.held()) {
            Packet packet = held.packet;
            packet.payload = held.payload;
            if (earlier->number(packet) == Source::Taken::Kept) {
                earlier->hold(packet);
            }
        }
        drain(*earlier, now_ - config_.reorder_window);
        return true;
    }
    return false;
}

void TimeLine::start(Source& source) {
    if (source.is_playing()) {
        return;
    }
    // Never to before the track's zero, where nothing would be left of what was received.
    const nanoseconds late =
        std::min(source.first_packet_delay(), std::max(source.first_arrival(), nanoseconds{0}));
    if (late > kLateStart) {
        source.clock()->set_earlier(late);
    }
    source.must_wait =
        on_track_ != nullptr && on_track_->last_arrival() > source.first_arrival() + kQuiet;
    source.start_playing();
}

void TimeLine::drain(Source& source, nanoseconds deadline) {
    while (const auto ready = source.take_ready(deadline)) {
        play(source, ready->packet);
    }
}

void TimeLine::play(Source& source, const Packet& packet) {
    const std::int64_t missing = source.step_to(packet);
    if (missing > 0) {
        stats_.lost += static_cast<std::uint64_t>(missing);
        source.gap_is_loss = true;
    }
    if (packet.reading == nullptr) {
        ++stats_.undecodable;
        source.gap_is_loss = true;
        return;
    }
    switch (packet.reading->use) {
        case PayloadUse::Audio:
            play_audio(source, packet);
            break;
        case PayloadUse::ComfortNoise:
            play_quiet(source, packet);
            source.noise = codec::ComfortNoise::parse(packet.content());
            break;
        case PayloadUse::TelephoneEvent:
            play_event(source, packet);
            break;
        case PayloadUse::Redundancy:
            break;  // never: unwrapped when it came
    }
}

void TimeLine::play_audio(Source& source, const Packet& packet) {
    if (!may_play(source, packet)) {
        ++stats_.late;
        return;
    }
    RtpClock& clock = *packet.clock;
    join(source, clock, packet);
    const std::int64_t place = clock.position(packet.timestamp);
    if (source.press.is_open() && place > source.press_end + samples(kQuiet)) {
        close_press(source);
    }
    const bool is_joined = !source.is_fresh && !source.gap_is_loss &&
                           std::abs(place - track_.position()) <= samples(kWobble);
    if (!is_joined) {
        play_redundant(source, packet);
        fill(source, place, &packet);
    }
    if (!decode(source, *packet.reading, packet.content())) {
        ++stats_.undecodable;
        source.gap_is_loss = true;
        return;
    }
    const std::uint32_t rate = source.last_decoder->sample_rate();
    const std::int64_t overlap = is_joined ? 0 : track_.position() - place;
    if (overlap > 0) {
        const auto surplus = static_cast<std::uint64_t>(overlap) * rate / config_.sample_rate;
        if (surplus >= pcm_.size()) {
            ++stats_.late;
            return;
        }
        pcm_.erase(pcm_.begin(), pcm_.begin() + static_cast<std::ptrdiff_t>(surplus));
    }
    slip(clock, rate);
    track_.samples(Kind::Voice, pcm_, rate);
    source.gap_is_loss = false;
    source.is_fresh = false;
    source.noise.reset();
}

/// What was lost and comes again with this packet.
void TimeLine::play_redundant(Source& source, const Packet& packet) {
    if (!source.gap_is_loss || source.is_fresh) {
        return;
    }
    for (const Packet::Block& block : packet.redundant) {
        const bool is_sound = block.reading != nullptr && block.size > 0 &&
                              block.reading->use == PayloadUse::Audio &&
                              block.reading->format.clock_rate == packet.clock->rate();
        const std::int64_t place = packet.clock->position(packet.timestamp - block.offset);
        if (!is_sound || place < track_.position() - samples(kWobble)) {
            continue;
        }
        fill(source, place, nullptr);
        if (decode(source, *block.reading, packet.payload.subspan(block.begin, block.size))) {
            track_.samples(Kind::Voice, pcm_, source.last_decoder->sample_rate());
            ++stats_.recovered;
        }
    }
}

/// An event takes the place of audio without being any: its time is silence unless audio covers it.
void TimeLine::play_event(Source& source, const Packet& packet) {
    const auto payload = EventPayload::parse(packet.content());
    if (!payload) {
        ++stats_.undecodable;
        return;
    }
    if (source.press_clock != packet.clock) {
        close_press(source);
        source.press_clock = packet.clock;
    }
    play_quiet(source, packet);
    if (const auto press = source.press.take(packet.timestamp, *payload, packet.marker)) {
        report(*packet.clock, *press);
    }
    source.press_end =
        std::max(source.press_end, packet.clock->position(packet.timestamp + payload->duration));
}

/// A packet that has a place on the time line and no sound: what is missing before it is known now.
void TimeLine::play_quiet(Source& source, const Packet& packet) {
    const std::int64_t place = packet.clock->position(packet.timestamp);
    const std::int64_t latest = samples(packet.arrival + kLongestJoin);
    if (on_track_ != &source || place < track_.position() || place > latest) {
        return;
    }
    fill(source, place, nullptr);
    source.gap_is_loss = false;
}

/// One source at a time is on the track. Another takes over when that one has gone quiet, or when
/// it appears just as the other ends; two that send at once do not chop each other up.
bool TimeLine::may_play(Source& source, const Packet& packet) {
    if (on_track_ == &source) {
        return true;
    }
    if (on_track_ != nullptr) {
        if (source.must_wait && on_track_->last_arrival() + kQuiet > packet.arrival) {
            return false;
        }
        close_press(*on_track_);
        on_track_->must_wait = true;
    }
    const nanoseconds longest =
        on_track_ != nullptr ? kLongestJoin : nanoseconds(config_.reorder_window);
    const std::int64_t overlap = track_.position() - packet.clock->position(packet.timestamp);
    if (overlap > 0 && overlap <= samples(longest)) {
        packet.clock->move(overlap);
    }
    source.must_wait = false;
    source.is_fresh = true;
    on_track_ = &source;
    return true;
}

/// RFC 7160: time stamps of another clock rate begin anew. Arrival says where, and what is close
/// enough goes on without a seam.
void TimeLine::join(Source& source, RtpClock& clock, const Packet& packet) {
    if (source.playing_clock != nullptr && source.playing_clock != &clock && !source.is_fresh) {
        const std::int64_t seam = track_.position() - clock.position(packet.timestamp);
        if (std::abs(seam) <= samples(kInterrupted)) {
            clock.move(seam);
        }
    }
    source.playing_clock = &clock;
}

/// @param next  the packet that comes behind the gap; null when it holds nothing of what is missing
void TimeLine::fill(Source& source, std::int64_t position, const Packet* next) {
    if (!source.gap_is_loss) {
        pause(source, position);
        return;
    }
    track_.zeros(Kind::Silence, std::min(position, source.press_end) - track_.position());
    conceal(source, position, next);
}

/// Nothing was sent. What the sender said of its background is heard meanwhile.
void TimeLine::pause(Source& source, std::int64_t position) {
    const std::int64_t quiet = std::min(position - track_.position(), samples(kLongestNoise));
    if (quiet <= 0) {
        return;
    }
    const std::uint32_t rate =
        source.last_decoder != nullptr ? source.last_decoder->sample_rate() : config_.sample_rate;
    const auto wanted = static_cast<std::size_t>(quiet * rate / config_.sample_rate);
    pcm_.clear();
    bool is_heard = false;
    if (source.noise) {
        source.noise->generate(wanted, pcm_);
        is_heard = true;
    } else if (source.last_decoder != nullptr) {
        is_heard = source.last_decoder->pause(wanted, pcm_);
    }
    if (is_heard) {
        append(Kind::Silence, rate, position);
    } else {
        track_.zeros(Kind::Silence, position - track_.position());
    }
}

void TimeLine::conceal(Source& source, std::int64_t position, const Packet* next) {
    const std::int64_t missing = position - track_.position();
    if (missing <= 0) {
        return;
    }
    AudioDecoder* decoder = source.last_decoder;
    if (decoder == nullptr) {
        track_.zeros(Kind::Lost, missing);
        return;
    }
    const std::int64_t concealed = std::min(missing, samples(kLongestConcealment));
    const std::uint32_t rate = decoder->sample_rate();
    const auto wanted = static_cast<std::size_t>(concealed * rate / config_.sample_rate);
    pcm_.clear();
    if (next != nullptr && missing == concealed && decoder_for(source, *next->reading) == decoder) {
        if (decoder->recover(next->content(), wanted, pcm_)) {
            ++stats_.recovered;
        }
    } else {
        decoder->conceal(wanted, pcm_);
    }
    stats_.samples_concealed += static_cast<std::uint64_t>(concealed);
    append(Kind::Lost, rate, position);
}

/// Appends what is in `pcm_`, and zeros up to the position.
void TimeLine::append(Kind kind, std::uint32_t rate, std::int64_t position) {
    track_.samples(kind, pcm_, rate);
    const std::int64_t rest = position - track_.position();
    // What a change of rate rounds away is no gap: the next packet is joined.
    if (rest > 1 || rate == config_.sample_rate) {
        track_.zeros(kind, rest);
    }
}

AudioDecoder* TimeLine::decoder_for(Source& source, const Reading& reading) {
    const auto known = source.decoders.find(&reading);
    if (known != source.decoders.end()) {
        return known->second.get();
    }
    auto made = decoders_->create(reading.format);
    return source.decoders.emplace(&reading, made ? std::move(*made) : nullptr).first->second.get();
}

/// Leaves the packet's samples in `pcm_`.
bool TimeLine::decode(Source& source, const Reading& reading, std::span<const std::byte> payload) {
    AudioDecoder* decoder = decoder_for(source, reading);
    pcm_.clear();
    if (decoder == nullptr || !decoder->decode(payload, pcm_)) {
        return false;
    }
    source.last_decoder = decoder;
    return true;
}

/// Keeps up with a sender whose clock runs fast or slow, by single samples some 10 ms apart.
void TimeLine::slip(RtpClock& clock, std::uint32_t rate) {
    const std::size_t stride = std::size_t{rate} / 100;
    const std::size_t samples_a_tick = std::max<std::size_t>(1, rate / clock.rate());
    for (std::size_t at = stride / 2; clock.slips() != 0 && at + samples_a_tick < pcm_.size();
         at += stride) {
        const auto from = pcm_.begin() + static_cast<std::ptrdiff_t>(at);
        if (clock.slips() > 0) {
            const std::int16_t repeated = *from;
            pcm_.insert(from, samples_a_tick, repeated);
            clock.slipped(1);
        } else {
            pcm_.erase(from, from + static_cast<std::ptrdiff_t>(samples_a_tick));
            clock.slipped(-1);
        }
    }
}

void TimeLine::close_press(Source& source) {
    if (const auto press = source.press.finish()) {
        report(*source.press_clock, *press);
    }
}

void TimeLine::report(const RtpClock& clock, const Press& press) {
    const nanoseconds start = time_of(clock.position(press.start), config_.sample_rate);
    consumer_->on_telephone_event(
        TelephoneEvent{.event = press.event,
                       .start = std::max(start, nanoseconds{0}),
                       .duration = time_of(press.duration, clock.rate())});
}

}  // namespace
}  // namespace assembler

Assembler::~Assembler() = default;

Result<std::unique_ptr<Assembler>> Assembler::create(AssemblerConfig config,
                                                     const DecoderRegistry& decoders,
                                                     AudioConsumer& consumer) {
    if (config.sample_rate < assembler::kLowestRate ||
        config.sample_rate > assembler::kHighestRate) {
        return Error(ErrorCode::InvalidArgument,
                     fmt::format("sample rate {} Hz; an assembler takes {} to {}",
                                 config.sample_rate,
                                 assembler::kLowestRate,
                                 assembler::kHighestRate));
    }
    return std::unique_ptr<Assembler>(
        std::make_unique<assembler::TimeLine>(std::move(config), decoders, consumer));
}

}  // namespace siprec
