"""What the SRS asks of its clients, through API and siprecctl, with SIPp as the client."""

import json
import pathlib
import socket
import subprocess
import threading

import harness
import media
import sip_client


class Initiative(harness.IntegrationTest):
    def setUp(self) -> None:
        super().setUp()
        media.write_pcap(f"{self.folder}/first.pcap", media.rtp_packets(media.speech(1.0, 3), 0x33333333))

    def run_in_background(self, scenario: str, server: harness.Server, **settings) -> threading.Thread:
        self.failures: list[BaseException] = []

        def run() -> None:
            try:
                harness.run_sipp(scenario, server, timeout=40, **settings)
            except BaseException as failure:  # told by the main thread
                self.failures.append(failure)
        thread = threading.Thread(target=run)
        thread.start()
        if "port" in settings:
            harness.wait_for(lambda: self.is_taken(settings["port"]), "SIPp listens")
        return thread

    @staticmethod
    def is_taken(port: int) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return False
            except OSError:
                return True

    def finish(self, thread: threading.Thread) -> None:
        thread.join(60)
        self.assertEqual(self.failures, [])

    @staticmethod
    def sessions(server: harness.Server) -> list[dict]:
        return json.loads(server.get("/api/v1/sessions")[2])["sessions"]

    def test_pause_resume_snapshot_and_stop(self) -> None:
        # proves: 7866-7.2-3, 7866-7.2-5, 7866-9.2-5, 7866-9.2-6, 7866-9.2-7, 7866-9.1-8
        server = self.server()
        client = self.run_in_background("controlled.xml", server)
        session = harness.wait_for(lambda: self.sessions(server), "the session runs")[0]["id"]
        self.assertEqual(server.ctl("pause", session).strip(), session)
        self.assertTrue(self.sessions(server)[0]["paused"])
        server.ctl("resume", session[:8])
        self.assertFalse(self.sessions(server)[0]["paused"])
        server.ctl("snapshot", session)
        harness.wait_for(lambda: json.loads(server.get("/api/v1/status")[2])["counters"]["metadata_documents"] == 2,
                         "the snapshot has come")
        server.ctl("stop", session)
        self.finish(client)
        row = server.wait_for_recordings(1)[0]
        shown = json.loads(server.ctl("show", row["id"], "--json"))
        self.assertEqual(shown["end_cause"], "local-stop")
        self.assertIn("Carol", {participant["name"] for participant in shown["participants"]})
        # What was asked, and its answers, are in the capture as all other messages are.
        capture = pathlib.Path(server.export(row["id"], "pcapng")).read_bytes()
        for text in (b"requestsnapshot", b"a=inactive", b"CSeq: 102 UPDATE"):
            self.assertIn(text, capture)

    def test_start_towards_a_client(self) -> None:
        # proves: 7866-6.2-3, 7866-6.2-4, 7866-7.2-6, 7866-9.1-4
        server = self.server()
        port = harness.free_sip_port()
        client = self.run_in_background("called.xml", server, port=port)
        started = json.loads(server.ctl("start", f"sip:src@127.0.0.1:{port}", "--json"))
        self.assertEqual([each["id"] for each in self.sessions(server)], [started["id"]])
        server.ctl("stop", started["id"])
        self.finish(client)
        shown = json.loads(server.ctl("show", server.wait_for_recordings(1)[0]["id"], "--json"))
        self.assertEqual({participant["name"] for participant in shown["participants"]}, {"Alice 1", "Bob"})

    def test_a_client_that_refuses_is_called_once(self) -> None:
        # proves: 7866-6.2-3
        server = self.server()
        port = harness.free_sip_port()
        client = self.run_in_background("refusing.xml", server, port=port)
        done = subprocess.run([str(harness.BIN / "siprecctl"), "--server", server.url, "start",
                               f"sip:src@127.0.0.1:{port}"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("420", done.stderr)
        self.finish(client)
        self.assertEqual(self.sessions(server), [])

    def test_takeover_links_both_sessions(self) -> None:
        # proves: 3891-3-4, 3891-6.2-1
        server = self.server()
        with sip_client.SipClient(server) as old, sip_client.SipClient(server) as new:
            status, text = old.invite(sip_client.offer().encode(), "application/sdp")
            self.assertEqual(status, 200)
            self.assertRegex(text, r"(?m)^Supported: .*replaces")
            self.assertNotRegex(text, r"(?m)^Supported: .*siprec")
            replaces = f"Replaces: {old.call_id};to-tag={old.to_tag[5:]};from-tag=client\r\n"
            status, _ = new.invite(sip_client.offer().encode(), "application/sdp",
                                   "Require: siprec\r\n" + replaces)
            self.assertEqual(status, 200)
            status, bye = old.receive()
            self.assertEqual((status, bye.split(" ")[0]), (0, "BYE"))
            self.assertEqual(len(self.sessions(server)), 1)
            self.assertEqual(new.bye(), 200)
        rows = server.wait_for_recordings(2)
        shown = [json.loads(server.ctl("show", row["id"], "--json")) for row in rows]
        replaced = next(each for each in shown if each["end_cause"] == "replaced")
        taker = next(each for each in shown if each["end_cause"] == "bye")
        self.assertIn(taker["recording_session"], replaced["end_reason"])

    def test_strict_mode(self) -> None:
        # proves: 7866-6.2-1, 7866-6.1.1-1
        server = self.server(config="[sip]\nstrict = true\n")
        body = sip_client.offer().encode()
        for extra, expected in (("", 403), ("Require: siprecc\r\n", 420), ("Require: siprec\r\n", 200)):
            with sip_client.SipClient(server) as client:
                status, _ = client.invite(body, "application/sdp", extra)
                self.assertEqual(status, expected, extra)
                if status == 200:
                    self.assertEqual(client.bye(), 200)
        self.assertIn("RFC 7866 6.2", server.log())
        self.assertEqual(len(server.wait_for_recordings(1)), 1)


if __name__ == "__main__":
    harness.main()
