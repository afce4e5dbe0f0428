"""Who is let in, and what happens to too much: digest, allow list, secure only, floods, ceilings."""

import hashlib
import os
import pathlib
import re
import signal
import socket
import time

import harness
from sip_client import SipClient, multipart, offer

METADATA = b"""<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>
<session session_id="hVpd7YQgRW2nD22h7q60JQ=="/></recording>"""
NO_DATABASE = {"database": "postgresql://nobody@127.0.0.1:1/none", "options": ("--role", "live")}


def authorization(challenge: str, user: str, password: str, count: int = 1, method: str = "INVITE") -> str:
    """The header that answers a challenge (RFC 7616 3.4)."""
    field = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    new = hashlib.sha256 if field["algorithm"] == "SHA-256" else hashlib.md5
    digest = lambda text: new(text.encode()).hexdigest()
    uri, cnonce, nc = "sip:srs", "c0ffee", f"{count:08x}"
    response = digest(":".join([digest(f"{user}:{field['realm']}:{password}"), field["nonce"], nc, cnonce, "auth",
                                digest(f"{method}:{uri}")]))
    return (f'Authorization: Digest username="{user}", realm="{field["realm"]}", nonce="{field["nonce"]}", uri="{uri}", '
            f'response="{response}", algorithm={field["algorithm"]}, cnonce="{cnonce}", qop=auth, nc={nc}\r\n')


class AdmissionTest(harness.IntegrationTest):
    def invite(self, client: SipClient, extra: str = "") -> tuple[int, str]:
        body, kind = multipart(offer(), METADATA)
        return client.invite(body, kind, f"Require: siprec\r\n{extra}")

    def call(self, server, transport: str = "udp", extra: str = "") -> int:
        with SipClient(server, transport) as client:
            status, _ = self.invite(client, extra)
            if status == 200:
                self.assertEqual(client.bye(), 200)
            return status

    def users(self, text: str, mode: int = 0o600) -> str:
        path = pathlib.Path(self.folder) / "users"
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def test_digest(self):
        """Both algorithms, a wrong password, a replay, an old nonce; a dialog is not asked again.

        proves: 7866-12.1-2
        """
        file = self.users("src:secret\n# a comment\nmd5only:md5=" +
                          hashlib.md5(b"md5only:recorder:geheim").hexdigest() + "\n")
        server = self.server(config=f'[digest]\nusers_file = "{file}"\nrealm = "recorder"\nnonce_lifetime_s = 2\n',
                             **NO_DATABASE)
        with SipClient(server) as client:
            status, text = self.invite(client)
            self.assertEqual(status, 401)
            challenges = re.findall(r"WWW-Authenticate: (.*)\r", text)
            self.assertEqual([re.search("algorithm=([^,]*)", one).group(1) for one in challenges], ["SHA-256", "MD5"])
            client.to_tag = ""
            status, text = self.invite(client, authorization(challenges[0], "src", "wrong"))
            self.assertEqual(status, 401)
            self.assertNotIn("stale", text)
            client.to_tag = ""
            status, text = self.invite(client, authorization(challenges[0], "src", "secret"))
            self.assertEqual(status, 200, text)
            self.assertEqual(client.bye(), 200)
        replay = authorization(challenges[0], "src", "secret")
        self.assertEqual(self.call(server, extra=replay), 401, "the same nonce count again")
        self.assertEqual(self.call(server, extra=authorization(challenges[0], "src", "secret", 2)), 200)
        self.assertEqual(self.call(server, extra=authorization(challenges[1], "md5only", "geheim", 3)), 200)
        time.sleep(2.2)
        with SipClient(server) as client:
            status, text = self.invite(client, authorization(challenges[0], "src", "secret", 4))
            self.assertEqual(status, 401)
            self.assertIn("stale=true", text)
        self.assertNotIn("secret", server.log())

    def test_digest_spares_sources(self):
        """A source that is exempt is not asked; a readable password file is refused at the start."""
        file = self.users("src:secret\n")
        server = self.server(config=f'[digest]\nusers_file = "{file}"\nexempt_sources = ["127.0.0.0/8"]\n', **NO_DATABASE)
        self.assertEqual(self.call(server), 200)
        server.stop()
        os.chmod(file, 0o644)
        with self.assertRaisesRegex(AssertionError, "chmod 600"):
            self.server(config=f'[digest]\nusers_file = "{file}"\n', **NO_DATABASE)

    def test_allowed_sources_reload(self):
        """A block that we are not in: 403; SIGHUP lets us in.

        proves: 7866-12.1-3
        """
        server = self.server(config='[sip]\nallowed_sources = ["10.0.0.0/8", "2001:db8::/32"]\n', **NO_DATABASE)
        self.assertEqual(self.call(server), 403)
        server.config_path.write_text('[sip]\nallowed_sources = ["127.0.0.0/8"]\n')
        server.process.send_signal(signal.SIGHUP)
        harness.wait_for(lambda: self.call(server) == 200, "the new list holds", 10, 0.3)

    def test_secure_only(self):
        """Plain signalling, metadata over it, and plain RTP can each be refused.

        proves: 7866-12.3-1, 7866-12-4, 8643-4-2, 5763-5-3
        """
        for key, status in (("signalling_over_tls", 403), ("metadata_over_tls", 403), ("media_over_srtp", 488)):
            with self.subTest(key):
                server = self.server(config=f"[security]\n{key} = true\n", **NO_DATABASE)
                self.assertEqual(self.call(server), status)
                self.assertEqual(self.call(server, "tcp"), status)
                server.stop()

    def test_a_flood_is_limited(self):
        """Scans of one source are answered for a while, then dropped without a trace; another source's call goes on,
        and the log has a few lines, not thousands."""
        server = self.server(config="[limits.signalling]\nwaste_per_second = 1\nwaste_burst = 20\n", **NO_DATABASE)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as scanner:
            scanner.bind(("127.0.0.2", 0))
            scanner.settimeout(0.3)
            answers = 0
            for i in range(500):
                scanner.sendto(
                    f"REGISTER sip:srs SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:{scanner.getsockname()[1]};branch=z9hG4bK{i}\r\n"
                    f"From: <sip:s@x>;tag={i}\r\nTo: <sip:s@x>\r\nCall-ID: scan{i}\r\nCSeq: 1 REGISTER\r\n"
                    "Content-Length: 0\r\n\r\n".encode(), ("127.0.0.1", server.sip_port))
                time.sleep(0.002)  # the kernel's buffer is small
                try:
                    scanner.settimeout(0.3 if i < 25 else 0)
                    answers += scanner.recv(4096).startswith(b"SIP/2.0 405")
                except (socket.timeout, BlockingIOError):
                    pass
        self.assertGreaterEqual(answers, 20)
        self.assertLess(answers, 40)
        self.assertEqual(self.call(server), 200)
        self.assertLess(server.log().count("not supported"), 20)

        def metric(name: str) -> int:
            return int(re.search(rf"siprec_{name} (\d+)", server.get("/metrics")[2].decode()).group(1))
        # The token that grows each second lets one through; the answered ones were before.
        harness.wait_for(lambda: metric("sip_limited_total") > 200, "the flood is counted", 10)
        self.assertEqual(metric("sip_limited_sources"), 1)

    def test_setups_a_second(self):
        """Beyond the ceiling: 503 with Retry-After at once; those within are recorded."""
        server = self.server(config="[limits.signalling]\nsetups_per_second = 10\n", **NO_DATABASE)
        statuses = []
        for _ in range(6):
            with SipClient(server) as client:
                start = time.monotonic()
                status, text = self.invite(client)
                statuses.append(status)
                if status == 503:
                    self.assertLess(time.monotonic() - start, 0.05)
                    self.assertRegex(text, r"Retry-After: \d+")
                else:
                    client.bye()
        self.assertIn(200, statuses)
        self.assertIn(503, statuses)

    def test_large_requests(self):
        """A request that fills a UDP datagram, one of nearly the ceiling over TCP, and one beyond it.

        Each time the server still takes calls afterwards."""
        server = self.server(config="[limits]\nmax_message_bytes = 262144\n", **NO_DATABASE)

        def padded(size: int) -> tuple[bytes, str]:
            return multipart(offer(), METADATA.replace(b"</recording>", b"<!--" + b"x" * size + b"--></recording>"))
        for transport, size in (("udp", 60_000), ("tcp", 250_000)):
            with SipClient(server, transport) as client:
                body, kind = padded(size)
                status, text = client.invite(body, kind)
                self.assertEqual(status, 200, text)
                self.assertEqual(client.bye(), 200)
        with SipClient(server, "tcp") as client:
            body, kind = padded(400_000)
            client.socket.settimeout(5)
            try:
                client.send(client.request("INVITE", f"Require: siprec\r\nContent-Type: {kind}\r\n", body))
                self.assertIn(client.receive()[0], (413, 513))
            except ConnectionError:
                pass  # told, and closed before we had read it
        self.assertEqual(self.call(server), 200)


if __name__ == "__main__":
    harness.main()
