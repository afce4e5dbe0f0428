"""Bad input gets the right answer and a log line that names the cause; where there is media there is
a recording; the server lives."""

import json
import re
import socket

import harness
import media
from sip_client import SipClient, multipart, offer

GOOD = (b'<?xml version="1.0"?><recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>'
        b'<participant participant_id="cDE="><nameID aor="sip:a@x"/></participant></recording>')


class BadInput(harness.IntegrationTest):
    def talk(self, server: harness.Server, answer: str, seconds: float = 0.4) -> bytes:
        """Sends a little audio to the first m-line of an answer."""
        port = int(re.search(r"m=audio (\d+) ", answer).group(1))
        audio = media.speech(seconds, 9)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for packet in media.rtp_packets(audio, 0x99999999):
                out.sendto(packet, ("127.0.0.1", port))
        return audio

    def assert_alive(self, server: harness.Server) -> None:
        with SipClient(server) as client:
            self.assertEqual(client.exchange("OPTIONS")[0], 200)
        self.assertIsNone(server.process.poll())

    def recorded_despite(self, metadata: bytes, logged: str) -> dict:
        server = self.server()
        with SipClient(server) as client:
            status, text = client.invite(*multipart(offer(), metadata))
            self.assertEqual(status, 200)
            audio = self.talk(server, text)
            self.assertEqual(client.bye(), 200)
        row = server.wait_for_recordings(1)[0]
        _, channels = media.read_wav(server.export(row["id"], "wav"))
        self.assertGreaterEqual(media.offset_of(channels[0], audio), 0)
        self.assertRegex(server.log(), logged)
        self.assert_alive(server)
        status, _, body = server.get(f"/api/v1/recordings/{row['id']}/metadata/0")
        if status == 404:
            status, _, body = server.get(f"/api/v1/recordings/{row['id']}/metadata/1")
        self.assertEqual((status, body), (200, metadata))
        return json.loads(server.ctl("show", row["id"], "--json"))

    # proves: 7866-9.2-4
    def test_broken_xml_is_recorded(self) -> None:
        shown = self.recorded_despite(b"<recording><participant></recording>", "(?i)metadata|well-formed")
        self.assertTrue(any("metadata" in reason for reason in shown["reasons"]), shown["reasons"])

    def test_entity_bomb(self) -> None:
        bomb = b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">' + b"".join(
            b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)) + b"]><recording>&j;</recording>"
        self.recorded_despite(bomb, "document type declaration")

    def test_external_entity(self) -> None:
        shown = self.recorded_despite(
            b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><recording><participant participant_id="p">'
            b'<nameID aor="&x;"/></participant></recording>', "document type declaration")
        self.assertNotIn("root:", json.dumps(shown))

    # proves: 7866-9.1-1
    def test_no_metadata(self) -> None:
        server = self.server()
        with SipClient(server) as client:
            status, text = client.invite(offer().encode(), "application/sdp")
            self.assertEqual(status, 200)
            self.talk(server, text)
            self.assertEqual(client.bye(), 200)
        shown = json.loads(server.ctl("show", server.wait_for_recordings(1)[0]["id"], "--json"))
        self.assertIn("metadata-missing", shown["reasons"])
        self.assertTrue(shown["participants"])

    def test_unknown_codec_is_captured(self) -> None:
        server = self.server()
        with SipClient(server) as client:
            status, text = client.invite(offer(
                "m=audio 40000 RTP/AVP 96\r\na=rtpmap:96 FOO/16000\r\na=label:1\r\na=sendonly").encode(),
                "application/sdp")
            self.assertEqual(status, 200)
            port = int(re.search(r"m=audio (\d+) ", text).group(1))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
                for packet in media.rtp_packets(media.speech(0.2, 4), 5, payload_type=96):
                    out.sendto(packet, ("127.0.0.1", port))
            self.assertEqual(client.bye(), 200)
        shown = json.loads(server.ctl("show", server.wait_for_recordings(1)[0]["id"], "--json"))
        self.assertEqual(shown["tracks"][0]["packets"], 10)
        self.assertTrue(any("codec" in reason for reason in shown["reasons"]), shown["reasons"])

    # proves: 7866-6.1.1-3
    def test_refusals_name_their_cause(self) -> None:
        server = self.server()
        cases = [  # body, content type, statuses, what the log says
            (b"", "application/sdp", {200, 400, 488}, None),
            (offer().split("m=audio")[0].encode(), "application/sdp", {488}, "no m-line"),
            (b"this is not SDP\r\n", "application/sdp", {400, 488}, "SDP"),
            (b"no boundary", "multipart/mixed", {400}, "(?i)boundary"),
            (offer("m=image 9999 udptl t38").encode(), "application/sdp", {488}, "(?i)m-line"),
            (offer("m=audio 4000 RTP/SAVP 0\r\na=crypto:1 X inline:Y").encode(), "application/sdp", {488}, "(?i)m-line"),
        ]
        for body, content_type, statuses, logged in cases:
            with self.subTest(body=body[:40]), SipClient(server) as client:
                status, _ = client.invite(body, content_type)
                self.assertIn(status, statuses)
                if status == 200:
                    client.bye()
                if logged:
                    self.assertRegex(server.log(), logged)
        with SipClient(server) as client:
            status, text = client.invite(offer().encode(), "application/sdp", "Require: siprec, teleport\r\n")
            self.assertEqual(status, 420)
            self.assertIn("Unsupported: teleport", text)
        self.assert_alive(server)

    def test_large_bodies(self) -> None:
        server = self.server()
        for size in (100_000, 1 << 20, 3 << 20):
            with self.subTest(size=size), SipClient(server, "tcp") as client:
                body, content_type = multipart(offer(), GOOD[:-12] + b"<x>" + b"a" * size + b"</x></recording>")
                status, _ = client.invite(body, content_type)
                self.assertIn(status, {200} if size < 1 << 20 else {413})
        self.assert_alive(server)

    def test_ports_exhausted(self) -> None:
        server = self.server(pairs=2)
        with SipClient(server) as first, SipClient(server) as second:
            self.assertEqual(first.invite(offer().encode(), "application/sdp")[0], 200)
            status, text = second.invite(offer().encode(), "application/sdp")
            self.assertEqual(status, 503)
            self.assertIn("Retry-After:", text)
            self.assertRegex(server.log(), "(?i)port")
            self.assertEqual(first.bye(), 200)
            harness.wait_for(lambda: SipClient(server).invite(offer().encode(), "application/sdp")[0] == 200,
                             "ports come back", 10)

    def test_junk_on_every_port(self) -> None:
        server = self.server()
        junk = [b"", b"\0" * 1000, b"INVITE", b"\r\n\r\n", bytes(range(256)) * 4, b"INVITE sip:x SIP/2.0\r\n\r\n",
                b"INVITE sip:x SIP/2.0\r\nVia: x\r\nFrom: x\r\nTo: x\r\nCall-ID: x\r\nCSeq: x\r\n\r\n"]
        with SipClient(server) as client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for message in junk:
                client.send(message)
            status, text = client.invite(offer().encode(), "application/sdp")
            while status not in (200, 503):
                status, text = client.receive()
            self.assertEqual(status, 200)
            for port in map(int, re.findall(r"m=audio (\d+) ", text)):
                for message in junk + [b"\x80" + b"\xff" * 11, b"\x9f" + b"\0" * 11, b"\x80\xc8\xff\xff" + b"\0" * 4]:
                    out.sendto(message, ("127.0.0.1", port))
                    out.sendto(message, ("127.0.0.1", port + 1))
        self.assert_alive(server)


if __name__ == "__main__":
    harness.main()
