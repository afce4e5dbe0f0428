"""SIP over TLS: versions, client certificates, reload while a call runs, sips."""

import os
import pathlib
import signal
import socket
import ssl
import subprocess
import unittest

import harness
from sip_client import SipClient, multipart, offer

METADATA = b"""<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>
<session session_id="hVpd7YQgRW2nD22h7q60JQ=="/></recording>"""


OPTIONS = (b"OPTIONS sip:srs@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKping\r\n"
           b"From: <sip:c@127.0.0.1>;tag=1\r\nTo: <sip:srs@127.0.0.1>\r\nCall-ID: ping\r\nCSeq: 1 OPTIONS\r\n"
           b"Content-Length: 0\r\n\r\n")


class Certificates:
    """A CA of the test's own and what it signs."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir()
        for ca in ("ca", "other-ca"):
            self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                      "-subj", f"/CN=Test {ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.pem",
                      "-addext", "basicConstraints=critical,CA:TRUE")

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def issue(self, name: str, subject: str, ca: str = "ca", expired: bool = False) -> str:
        """A certificate and its key in NAME.pem."""
        self._run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                  "-keyout", f"{name}.key", "-out", f"{name}.csr")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{subject},IP:127.0.0.1\n")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial",
                  "-extfile", extensions.name, "-out", f"{name}.crt", "-days", "-1" if expired else "10")
        bundle = self.folder / f"{name}.pem"
        bundle.write_text((self.folder / f"{name}.crt").read_text() + (self.folder / f"{name}.key").read_text())
        return str(bundle)


class TlsTest(harness.IntegrationTest):
    def setUp(self) -> None:
        super().setUp()
        self.certificates = Certificates(pathlib.Path(self.folder) / "certificates")
        self.certificates.issue("server", "recorder.example.net")

    def start(self, tls: str = "", **settings):
        self.tls_port = harness.free_port(socket.SOCK_STREAM)
        config = (f'[tls]\ncertificate = "{self.certificates.path("server.pem")}"\n{tls}\n')
        return self.server(database="postgresql://nobody@127.0.0.1:1/none", config=config,
                           options=("--sip", f"tls:127.0.0.1:{self.tls_port}", "--role", "live"), **settings)

    def context(self, certificate: str = "") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.certificates.path("ca.pem"))
        if certificate:
            context.load_cert_chain(certificate)
        return context

    def connect(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", self.tls_port), timeout=10)
        self.addCleanup(raw.close)
        secure = context.wrap_socket(raw, server_hostname="recorder.example.net")
        self.addCleanup(secure.close)
        return secure

    def client(self, server, context: ssl.SSLContext) -> SipClient:
        client = SipClient.__new__(SipClient)
        client.__dict__.update(server=server, transport="tls", socket=self.connect(context), call_id=os.urandom(8).hex(),
                               cseq=0, to_tag="")
        client.port = client.socket.getsockname()[1]
        return client

    def is_refused(self, context: ssl.SSLContext) -> bool:
        """With TLS 1.3 the client learns of it at its first read."""
        try:
            secure = self.connect(context)
            secure.sendall(OPTIONS)
            return secure.recv(1000) == b""
        except (ssl.SSLError, ConnectionError):
            return True

    def record(self, client: SipClient) -> None:
        body, kind = multipart(offer(), METADATA)
        status, text = client.invite(body, kind)
        self.assertEqual(status, 200, text)

    def test_versions(self):
        """TLS 1.2 and 1.3 carry a recording session, older ones are refused.

        proves: 9325-3.1-1, 7866-12-1, 7866-12-2
        """
        server = self.start()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.context()
            context.minimum_version = context.maximum_version = version
            client = self.client(server, context)
            body, kind = multipart(offer(), METADATA)
            status, text = client.exchange("INVITE", f"Require: siprec\r\nContent-Type: {kind}\r\n", body)
            self.assertEqual(status, 200, text)
            self.assertRegex(text, r"Via: SIP/2\.0/TLS 127\.0\.0\.1")
            self.assertRegex(text, rf"Contact: <sip:siprec@127\.0\.0\.1:{self.tls_port};transport=tls>")
            client.send(client.request("ACK", cseq=client.cseq))
            self.assertEqual(client.bye(), 200)
        for version in ("-tls1", "-tls1_1"):
            refused = subprocess.run(
                ["openssl", "s_client", version, "-cipher", "ALL:@SECLEVEL=0", "-connect", f"127.0.0.1:{self.tls_port}"],
                capture_output=True, input=b"", timeout=20)
            self.assertNotEqual(refused.returncode, 0, version)
        # It was the server that refused, not the client that could not.
        self.assertIn("unsupported protocol", server.log())

    def test_client_certificates(self):
        """Mutual TLS: a good certificate of a listed name is let in, no other.

        proves: 7866-12.1-1, 7865-10-1, 5922-7-1
        """
        issue = self.certificates.issue
        good = issue("client", "src1.example.net")
        server = self.start('client_certificate = "required"\n'
                            f'client_ca = "{self.certificates.path("ca.pem")}"\n'
                            'allowed_subjects = ["*.example.net", "pbx.example.com"]')
        client = self.client(server, self.context(good))
        self.record(client)
        self.assertEqual(client.bye(), 200)
        self.assertFalse(self.is_refused(self.context(issue("pbx", "pbx.example.com"))))
        self.assertTrue(self.is_refused(self.context()), "no certificate")
        self.assertTrue(self.is_refused(self.context(issue("old", "src1.example.net", expired=True))), "expired")
        self.assertTrue(self.is_refused(self.context(issue("wrong", "src1.example.net", ca="other-ca"))), "unknown CA")
        self.assertTrue(self.is_refused(self.context(issue("stranger", "src.example.org"))), "not on the list")

    def test_optional_client_certificate(self):
        """None is let in, a bad one is not.

        proves: 7866-12.1-1
        """
        server = self.start(f'client_certificate = "optional"\nclient_ca = "{self.certificates.path("ca.pem")}"')
        client = self.client(server, self.context())
        self.record(client)
        self.assertEqual(client.bye(), 200)
        bad = self.certificates.issue("wrong", "src1.example.net", ca="other-ca")
        self.assertTrue(self.is_refused(self.context(bad)))

    def test_reload(self):
        """SIGHUP takes a new certificate; a running session goes on over its connection, and a broken file changes
        nothing."""
        server = self.start()
        client = self.client(server, self.context())
        self.record(client)
        before = self.connect(self.context()).getpeercert()["serialNumber"]
        self.certificates.issue("server", "recorder.example.net")

        def renewed():
            server.process.send_signal(signal.SIGHUP)
            return self.connect(self.context()).getpeercert()["serialNumber"] != before
        harness.wait_for(renewed, "the new certificate is shown", 10, 0.3)
        pathlib.Path(self.certificates.path("server.pem")).write_text("no certificate")
        server.process.send_signal(signal.SIGHUP)
        harness.wait_for(lambda: "TLS files not reloaded" in server.log(), "the broken file is reported", 10)
        self.assertIn("server.pem", server.log())
        self.assertFalse(self.is_refused(self.context()))
        self.assertEqual(client.bye(), 200)

    def test_sips(self):
        """A SIPS Request-URI gets a SIPS Contact (RFC 3261 12.1.1), and our own BYE comes over the same connection."""
        server = self.start()
        client = self.client(server, self.context())
        body, kind = multipart(offer(), METADATA)
        invite = client.request("INVITE", f"Require: siprec\r\nContent-Type: {kind}\r\n", body)
        client.cseq = 1
        client.send(invite.replace(b"INVITE sip:", b"INVITE sips:", 1))
        status, text = client.receive()
        self.assertEqual(status, 200, text)
        self.assertRegex(text, rf"Contact: <sips:siprec@127\.0\.0\.1:{self.tls_port}>")
        client.send(client.request("ACK", cseq=1))
        server.process.send_signal(signal.SIGINT)
        status, text = client.receive()
        self.assertEqual(status, 0)
        self.assertTrue(text.startswith("BYE "), text)
        self.assertRegex(text, rf"Via: SIP/2\.0/TLS 127\.0\.0\.1:{self.tls_port};")
        via, cseq = (next(line for line in text.split("\r\n") if line.startswith(name)) for name in ("Via:", "CSeq:"))
        head = [line for line in text.split("\r\n") if line.startswith(("From:", "To:", "Call-ID:"))]
        client.send("\r\n".join(["SIP/2.0 200 OK", via, *head, cseq, "Content-Length: 0", "", ""]).encode())

    def test_simulator(self):
        """Calls of siprec-src over mutual TLS, with a password as well."""
        users = pathlib.Path(self.folder) / "users"
        users.write_text("src:secret\n")
        users.chmod(0o600)
        own = self.certificates.issue("client", "src1.example.net")
        server = self.start(f'client_certificate = "required"\nclient_ca = "{self.certificates.path("ca.pem")}"\n'
                            f'[digest]\nusers_file = "{users}"')
        common = ("--to", f"sips:srs@127.0.0.1:{self.tls_port}", "--ca", self.certificates.path("ca.pem"), "--cert", own,
                  "--calls", "5", "--duration", "0.5")
        run = subprocess.run([str(harness.BIN / "siprec-src"), *common, "--user", "src", "--password", "secret"],
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr + server.log())
        run = subprocess.run([str(harness.BIN / "siprec-src"), *common, "--user", "src", "--password", "wrong"],
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 1)
        self.assertIn("401", run.stdout)

    def test_silent_clients_are_cut_off(self):
        """Who opens a connection and says nothing does not keep it, and one source has no more than its share."""
        self.start("handshake_timeout_s = 1\nmax_connections_per_source = 4")
        silent = [socket.create_connection(("127.0.0.1", self.tls_port), timeout=10) for _ in range(5)]
        for one in silent:
            self.addCleanup(one.close)
        self.assertEqual(silent[4].recv(1), b"")
        silent[0].settimeout(4)
        self.assertEqual(silent[0].recv(1), b"")

    def test_missing_certificate_is_named(self):
        """A start that fails says which file."""
        os.remove(self.certificates.path("server.pem"))
        with self.assertRaises(AssertionError) as caught:
            self.start()
        self.assertIn("server.pem", str(caught.exception))


if __name__ == "__main__":
    harness.main()
