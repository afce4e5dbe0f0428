"""kill -9 under load: after the restart every call is there, up to at most a second before the kill."""

import json
import subprocess
import time

import harness
import media


class Crash(harness.IntegrationTest):
    CALLS = 20

    def test_kill_during_calls(self) -> None:
        server = self.server(pairs=100)
        client = subprocess.Popen(
            [str(harness.BIN / "siprec-src"), "--to", f"sip:srs@{server.sip}", "--calls", str(self.CALLS),
             "--rate", "20", "--duration", "60", "--json", "--timeout", "5"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        harness.wait_for(lambda: json.loads(server.ctl("status", "--json"))["sessions_active"] == self.CALLS,
                         "all calls are up", 30)
        all_up = time.time()
        time.sleep(4)
        killed = time.time()
        server.kill()
        client.kill()
        server.start()
        rows = server.wait_for_recordings(self.CALLS, states=("partial",))
        self.assertEqual(len(rows), self.CALLS)
        self.assertEqual(len({row["id"] for row in rows}), self.CALLS)
        for row in rows:
            self.assertIn("interrupted", row["reasons"])
            _, channels = media.read_wav(server.export(row["id"], "wav"))
            self.assertGreaterEqual(len(channels[0]) / 8000, killed - all_up - 1.0)
            self.assertTrue(any(channels[0]) and any(channels[1]))
        # Nothing stays behind as running, and nothing comes twice.
        time.sleep(2)
        self.assertEqual({row["state"] for row in server.recordings()}, {"partial"})
        self.assertEqual(list((server.data / "live").glob("*.pcapng")), [])

    def test_stop_during_calls_finishes_them(self) -> None:
        server = self.server()
        client = subprocess.Popen(
            [str(harness.BIN / "siprec-src"), "--to", f"sip:srs@{server.sip}", "--calls", "3", "--duration", "60",
             "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        harness.wait_for(lambda: json.loads(server.ctl("status", "--json"))["sessions_active"] == 3, "calls", 30)
        time.sleep(1)
        server.stop()
        server.start()
        rows = server.wait_for_recordings(3)
        self.assertEqual({row["state"] for row in rows}, {"stored"})


if __name__ == "__main__":
    harness.main()
