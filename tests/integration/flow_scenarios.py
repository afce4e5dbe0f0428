"""SIPp scenarios of the call flows of RFC 8068, written from a list of steps each, with metadata of our
own. SIPp makes a file FLOW-LABEL.PORT.port for each m-line; who runs the scenario sends known
audio there from then on, without a pause, so that the place of every cut can be read off the recording."""

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
    aor = aor or f"sip:{display.lower()}@example.com"
    return (f'<participant participant_id="{name}"><nameID aor="{html.escape(aor)}">'
            f'<name xml:lang="en">{html.escape(display)}</name></nameID></participant>')


def stream(name: str, cs: str, label: int) -> str:
    return f'<stream stream_id="{name}" session_id="{cs}"><label>{label}</label></stream>'


def joins(party: str, cs: str) -> str:
    return (f'<participantsessionassoc participant_id="{party}" session_id="{cs}">'
            "<associate-time>2026-11-21T10:00:01Z</associate-time></participantsessionassoc>")


def leaves(party: str, cs: str) -> str:
    return (f'<participantsessionassoc participant_id="{party}" session_id="{cs}">'
            "<disassociate-time>2026-11-21T10:00:05Z</disassociate-time></participantsessionassoc>")


def media(party: str, send: tuple[str, ...] = (), recv: tuple[str, ...] = ()) -> str:
    inside = "".join(f"<send>{s}</send>" for s in send) + "".join(f"<recv>{r}</recv>" for r in recv)
    return f'<participantstreamassoc participant_id="{party}">{inside}</participantstreamassoc>'


def offer(labels: tuple[int, ...], version: int, direction: str = "sendonly") -> str:
    lines = ["v=0", f"o=src 4711 {version} IN IP4 [local_ip]", "s=-", "c=IN IP4 [media_ip]", "t=0 0"]
    for index, label in enumerate(labels):
        lines += [f"m=audio {49170 + 2 * index} RTP/AVP 0", "a=rtpmap:0 PCMU/8000", f"a=label:{label}", f"a={direction}"]
    return "\n".join(lines) + "\n"


def multipart(sdp: str, metadata: str) -> tuple[str, str]:
    """Content-Type and body; a part that is empty is left out."""
    if not sdp and not metadata:
        return "", ""
    body = ""
    if sdp:
        body += f"--flow-part\nContent-Type: application/sdp\nContent-Disposition: session\n\n{sdp}\n"
    if metadata:
        body += ("--flow-part\nContent-Type: application/rs-metadata+xml\n"
                 f"Content-Disposition: recording-session\n\n{metadata}\n")
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
Accept: application/sdp, application/rs-metadata
Contact: <sip:src@[local_ip]:[local_port];transport=[transport]>;+sip.src
{headers}Content-Length: [len]

{body}
    ]]>
  </send>
"""


class Flow:
    """Steps of one recording session: begin() first, then any, bye() last."""

    def __init__(self, name: str, labels: tuple[int, ...] = (1, 2)):
        self.name, self.labels = name, labels
        self.cseq, self.version = 100, 0
        self.steps: list[str] = []

    def _ack(self, body: str = "") -> None:
        self.steps.append(request("ACK", self.cseq, "application/sdp" if body else "", body, retrans=False))

    def _send(self, method: str, sdp: str, metadata: str) -> None:
        self.cseq += 1
        content_type, body = multipart(sdp, metadata)
        self.steps.append(request(method, self.cseq, content_type, body))
        self.steps.append('  <recv response="100" optional="true"/>\n')

    def begin(self, metadata: str) -> "Flow":
        self.version += 1
        self._send("INVITE", offer(self.labels, self.version), metadata)
        ports = ",".join(f"port{label}" for label in self.labels)
        pattern = ".*".join(f"m=audio ([0-9]+) .*a=label:{label}" for label in self.labels)
        self.steps.append(
            f'  <recv response="200"><action><ereg regexp="{pattern}" search_in="body" check_it="true"'
            f' assign_to="all,{ports}"/></action></recv>\n')
        self._ack()
        for label in self.labels:
            self.steps.append(f'  <nop><action><exec command="touch {self.name}-{label}.[$port{label}].port"/>'
                              "</action></nop>\n")
        return self

    def pause(self, milliseconds: int) -> "Flow":
        self.steps.append(f'  <pause milliseconds="{milliseconds}"/>\n')
        return self

    def reinvite(self, metadata: str, direction: str = "sendonly", answer: str = "recvonly") -> "Flow":
        self.version += 1
        self._send("INVITE", offer(self.labels, self.version, direction), metadata)
        self.steps.append(f'  <recv response="200"><action><ereg regexp="a={answer}" search_in="body"'
                          f' check_it="true" assign_to="direction{self.version}"/></action></recv>\n')
        self._ack()
        return self

    def offerless(self, metadata: str) -> "Flow":
        """The SRS has to offer in its 200; our answer is in the ACK (RFC 3264, RFC 8068 3.4.1)."""
        self._send("INVITE", "", metadata)
        self.version += 1
        self.steps.append('  <recv response="200"><action><ereg regexp="m=audio [0-9]+.*a=recvonly" search_in="body"'
                          f' check_it="true" assign_to="direction{self.version}"/></action></recv>\n')
        self._ack(offer(self.labels, self.version))
        return self

    def update(self, metadata: str) -> "Flow":
        self._send("UPDATE", "", metadata)
        self.steps.append('  <recv response="200"/>\n')
        return self

    def bye(self, metadata: str = "") -> "Flow":
        self._send("BYE", "", metadata)
        self.steps.append('  <recv response="200"/>\n')
        return self

    def xml(self) -> str:
        text = "".join(self.steps)
        names = ["all"] + [f"direction{v}" for v in range(2, self.version + 1) if f'"direction{v}"' in text]
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{self.name}">\n{text}'
                f'  <Reference variables="{",".join(names)}"/>\n</scenario>\n')
