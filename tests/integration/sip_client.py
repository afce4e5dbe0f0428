"""A SIP client by hand, for messages that SIPp would not send."""

import re
import socket
import uuid


class SipClient:
    def __init__(self, server, transport: str = "udp"):
        self.server, self.transport = server, transport
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        self.socket = socket.socket(family, kind)
        self.socket.settimeout(10)
        self.socket.bind((server.host, 0))
        self.socket.connect((server.host, server.sip_port))
        self.port = self.socket.getsockname()[1]
        self.call_id = f"{uuid.uuid4()}@client"
        self.cseq = 0
        self.to_tag = ""

    def __enter__(self) -> "SipClient":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def request(self, method: str, headers: str = "", body: bytes = b"", length: int | None = None,
                cseq: int | None = None) -> bytes:
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        text = (f"{method} sip:srs@{self.server.sip} SIP/2.0\r\n"
                f"Via: SIP/2.0/{self.transport.upper()} {self.server.host}:{self.port};branch=z9hG4bK{uuid.uuid4().hex}\r\n"
                f"From: <sip:client@{self.server.host}>;tag=client\r\nTo: <sip:srs@{self.server.sip}>{self.to_tag}\r\n"
                f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
                f"Contact: <sip:client@{self.server.host}:{self.port};transport={self.transport}>;+sip.src\r\n{headers}"
                f"Content-Length: {len(body) if length is None else length}\r\n\r\n")
        return text.encode() + body

    def send(self, message: bytes) -> None:
        self.socket.sendall(message)

    def receive(self) -> tuple[int, str]:
        """Status and text of the next final response; (0, request) for a request."""
        while True:
            text = self.socket.recv(65536).decode(errors="replace")
            status = int(text.split(" ", 2)[1]) if text.startswith("SIP/2.0 ") else 0
            if status >= 200 or status == 0:
                if match := re.search(r"^To:.*?(;tag=[^;\r]+)", text, re.M | re.I):
                    self.to_tag = match.group(1)
                return status, text

    def exchange(self, *arguments, **keywords) -> tuple[int, str]:
        """The answer to a request; requests of the server that cross it (INFO, UPDATE) are left unanswered."""
        self.send(self.request(*arguments, **keywords))
        while (received := self.receive())[0] == 0:
            pass
        return received

    def invite(self, body: bytes, content_type: str, extra: str = "Require: siprec\r\n") -> tuple[int, str]:
        status, text = self.exchange("INVITE", f"{extra}Content-Type: {content_type}\r\n", body)
        if status == 200:
            self.send(self.request("ACK", cseq=self.cseq))
        return status, text

    def bye(self) -> int:
        return self.exchange("BYE")[0]


def offer(*media: str, host: str = "127.0.0.1") -> str:
    lines = media or ("m=audio 40000 RTP/AVP 0\r\na=label:1\r\na=sendonly",
                      "m=audio 40002 RTP/AVP 0\r\na=label:2\r\na=sendonly")
    return "\r\n".join(["v=0", f"o=c 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0", *lines, ""])


def multipart(sdp: str, metadata: bytes) -> tuple[bytes, str]:
    body = (b"--b0undary\r\nContent-Type: application/sdp\r\n\r\n" + sdp.encode() +
            b"\r\n--b0undary\r\nContent-Type: application/rs-metadata+xml\r\n"
            b"Content-Disposition: recording-session\r\n\r\n" + metadata + b"\r\n--b0undary--\r\n")
    return body, "multipart/mixed;boundary=b0undary"
