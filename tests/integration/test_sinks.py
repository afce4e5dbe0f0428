"""What siprec-server hands on beside its capture: to WebSocket receivers (the server of
examples/live_transcript_sink) and by RTP; and that the capture is whole whatever they do."""

import json
import pathlib
import socket
import subprocess
import sys
import threading
import time

import harness
import media
import pcapng

RECEIVER = harness.ROOT / "examples/live_transcript_sink/transcript_server.py"
RATE = 8000


class Receiver:
    """A WebSocket server; what it has received, as it came."""

    def __init__(self, test: harness.IntegrationTest, *options: str, port: int = 0):
        self.events: list[dict] = []
        self.process = subprocess.Popen([sys.executable, str(RECEIVER), "--events", "--port", str(port), *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        test.addCleanup(self.kill)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()

    def of(self, kind: str) -> list[dict]:
        return [event for event in list(self.events) if event["type"] == kind]

    def wait_for(self, kind: str, count: int = 1) -> list[dict]:
        return harness.wait_for(lambda: len(self.of(kind)) >= count and self.of(kind), f"{count} of {kind}")


class Call:
    """A call of siprec-src in the background."""

    def __init__(self, server: harness.Server, seconds: int, *options: str):
        self.report: dict = {}
        self.thread = threading.Thread(target=lambda: self.report.update(
            harness.run_src(server, "--duration", str(seconds), *options, check=False)))
        self.thread.start()

    def end(self) -> dict:
        self.thread.join(60)
        return self.report


class Sinks(harness.IntegrationTest):
    def check_capture(self, server: harness.Server, report: dict) -> dict:
        """Nothing that was sent is missing in the capture, and the recording is good."""
        self.assertEqual(report.get("calls_ok"), 1, report)
        row = server.wait_for_recordings(1)[0]
        shown = json.loads(server.ctl("show", row["id"], "--json"))
        self.assertEqual(shown["verdict"], "good", shown["reasons"])
        self.assertEqual(pcapng.count_rtp(server.export(row["id"], "pcapng")), report["packets_sent"])
        return shown

    def session_of(self, server: harness.Server) -> str:
        def running():
            return json.loads(server.get("/api/v1/sessions")[2])["sessions"]
        return harness.wait_for(running, "the session runs")[0]["id"]

    def metric(self, server: harness.Server, name: str) -> float:
        for line in server.get("/metrics")[2].decode().splitlines():
            if line.startswith(f"siprec_{name} "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")

    def check_audio(self, events: list[dict], seconds: float) -> None:
        """Contiguous to the end of the call; told as one stream's."""
        at = events[0]["position"]
        for event in events:
            self.assertEqual(event["position"], at)
            at += event["samples"]
        self.assertGreater(at, (seconds - 0.5) * RATE)

    def test_attached_at_the_start_and_in_mid_call_while_a_receiver_dies(self) -> None:
        doomed, late = Receiver(self), Receiver(self)
        server = self.server(config=f"""
[[sinks]]
name = "doomed"
type = "websocket"
url = "ws://127.0.0.1:{doomed.port}/in"
sample_rate = {RATE}
reconnect_first_ms = 100
reconnect_most_ms = 200
user_agents = ["siprec-s*"]
sources = ["127.0.0.0/8"]
[[sinks]]
name = "late"
type = "websocket"
url = "ws://127.0.0.1:{late.port}/"
sample_rate = {RATE}
frame_ms = 100
attach = false
[[sinks]]
name = "other-clients"
type = "websocket"
url = "ws://127.0.0.1:{late.port}/"
user_agents = ["another*"]
""")
        call = Call(server, 7)
        session = self.session_of(server)
        doomed.wait_for("audio", 50)
        self.assertEqual(late.events, [])
        begun = time.monotonic()
        self.assertEqual(server.ctl("attach", session, "late").strip(), session)
        server.ctl("attach", session[:8], "late")  # it has it: nothing happens
        doomed.kill()
        report = call.end()
        late.wait_for("stop")
        self.check_capture(server, report)

        self.assertEqual(len(late.of("start")), 1)
        start = late.of("start")[0]
        self.assertEqual((start["session"], start["resumed"]), (session, False))
        self.assertEqual(late.of("stop")[0]["cause"], "bye")
        people = {event["name"]: event["streams"] for event in late.of("participant")}
        self.assertEqual(people, {"Alice": [0], "Bob": [1]})
        self.assertEqual(late.of("loss"), [])
        for stream in (0, 1):
            audio = [event for event in late.of("audio") if event["stream"] == stream]
            # From then on, on the session's time line, and of one length but for the last.
            self.assertGreater(audio[0]["position"], RATE // 2)
            self.check_audio(audio, 7)
            self.assertEqual({event["samples"] for event in audio[:-1]}, {RATE // 10})
        self.assertGreater(time.monotonic() - begun, 2)  # the call went on without the other
        self.assertEqual([event["session"] for event in doomed.of("start")], [session])
        self.assertEqual(doomed.of("stop"), [])
        harness.wait_for(lambda: self.metric(server, "websocket_sessions_damaged_total") == 1, "the loss is counted")
        self.assertGreater(self.metric(server, "websocket_samples_lost_total"), RATE)
        self.assertGreater(self.metric(server, "websocket_failed_total"), 1)
        self.assertEqual(self.metric(server, "websocket_connected_total"), 2)
        self.assertIn("the receiver did not get everything", server.log())

    def test_the_audio_is_what_was_sent_and_a_receiver_may_come_back(self) -> None:
        wav = pathlib.Path(self.folder) / "wav"
        wav.mkdir()
        certificate = f"{self.folder}/receiver.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{self.folder}/key.pem", "-out", certificate],
                       check=True, capture_output=True)
        with open(certificate, "a") as both:
            both.write(pathlib.Path(f"{self.folder}/key.pem").read_text())
        steady = Receiver(self, "--wav", str(wav), "--cert", certificate)
        restarted = Receiver(self)
        server = self.server(config=f"""
[[sinks]]
name = "steady"
type = "websocket"
url = "wss://localhost:{steady.port}/"
ca_file = "{certificate}"
headers = ["Authorization: Bearer secret"]
sample_rate = {RATE}
[[sinks]]
name = "restarted"
type = "websocket"
url = "ws://127.0.0.1:{restarted.port}/"
sample_rate = {RATE}
reconnect_first_ms = 100
reconnect_most_ms = 200
""")
        call = Call(server, 6, "--save-sent", f"{self.folder}/sent")
        restarted.wait_for("audio", 50)
        restarted.kill()
        again = Receiver(self, port=restarted.port)
        report = call.end()
        steady.wait_for("stop")
        again.wait_for("stop")
        self.check_capture(server, report)

        self.assertEqual(steady.of("connected")[0]["authorization"], "Bearer secret")
        files = sorted(wav.glob("*.wav"))
        self.assertEqual(len(files), 2)
        sent = sorted(pathlib.Path(self.folder, "sent").iterdir())
        self.assertEqual(len(sent), 2)
        for file, payload in zip(files, sent):
            _, channels = media.read_wav(str(file))
            self.assertNotEqual(media.offset_of(channels[0], payload.read_bytes()), -1, f"{file} is not what was sent")

        self.assertEqual([event["resumed"] for event in restarted.of("start")], [False])
        self.assertEqual([event["resumed"] for event in again.of("start")], [True])
        self.assertEqual({event["name"] for event in again.of("participant")}, {"Alice", "Bob"})
        for stream in (0, 1):
            before = [event for event in restarted.of("audio") if event["stream"] == stream]
            after = [event for event in again.of("audio") if event["stream"] == stream]
            self.assertGreater(after[0]["position"], before[0]["position"])
            self.check_audio(after, 6)
        self.assertNotIn("secret", server.log())

    def test_a_receiver_that_does_not_read_delays_nothing(self) -> None:
        # It accepts and then says and reads nothing, not even the handshake.
        with socket.create_server(("127.0.0.1", 0)) as silent:
            server = self.server(config=f"""
[[sinks]]
name = "silent"
type = "websocket"
url = "ws://127.0.0.1:{silent.getsockname()[1]}/"
connect_timeout_ms = 500
reconnect_first_ms = 100
queue_kib = 16
""")
            report = Call(server, 4).end()
            self.check_capture(server, report)
            harness.wait_for(lambda: self.metric(server, "websocket_sessions_damaged_total") == 1, "it is given up")

    def test_forwarded_by_rtp(self) -> None:
        low, _ = harness.media_range(2)
        ports = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
        received: list[list[bytes]] = [[] for _ in ports]
        done = threading.Event()

        def read(number: int) -> None:
            while not done.is_set():
                try:
                    received[number].append(ports[number].recv(65536))
                except TimeoutError:
                    pass
        threads = [threading.Thread(target=read, args=(number,)) for number in range(len(ports))]
        for number, port in enumerate(ports):
            port.bind(("127.0.0.1", low + number))
            port.settimeout(0.1)
            threads[number].start()
        self.addCleanup(lambda: [port.close() for port in ports])
        self.addCleanup(done.set)
        server = self.server(config=f"""
[[sinks]]
name = "analyser"
type = "rtp-forward"
target = "127.0.0.1:{low}"
""")
        report = Call(server, 3).end()
        self.check_capture(server, report)
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(len(received[0]) + len(received[2]), report["packets_sent"])
        self.assertTrue(all(packet[0] >> 6 == 2 for packet in received[0] + received[2]))

    def test_what_cannot_be_attached(self) -> None:
        server = self.server()
        call = Call(server, 3)
        session = self.session_of(server)
        done = subprocess.run([str(harness.BIN / "siprecctl"), "--server", server.url, "attach", session, "nothing"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no sinks are configured", done.stderr)
        call.end()


if __name__ == "__main__":
    harness.main()
