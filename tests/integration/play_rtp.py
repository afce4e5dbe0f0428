#!/usr/bin/env python3
"""Sends the RTP packets of a pcap at their pace: play_rtp.py FILE HOST PORT. SIPp plays one audio
m-line of a call; this plays the other."""

import socket
import struct
import sys
import time


def main() -> None:
    path, host, port = sys.argv[1], sys.argv[2].strip("[]"), int(sys.argv[3])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    out = socket.socket(family, socket.SOCK_DGRAM)
    with open(path, "rb") as capture:
        capture.read(24)
        start, first = time.monotonic(), None
        while header := capture.read(16):
            seconds, micros, size, _ = struct.unpack("<IIII", header)
            frame = capture.read(size)
            at = seconds + micros / 1e6
            first = at if first is None else first
            delay = start + (at - first) - time.monotonic()
            if delay > 0:
                time.sleep(delay)
            out.sendto(frame[14 + 20 + 8:], (host, port))


if __name__ == "__main__":
    main()
