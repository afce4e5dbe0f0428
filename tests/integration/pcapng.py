"""Reads our captures by the pcapng specification, independent of the code under test."""

import struct


def datagrams(path):
    """UDP payloads of the enhanced packet blocks, with their interface."""
    with open(path, "rb") as capture:
        data = capture.read()
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12 or at + length > len(data):
            raise ValueError(f"{path}: block at {at} is cut off")
        if kind == 6:
            interface, _, _, captured, _ = struct.unpack_from("<IIIII", data, at + 8)
            packet = data[at + 28:at + 28 + captured]
            header = 40 if packet[0] >> 4 == 6 else (packet[0] & 15) * 4
            yield interface, packet[header + 8:]
        at += length


def count_rtp(path) -> int:
    """RTP packets: version 2, and no RTCP packet type (RFC 5761 4). Interface 0 carries SIP."""
    return sum(1 for interface, payload in datagrams(path)
               if interface != 0 and payload[0] >> 6 == 2 and not 192 <= payload[1] <= 223)
