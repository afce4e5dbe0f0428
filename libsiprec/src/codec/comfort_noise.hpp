#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace siprec::codec {

/// The noise that a CN payload describes (RFC 3389): its level and the shape of its spectrum. The
/// same payload gives the same noise.
class ComfortNoise {
  public:
    /// @return nothing for an empty payload, which describes no noise
    [[nodiscard]] static std::optional<ComfortNoise> parse(std::span<const std::byte> payload);

    /// Appends `samples` samples.
    void generate(std::size_t samples, std::vector<std::int16_t>& out);

  private:
    ComfortNoise() = default;
    [[nodiscard]] double excitation();

    double gain_ = 0;
    std::vector<double> reflection_;
    std::vector<double> state_;
    std::uint32_t random_ = 0x2545'F491U;
};

}  // namespace siprec::codec
