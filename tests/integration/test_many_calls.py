"""100 calls at once: every packet sent is in a capture."""

import json
import pathlib

import harness
from pcapng import count_rtp


class ManyCalls(harness.IntegrationTest):
    def test_every_packet_is_captured(self) -> None:
        server = self.server(pairs=260)
        report = harness.run_src(server, "--calls", "100", "--rate", "50", "--duration", "10")
        self.assertEqual((report["calls_ok"], report["calls_failed"]), (100, 0))
        self.assertEqual(report["packets_sent"], 100 * 2 * 10 * 50)
        rows = server.wait_for_recordings(100, 180)
        self.assertEqual(len(rows), 100)
        captured = sum(count_rtp(path) for path in (pathlib.Path(server.data) / "recordings").rglob("*.pcapng"))
        print(f"{report['packets_sent']} packets sent, {captured} in captures")
        self.assertEqual(captured, report["packets_sent"])
        self.assertEqual({row["state"] for row in rows}, {"stored"})
        for row in rows:
            self.assertAlmostEqual(row["duration_s"], 10.0, delta=0.2)
        self.assertEqual(sum(track["packets"] for row in rows for track in
                             json.loads(server.ctl("show", row["id"], "--json"))["tracks"]), captured)


if __name__ == "__main__":
    harness.main()
