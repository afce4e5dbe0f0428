#!/usr/bin/env python3
"""A WebSocket server for the streams of libsiprec (docs/websocket.md): shows who speaks how loudly.

    transcript_server.py [--port 8765] [--events] [--wav FOLDER] [--cert PEM]

A line for each utterance: the participant, when, how long, how loud. Put a speech-to-text engine in
the place of `Transcriber` and the line has words. Python's standard library only.
"""

import argparse
import base64
import hashlib
import json
import math
import pathlib
import socketserver
import ssl
import struct
import sys
import threading
import wave
from array import array

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
VOICE, LOST, SILENCE = 0, 1, 2
_printing = threading.Lock()


def say(line: str) -> None:
    with _printing:
        print(line, flush=True)


class WebSocket:
    """The server's side of one connection (RFC 6455), as far as libsiprec uses it."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    def accept(self) -> dict[str, str]:
        """Answers the handshake. Returns the headers of the request."""
        self._reader.readline()
        headers = {}
        while (line := self._reader.readline().strip()):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        key = headers.get("sec-websocket-key")
        if key is None:
            self._writer.write(b"HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\n\r\n")
            raise ConnectionError("not a WebSocket handshake")
        accepted = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
        self._writer.write((f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Accept: {accepted}\r\n\r\n").encode())
        self._writer.flush()
        return headers

    def messages(self):
        """(opcode, bytes) of each text and binary message, until the peer closes."""
        kind, whole = 0, b""
        while True:
            final, opcode, payload = self._frame()
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode == CLOSE:
                self._send(CLOSE, payload)
                return
            elif opcode in (0, TEXT, BINARY):
                kind, whole = opcode or kind, whole + payload
                if final:
                    yield kind, whole
                    whole = b""

    def _read(self, count: int) -> bytes:
        data = self._reader.read(count)
        if len(data) < count:
            raise ConnectionError("connection lost")
        return data

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._read(2)
        length = second & 0x7F
        if length == 126:
            length, = struct.unpack("!H", self._read(2))
        elif length == 127:
            length, = struct.unpack("!Q", self._read(8))
        if not second & 0x80:
            raise ConnectionError("a client has to mask its frames")
        mask = self._read(4)
        payload = self._read(length)
        # A mask of four bytes over all of it, as one big number: byte by byte would be slow.
        pad = (mask * (length // 4 + 1))[:length]
        masked = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
        return bool(first & 0x80), first & 15, masked.to_bytes(length, "big")

    def _send(self, opcode: int, payload: bytes) -> None:
        self._writer.write(bytes([0x80 | opcode, len(payload)]) + payload)
        self._writer.flush()


def level_db(samples: array) -> float:
    """RMS, dB below full scale."""
    if not samples:
        return -96.0
    rms = math.sqrt(sum(s * s for s in samples) / len(samples))
    return max(-96.0, 20 * math.log10(max(rms, 1e-9) / 32768))


class Transcriber:
    """What becomes of one stream's audio. This one finds utterances by their loudness; a real one hands
    `samples` (16-bit mono) to its engine and tells the words."""

    PAUSE_S, THRESHOLD_DB = 0.4, -45.0

    def __init__(self, sample_rate: int, tell):
        self.sample_rate, self.tell = sample_rate, tell
        self.start = self.end = None  # of the utterance, in samples
        self.loudest = -96.0

    def push(self, position: int, samples: array) -> None:
        level = level_db(samples)
        if self.start is not None and position - self.end > self.PAUSE_S * self.sample_rate:
            self.flush()
        if level >= self.THRESHOLD_DB:
            self.start = position if self.start is None else self.start
            self.end = position + len(samples)
            self.loudest = max(self.loudest, level)

    def flush(self) -> None:
        if self.start is not None:
            self.tell(self.start / self.sample_rate, self.end / self.sample_rate, self.loudest)
        self.start, self.loudest = None, -96.0


class Session:
    """One recording session, over any number of connections."""

    def __init__(self, options):
        self.options = options
        self.start: dict = {}
        self.names: dict[int, str] = {}  # stream number -> whose voice it is
        self.transcribers: dict[int, Transcriber] = {}
        self.files: dict[int, wave.Wave_write] = {}
        self.written: dict[int, int] = {}

    @property
    def tag(self) -> str:
        return self.start.get("session", "?")[:8]

    def on_text(self, event: dict) -> None:
        if self.options.events:
            event["session"] = self.start.get("session") or event.get("session")
            say(json.dumps(event))
        match event.get("type"):
            case "start":
                self.start = event
                self.show(f"{'again' if event['resumed'] else 'start'}: {event['from']} -> {event['to']}")
            case "participant":
                name = event.get("name") or event.get("aor") or event["id"]
                for stream in event.get("streams", []):
                    self.names[stream] = name
                self.show(f"{name} is {'here' if event['present'] else 'gone'}")
            case "loss":
                self.show(f"stream {event['stream']}: {event['samples']} samples, {event['packets']} packets lost")
            case "stop":
                self.close()
                self.show(f"stop: {event['cause']}")

    def on_audio(self, message: bytes) -> None:
        version, kind, stream, position = struct.unpack_from("!BBHQ", message)
        if version != 1:
            return
        samples = array("h", message[12:])
        if sys.byteorder == "big":
            samples.byteswap()
        rate = self.start["audio"]["sample_rate"]
        if self.options.events:
            say(json.dumps({"type": "audio", "session": self.start["session"], "stream": stream, "kind": kind,
                            "position": position, "samples": len(samples), "level_db": round(level_db(samples), 1)}))
        if stream not in self.transcribers:
            self.transcribers[stream] = Transcriber(rate, lambda *what, stream=stream: self.utterance(stream, *what))
        self.transcribers[stream].push(position, samples)
        if self.options.wav:
            self.store(stream, position, message[12:], rate)

    def utterance(self, stream: int, start: float, end: float, loudest: float) -> None:
        bar = "#" * max(1, round((loudest + 48) / 3))
        self.show(f"{start:8.2f} s  {self.names.get(stream, f'stream {stream}'):<20} {end - start:5.2f} s  "
                  f"{loudest:6.1f} dB {bar}")

    def store(self, stream: int, position: int, data: bytes, rate: int) -> None:
        if stream not in self.files:
            path = pathlib.Path(self.options.wav) / f"{self.start['session']}.{stream}.wav"
            self.files[stream] = wave.open(str(path), "wb")
            self.files[stream].setparams((1, 2, rate, 0, "NONE", ""))
            self.written[stream] = 0
        # Holes are silence: the file lies on the session's time line.
        self.files[stream].writeframes(bytes(2 * max(0, position - self.written[stream])) + data)
        self.written[stream] = position + len(data) // 2

    def close(self) -> None:
        for transcriber in self.transcribers.values():
            transcriber.flush()
        for file in self.files.values():
            file.close()

    def show(self, line: str) -> None:
        if not self.options.events:
            say(f"{self.tag}  {line}")


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        socket = WebSocket(self.rfile, self.wfile)
        session = None
        try:
            headers = socket.accept()
            if server.options.events:
                say(json.dumps({"type": "connected", "authorization": headers.get("authorization", "")}))
            for opcode, data in socket.messages():
                if opcode == BINARY:
                    session.on_audio(data)
                    continue
                event = json.loads(data)
                if event["type"] == "start":  # a later connection goes on with what an earlier one began
                    session = server.sessions.setdefault(event["session"], Session(server.options))
                session.on_text(event)
                if event["type"] == "stop":
                    server.sessions.pop(session.start["session"], None)
        except (ConnectionError, ssl.SSLError) as error:
            print(f"connection: {error}", file=sys.stderr, flush=True)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, options):
        super().__init__((options.host, options.port), Handler)
        self.options, self.sessions, self.tls = options, {}, None
        if options.cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(options.cert)

    def finish_request(self, request, client_address) -> None:  # on the connection's own thread
        try:
            if self.tls:
                request = self.tls.wrap_socket(request, server_side=True)
            super().finish_request(request, client_address)
        except (ssl.SSLError, OSError) as error:
            print(f"connection: {error}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="shows what libsiprec streams over WebSocket")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--events", action="store_true", help="print every message as a line of JSON instead")
    parser.add_argument("--wav", metavar="FOLDER", help="write each stream to FOLDER/SESSION.STREAM.wav")
    parser.add_argument("--cert", metavar="PEM", help="certificate and key: serve wss://")
    options = parser.parse_args()
    with Server(options) as server:
        scheme = "wss" if options.cert else "ws"
        say(json.dumps({"type": "listening", "port": server.server_address[1]}) if options.events
            else f"listening on {scheme}://{options.host}:{server.server_address[1]}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
