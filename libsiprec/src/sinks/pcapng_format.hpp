#pragma once

// Numbers of the pcapng format that writer and reader share (draft-ietf-opsawg-pcapng).

#include <cstddef>
#include <cstdint>

namespace siprec::pcapng {

inline constexpr std::uint32_t kSectionHeaderBlock = 0x0A0D0D0A;
inline constexpr std::uint32_t kInterfaceBlock = 1;
inline constexpr std::uint32_t kEnhancedPacketBlock = 6;
inline constexpr std::uint32_t kJournalBlock = 9;
inline constexpr std::uint32_t kByteOrderMagic = 0x1A2B3C4D;

inline constexpr std::uint16_t kOptionEnd = 0;
inline constexpr std::uint16_t kOptionComment = 1;
inline constexpr std::uint16_t kSectionApplication = 4;
inline constexpr std::uint16_t kInterfaceName = 2;
inline constexpr std::uint16_t kInterfaceDescription = 3;
inline constexpr std::uint16_t kInterfaceTimeResolution = 9;
inline constexpr std::uint16_t kInterfaceTimeOffset = 14;

inline constexpr std::uint16_t kLinkNull = 0;
inline constexpr std::uint16_t kLinkEthernet = 1;
inline constexpr std::uint16_t kLinkRaw = 101;
inline constexpr std::uint16_t kLinkLinuxCooked = 113;
inline constexpr std::uint16_t kLinkLinuxCooked2 = 276;

/// Type and length before the body, the length again after it.
inline constexpr std::size_t kBlockOverhead = 12;

constexpr std::size_t padded(std::size_t bytes) {
    return (bytes + 3) & ~std::size_t{3};
}

}  // namespace siprec::pcapng
