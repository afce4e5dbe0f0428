"""SIPp scenarios of the call flows of RFC 8068, written from a list of steps each, with metadata of our
own. SIPp makes a file FLOW-LABEL.PORT.port for each m-line that is answered; who runs the scenario sends
known media there from then on, without a pause, so that the place of every cut can be read off the
recording. FLOW.moved says that the client's ports have changed, FLOW.prompt that the recorder should do
its part."""

import dataclasses
import html

NAMESPACE = "urn:ietf:params:xml:ns:recording:1"


def ids(flow: str, *names: str) -> list[str]:
    """Base64 forms of 16 octets (RFC 7865 6.10), another one for each flow."""
    import base64
    import hashlib
    return [base64.b64encode(hashlib.md5(f"{flow}/{name}".encode()).digest()).decode() for name in names]


def document(mode: str, *elements: str) -> str:
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<recording xmlns="{NAMESPACE}">\n'
            f"  <datamode>{mode}</datamode>\n  " + "\n  ".join(elements) + "\n</recording>\n")


def group(name: str) -> str:
    return f'<group group_id="{name}"><associate-time>2026-11-21T10:00:00Z</associate-time></group>'


def session(name: str, inside: str = "") -> str:
    return f'<session session_id="{name}">{inside}</session>'


def sip_session(local: str, remote: str) -> str:
    # Folded as RFC 8068 has it: white space belongs to nothing.
    return f"<sipSessionID>{local};\n      remote={remote}</sipSessionID>"


def stop() -> str:
    return "<stop-time>2026-11-21T10:00:09Z</stop-time>"


def participant(name: str, display: str, aor: str = "") -> str:
    """Without a display name where that is empty."""
    aor = aor or f"sip:{display.lower()}@example.com"
    called = f'<name xml:lang="en">{html.escape(display)}</name>' if display else ""
    return f'<participant participant_id="{name}"><nameID aor="{html.escape(aor)}">{called}</nameID></participant>'


def stream(name: str, cs: str, label: int) -> str:
    return f'<stream stream_id="{name}" session_id="{cs}"><label>{label}</label></stream>'


def joins(party: str, cs: str, at: str = "2026-11-21T10:00:01Z") -> str:
    return (f'<participantsessionassoc participant_id="{party}" session_id="{cs}">'
            f"<associate-time>{at}</associate-time></participantsessionassoc>")


def leaves(party: str, cs: str) -> str:
    return (f'<participantsessionassoc participant_id="{party}" session_id="{cs}">'
            "<disassociate-time>2026-11-21T10:00:05Z</disassociate-time></participantsessionassoc>")


def media(party: str, send: tuple[str, ...] = (), recv: tuple[str, ...] = ()) -> str:
    inside = "".join(f"<send>{s}</send>" for s in send) + "".join(f"<recv>{r}</recv>" for r in recv)
    return f'<participantstreamassoc participant_id="{party}">{inside}</participantstreamassoc>'


@dataclasses.dataclass(frozen=True)
class Line:
    """An m-line of the client's offers. Its port is a keyword that SIPp is told."""
    label: int
    kind: str = "audio"
    is_off: bool = False

    def offer(self, moved: bool, direction: str) -> list[str]:
        port = "0" if self.is_off else f"[{'moved' if moved else 'port'}{self.label}]"
        # Profiles and the codec's name as RFC 8068 3.2.1 prints them; H264 is the registered name.
        codec = (["m=audio {} RTP/AVP 0", "a=rtpmap:0 PCMU/8000"] if self.kind == "audio" else
                 ["m=video {} RTP/AVPF 96", "a=rtpmap:96 H.264/90000"])
        return [codec[0].format(port), codec[1], f"a=label:{self.label}", f"a={direction}"]


AUDIO = (Line(1), Line(2))
MIXED = (Line(1),)
AUDIO_AND_VIDEO = (Line(96), Line(97, "video"), Line(98), Line(99, "video"))


def offer(lines: tuple[Line, ...], version: int, direction: str = "sendonly", moved: bool = False) -> str:
    text = ["v=0", f"o=src 4711 {version} IN IP4 [local_ip]", "s=-", "c=IN IP4 [media_ip]", "t=0 0"]
    for line in lines:
        text += line.offer(moved, direction)
    return "\n".join(text) + "\n"


@dataclasses.dataclass(frozen=True)
class Spelling:
    """How a client writes the parts of a body."""
    sdp: str = "application/sdp"
    metadata: str = "application/rs-metadata+xml"
    before_xml: str = ""


REGISTERED = Spelling()
# RFC 8068: the types of old, and blanks before the XML declaration.
AS_PRINTED = Spelling("application/SDP", "application/rs-metadata", "      ")


def multipart(sdp: str, metadata: str, spelling: Spelling, disposition: bool = True) -> tuple[str, str]:
    """Content-Type and body; a part that is empty is left out."""
    if not sdp and not metadata:
        return "", ""
    body = ""
    if sdp:
        body += f"--flow-part\nContent-Type: {spelling.sdp}\n\n{sdp}\n"
    if metadata:
        header = "Content-Disposition: recording-session\n" if disposition else ""
        body += f"--flow-part\nContent-Type: {spelling.metadata}\n{header}\n{spelling.before_xml}{metadata}\n"
    return "multipart/mixed;boundary=flow-part", body + "--flow-part--\n"


def request(method: str, cseq: int, content_type: str = "", body: str = "", retrans: bool = True) -> str:
    to_tag = "" if method == "INVITE" and cseq == 101 else "[peer_tag_param]"
    headers = f"Content-Type: {content_type}\n" if content_type else ""
    attribute = ' retrans="500"' if retrans else ""
    return f"""  <send{attribute}>
    <![CDATA[
{method} sip:srs@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Recording client" <sip:src@[local_ip]:[local_port]>;tag=src[call_number]
To: <sip:srs@[remote_ip]:[remote_port]>{to_tag}
Call-ID: [call_id]
CSeq: {cseq} {method}
Max-Forwards: 70
Require: siprec
Accept: application/sdp, application/rs-metadata, application/rs-metadata-request
Allow: INVITE, ACK, BYE, CANCEL, UPDATE, INFO, OPTIONS
Contact: <sip:src@[local_ip]:[local_port];transport=[transport]>;+sip.src
{headers}Content-Length: [len]

{body}
    ]]>
  </send>
"""


def response(content_type: str = "", body: str = "", to_tag: str = "") -> str:
    headers = f"Content-Type: {content_type}\n" if content_type else ""
    attribute = ' retrans="500"' if to_tag else ""
    return f"""  <send{attribute}>
    <![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]{to_tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:src@[local_ip]:[local_port];transport=[transport]>;+sip.src
{headers}Content-Length: [len]

{body}
    ]]>
  </send>
"""


class Flow:
    """Steps of one recording session: begin() or called() first, then any, bye() or hung_up() last."""

    def __init__(self, name: str, lines: tuple[Line, ...] = AUDIO, spelling: Spelling = REGISTERED):
        self.name, self.lines, self.spelling = name, lines, spelling
        self.ever: dict[int, Line] = {}  # every m-line that was answered, by label
        self.cseq, self.version = 100, 0
        self.is_called = self.is_prompted = False
        self.steps: list[str] = []
        self.variables: set[str] = set()

    def _ack(self, body: str = "") -> None:
        self.steps.append(request("ACK", self.cseq, self.spelling.sdp if body else "", body, retrans=False))

    def _send(self, method: str, sdp: str, metadata: str, disposition: bool) -> None:
        self.cseq += 1
        content_type, body = multipart(sdp, metadata, self.spelling, disposition)
        self.steps.append(request(method, self.cseq, content_type, body))
        self.steps.append('  <recv response="100" optional="true"/>\n')

    def _variable(self) -> str:
        self.variables.add(f"v{len(self.variables)}")
        return f"v{len(self.variables) - 1}"

    def _seek(self, pattern: str, absent: bool = False) -> str:
        check = "check_it_inverse" if absent else "check_it"
        return f'<ereg regexp="{pattern}" search_in="body" {check}="true" assign_to="{self._variable()}"/>'

    def _described(self, direction: str) -> str:
        """What has to be in a description of the recorder: each m-line in its place, with label and direction."""
        pattern, ports = [], []
        for line in self.lines:
            pattern.append(f"m={line.kind} 0 " if line.is_off else
                           f"m={line.kind} ([1-9][0-9]*) .*a=label:{line.label}")
            if not line.is_off:
                ports.append(f"port{line.label}")
                self.ever[line.label] = line
        self.variables.update(ports)
        places = (f'<ereg regexp="{".*".join(pattern)}" search_in="body" check_it="true"'
                  f' assign_to="{",".join([self._variable(), *ports])}"/>')
        return places + self._seek(".*".join(f"a={direction}" for line in self.lines if not line.is_off))

    def _note_ports(self) -> None:
        for line in self.lines:
            if not line.is_off:
                self._touch(f"{self.name}-{line.label}.[$port{line.label}].port")

    def _touch(self, file: str) -> None:
        self.steps.append(f'  <nop><action><exec command="touch {file}"/></action></nop>\n')

    def _expect(self, method: str, checks: str = "") -> None:
        inside = f"<action>{checks}</action>" if checks else ""
        self.steps.append(f'  <recv request="{method}" timeout="30000">{inside}</recv>\n')

    def begin(self, metadata: str, answer: str = "recvonly") -> "Flow":
        self.version += 1
        self._send("INVITE", offer(self.lines, self.version), metadata, True)
        self.steps.append(f'  <recv response="200"><action>{self._described(answer)}</action></recv>\n')
        self._ack()
        self._note_ports()
        return self

    def called(self, metadata: str) -> "Flow":
        """The SRS begins, without an offer: ours is in the 200, its answer in the ACK (RFC 7866 7.2)."""
        self.is_called = True
        self.version += 1
        require = ('<ereg regexp="siprec" search_in="hdr" header="Require:" check_it="true"'
                   f' assign_to="{self._variable()}"/>')
        self._expect("INVITE", require + self._seek("m=", absent=True))
        content_type, body = multipart(offer(self.lines, self.version), metadata, self.spelling)
        self.steps.append(response(content_type, body, ";tag=src[call_number]"))
        self._expect("ACK", self._described("recvonly"))
        self._note_ports()
        return self

    def pause(self, milliseconds: int) -> "Flow":
        self.steps.append(f'  <pause milliseconds="{milliseconds}"/>\n')
        return self

    def reinvite(self, metadata: str, direction: str = "sendonly", answer: str = "recvonly", *,
                 lines: tuple[Line, ...] = (), moved: bool = False, disposition: bool = True) -> "Flow":
        self.version += 1
        self.lines = lines or self.lines
        self._send("INVITE", offer(self.lines, self.version, direction, moved), metadata, disposition)
        self.steps.append(f'  <recv response="200"><action>{self._described(answer)}</action></recv>\n')
        self._ack()
        self._note_ports()
        if moved:
            self._touch(f"{self.name}.moved")
        return self

    def offerless(self, metadata: str, disposition: bool = True) -> "Flow":
        """The SRS has to offer in its 200; our answer is in the ACK (RFC 3264, RFC 8068 3.4.1)."""
        self._send("INVITE", "", metadata, disposition)
        self.version += 1
        self.steps.append(f'  <recv response="200"><action>{self._described("recvonly")}</action></recv>\n')
        self._ack(offer(self.lines, self.version))
        return self

    def prompt(self) -> "Flow":
        """Tells who runs the scenario that the recorder's part comes next."""
        self.is_prompted = True
        self._touch(f"{self.name}.prompt")
        return self

    def reinvited(self, direction: str) -> "Flow":
        """The SRS offers; the same m-lines have to be in its offer (RFC 7866 7.2)."""
        self._expect("INVITE", self._described(direction))
        self.version += 1
        self.steps.append(response(self.spelling.sdp, offer(self.lines, self.version)))
        self._expect("ACK")
        return self

    def asked_for_a_snapshot(self) -> "Flow":
        self._expect("UPDATE", self._seek("requestsnapshot") + self._seek("m=", absent=True))
        self.steps.append(response())
        return self

    def update(self, metadata: str) -> "Flow":
        self._send("UPDATE", "", metadata, True)
        self.steps.append('  <recv response="200"/>\n')
        return self

    def bye(self, metadata: str = "", disposition: bool = True) -> "Flow":
        self._send("BYE", "", metadata, disposition)
        self.steps.append('  <recv response="200"/>\n')
        return self

    def hung_up(self) -> "Flow":
        self._expect("BYE")
        self.steps.append(response())
        return self

    def xml(self) -> str:
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{self.name}">\n{"".join(self.steps)}'
                f'  <Reference variables="{",".join(sorted(self.variables))}"/>\n</scenario>\n')
