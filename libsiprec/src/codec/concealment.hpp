#pragma once

#include <siprec/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace siprec::codec {

/// Fills losses for formats that have no concealment of their own, after the idea of ITU-T G.711
/// Appendix I: the last pitch period goes on, fading to silence within 60 ms. What was received is
/// not touched, so that a recording holds it bit by bit.
class Concealment {
  public:
    explicit Concealment(std::uint32_t sample_rate);

    /// Sound that arrived.
    void remember(std::span<const std::int16_t> heard);

    /// Appends `samples` samples that go on from what was remembered, or from the last call.
    void extend(std::size_t samples, std::vector<std::int16_t>& out);

  private:
    [[nodiscard]] std::size_t pitch_period() const;
    void make_cycle();

    std::uint32_t sample_rate_;
    std::vector<std::int16_t> history_;
    std::vector<std::int16_t> cycle_;
    std::size_t elapsed_ = 0;  // samples since the loss began
};

/// A decoder whose losses `Concealment` fills.
class ConcealingDecoder : public AudioDecoder {
  public:
    explicit ConcealingDecoder(std::uint32_t sample_rate)
        : sample_rate_(sample_rate), concealment_(sample_rate) {}

    [[nodiscard]] std::uint32_t sample_rate() const noexcept final { return sample_rate_; }

    [[nodiscard]] Result<void> decode(std::span<const std::byte> payload,
                                      std::vector<std::int16_t>& out) final;
    void conceal(std::size_t samples, std::vector<std::int16_t>& out) final;

  private:
    /// Appends the samples of the payload; on an error what was appended is taken back.
    [[nodiscard]] virtual Result<void> decode_payload(std::span<const std::byte> payload,
                                                      std::vector<std::int16_t>& out) = 0;

    std::uint32_t sample_rate_;
    Concealment concealment_;
};

}  // namespace siprec::codec
