"""re-INVITE, UPDATE, CANCEL, OPTIONS and offerless INVITE, by SIPp scenarios with media."""

import json

import harness
import media


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
        second = media.offset_of(rest, self.audio)
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

    def test_cancel_after_the_answer(self) -> None:
        server = self.server()
        harness.run_sipp("cancel.xml", server)
        self.assertEqual(len(server.wait_for_recordings(1)), 1)


if __name__ == "__main__":
    harness.main()
