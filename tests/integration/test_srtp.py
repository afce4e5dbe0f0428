"""Encrypted media: every suite and keying, and what must not be taken."""

import pathlib
import re
import socket
import subprocess
import tempfile
import time

import harness
import media
import pcapng
from sip_client import SipClient, multipart, offer
from srtp import Encoder

SUITES = [f"AES_{cipher}_HMAC_SHA1_{tag}" for cipher in ("CM_128", "192_CM", "256_CM") for tag in (80, 32)]
SUITES += ["AEAD_AES_128_GCM", "AEAD_AES_256_GCM"]
NO_METADATA = b"<recording xmlns='urn:ietf:params:xml:ns:recording:1'/>"


def line(port: int, label: int, attributes: str, profile: str = "RTP/SAVP", kind: str = "audio 0") -> str:
    media_type, formats = kind.split(" ", 1)
    return f"m={media_type} {port} {profile} {formats}\r\na=sendonly\r\na=label:{label}{attributes}"


def answered(text: str) -> list[dict]:
    """Port and attributes of each m-line of an answer."""
    lines = []
    for section in re.split(r"\r\nm=", text)[1:]:
        words = section.split("\r\n")[0].split(" ")
        attributes = dict(re.findall(r"\r\na=([^:\r]+):?([^\r]*)", section))
        lines.append({"port": int(words[1]), "profile": words[2], **attributes})
    return lines


class Srtp(harness.IntegrationTest):
    def payloads(self, server: harness.Server, recording: str) -> dict[bytes, bytes]:
        """What the capture holds in the clear, by SSRC."""
        heard: dict[bytes, bytes] = {}
        for interface, packet in pcapng.datagrams(server.export(recording, "pcapng")):
            if interface != 0 and packet[0] >> 6 == 2 and not 192 <= packet[1] <= 223:
                heard[packet[8:12]] = heard.get(packet[8:12], b"") + packet[12:]
        return heard

    def check_sent(self, server: harness.Server, recording: str, sent: str) -> None:
        """Bit by bit what siprec-src sent."""
        files = sorted(path.read_bytes() for path in pathlib.Path(sent).iterdir())
        self.assertEqual(len(files), 2)
        self.assertGreater(min(map(len, files)), 1000)
        self.assertEqual(sorted(self.payloads(server, recording).values()), files)

    def no_key_leaks(self, server: harness.Server, *keys: str) -> None:
        for path in [server.log_path, *server.data.rglob("*.pcapng")]:
            content = path.read_bytes()
            for key in keys:
                self.assertNotIn(key.encode(), content, path)

    def call(self, server: harness.Server, *lines: str) -> tuple[SipClient, list[dict]]:
        client = SipClient(server)
        self.addCleanup(client.socket.close)
        body, content_type = multipart(offer(*lines), NO_METADATA)
        status, text = client.invite(body, content_type)
        self.assertEqual(status, 200, text)
        return client, answered(text)

    def send(self, port: int, packets: list[bytes], pause: float = 0.002) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for packet in packets:
                sender.sendto(packet, ("127.0.0.1", port))
                time.sleep(pause)
        time.sleep(0.1)

    # proves: 7866-12.2-1, 7866-12.2-2, 4568-5.1.2-2
    def test_every_suite_of_sdes(self) -> None:
        server = self.server()
        for count, suite in enumerate(SUITES, 1):
            with self.subTest(suite), tempfile.TemporaryDirectory() as sent:
                report = harness.run_src(server, "--srtp", "sdes", "--suite", suite, "--duration", "1",
                                         "--save-sent", sent)
                self.assertEqual(report["calls_failed"], 0, report)
                rows = server.wait_for_recordings(count)
                newest = max(rows, key=lambda row: row["start"])
                self.check_sent(server, newest["id"], sent)

    # proves: 5763-5-1, 5764-4.1-1, 7866-12.2-3
    def test_dtls(self) -> None:
        server = self.server()
        with tempfile.TemporaryDirectory() as sent:
            report = harness.run_src(server, "--srtp", "dtls", "--duration", "1.5", "--save-sent", sent)
            self.assertEqual(report["calls_failed"], 0, report)
            row = server.wait_for_recordings(1)[0]
            self.check_sent(server, row["id"], sent)
        self.assertIn("DTLS has agreed on", server.log())

    # proves: 5764-4.1-1, 5764-4.2-1, 5763-5-2
    def test_dtls_with_openssl_as_client(self) -> None:
        server = self.server()
        key, certificate = f"{self.folder}/key.pem", f"{self.folder}/certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=peer", "-days", "2"],
                       check=True, capture_output=True)
        digest = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"],
                                check=True, capture_output=True, text=True).stdout.split("=")[1].strip()
        client, lines = self.call(server, line(
            40000, 1, f"\r\na=fingerprint:SHA-256 {digest}\r\na=setup:active\r\na=rtcp-mux", "UDP/TLS/RTP/SAVP"))
        self.assertEqual(lines[0]["setup"], "passive")
        peer = subprocess.run(
            ["timeout", "5", "openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{lines[0]['port']}",
             "-use_srtp", "SRTP_AES128_CM_SHA1_80", "-cert", certificate, "-key", key,
             "-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", "60"],
            input=b"", capture_output=True)
        output = peer.stdout.decode(errors="replace")
        ours = re.search(r"Keying material: ([0-9A-F]+)", output)
        self.assertIsNotNone(ours, output + peer.stderr.decode(errors="replace") + server.log())
        material = bytes.fromhex(ours.group(1))
        encoder = Encoder(material[:16] + material[32:46])  # client's key, client's salt
        audio = media.speech(1.0, 5)
        self.send(lines[0]["port"], [encoder.protect(p) for p in media.rtp_packets(audio, 0x1234)])
        self.assertEqual(client.bye(), 200)
        row = server.wait_for_recordings(1)[0]
        self.assertEqual(self.payloads(server, row["id"]), {bytes.fromhex("00001234"): audio})

    # proves: 3711-3.3-1, 3711-3.3.1-1, 3711-3.3.2-1, 4568-6.4-1, 4568-6.1-2, 4568-5.1.2-1
    def test_what_is_not_authentic_is_dropped(self) -> None:
        server = self.server()
        good, stranger = Encoder(mki=b"\x00\x07"), Encoder(mki=b"\x00\x07")
        client, lines = self.call(server, line(
            40000, 1, f"\r\na=crypto:1 F8_128_HMAC_SHA1_80 {stranger.inline}"
                      f"\r\na=crypto:4 AES_CM_128_HMAC_SHA1_80 {good.inline}"))
        self.assertTrue(lines[0]["crypto"].startswith("4 AES_CM_128_HMAC_SHA1_80 inline:"), lines)
        self.assertNotIn(good.inline[7:47], lines[0]["crypto"])
        audio = media.speech(1.0, 6)
        plain = media.rtp_packets(audio, 0x4321)  # the sequence number wraps on the way
        sealed = [good.protect(packet) for packet in plain]
        forged = [stranger.protect(packet) for packet in plain]
        tampered = [packet[:20] + bytes([packet[20] ^ 1]) + packet[21:] for packet in sealed]
        self.send(lines[0]["port"], forged + tampered + plain)
        self.send(lines[0]["port"], sealed + sealed)
        self.assertEqual(client.bye(), 200)
        row = server.wait_for_recordings(1)[0]
        self.assertEqual(self.payloads(server, row["id"]), {bytes.fromhex("00004321"): audio})
        status, _, metrics = server.get("/metrics")
        self.assertEqual(status, 200)
        self.assertIn(b"siprec_rtp_dropped_auth_total 150", metrics)
        self.assertIn(b"siprec_rtp_dropped_replay_total 50", metrics)
        self.assertIn("not authentic", server.log())
        self.no_key_leaks(server, good.inline[7:40], lines[0]["crypto"].split("inline:")[1][:30])

    # proves: 7866-12.2-10, 4568-7.1.4-1, 3711-3.3.1-2
    def test_a_re_invite_brings_new_keys(self) -> None:
        server = self.server()
        old, new = Encoder(), Encoder()
        client, before = self.call(server, line(
            40000, 1, f"\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {old.inline}"))
        audio = media.speech(2.0, 7)
        packets = media.rtp_packets(audio, 0x77)
        port = before[0]["port"]
        self.send(port, [old.protect(packet) for packet in packets[:40]])
        body, content_type = multipart(offer(line(
            40000, 1, f"\r\na=crypto:2 AES_CM_128_HMAC_SHA1_80 {new.inline}")), NO_METADATA)
        status, text = client.invite(body, content_type)
        self.assertEqual(status, 200)
        after = answered(text)
        self.assertEqual(after[0]["port"], port)
        self.assertTrue(after[0]["crypto"].startswith("2 "))
        self.assertNotEqual(before[0]["crypto"][-40:], after[0]["crypto"][-40:])
        # Five more are under way with the old key.
        self.send(port, [old.protect(packet) for packet in packets[40:45]])
        new.rollover, new.last = old.rollover, old.last
        self.send(port, [new.protect(packet) for packet in packets[45:]])
        self.assertEqual(client.bye(), 200)
        row = server.wait_for_recordings(1)[0]
        self.assertEqual(self.payloads(server, row["id"]), {bytes.fromhex("00000077"): audio})

    # proves: 8643-3.2-1, 4568-7.1.2-1, 3711-9.1-1
    def test_a_mixed_offer_is_decided_line_by_line(self) -> None:
        server = self.server()
        sdes, video, opportunistic = Encoder(), Encoder(tag=4), Encoder(key_size=32)
        fingerprint = "sha-256 " + ":".join(["AB"] * 32)
        client, lines = self.call(
            server,
            line(40000, 1, "", "RTP/AVP"),
            line(40002, 2, f"\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {sdes.inline}"),
            line(40004, 3, f"\r\na=fingerprint:{fingerprint}\r\na=setup:actpass", "UDP/TLS/RTP/SAVPF"),
            line(40006, 4, f"\r\na=crypto:1 AES_CM_128_HMAC_SHA1_32 {video.inline}\r\na=rtpmap:96 VP8/90000",
                 "RTP/SAVPF", "video 96"),
            line(40008, 5, "\r\na=crypto:1 ARIA_128 inline:AAAA"),
            line(40010, 6, f"\r\na=crypto:9 AES_256_CM_HMAC_SHA1_80 {opportunistic.inline}", "RTP/AVP"))
        self.assertEqual([bool(answer["port"]) for answer in lines], [True, True, True, True, False, True])
        self.assertEqual(lines[2]["setup"], "active")
        self.assertTrue(lines[2]["fingerprint"].startswith("sha-256 "))
        keys = [answer["crypto"].split("inline:")[1] for answer in lines if "crypto" in answer]
        self.assertEqual(len(set(keys)), 3)
        self.assertIn("m-line 4", server.log())
        wanted = {}
        for number, (index, encoder) in enumerate([(0, None), (1, sdes), (3, video), (5, opportunistic)]):
            ssrc, audio = 0x100 + number, media.speech(0.4, 20 + number)
            packets = media.rtp_packets(audio, ssrc, 96 if index == 3 else 0)
            self.send(lines[index]["port"], [encoder.protect(p) if encoder else p for p in packets], 0.001)
            wanted[ssrc.to_bytes(4, "big")] = audio
        self.assertEqual(client.bye(), 200)
        row = server.wait_for_recordings(1)[0]
        self.assertEqual(self.payloads(server, row["id"]), wanted)

    # proves: 8643-4-2
    def test_policy(self) -> None:
        key = Encoder()
        sdes = f"\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {key.inline}"
        server = self.server(config='[media.srtp]\npolicy = "require"\n')
        _, lines = self.call(server, line(40000, 1, sdes), line(40002, 2, sdes, "RTP/AVP"), line(40004, 3, "", "RTP/AVP"))
        self.assertEqual([bool(answer["port"]) for answer in lines], [True, False, False])
        server.stop()
        server = self.server(config='[media.srtp]\npolicy = "require"\nby_source = ["127.0.0.1=off"]\n')
        _, lines = self.call(server, line(40000, 1, sdes), line(40002, 2, sdes, "RTP/AVP"), line(40004, 3, "", "RTP/AVP"))
        self.assertEqual([bool(answer["port"]) for answer in lines], [False, True, True])
        self.assertNotIn("crypto", lines[1])


if __name__ == "__main__":
    harness.main()
