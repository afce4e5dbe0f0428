"""Plays calls to a running server as their client would, and compares answers and catalogue with a table."""

import base64
import concurrent.futures
import dataclasses
import functools
import json
import pathlib
import re
import socket
import struct
import sys
import time
import uuid

from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import harness  # noqa: E402
import srtp  # noqa: E402
from sip_text import Message, media_lines, tag_of, wrap  # noqa: E402

OFFER = ("v=0\r\no=c 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" + "".join(
    f"m=audio {40000 + 2 * i} RTP/AVP 0\r\na=label:{i + 1}\r\na=sendonly\r\n" for i in range(2))).encode()
SECURE = ("RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF")


@dataclasses.dataclass
class Step:
    """One request of a call, and what has to come of it."""
    name: str
    raw: bytes
    kind: str           # sip, mime, sdp, xml
    expected: dict
    keeps_length: bool = True  # over UDP: Content-Length as the sample has it
    length_error: int = 0      # over UDP: what a right Content-Length is changed by
    wire: Callable[[bytes], bytes] = bytes  # done to the whole message at last


class Mismatch(AssertionError):
    pass


def check(condition: bool, step: str, what: str) -> None:
    if not condition:
        raise Mismatch(f"{step}: {what}")


class Caller:
    """One client with one dialog."""

    def __init__(self, server, transport: str):
        self.server, self.transport = server, transport
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.settimeout(8)
        self.socket.bind((server.host, 0))
        self.socket.connect((server.host, server.sip_port))
        self.port = self.socket.getsockname()[1]
        self.call_id = f"{uuid.uuid4()}@replay"
        self.cseq = 0
        self.local, self.remote = f"<sip:c@{server.host}>;tag={uuid.uuid4().hex[:8]}", f"<sip:srs@{server.host}>"
        self.buffer = b""

    def close(self) -> None:
        self.socket.close()

    def message(self, step: Step, in_dialog: bool) -> Message:
        """The sample as it stands, with what this dialog has to differ in."""
        if step.kind == "sip":
            message = Message(step.raw)
        else:
            content_type, body = wrap(step.kind, step.raw, b"" if in_dialog else OFFER)
            method = "UPDATE" if in_dialog and step.kind == "xml" else "INVITE"
            message = Message(f"{method} sip:srs@{self.server.host} SIP/2.0\r\nRequire: siprec\r\n"
                              f"Contact: <sip:c@127.0.0.1:{self.port}>;+sip.src\r\n"
                              f"Content-Type: {content_type}\r\n\r\n".encode() + body)
        if in_dialog:
            self.cseq += 1
            message.put(f"From: {self.local}", "from", "f")
            message.put(f"To: {self.remote}", "to", "t")
        else:
            number = re.match(r"\d+", message.value("cseq"))
            self.cseq = int(number.group()) if number else 1
            if message.index("from", "f") is None:
                message.put(f"From: {self.local}")
            if message.index("to", "t") is None:
                message.put(f"To: {self.remote}")
            self.local, self.remote = message.value("from", "f"), message.value("to", "t")
        message.put(f"Call-ID: {self.call_id}", "call-id", "i")
        message.put(f"CSeq: {self.cseq} {message.method}", "cseq")
        message.put(f"Via: SIP/2.0/{self.transport.upper()} {self.server.host}:{self.port};"
                    f"branch=z9hG4bK{uuid.uuid4().hex}", "via", "v")
        if message.index("max-forwards") is None:
            message.put("Max-Forwards: 70")
        if self.transport == "tcp" or step.kind != "sip" or not step.keeps_length:
            error = step.length_error if self.transport == "udp" else 0
            message.put(f"Content-Length: {len(message.body) + error}", "content-length", "l")
        return message

    def simple(self, method: str, cseq: int, body: bytes = b"") -> bytes:
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (f"{method} sip:srs@{self.server.sip} SIP/2.0\r\nVia: SIP/2.0/{self.transport.upper()} "
                f"{self.server.host}:{self.port};branch=z9hG4bK{uuid.uuid4().hex}\r\nFrom: {self.local}\r\n"
                f"To: {self.remote}\r\nCall-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n{kind}"
                f"Content-Length: {len(body)}\r\n\r\n").encode("latin-1") + body

    def receive(self) -> tuple[str, bytes]:
        """One message from the server: head and body."""
        while True:
            if self.transport == "udp":
                head, _, body = self.socket.recv(65536).partition(b"\r\n\r\n")
                return head.decode(), body
            head, separator, rest = self.buffer.partition(b"\r\n\r\n")
            length = int((re.search(rb"^(?:content-length|l)\s*:\s*(\d+)", head, re.I | re.M) or [0, 0])[1])
            if separator and len(rest) >= length:
                self.buffer = rest[length:]
                return head.decode(), rest[:length]
            more = self.socket.recv(65536)
            if not more:
                raise Mismatch("the server closed the connection")
            self.buffer += more

    def final(self) -> tuple[int, str, bytes]:
        while True:
            head, body = self.receive()
            if head.startswith("SIP/2.0 ") and int(head.split(" ")[1]) >= 200 and \
                    re.search(rf"^CSeq:\s*{self.cseq} ", head, re.M | re.I):
                return int(head.split(" ")[1]), head, body

    def request(self, step: Step, in_dialog: bool) -> tuple[int, str, bytes, Message]:
        message = self.message(step, in_dialog)
        self.socket.sendall(step.wire(message.bytes()))
        try:
            status, head, body = self.final()
        except TimeoutError:
            raise Mismatch(f"{step.name}: no answer") from None
        if status < 300 and not in_dialog:
            self.remote = re.search(r"^To:\s*(.*)$", head, re.M | re.I).group(1).strip()
            check(bool(tag_of(self.remote)), step.name, "the answer has no To tag")
        if message.method == "INVITE":
            late = OFFER if status < 300 and not step.expected.get("media") and step.kind == "sip" and \
                "application/sdp" not in step.expected["parts"] else b""
            self.socket.sendall(self.simple("ACK", self.cseq, late))
        return status, head, body, message

    def bye(self) -> int:
        self.cseq += 1
        self.socket.sendall(self.simple("BYE", self.cseq))
        return self.final()[0]


@dataclasses.dataclass
class Outlet:
    """A stream that may be sent: where to, and how."""
    port: int
    payload_type: int
    encoder: srtp.Encoder | None = None

    def send(self, out: socket.socket, number: int) -> None:
        header = struct.pack(">BBHII", 0x80, self.payload_type, number, 160 * number, self.port)
        packet = header + b"\xd5" * 160
        out.sendto(self.encoder.protect(packet) if self.encoder else packet, ("127.0.0.1", self.port))


def encoder_of(line: dict) -> srtp.Encoder | None:
    """That of the first key that the client offers (RFC 4568): it encrypts with its own."""
    words = line["crypto"][0].split()
    key = base64.b64decode(words[2].removeprefix("inline:").split("|")[0])
    return srtp.Encoder(key, tag=4 if words[1].endswith("_32") else 10)


def check_answer(step: Step, head: str, body: bytes, own: bytes) -> list[Outlet]:
    """RFC 3264 6 and RFC 7866 7.2. @param own  the body with the offer, as it left"""
    offered = step.expected.get("media", [])
    if not offered:
        return []
    check(re.search(r"^(Content-Type|c):\s*application/sdp\s*$", head, re.M | re.I) is not None, step.name,
          "the answer is not plain SDP")
    text = body.decode()
    answered = media_lines(text)
    check([m["type"] for m in answered] == [m["type"] for m in offered], step.name, f"m-lines differ:\n{text}")
    check([m["label"] for m in answered] == [m["label"] for m in offered], step.name, f"labels differ:\n{text}")
    outlets = []
    for index, (mine, wanted) in enumerate(zip(answered, offered)):
        check((mine["port"] == 0) == (wanted["port"] == 0), step.name, f"port of label {wanted['label']}:\n{text}")
        if mine["port"] == 0:
            continue
        direction = "recvonly" if wanted["direction"] == "sendonly" else "inactive"
        check(mine["direction"] == direction, step.name, f"direction of label {wanted['label']}:\n{text}")
        if direction == "recvonly" and wanted["type"] == "audio":
            encoder = encoder_of(media_lines(own.decode())[index]) if wanted["protocol"] in SECURE else None
            outlets.append(Outlet(mine["port"], int(mine["formats"][0]), encoder))
    return outlets


def send_media(outlets: list[Outlet], start: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        for number in range(start, start + 5):
            for outlet in outlets:
                outlet.send(out, number)


@dataclasses.dataclass
class Call:
    name: str
    steps: list[Step]
    sends_media: bool = True
    call_id: str = ""
    failure: str = ""


def play(server, call: Call, transport: str) -> Call:
    caller = Caller(server, transport)
    call.call_id = caller.call_id
    try:
        for number, step in enumerate(call.steps):
            if step.expected["status"] == 0:
                caller.socket.sendall(caller.message(step, False).bytes())
                return call
            status, head, body, message = caller.request(step, number > 0)
            check(status == step.expected["status"], step.name, f"answered {status}:\n{head}")
            if status >= 300:
                return call
            outlets = check_answer(step, head, body, message.body)
            if not step.expected.get("media") and number == 0:  # the offer was the recorder's, or of this test
                outlets = [Outlet(m["port"], int(m["formats"][0])) for m in media_lines(body.decode()) if m["port"]]
            if call.sends_media:
                send_media(outlets, 1 + 10 * number)
        if call.sends_media:
            time.sleep(0.05)  # what BYE overtook is kept; what it would have to wait for is not at stake here
        check(caller.bye() == 200, call.name, "BYE is not answered with 200")
    except (Mismatch, OSError, AttributeError, ValueError) as problem:
        call.failure = f"{call.name} ({transport}): {type(problem).__name__}: {problem}"
    finally:
        caller.close()
    return call


def at_once(what: Callable, things: list) -> list:
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        return list(pool.map(what, things))


def play_all(server, calls: list[tuple[Call, str]]) -> list[Call]:
    return at_once(lambda pair: play(server, *pair), calls)


def texts_of(value) -> set[str]:
    """Every name and every text in a JSON value, white space folded."""
    if isinstance(value, dict):
        return set().union(*(texts_of(inner) for inner in value.values()), value.keys()) if value else set()
    if isinstance(value, list):
        return set().union(*map(texts_of, value)) if value else set()
    return {" ".join(str(value).split())}


class Kept:
    """What the catalogue has of one call: of all recordings that were made of it."""

    def __init__(self, server, rows: list[dict]):
        details = [json.loads(server.get(f"/api/v1/recordings/{row['id']}")[2]) for row in rows]
        self.states = {row["state"] for row in details}
        self.reasons = {reason for row in details for reason in row["reasons"]}
        self.participants = [p for row in details for p in row["participants"]]
        self.sessions = {s["id"] for row in details for s in row["communication_sessions"]}
        self.groups = {g["id"] for row in details for g in row["groups"]}
        self.streams = {t["stream"] for row in details for t in row["tracks"]} | {
            a["stream"] for row in details for a in row["associations"]}
        self.labels = {t["label"] for row in details for t in row["tracks"]}
        self.details = details
        self.packets = sum(t["packets"] for row in details for t in row["tracks"])
        self.documents = [server.get(d["url"])[2] for row in details for d in row["documents"]]

    @functools.cached_property
    def texts(self) -> set[str]:
        return set().union(*map(texts_of, self.details)) if self.details else set()

    def has_field(self, name: str, value: str) -> bool:
        folded = " ".join(value.split())
        return name in self.texts and any(folded in text for text in self.texts)

    def has_participant(self, wanted: dict) -> bool:
        return any(wanted["id"] in ("", kept["id"]) and
                   set(wanted["aors"]) <= {n["aor"] for n in kept["names"]} and
                   all(name in {" ".join(n["name"].split()) for n in kept["names"]} for name in wanted["names"])
                   for kept in self.participants)


def missing(kept: Kept, call: Call) -> list[str]:
    """What the catalogue lacks of all that a call said."""
    lacks = []
    for step in call.steps:
        expected = step.expected
        lacks += [f"{step.name}: participant {p}" for p in expected.get("participants", ())
                  if not kept.has_participant(p)]
        lacks += [f"{step.name}: session {s}" for s in expected.get("sessions", ()) if s not in kept.sessions]
        lacks += [f"{step.name}: group {g}" for g in expected.get("groups", ()) if g not in kept.groups]
        lacks += [f"{step.name}: label {m['label']}" for m in expected.get("media", ())
                  if m["label"] and m["port"] and m["label"] not in kept.labels]
        lacks += [f"{step.name}: stream {s['id']}" for s in expected.get("streams", ())
                  if s["id"] and s["label"] in {m["label"] for st in call.steps for m in st.expected.get("media", ())}
                  and s["id"] not in kept.streams]
        lacks += [f"{step.name}: field {n} = {v}" for n, v in expected.get("fields", ()) if not kept.has_field(n, v)]
    return lacks


def surplus(kept: Kept, call: Call) -> list[str]:
    """What the catalogue has beyond all that a call said."""
    def said(what: str) -> set[str]:
        return {each["id"] if isinstance(each, dict) else each
                for step in call.steps for each in step.expected.get(what, ())}
    # A stream that is sent and not declared is known by its association alone.
    streams = {stream for stream in kept.streams - said("streams") - {""}
               if not any(stream.encode() in step.raw for step in call.steps)}
    found = [f"{what} {sorted(extra)}" for what, extra in (
        ("sessions", kept.sessions - said("sessions")), ("groups", kept.groups - said("groups")),
        ("streams", streams)) if extra]
    if known := said("participants"):
        # Who sends a stream that the metadata gives to nobody is unknown; who has no id is anonymous.
        made_up = ("unknown-", "anonymous-") if "" in known else ("unknown-",)
        extra = {p["id"] for p in kept.participants if not p["id"].startswith(made_up)} - known
        found += [f"participants {sorted(extra)}"] if extra else []
    documents = sum("metadata" in kind or "+xml" in kind for step in call.steps for kind in step.expected["parts"])
    if call.steps[0].expected["status"] == 200 and len(kept.documents) < documents:
        found.append(f"{len(kept.documents)} documents of {documents}")
    return found


def wait_until_stored(server, calls: list[Call], timeout: float = 60) -> dict[str, list[dict]]:
    """The recordings of each call, by Call-ID, when nothing is under way any more."""
    by_call: dict[str, list[dict]] = {}

    def all_stored() -> bool:
        if any(any((server.data / folder).glob("*.pcapng")) for folder in ("live", "captures")):
            return False  # cheaper to ask than the catalogue
        by_call.clear()
        try:
            for row in server.recordings():
                by_call.setdefault(row["call_id"], []).append(row)
        except AssertionError:
            return False  # the database is on its way
        return all(rows and all(row["state"] not in ("recording", "finalizing") for row in rows)
                   for rows in (by_call.get(call.call_id, []) for call in calls))
    try:
        harness.wait_for(all_stored, "every call is in the catalogue", timeout, 0.5)
    except AssertionError:
        waiting = [str(file.relative_to(server.data)) for folder in ("live", "captures")
                   for file in (server.data / folder).glob("*.pcapng")]
        if waiting:
            raise AssertionError(f"not archived: {len(waiting)} captures, among them {waiting[:5]}\n"
                                 f"{server.log()[-4000:]}") from None
        absent = [call.name for call in calls if not by_call.get(call.call_id)]
        raise AssertionError(f"not in the catalogue: {absent}") from None
    return by_call
