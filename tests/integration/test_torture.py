"""The kinds of message that RFC 4475 and RFC 5118 are about, each written by us, sent to the running server. Each gets the
right answer or none, and the server takes a call after each."""

import re
import socket
import uuid

import harness
from sip_client import SipClient, multipart, offer

METADATA = b"""<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>
<session session_id="hVpd7YQgRW2nD22h7q60JQ=="/></recording>"""
NOTHING = None  # no answer at all
REFUSED = range(400, 700)


def message(start: str = "OPTIONS sip:srs@HOST SIP/2.0", via: str = "Via: SIP/2.0/UDP HOST:PORT;branch=z9hG4bKBRANCH",
            sender: str = "From: <sip:src@HOST>;tag=t1", to: str = "To: <sip:srs@HOST>", call_id: str = "Call-ID: CALL",
            cseq: str = "CSeq: 7 OPTIONS", more: str = "", length: str = "Content-Length: 0", body: str = "") -> str:
    lines = [line for line in (start, via, sender, to, call_id, cseq, "Max-Forwards: 70", *more.split("\n"), length) if line]
    return "\r\n".join(lines) + "\r\n\r\n" + body


# RFC 4475 section, what it is, the message, the statuses that are right (NOTHING: silence is right as well).
TABLE = [
    # 3.1.1: odd, but valid
    ("3.1.1.1", "odd white space, folding, case and unknown parameters", message(
        via="v:  SIP  / 2.0\r\n / UDP\r\n    HOST:PORT;branch = z9hG4bKBRANCH ; what=ever", to="TO :\r\n sip:srs@HOST ;  tag    = ",
        sender='f : "A \\"quoted\\" \\\\ name"\r\n  <sip:src@HOST;par=x>;tag  = 98',
        more="NewFangled:  a\r\n  b ;;,,\nUnknown-Long-Name: \t \nSubject:", length="l:\r\n 0"), (200, 400)),
    ("3.1.1.2", "every token character the grammar has", message(
        start="!x-Method0123456789*.%a`b'c~+_ sip:srs@HOST SIP/2.0", cseq="CSeq: 1 !x-Method0123456789*.%a`b'c~+_",
        sender="From: =?x~*!'`%._-+ <sip:src@HOST>;tag=_t~1'`*!+-.%"), (400, 405, 501, NOTHING)),  # not a method to the stack, which drops it
    ("3.1.1.3", "percent signs that hide reserved characters in a user part", message(
        start="OPTIONS sip:srs%40%3bx%2f%3F@HOST SIP/2.0", to="To: <sip:null%00-%00@HOST>"), (200,)),
    ("3.1.1.4", "escapes where the grammar has none", message(
        more="Contact: <sip:a@HOST>, <sip:b@HOST>;p%41=%22", sender="From: <sip:%75ser@HOST>;tag=%74"), (200, 400)),
    ("3.1.1.5", "escapes in the method name", message(start="REGI%53TER sip:srs@HOST SIP/2.0", cseq="CSeq: 3 REGI%53TER"),
     (405, 501)),
    ("3.1.1.6", "a name right before the angle bracket", message(sender="From: Caller<sip:src@HOST>;tag=t2"), (200,)),
    ("3.1.1.7", "long values everywhere", message(
        to='To: "' + "I have a user name of " + "extreme" * 30 + '"<sip:srs@HOST:5060;unknown=' + "very" * 60 + ">",
        more="\n".join(f"X-{'Long' * 20}-{i}: {'v' * 300}" for i in range(20)),
        call_id="Call-ID: " + "long" * 50 + "CALL"), (200,)),
    ("3.1.1.8", "bytes behind the body, as of a next message", message(more="Content-Type: text/plain",
                                                                       length="Content-Length: 3",
                                                                       body="abc\r\nREGISTER sip:x SIP/2.0\r\n\r\n"), (200,)),
    ("3.1.1.9", "semicolon in the user part of the Request-URI", message(start="OPTIONS sip:user;par=u%40x@HOST SIP/2.0"),
     (200,)),
    ("3.1.1.10", "Via with every transport there is", message(
        via="Via: SIP/2.0/UDP HOST:PORT;branch=z9hG4bKBRANCH\r\nVia: SIP/2.0/SCTP 192.0.2.1;branch=z9hG4bKa, "
            "SIP/2.0/TLS 192.0.2.2;branch=z9hG4bKb\r\nv: SIP/2.0/UNKNOWN 192.0.2.3;branch=z9hG4bKc"), (200,)),
    ("3.1.1.11", "MIME parts in an INVITE that is none of ours", message(
        start="INVITE sip:srs@HOST SIP/2.0", cseq="CSeq: 1 INVITE", more="Content-Type: multipart/mixed;boundary=b",
        length="Content-Length: 64", body="--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n\r\nno type\r\n--b--\r\n\r\n\r\n"),
     REFUSED),
    ("3.1.1.12", "a response with a reason of other letters", "SIP/2.0 200 \u00e4\u00f6\u00fc\u20ac\r\n" + message(start="")[0:]
     .lstrip("\r\n"), NOTHING),
    ("3.1.1.13", "a response without a reason", message(start="SIP/2.0 100 "), NOTHING),
    # 3.1.2: broken
    ("3.1.2.1", "separators that separate nothing", message(
        via="Via: SIP/2.0/UDP HOST:PORT;;,;,,", more="Contact: \"J\" <sip:a@HOST> ;;;;"), (*REFUSED, NOTHING)),
    ("3.1.2.2", "a Content-Length larger than the datagram", message(length="Content-Length: 9999", body="abc"),
     (200, 400, NOTHING)),  # a datagram is as long as it is: clients that count wrongly are served
    ("3.1.2.3", "a negative Content-Length", message(length="Content-Length: -999"), (400, NOTHING)),
    ("3.1.2.4", "numbers that no register holds", message(
        cseq="CSeq: 36893488147419103232 OPTIONS", more="Expires: 10000000000000000000000000000000"), (400, NOTHING)),
    ("3.1.2.5", "a response with overlarge numbers", message(start="SIP/2.0 503 x", cseq="CSeq: 9292394834772304023312 OPTIONS",
                                                             more="Retry-After: 949302838503028349304023988"), NOTHING),
    ("3.1.2.6", "a quoted name that never ends", message(to='To: "never ends <sip:srs@HOST>'), (400, 200, NOTHING)),
    ("3.1.2.7", "angle brackets around the Request-URI", message(start="OPTIONS <sip:srs@HOST> SIP/2.0"), (400, NOTHING)),
    ("3.1.2.8", "white space within the Request-URI", message(start="OPTIONS sip:srs@HOST; lr SIP/2.0"), (400, 505, NOTHING)),
    ("3.1.2.9", "several blanks in the request line", message(start="OPTIONS  sip:srs@HOST  SIP/2.0"), (200, 400, NOTHING)),
    ("3.1.2.10", "blanks behind the request line", message(start="OPTIONS sip:srs@HOST SIP/2.0  "), (200, 400, 505, NOTHING)),
    ("3.1.2.11", "escaped headers in the Request-URI", message(start="OPTIONS sip:srs@HOST?Route=%3Csip:x%3E SIP/2.0"),
     (200, 400)),
    ("3.1.2.12", "a date in a zone that is none", message(more="Date: Fri, 01 Jan 2010 16:00:00 EST"), (200, 400)),
    ("3.1.2.13", "a name-addr URI with commas and no brackets", message(more="Contact: sip:a@HOST?Route=%3Csip:b%3E,x"),
     (200, 400)),
    ("3.1.2.14", "spaces in an addr-spec", message(to="To: \"W\" < sip:srs@HOST >"), (200, 400, NOTHING)),
    ("3.1.2.15", "a display name that is no token", message(sender="From: B@d, N:me <sip:src@HOST>;tag=1"),
     (200, 400, NOTHING)),
    ("3.1.2.16", "an unknown version", message(start="OPTIONS sip:srs@HOST SIP/7.0"), (400, 505, NOTHING)),
    ("3.1.2.17", "a method that CSeq does not share", message(cseq="CSeq: 8 INVITE"), (400, NOTHING)),
    ("3.1.2.18", "an unknown method that CSeq does not share", message(start="NEWMETHOD sip:srs@HOST SIP/2.0",
                                                                       cseq="CSeq: 8 INVITE"), (400, 405, 501, NOTHING)),
    ("3.1.2.19", "a response code of four digits", message(start="SIP/2.0 4294967301 better"), NOTHING),
    # 3.2 to 3.4
    ("3.2.1", "no branch that is one", message(via="Via: SIP/2.0/UDP HOST:PORT;branch=z9hG4bK"), (200, 400)),
    ("3.3.1", "required headers are missing", message(sender="", to="", call_id=""), (400, NOTHING)),
    ("3.3.2", "a Request-URI of a scheme nobody knows", message(start="OPTIONS nobodyKnows:it SIP/2.0"), (200, 416, 400, NOTHING)),
    ("3.3.3", "a Request-URI of a known scheme that is not SIP", message(start="OPTIONS soap.beep://HOST:3002 SIP/2.0"),
     (200, 416, 400, NOTHING)),
    ("3.3.4", "unknown schemes in From and To", message(to="To: isbn:2983792873", sender="From: <http://www.x>;tag=3"),
     (200, 400)),
    ("3.3.6", "required extensions that nobody has", message(
        start="INVITE sip:srs@HOST SIP/2.0", cseq="CSeq: 1 INVITE", more="Require: siprec, nothingSupportsThis, norThis\n"
        "Contact: <sip:src@HOST:PORT>;+sip.src"), (420,)),
    ("3.3.7", "single headers that come several times", message(
        more="CSeq: 5 OPTIONS\nCall-ID: other\nFrom: <sip:other@HOST>;tag=9\nMax-Forwards: 5\nTo: <sip:x@HOST>"),
     (200, 400, NOTHING)),
    ("3.3.8", "two lengths that differ", message(more="Content-Length: 8", length="Content-Length: 244", body="12345678"),
     (200, 400, NOTHING)),
    ("3.3.9", "a 200 with a broadcast address in Via", message(start="SIP/2.0 200 OK",
                                                               via="Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKx"), NOTHING),
    ("3.3.10", "Max-Forwards of zero, for us", message().replace("Max-Forwards: 70", "Max-Forwards: 0"), (200, 483)),
    ("3.3.12", "a REGISTER with a Contact header parameter", message(start="REGISTER sip:srs@HOST SIP/2.0",
                                                                     cseq="CSeq: 1 REGISTER",
                                                                     more="Contact: sip:u@HOST;unknownparam"), (405, 501)),
    ("3.3.15", "a body that nobody reads", message(
        start="INVITE sip:srs@HOST SIP/2.0", cseq="CSeq: 1 INVITE", length="Content-Length: 4", body="<a/>",
        more="Require: siprec\nContent-Type: application/unknownformat\nContact: <sip:src@HOST:PORT>;+sip.src"), (415,)),
    ("3.4.1", "an INVITE as RFC 2543 had it", message(
        start="INVITE sip:srs@HOST SIP/2.0", via="Via: SIP/2.0/UDP HOST:PORT", sender="From: <sip:src@HOST>",
        cseq="CSeq: 1 INVITE").replace("Max-Forwards: 70\r\n", ""), REFUSED),
    # RFC 5118 section 4
    ("5118-4.1", "an IPv6 reference as it should be", message(start="OPTIONS sip:[2001:db8::10] SIP/2.0",
                                                             sender="From: <sip:u@[2001:db8::9]>;tag=1"), (200,)),
    ("5118-4.2", "an IPv6 address without its brackets", message(start="OPTIONS sip:2001:db8::10 SIP/2.0"),
     (200, 400, NOTHING)),
    ("5118-4.3", "a port that could be part of the address", message(start="OPTIONS sip:[2001:db8::10:5070] SIP/2.0"), (200,)),
    ("5118-4.4", "a port behind the brackets", message(start="OPTIONS sip:[2001:db8::10]:5070 SIP/2.0"), (200,)),
    ("5118-4.5", "received with and without brackets", message(
        via="Via: SIP/2.0/UDP [2001:db8::9]:PORT;branch=z9hG4bKBRANCH;rport;received=[2001:db8::9:255]"), (200,)),
    ("5118-4.6", "an IPv6 address in SDP of an INVITE that is none of ours", message(
        start="INVITE sip:srs@HOST SIP/2.0", cseq="CSeq: 1 INVITE", more="Content-Type: application/sdp",
        length="Content-Length: 96",
        body="v=0\r\no=a 1 1 IN IP6 2001:db8::9\r\ns=-\r\nc=IN IP6 2001:db8::9\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n".ljust(96)),
     REFUSED),
    ("5118-4.8", "several addresses in one header", message(
        more="Contact: <sip:u@[2001:db8::9]:6060>, <sip:u@[::ffff:192.0.2.10]>\nAccept: x/y"), (200,)),
    ("5118-4.9", "an IPv4 address written as IPv6", message(start="OPTIONS sip:[::ffff:192.0.2.10] SIP/2.0"), (200,)),
    ("5118-4.10", "an IPv6 reference with a mistake in it", message(start="OPTIONS sip:[2001:db8:::192.0.2.1] SIP/2.0"),
     (200, 400, NOTHING)),
    # ours
    ("own-1", "nothing but zeros", "\0" * 400, NOTHING),
    ("own-2", "a request line and no more", "OPTIONS sip:srs SIP/2.0\r\n\r\n", (400, NOTHING)),
    ("own-3", "sixty thousand header lines", message(more="\n".join("A:" for _ in range(14_000))), (200, 400, 413, NOTHING)),
    ("own-4", "a quote at the very end", message(to='To: "'), (400, 200, NOTHING)),
    ("own-5", "a Via with a port that is none", message(via="Via: SIP/2.0/UDP HOST:99999;branch=z9hG4bKBRANCH"),
     (200, 400, NOTHING)),
]


class TortureTest(harness.IntegrationTest):
    def setUp(self) -> None:
        super().setUp()
        self.srs = self.server(database="postgresql://nobody@127.0.0.1:1/none", options=("--role", "live"),
                               config="[limits.signalling]\nwaste_per_second = 0\n")

    def fill(self, text: str, port: int) -> bytes:
        for name, value in (("HOST", "127.0.0.1"), ("PORT", str(port)), ("BRANCH", uuid.uuid4().hex), ("CALL", uuid.uuid4().hex)):
            text = text.replace(name, value)
        return text.encode()

    def status(self, connection: socket.socket) -> int | None:
        try:
            while True:
                answer = connection.recv(65536)
                if not answer:
                    return None
                found = re.match(rb"SIP/2.0 ([0-9]{3}) ", answer)
                if found and int(found.group(1)) >= 200:
                    return int(found.group(1))
        except (socket.timeout, ConnectionError):
            return None

    def assert_records(self) -> None:
        with SipClient(self.srs) as client:
            body, kind = multipart(offer(), METADATA)
            status, text = client.invite(body, kind)
            self.assertEqual(status, 200, text)
            self.assertEqual(client.bye(), 200)

    def run_table(self, transport: str) -> None:
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        for section, what, text, right in TABLE:
            right = (right,) if right is NOTHING else right
            with self.subTest(section, what=what), socket.socket(socket.AF_INET, kind) as connection:
                # Silence that is wanted need not be waited for long.
                connection.settimeout(0.15 if NOTHING in right else 3)
                connection.bind(("127.0.0.1", 0))
                connection.connect(("127.0.0.1", self.srs.sip_port))
                sent = self.fill(text, connection.getsockname()[1])
                connection.sendall(sent if transport == "udp" else sent.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP"))
                got = self.status(connection)
                self.assertTrue(got in right or (transport == "tcp" and got is None), f"{section} {what}: {got}")
                self.assertIsNone(self.srs.process.poll(), "the server is gone")
                self.assert_records()

    def test_over_udp(self):
        """proves: 3261-8.2.3-1"""
        self.run_table("udp")

    def test_over_tcp(self):
        """On a stream a message that cannot be delimited may end its connection; no other suffers."""
        self.run_table("tcp")


if __name__ == "__main__":
    harness.main()
