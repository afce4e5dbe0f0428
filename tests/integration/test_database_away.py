"""PostgreSQL stops during a call and comes back after it: the call is in the catalogue."""

import subprocess
import time

import harness
import media


class DatabaseAway(harness.IntegrationTest):
    def test_stopped_during_a_call(self) -> None:
        database = self.database()
        server = self.server(database=database.url)
        before = harness.run_src(server, "--calls", "1", "--duration", "1")
        self.assertEqual(before["calls_ok"], 1)
        server.wait_for_recordings(1)
        client = subprocess.Popen(
            [str(harness.BIN / "siprec-src"), "--to", f"sip:srs@{server.sip}", "--calls", "2", "--duration", "4",
             "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(1.5)
        database.stop()
        self.assertEqual(client.wait(30), 0)
        client.stdout.close()
        # Recording goes on without a catalogue.
        after = harness.run_src(server, "--calls", "3", "--duration", "1")
        self.assertEqual(after["calls_ok"], 3)
        status, _, _ = server.get("/api/v1/recordings")
        self.assertEqual(status, 503)
        self.assertEqual(server.get("/healthz")[0], 200)
        database.start()
        rows = server.wait_for_recordings(6, 90)
        self.assertEqual(len(rows), 6)
        self.assertEqual({row["state"] for row in rows}, {"stored"})
        long_ones = [row for row in rows if row["duration_s"] > 3]
        self.assertEqual(len(long_ones), 2)
        for row in long_ones:
            _, channels = media.read_wav(server.export(row["id"], "wav"))
            self.assertAlmostEqual(len(channels[0]) / 8000, 4.0, delta=0.1)

    def test_away_at_the_start(self) -> None:
        database = self.database()
        database.stop()
        server = self.server(database=database.url)
        self.assertEqual(harness.run_src(server, "--calls", "1", "--duration", "1")["calls_ok"], 1)
        database.start()
        self.assertEqual(len(server.wait_for_recordings(1, 90)), 1)


if __name__ == "__main__":
    harness.main()
