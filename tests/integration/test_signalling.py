"""re-INVITE, UPDATE, CANCEL, OPTIONS and offerless INVITE, by SIPp scenarios with media."""

import json
import pathlib
import re
import socket
import uuid

import harness
import media
import sip_client


class Signalling(harness.IntegrationTest):
    def setUp(self) -> None:
        super().setUp()
        self.audio = media.speech(1.0, 3)
        media.write_pcap(f"{self.folder}/first.pcap", media.rtp_packets(self.audio, 0x33333333))

    def shown(self, server: harness.Server) -> dict:
        row = server.wait_for_recordings(1)[0]
        return json.loads(server.ctl("show", row["id"], "--json"))

    # proves: 7866-7.1.1.1-3, 8068-R5
    def test_hold_leaves_a_gap_of_its_length(self) -> None:
        server = self.server()
        harness.run_sipp("hold.xml", server)
        shown = self.shown(server)
        _, channels = media.read_wav(server.export(shown["id"], "wav"))
        first = media.offset_of(channels[0], self.audio)
        self.assertGreaterEqual(first, 0)
        rest = channels[0][first + 8000:]
        second = media.offset_of(rest, self.audio[:len(self.audio) // 2])  # its end may be cut off by the BYE
        self.assertGreaterEqual(second, 0)
        # Talk 1 s, silence until the resumed stream: pauses of 1.3 and 1.0 s less the second of talk.
        self.assertAlmostEqual(second / 8000, 1.3, delta=0.15)
        segments = [s for s in shown["segments"]]
        self.assertGreaterEqual(len(segments), 4, segments)  # two tracks, cut by the hold

    # proves: 7866-9.1-4, 7866-9.2-1, 8068-T5
    def test_update_and_bye_with_metadata(self) -> None:
        server = self.server()
        harness.run_sipp("update.xml", server)
        shown = self.shown(server)
        self.assertEqual({p["name"] for p in shown["participants"]}, {"Alice 1", "Bob", "Carol"})
        status, _, body = server.get(f"/api/v1/recordings/{shown['id']}/metadata")
        self.assertEqual(status, 200)
        for method in (b"INVITE", b"UPDATE", b"BYE"):
            self.assertIn(method, body)

    def test_options(self) -> None:
        server = self.server()
        harness.run_sipp("options.xml", server, calls=20, rate=100)

    def test_late_offer(self) -> None:
        server = self.server()
        harness.run_sipp("late_offer.xml", server)
        shown = self.shown(server)
        _, channels = media.read_wav(server.export(shown["id"], "wav"))
        self.assertTrue(any(media.offset_of(channel, self.audio) >= 0 for channel in channels))

    def test_a_burst_waits_for_its_turn(self) -> None:
        """What the kernel has no room for comes again half a second later, or never."""
        calls = 200
        granted = int(pathlib.Path("/proc/sys/net/core/rmem_max").read_text())
        if granted < calls * 20_000:
            calls = granted // 20_000  # a datagram of 5 KB takes some 9 KB of the buffer, which the kernel doubles
        server = self.server(pairs=2 * calls)
        body, content_type = sip_client.multipart(sip_client.offer(), b"<recording>" + b" " * 4096 + b"</recording>")
        with sip_client.SipClient(server) as client:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, granted)
            requests = []
            for _ in range(calls):
                client.call_id = f"{uuid.uuid4()}@burst"
                requests.append(client.request("INVITE", f"Require: siprec\r\nContent-Type: {content_type}\r\n", body))
            for request in requests:
                client.send(request)
            answered = set()
            while len(answered) < calls:
                status, text = client.receive()
                self.assertIn(status, (200, 503), text)
                answered.add(re.search(r"^Call-ID: *(\S+)", text, re.M | re.I).group(1))

    def test_cancel_after_the_answer(self) -> None:
        server = self.server()
        harness.run_sipp("cancel.xml", server)
        self.assertEqual(len(server.wait_for_recordings(1)), 1)


if __name__ == "__main__":
    harness.main()
