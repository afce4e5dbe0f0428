"""One call, end to end: what was sent is what is exported."""

import json
import subprocess
import sys

import harness
import media

PLAYER = f"{sys.executable} {harness.HERE / 'play_rtp.py'}"
SECONDS = 3.0


class Call(harness.IntegrationTest):
    def prepare(self, **settings) -> harness.Server:
        self.first, self.second = media.speech(SECONDS, 1), media.speech(SECONDS, 2)
        server = self.server(**settings)
        media.write_pcap(f"{self.folder}/first.pcap", media.rtp_packets(self.first, 0x11111111))
        media.write_pcap(f"{self.folder}/second.pcap", media.rtp_packets(self.second, 0x22222222))
        return server

    def check_recording(self, server: harness.Server) -> dict:
        row = server.wait_for_recordings(1)[0]
        self.assertEqual(row["state"], "stored")
        # The page at / builds its player from this.
        self.assertEqual({artefact["kind"] for artefact in row["artefacts"]}, {"wav", "capture"})
        shown = json.loads(server.ctl("show", row["id"], "--json"))
        names = {p["id"]: p["name"] for p in shown["participants"]}
        self.assertEqual(names, {"cGFydGljaXBhbnQtYWxpY2U=": "Alice 1", "cGFydGljaXBhbnQtLS1ib2I=": "Bob"})
        rate, channels = media.read_wav(server.export(row["id"], "wav"))
        self.assertEqual((rate, len(channels)), (8000, 2))
        # Bit by bit, the right party on the right channel, and nothing in front or behind.
        starts = [media.offset_of(channels[0], self.first), media.offset_of(channels[1], self.second)]
        self.assertNotIn(-1, starts, "a channel does not hold the audio that was sent")
        end = max(start + int(SECONDS * 8000) for start in starts)
        self.assertLessEqual(min(starts), 160)
        self.assertLessEqual(abs(len(channels[0]) - end), 160)
        self.assertLessEqual(abs(row["duration_s"] - len(channels[0]) / 8000), 0.02)
        self.check_capture(server, row["id"], starts)
        return shown

    def check_capture(self, server: harness.Server, recording: str, starts: list[int]) -> None:
        capture = server.export(recording, "pcapng")

        def tshark(*arguments: str) -> list[str]:
            done = subprocess.run(["tshark", "-r", capture, "-n", *arguments], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout.splitlines()

        self.assertEqual(tshark("-Y", "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0",
                                "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"), [])
        methods = tshark("-Y", "sip.Request-Line", "-T", "fields", "-e", "sip.Method")
        self.assertEqual(methods, ["INVITE", "ACK", "BYE"])
        self.assertEqual(len(tshark("-Y", "sip.Status-Code == 200")), 2)
        times = []
        for ssrc in ("0x11111111", "0x22222222"):
            arrivals = tshark("-o", "rtp.heuristic_rtp:TRUE", "-d", f"udp.port=={server.media[0]}-{server.media[1]},rtp",
                              "-Y", f"rtp.ssrc == {ssrc}", "-T", "fields", "-e", "frame.time_epoch")
            self.assertEqual(len(arrivals), int(SECONDS * 50))
            times.append(float(arrivals[0]))
        # The channels lie as far apart as their first packets arrived.
        apart = (starts[1] - starts[0]) / 8000
        self.assertLess(abs((times[1] - times[0]) - apart), 0.02)

    # proves: 7866-8.1.2-2, 7866-8.3.1-11, 7866-8.4-1, 8068-F0, 8068-R1
    def test_udp(self) -> None:
        server = self.prepare()
        harness.run_sipp("call.xml", server, keys={"player": PLAYER})
        shown = self.check_recording(server)
        self.assertEqual(shown["verdict"], "good", shown["reasons"])
        self.assertIn("00001012345678901234", json.dumps(shown))
        status, headers, body = server.get(f"/api/v1/recordings/{shown['id']}/metadata")
        self.assertEqual(status, 200)
        documents = json.loads(body)
        documents = documents.get("documents", documents) if isinstance(documents, dict) else documents
        self.assertEqual(len(documents), 1)

    def test_tcp(self) -> None:
        server = self.prepare()
        harness.run_sipp("call.xml", server, transport="t1", keys={"player": PLAYER})
        self.check_recording(server)

    def test_ipv6(self) -> None:
        server = self.prepare(host="::1")
        harness.run_sipp("call.xml", server, keys={"player": PLAYER})
        self.check_recording(server)

    def test_range_requests(self) -> None:
        server = self.prepare()
        harness.run_sipp("call.xml", server, keys={"player": PLAYER})
        row = server.wait_for_recordings(1)[0]
        path = f"/api/v1/recordings/{row['id']}/audio"
        _, headers, whole = server.get(path)
        self.assertEqual(headers["Content-Type"], "audio/wav")
        import urllib.request
        request = urllib.request.Request(server.url + path, headers={"Range": "bytes=100-199"})
        with urllib.request.urlopen(request) as answer:
            self.assertEqual(answer.status, 206)
            self.assertEqual(answer.read(), whole[100:200])


if __name__ == "__main__":
    harness.main()
