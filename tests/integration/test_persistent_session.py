"""A recording session in which communication sessions come and go over two streams: one recording each,
cut to the packet, in memory that does not grow. SIPREC_SESSIONS=1000 runs the long form and prints what
it measured."""

import base64
import hashlib
import io
import os
import pathlib
import socket
import struct
import threading
import time

import flow_scenarios as fs
import harness
import media
import sip_client

SESSIONS = int(os.environ.get("SIPREC_SESSIONS", "60"))
PERIOD_S = 0.12  # from one CS to the next
SAMPLES = media.PACKET_SAMPLES
WARM_UP = 100  # sessions, until what is kept of sessions that are over is full
MOST_GROWTH_KIB = 3072  # from then on: what the allocator does, not a session's worth each


def name_of(index: int, what: str) -> str:
    return base64.b64encode(hashlib.md5(f"{what}{index}".encode()).digest()).decode()


def payload(stream: int, index: int) -> bytes:
    """20 ms that say which packet they are: four bits a code, each repeated."""
    codes = [0x10 + 0x11 * stream] + [0x80 + ((index >> (4 * n)) & 15) for n in range(8)]
    return b"".join(bytes([code]) * 16 for code in codes) + bytes([0x20]) * 16


class Source(threading.Thread):
    """Sends both streams without a pause and notes when each packet left."""

    def __init__(self, ports: list[int], host: str):
        super().__init__(daemon=True)
        self.ports, self.host = ports, host
        self.stopping = threading.Event()
        self.sent: list[float] = []

    def run(self) -> None:
        out = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in self.ports]
        begin, index = time.monotonic(), 0
        while not self.stopping.is_set():
            delay = begin + index * 0.02 - time.monotonic()
            if delay > 0:
                time.sleep(delay)
            self.sent.append(time.time())
            for stream, port in enumerate(self.ports):
                header = struct.pack("!BBHII", 0x80, 0, index & 0xFFFF, (index * SAMPLES) & 0xFFFFFFFF, 77 + stream)
                out[stream].sendto(header + payload(stream, index), (self.host, port))
            index += 1
        for each in out:
            each.close()


def resident_kib(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def worker_of(server: harness.Server) -> int:
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if b"--worker" in words and parent == server.process.pid:
            return int(entry.name)
    return 0


class PersistentSession(harness.IntegrationTest):
    def opening(self, index: int, mode: str, closing: str = "") -> bytes:
        cs, a, b = (name_of(index, what) for what in ("cs", "a", "b"))
        s1, s2 = name_of(0, "s1"), name_of(0, "s2")
        return fs.document(mode, *([closing] if closing else []), fs.session(cs),
                           fs.participant(a, f"Caller {index}"), fs.participant(b, f"Agent {index}"),
                           fs.stream(s1, cs, 1), fs.stream(s2, cs, 2), fs.joins(a, cs), fs.joins(b, cs),
                           fs.media(a, (s1,), (s2,)), fs.media(b, (s2,), (s1,))).encode()

    def update(self, client: sip_client.SipClient, document: bytes) -> float:
        headers = ("Require: siprec\r\nContent-Type: application/rs-metadata+xml\r\n"
                   "Content-Disposition: recording-session\r\n")
        sent = time.time()
        status, text = client.exchange("UPDATE", headers, document)
        self.assertEqual(status, 200, text)
        return sent

    def numbers(self, channel: list[int], stream: int) -> list[int]:
        """Which packets are on record, read out of their samples."""
        levels = {level: code for code, level in enumerate(self.levels)}
        found = []
        mark = self.levels[0x10 + 0x11 * stream]
        position = 0
        while position + SAMPLES <= len(channel):
            if channel[position] != mark or channel[position + 15] != mark:
                position += 1
                continue
            nibbles = [levels.get(channel[position + 16 * (n + 1) + 8], 0) - 0x80 for n in range(8)]
            found.append(sum(nibble << (4 * n) for n, nibble in enumerate(nibbles)))
            position += SAMPLES
        return found

    def test_sessions_come_and_go(self) -> None:
        """proves: 7865-6.3-1, 7865-6.1-2, 8068-F9"""
        from g711 import decode
        self.levels = decode(bytes(range(256)))
        server = self.server(pairs=64)
        with sip_client.SipClient(server, "tcp") as client:
            empty = fs.document("complete").encode()
            status, text = client.invite(*sip_client.multipart(sip_client.offer(), empty))
            self.assertEqual(status, 200, text)
            ports = [int(line.split()[1]) for line in text.splitlines() if line.startswith("m=audio")]
            source = Source(ports, server.host)
            source.start()
            time.sleep(0.3)
            worker = worker_of(server)
            memory, opened, closed = [], [], []
            for index in range(SESSIONS):
                # Every third follows at once, in one document with the end of the one before.
                closing = ""
                if index % 3 == 1:
                    closing = fs.session(name_of(index - 1, "cs"), fs.stop())
                at = self.update(client, self.opening(index, "partial", closing))
                if closing:
                    closed.append(at)
                opened.append(at)
                time.sleep(PERIOD_S)
                if index % 3 != 0 or index == SESSIONS - 1:
                    stopping = fs.document("partial", fs.session(name_of(index, "cs"), fs.stop()))
                    closed.append(self.update(client, stopping.encode()))
                    time.sleep(0.06)
                if (index + 1) % WARM_UP == 0:
                    memory.append((index + 1, resident_kib(server.process.pid), resident_kib(worker)))
            # The session runs on, and what is over is there.
            rows = server.wait_for_recordings(SESSIONS, timeout=120)
            running = [row for row in server.recordings() if row["state"] == "recording"]
            parts = len(list((server.data / "live").glob("*.pcapng")))
            self.assertEqual(client.bye(), 200)
            source.stopping.set()
            source.join()
        self.assertEqual((len(rows), len(running), parts), (SESSIONS, 0, 1))
        self.assertEqual(len({row["communication_session"] for row in rows}), SESSIONS)
        off = self.check_cuts(server, rows, source, opened, closed)
        harness.wait_for(lambda: not list((server.data / "captures").glob("*")), "all captures are archived")
        self.assertEqual(len(server.recordings()), SESSIONS)
        if SESSIONS >= 5 * WARM_UP:
            print(f"{SESSIONS} sessions: largest error of a cut {off} packets of 20 ms; resident KiB of server and"
                  " archive worker " + ", ".join(f"after {at}: {live} {archive}" for at, live, archive in memory))
            for of_process in list(zip(*memory))[1:]:
                self.assertTrue(all(of_process), "a process was not measured")
                self.assertLess(of_process[-1] - of_process[0], MOST_GROWTH_KIB, memory)

    def check_cuts(self, server: harness.Server, rows: list[dict], source: Source, opened: list[float],
                   closed: list[float]) -> int:
        indices = {name_of(index, "cs"): index for index in range(SESSIONS)}
        seen: list[set[int]] = [set(), set()]
        largest = 0
        for row in rows:
            index = indices[row["communication_session"]]
            self.assertEqual(sorted(p["name"] for p in row["participants"]), [f"Agent {index}", f"Caller {index}"])
            self.assertEqual(row["verdict"], "good", row["reasons"])
            status, _, wav = server.get(f"/api/v1/recordings/{row['id']}/audio")
            self.assertEqual(status, 200)
            _, channels = media.read_wav(io.BytesIO(wav))
            wanted = [i for i, at in enumerate(source.sent) if opened[index] <= at < closed[index]]
            for stream, channel in enumerate(channels):
                found = self.numbers(channel, stream)
                self.assertEqual(found, list(range(found[0], found[-1] + 1)), f"CS {index}")
                self.assertFalse(seen[stream] & set(found), f"CS {index} has packets of another")
                seen[stream] |= set(found)
                error = max(abs(found[0] - wanted[0]), abs(found[-1] - wanted[-1]))
                largest = max(largest, error)
                self.assertLessEqual(error, 1, f"CS {index}: {found[0]}-{found[-1]} for {wanted[0]}-{wanted[-1]}")
        return largest


if __name__ == "__main__":
    harness.main()
