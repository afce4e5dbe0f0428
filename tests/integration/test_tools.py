"""The programs' own behaviour: configuration check, status, export, the page."""

import json
import pathlib
import subprocess

import harness


class Tools(harness.IntegrationTest):
    def run_server(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run([str(harness.BIN / "siprec-server"), *arguments], capture_output=True, text=True,
                              timeout=30)

    def test_the_example_configuration_is_accepted(self) -> None:
        done = self.run_server("--check-config", "--config", str(harness.ROOT / "schemas/siprec-server.example.toml"))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_wrong_configuration_is_refused_with_its_line(self) -> None:
        path = pathlib.Path(self.folder) / "wrong.toml"
        path.write_text("[capture]\nflush_interval_ms = 200\nflush_intervall_ms = 100\n")
        done = self.run_server("--check-config", "--config", str(path))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("flush_intervall_ms", done.stderr + done.stdout)
        self.assertIn("3", done.stderr + done.stdout)

    def test_status_metrics_page_and_export(self) -> None:
        server = self.server()
        report = harness.run_src(server, "--calls", "2", "--duration", "1")
        self.assertEqual(report["calls_ok"], 2)
        rows = server.wait_for_recordings(2)
        self.assertEqual(server.get("/readyz")[0], 200)
        status, headers, page = server.get("/")
        self.assertEqual(status, 200)
        self.assertIn(b"<html", page.lower())
        self.assertIn("Content-Security-Policy", headers)
        metrics = server.get("/metrics")[2].decode()
        self.assertIn("siprec_sessions_started_total 2", metrics)
        self.assertEqual(json.loads(server.ctl("status", "--json"))["sessions_active"], 0)
        listed = json.loads(server.ctl("list", "--limit", "1", "--json"))
        self.assertEqual(len(listed["recordings"]), 1)
        self.assertTrue(listed["next"])
        number = rows[0]["participants"][0]["number"]
        self.assertTrue(number)
        self.assertGreaterEqual(len(server.recordings("--number", number[:-2] + "*")), 1)
        self.assertEqual(server.recordings("--number", "999999*"), [])
        for form in ("wav", "pcapng", "metadata", "json"):
            self.assertGreater(pathlib.Path(server.export(rows[0]["id"], form)).stat().st_size, 40, form)
        gone = subprocess.run([str(harness.BIN / "siprecctl"), "show", "00000000-0000-4000-8000-000000000000",
                               "--server", server.url], capture_output=True, text=True)
        self.assertEqual(gone.returncode, 1)


if __name__ == "__main__":
    harness.main()
