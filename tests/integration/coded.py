"""Sound that other programs encoded, sent as RTP by hand; and how what came out is judged."""

import cmath
import math
import random
import socket
import struct
import subprocess
import time

from sip_client import SipClient, offer

TONE = 400


def tone(rate: int, *encode: str, seconds: float = 1.0) -> bytes:
    """A sine of TONE Hz at an eighth of the full scale, encoded by ffmpeg."""
    done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i",
                           f"sine=frequency={TONE}:sample_rate={rate}:duration={seconds}", *encode, "-"],
                          capture_output=True, check=True)
    return done.stdout


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at:at + size] for at in range(0, len(data) - size + 1, size)]


def ogg_packets(data: bytes) -> list[bytes]:
    """The packets of an Ogg file, without the two of its header."""
    packets, packet, at = [], b"", 0
    while at + 27 < len(data):
        sizes = data[at + 27:at + 27 + data[at + 26]]
        at += 27 + len(sizes)
        for size in sizes:
            packet += data[at:at + size]
            at += size
            if size < 255:
                packets.append(packet)
                packet = b""
    return packets[2:]


class Stream:
    """One m-line: payloads with their length in ticks of the RTP clock."""

    def __init__(self, payloads: list[tuple[bytes, int]], payload_type: int, clock: int = 8000,
                 sdp: str = "", kind: str = "audio", profile: str = "RTP/AVP", marker_last: bool = False):
        self.payloads, self.payload_type, self.clock = payloads, payload_type, clock
        self.sdp, self.kind, self.profile = sdp, kind, profile
        self.ssrc = random.getrandbits(32)
        self.sequence, self.timestamp = random.getrandbits(16), random.getrandbits(32)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.remote = ("127.0.0.1", 0)
        self.started: float | None = None
        self.marker_last = marker_last

    def line(self, label: str) -> str:
        lines = [f"m={self.kind} {self.socket.getsockname()[1]} {self.profile} {self.payload_type}"]
        lines += [line for line in self.sdp.split("\n") if line]
        return "\r\n".join([*lines, f"a=label:{label}", "a=sendonly"])

    def schedule(self, start: float, lost=frozenset()) -> list[tuple[float, "Stream", bytes]]:
        """When to send what. Payloads of no ticks share the time stamp of the one behind them. The RTP
        clock runs on between two schedules."""
        if self.started is None:
            self.started = start
        events, ticks = [], 0
        base = self.timestamp + round((start - self.started) * self.clock)
        for index, (payload, length) in enumerate(self.payloads):
            marker = 0x80 if (length > 0 if self.marker_last else index == 0) else 0
            packet = struct.pack("!BBHII", 0x80, self.payload_type | marker, self.sequence & 0xFFFF,
                                 (base + ticks) & 0xFFFFFFFF, self.ssrc) + payload
            if index not in lost:
                events.append((start + ticks / self.clock, self, packet))
            self.sequence += 1
            ticks += length
        return events


def constant(packets: list[bytes], ticks: int) -> list[tuple[bytes, int]]:
    return [(packet, ticks) for packet in packets]


class Call:
    """A recording session of some streams."""

    def __init__(self, server, *streams: Stream):
        self.client, self.streams = SipClient(server), streams

    def invite(self) -> None:
        sdp = offer(*(stream.line(str(index + 1)) for index, stream in enumerate(self.streams)))
        status, text = self.client.invite(sdp.encode(), "application/sdp")
        assert status == 200, text
        ports = [int(line.split(" ")[1]) for line in text.split("\r\n") if line.startswith("m=")]
        assert len(ports) == len(self.streams) and 0 not in ports, text
        for stream, port in zip(self.streams, ports):
            stream.remote = ("127.0.0.1", port)

    def bye(self) -> None:
        assert self.client.bye() == 200
        self.client.socket.close()
        for stream in self.streams:
            stream.socket.close()


def play(events: list[tuple[float, Stream, bytes]]) -> None:
    """Sends each packet at its time."""
    for when, stream, packet in sorted(events, key=lambda event: event[0]):
        time.sleep(max(0.0, when - time.monotonic()))
        stream.socket.sendto(packet, stream.remote)


def tone_of(samples: list[int], rate: int) -> tuple[float, float]:
    """Amplitude of TONE, and how far it stands out of the rest in dB."""
    count = len(samples) // (rate // 50) * (rate // 50)  # whole periods
    turn = sum(sample * cmath.exp(-2j * math.pi * TONE * i / rate) for i, sample in enumerate(samples[:count]))
    amplitude = 2 * abs(turn) / count
    power = sum(sample * sample for sample in samples[:count]) / count
    signal = amplitude * amplitude / 2
    return amplitude, 10 * math.log10(signal / max(power - signal, 1e-6))
