"""Reads our captures by the pcapng specification, independent of the code under test."""

import dataclasses
import struct

ENHANCED_PACKET = 6


@dataclasses.dataclass(frozen=True)
class Datagram:
    interface: int
    time: float  # seconds since 1970
    source_port: int
    payload: bytes


def blocks(path):
    with open(path, "rb") as capture:
        data = capture.read()
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12 or at + length > len(data):
            raise ValueError(f"{path}: block at {at} is cut off")
        yield kind, data[at + 8:at + length - 4]
        at += length


def read(path):
    """The UDP datagrams of the enhanced packet blocks. Our clocks tick in nanoseconds."""
    for kind, body in blocks(path):
        if kind == ENHANCED_PACKET:
            interface, high, low, captured, _ = struct.unpack_from("<IIIII", body)
            packet = body[20:20 + captured]
            header = 40 if packet[0] >> 4 == 6 else (packet[0] & 15) * 4
            yield Datagram(interface, (high << 32 | low) / 1e9, struct.unpack_from(">H", packet, header)[0],
                           packet[header + 8:])


def datagrams(path):
    """Interface and payload of each."""
    for datagram in read(path):
        yield datagram.interface, datagram.payload


def count_rtp(path) -> int:
    """RTP packets: version 2, and no RTCP packet type (RFC 5761 4). Interface 0 carries SIP."""
    return sum(1 for interface, payload in datagrams(path)
               if interface != 0 and payload[0] >> 6 == 2 and not 192 <= payload[1] <= 223)
