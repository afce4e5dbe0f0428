"""Known audio, as pcap files for SIPp, and the reading of what came out."""

import random
import socket
import struct
import wave

from g711 import decode

PACKET_SAMPLES = 160
SILENCE_CODES = {0xFF, 0x7F}  # both zeros of u-law


def speech(seconds: float, seed: int) -> bytes:
    """u-law codes that resemble nothing else: no two 20 ms stretches of two seeds are equal."""
    source = random.Random(seed)
    codes = [code for code in range(256) if code not in SILENCE_CODES]
    return bytes(source.choice(codes) for _ in range(int(seconds * 8000)))


def rtp_packets(audio: bytes, ssrc: int, payload_type: int = 0, first_sequence: int = 65500,
                first_timestamp: int = 0xFFFFF000) -> list[bytes]:
    """Packets of 20 ms; sequence numbers and time stamps wrap early on purpose."""
    packets = []
    for index in range(0, len(audio) // PACKET_SAMPLES):
        header = struct.pack("!BBHII", 0x80, payload_type | (0x80 if index == 0 else 0),
                             (first_sequence + index) & 0xFFFF,
                             (first_timestamp + index * PACKET_SAMPLES) & 0xFFFFFFFF, ssrc)
        packets.append(header + audio[index * PACKET_SAMPLES:(index + 1) * PACKET_SAMPLES])
    return packets


def video_packets(frames: int, ssrc: int, payload_type: int = 96) -> list[bytes]:
    """Packets of 20 ms, a frame each: H.264 slices in form (RFC 6184 5.6), of no picture. No two are equal."""
    packets = []
    for index in range(frames):
        header = struct.pack("!BBHII", 0x80, payload_type | 0x80, (65500 + index) & 0xFFFF,
                             (0xFFFFF000 + index * 1800) & 0xFFFFFFFF, ssrc)
        packets.append(header + b"\x41" + struct.pack("!II", ssrc, index) * 30)
    return packets


def write_pcap(path: str, packets: list[bytes]) -> None:
    """A classic pcap of Ethernet/IPv4/UDP frames 20 ms apart, as SIPp plays it."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for index, packet in enumerate(packets):
            udp = struct.pack("!HHHH", 6000, 6000, 8 + len(packet), 0) + packet
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), index & 0xFFFF, 0, 64, 17, 0,
                             socket.inet_aton("127.0.0.1"), socket.inet_aton("127.0.0.1")) + udp
            frame = bytes(12) + b"\x08\x00" + ip
            micros = index * 20000
            out.write(struct.pack("<IIII", 1000 + micros // 1000000, micros % 1000000, len(frame), len(frame)))
            out.write(frame)


def read_wav(path) -> tuple[int, list[list[int]]]:
    """Sample rate and the channels' samples, of a path or an open file."""
    with wave.open(path) as wav:
        assert wav.getsampwidth() == 2, wav.getparams()
        channels = wav.getnchannels()
        data = wav.readframes(wav.getnframes())
        samples = struct.unpack("<%dh" % (len(data) // 2), data)
        return wav.getframerate(), [list(samples[c::channels]) for c in range(channels)]


def offset_of(channel: list[int], audio: bytes) -> int:
    """Where known audio begins in a channel; -1 when it is not there bit by bit."""
    wanted = decode(audio)
    haystack = struct.pack("<%dh" % len(channel), *channel)
    needle = struct.pack("<%dh" % len(wanted), *wanted)
    at = haystack.find(needle)
    while at >= 0 and at % 2:
        at = haystack.find(needle, at + 1)
    return at // 2 if at >= 0 else -1
