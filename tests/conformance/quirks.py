"""Messages of our own writing: one or more for every row of the reference's list of vendors' quirks.

Each case is named after what is odd in it; what it carries is made up.
"""

import base64
import dataclasses
import re

from replay import Call, Step

RFC = "urn:ietf:params:xml:ns:recording:1"
LATE = "urn:ietf:params:xml:ns:recording"
EARLY = "urn:ietf:params:xml:ns:siprec"
ANN = {"id": "cGFydHktYW5u", "aors": ["sip:ann@example.net"], "names": ["Ann Quirk"]}
BOB = {"id": "cGFydHktYm9i", "aors": ["sip:+15550100@example.net"], "names": ["Bob"]}
SESSION, GROUP, ONE, TWO = "c2Vzc2lvbi0x", "Z3JvdXAtMQ==", "c3RyZWFtLTE=", "c3RyZWFtLTI="


def line(label, *, port=41000, formats="0", direction="a=sendonly", extra="", kind="audio", protocol="RTP/AVP") -> str:
    lines = [f"m={kind} {port} {protocol} {formats}", extra, f"a=label:{label}" if label is not None else "", direction]
    return "".join(text + "\r\n" for text in lines if text)


def sdp(*lines: str, head: str = "v=0\r\no=q 7 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n") -> str:
    return head + "".join(lines or (line(1), line(2, port=41002)))


def rfc(*, name_space=RFC, labels=("1", "2"), extension="", people=(ANN, BOB), head='<?xml version="1.0" encoding="UTF-8"?>',
        mode="<datamode>complete</datamode>", prefix="") -> str:
    p, xmlns = (prefix + ":", f'xmlns:{prefix}="{name_space}"') if prefix else ("", f'xmlns="{name_space}"')
    text = f"{head}\r\n<{p}recording {xmlns}>{mode}<{p}group group_id=\"{GROUP}\"/>" \
        f'<{p}session session_id="{SESSION}"><{p}group-ref>{GROUP}</{p}group-ref>' \
        f"<{p}start-time>2026-03-04T05:06:07Z</{p}start-time></{p}session>"
    for person in people:
        text += f'<{p}participant participant_id="{person["id"]}"><{p}nameID aor="{person["aors"][0]}">' \
            f"<{p}name>{person['names'][0]}</{p}name></{p}nameID></{p}participant>"
    for stream, label in zip((ONE, TWO), labels):
        text += f'<{p}stream stream_id="{stream}" session_id="{SESSION}"><{p}label>{label}</{p}label></{p}stream>'
    for person, stream in zip(people, (ONE, TWO)):
        text += f'<{p}participantsessionassoc participant_id="{person["id"]}" session_id="{SESSION}"/>' \
            f'<{p}participantstreamassoc participant_id="{person["id"]}"><{p}send>{stream}</{p}send></{p}participantstreamassoc>'
    return text + extension + f"</{p}recording>"


def late(*, name_space=LATE, extension="", root="recording") -> str:
    """The late draft: id and session attributes, send and recv within the participant."""
    return f'<{root} xmlns="{name_space}"><datamode>complete</datamode><group id="{GROUP}"/>' \
        f'<session id="{SESSION}" group-ref="{GROUP}"><associate-time>2026-03-04T05:06:07</associate-time>{extension}</session>' + "".join(
            f'<participant id="{p["id"]}" session="{SESSION}"><nameID aor="{p["aors"][0]}"><name>{p["names"][0]}</name></nameID>'
            f"<send>{s}</send><associate-time>2026-03-04T05:06:07</associate-time></participant>"
            f'<stream id="{s}" session="{SESSION}"><label>{n}</label><mode>separate</mode></stream>'
            for p, s, n in ((ANN, ONE, 1), (BOB, TWO, 2))) + f"</{root}>"


def early(*, extension="") -> str:
    """The early draft: recording_metadata, linked by attributes, the AOR as a child."""
    return f'<recording_metadata xmlns="{EARLY}"><dataMode>complete</dataMode><recording id="urn:uuid:11111111-2222-3333-4444-555555555555">' \
        f"<requestor>SRC</requestor><type>selective</type></recording><group id=\"{GROUP}\"><initiator>sip:ann@example.net</initiator></group>" \
        f'<session id="{SESSION}" group="{GROUP}"><start-time>2026-03-04T05:06:07+00:00</start-time></session>' + "".join(
            f'<participant id="{p["id"]}" session="{SESSION}"><aor>{p["aors"][0]}</aor><name>{p["names"][0]}</name>'
            f"<send><id>{s}</id></send></participant><stream id=\"{s}\" session=\"{SESSION}\"><label>{n}</label><mode>separate</mode></stream>"
            for p, s, n in ((ANN, ONE, 1), (BOB, TWO, 2))) + \
        f'<extensiondata id="urn:uuid:99999999-2222-3333-4444-555555555555" parent="{SESSION}">{extension}</extensiondata></recording_metadata>'


def multipart(*parts: tuple[str, str | bytes], boundary="own-Boundary", close=True, preamble="", before_delimiter="\r\n",
              blanks="") -> bytes:
    body = preamble.encode()
    for i, (headers, content) in enumerate(parts):
        body += (before_delimiter if i else "").encode() + f"--{boundary}{blanks}\r\n{headers}\r\n\r\n".encode()
        body += content if isinstance(content, bytes) else content.encode()
    return body + (f"{before_delimiter}--{boundary}--\r\n".encode() if close else b"")


SDP_HEAD = "Content-Type: application/sdp"
XML_HEAD = "Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session"


def request(body: bytes | None = None, *, method="INVITE", require="Require: siprec", contact="<sip:q@127.0.0.1:5090>;+sip.src",
            sender="<sip:q@example.net>;tag=q1", to="<sip:srs@example.net>", content_type='multipart/mixed;boundary="own-Boundary"',
            headers="", length="", offer: str | None = None, xml: str | bytes | None = None) -> bytes:
    if body is None:
        parts = [(SDP_HEAD, offer if offer is not None else sdp())]
        parts.append((XML_HEAD, xml if xml is not None else rfc()))
        body = multipart(*parts)
    lines = [f"{method} sip:srs@example.net SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bKq", "Max-Forwards: 70",
             f"From: {sender}", f"To: {to}", "Call-ID: q", f"CSeq: 1 {method}", f"Contact: {contact}" if contact else "", require,
             headers, f"Content-Type: {content_type}" if content_type else "", length or f"Content-Length: {len(body)}"]
    return "\r\n".join(text for text in lines if text).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


TWO_LINES = [{"type": "audio", "label": str(n), "port": 41000, "protocol": "RTP/AVP", "direction": "sendonly"} for n in (1, 2)]


def lines_of(*labels, direction="sendonly", port=41000, kind="audio", protocol="RTP/AVP") -> list[dict]:
    return [{"type": kind, "label": label, "port": port, "protocol": protocol, "direction": direction} for label in labels]


def expect(media=None, people=(ANN, BOB), status=200, fields=(), parts=("application/sdp", "application/rs-metadata+xml"), **more) -> dict:
    return {"status": status, "media": TWO_LINES if media is None else media, "participants": list(people),
            "fields": list(fields), "parts": list(parts), **more}


@dataclasses.dataclass
class Quirk:
    """One call: the requests of it, each with what has to come of it."""
    name: str
    steps: list[tuple[bytes, dict]]

    def call(self) -> Call:
        return Call(self.name, [Step(f"{self.name} {n + 1}", raw, "sip", expected)
                                for n, (raw, expected) in enumerate(self.steps)])


def one(name: str, raw: bytes, **expected) -> Quirk:
    return Quirk(name, [(raw, expect(**expected))])


def recognising() -> list[Quirk]:
    """Section 1: how a recording session is recognised, and what SIP headers look like."""
    return [
        one("no Require, feature tag only", request(require="")),
        one("no Require and no feature tag, metadata part only", request(require="", contact="<sip:q@127.0.0.1:5090>")),
        one("siprec in Supported as well", request(headers="Supported: siprec, timer")),
        one("Contact tag ;src", request(require="", contact="<sip:q@127.0.0.1:5090>;src")),
        one("feature tag within the angle brackets", request(require="", contact="<sip:q@127.0.0.1:5090;+sip.src>")),
        one("feature tag with a value", request(require="", contact='<sip:q@127.0.0.1:5090>;+sip.src="TRUE"')),
        one("Contact without angle brackets", request(contact="sip:q@127.0.0.1:5090;transport=udp")),
        one("Contact whose bracket never closes", request(contact="<sip:q@127.0.0.1:5090;+sip.src")),
        one("Contact that is no URI", request(contact="<sip:>;+sip.src")),
        one("Contact with a masked address", request(contact="<sip:q@10.x.y.z:5060;transport=udp>;+sip.src")),
        one("no Contact", request(contact="")),
        one("From without angle brackets", request(sender="sip:q@example.net;tag=q1")),
        one("From with a display name and no brackets", request(sender='"Q" sip:q@example.net;tag=q1')),
        one("From with odd parameters within the URI", request(sender='"Q. Uirk" <sip:q@example.net;x-refci=1;isup-oli=00>;tag=q1;x="y"')),
        one("From without a tag", request(sender="<sip:q@example.net>")),
        one("From and To are the recorder", request(sender="<sip:srs@127.0.0.1>;tag=q1", to="<sip:srs@127.0.0.1>")),
        one("empty header values", request(headers="Supported:\r\nRecv-Info:\r\nAllow-Events: \r\nCall-Info: (null)\r\nReason:")),
        one("repeated headers", request(headers="Accept: application/sdp\r\nAccept: application/rs-metadata-request\r\nSupported: timer\r\nSupported: siprec\r\nAllow: INVITE\r\nAllow: BYE")),
        one("blanks around the colon", request(headers="Subject:none\r\nX-Two:  doubled\r\nUser-Agent :  SBC  7.1 ")),
        one("session timer headers that say nothing", request(headers="Session-Expires: \r\nMin-SE:")),
        one("session timer with odd values", request(headers="Session-Expires: 1800;refresher=uac;x\r\nMin-SE:  35")),
        one("headers with bytes that are no ASCII", request(headers="Subject: J\udcfcrgen \u00e4\r\nP-Asserted-Identity: \"J\u00fcrgen\" <sip:q@example.net>")),
        one("route headers that do not parse", request(headers="Record-Route: <sip:192.0.2.x;lr\r\nRoute: nonsense")),
        one("date and expires that do not parse", request(headers="Date: yesterday\r\nExpires: soon\r\nTimestamp: x\r\nPriority:")),
        one("compact header names", request(headers="k: timer\r\ns: compact", content_type="").replace(
            b"Content-Length", b"c: multipart/mixed;boundary=own-Boundary\r\nl").replace(b"From:", b"f:").replace(b"To:", b"t:")),
        one("folded headers", request(headers="Subject: one\r\n two\r\n\tthree", content_type="multipart/mixed;\r\n boundary=own-Boundary")),
        one("no Max-Forwards", request().replace(b"Max-Forwards: 70\r\n", b"")),
        one("Max-Forwards of 0", request().replace(b"Max-Forwards: 70", b"Max-Forwards: 0")),
        one("CSeq starts high", request().replace(b"CSeq: 1 ", b"CSeq: 2147480000 ")),
        one("option tags in upper case", request(require="Require: SipRec")),
        one("unknown MIME-Version and Content-Language", request(headers="MIME-Version: x\r\nContent-Language:\r\nContent-Encoding: identity")),
        one("built-in bridge: no body and nothing of SIPREC", request(b"", require="", content_type="", contact="<sip:q@127.0.0.1>;isFocus",
            sender='"Q" <sip:4062@127.0.0.1;x-nearend;x-refci=1;x-nearendaddr=4062>;tag=q1'), status=403, media=[], people=[], parts=[]),
    ]


def bodies() -> list[Quirk]:
    """Section 2."""
    x = ("Content-Type: application/rs-metadata\r\nContent-Disposition: recording-session", rfc())
    o = (SDP_HEAD, sdp())
    full = (XML_HEAD, rfc())
    gtd = ("Content-Type: application/gtd\r\nContent-Disposition: signal;handling=optional", "IAM,\r\nGCI,0\r\n")

    def mixed(*parts, content_type='multipart/mixed;boundary="own-Boundary"', **settings) -> bytes:
        return request(multipart(*parts, **settings), content_type=content_type)
    return [
        one("metadata type without +xml", mixed(o, x)),
        one("metadata type in mixed case", mixed(o, ("Content-Type: Application/RS-Metadata+XML", rfc()))),
        one("metadata in front of the SDP", mixed(full, o)),
        one("no disposition at all", mixed(o, ("Content-Type: application/rs-metadata+xml", rfc()))),
        one("list of dispositions and odd handling", mixed(
            (SDP_HEAD + "\r\nContent-Disposition: session ; handling = required", sdp()),
            ("Content-Type: application/rs-metadata+xml;charset=UTF-8\r\nContent-Disposition: recording-session, session;handling=optional", rfc()))),
        one("third part", mixed(o, gtd, full)),
        one("Content-Length within the parts", mixed((SDP_HEAD + "\r\nContent-Length: 3", sdp()), (XML_HEAD + "\r\nContent-Length:99999", rfc()))),
        one("Content-ID and Content-Transfer-Encoding", mixed((SDP_HEAD + "\r\nContent-ID: <1@q>", sdp()), (XML_HEAD + "\r\nContent-Transfer-Encoding: 8BIT", rfc()))),
        one("empty lines in front of the first delimiter", mixed(o, full, preamble="\r\n\r\n")),
        one("text in front of the first delimiter", mixed(o, full, preamble="This is a multi-part message.\r\n")),
        one("blank in front of boundary", mixed(o, full, content_type="multipart/mixed; boundary = own-Boundary ")),
        one("boundary of dashes, dots and equals signs", mixed(o, full, boundary="----=_Part_7_88.99", content_type='multipart/mixed;boundary="----=_Part_7_88.99"')),
        one("the same not quoted", mixed(o, full, boundary="----=_Part_7_88.99", content_type="multipart/mixed;boundary=----=_Part_7_88.99")),
        one("boundary behind other parameters", mixed(o, full, content_type='multipart/mixed;charset=utf-8;BOUNDARY="own-Boundary";start="x"')),
        one("no boundary parameter", mixed(o, full, content_type="multipart/mixed")),
        one("another boundary than announced", mixed(o, full, content_type="multipart/mixed;boundary=other")),
        one("boundary announced with its dashes", mixed(o, full, content_type="multipart/mixed;boundary=--own-Boundary")),
        one("blanks behind delimiters", mixed(o, full, blanks="  \t")),
        one("no closing delimiter", mixed(o, full, close=False)),
        one("no line end behind the closing delimiter", request(multipart(o, full)[:-2])),
        one("cut within the metadata", request(multipart(o, full, close=False)[:-30])),
        one("no empty line before a delimiter", mixed(o, full, before_delimiter="")),
        one("bare LF in the metadata", mixed(o, (XML_HEAD, rfc().replace("><", ">\n<")))),
        one("bare LF in the whole body", request(multipart(o, full).replace(b"\r\n", b"\n"))),
        one("no line end at all behind the last line of SDP", mixed((SDP_HEAD, sdp().rstrip()), full)),
        one("multipart/related", mixed(o, full, content_type="multipart/related;boundary=own-Boundary")),
        one("multipart without a type", mixed(o, full, content_type="")),
        one("multipart called SDP", mixed(o, full, content_type="application/sdp")),
        one("parts without types", mixed(("X-Nothing: 1", sdp()), ("X-Nothing: 2", rfc()))),
        one("part with a damaged type", mixed(o, ("Content-Type: application/ +xml\r\nContent-Disposition: recording-session", rfc()))),
        one("metadata called text/xml", mixed(o, ("Content-Type: text/xml\r\nContent-Disposition: recording-session", rfc()))),
        one("metadata called application/xml without disposition", mixed(o, ("Content-Type: application/xml", rfc()))),
        one("base64 part", mixed(o, (XML_HEAD + "\r\nContent-Transfer-Encoding: base64", base64.encodebytes(rfc().encode())))),
        one("nested multipart", mixed(("Content-Type: multipart/alternative;boundary=inner", multipart(o, boundary="inner")), full)),
        one("part headers without an empty line", request(multipart(o, full).replace(b"sdp\r\n\r\nv=0", b"sdp\r\nv=0"))),
        one("two SDP parts", mixed(o, full, (SDP_HEAD, sdp(line(9))))),
        one("announced length is longer", request(multipart(o, full), length="Content-Length: 9000")),
        one("announced length is shorter", request(multipart(o, full), length="Content-Length: 700")),
        one("no announced length", request(multipart(o, full), length="X-No-Length: 1")),
        one("announced length is no number", request(multipart(o, full), length="Content-Length: many"), status=400),
        one("metadata alone, no SDP", mixed(full), media=[], parts=["application/rs-metadata+xml"]),
        Quirk("metadata as a whole body in UPDATE, BYE by its own", [
            (request(), expect()),
            (request(rfc(people=(ANN,)).encode(), method="UPDATE", content_type="application/rs-metadata"),
             expect(media=[], people=[ANN], parts=["application/rs-metadata"]))]),
        Quirk("re-INVITE with SDP only keeps the metadata", [
            (request(), expect()),
            (request(sdp(line(1, direction="a=inactive"), line(2, direction="a=inactive")).encode(), content_type="application/sdp"),
             expect(media=lines_of("1", "2", direction="inactive"), parts=["application/sdp"]))]),
    ]


def documents() -> list[Quirk]:
    """Section 3."""
    carol = {"id": "Y2Fyb2w=", "aors": ["sip:carol@example.net"], "names": ["Carol"]}
    anonymous = {"id": "", "aors": ["sip:ann@example.net"], "names": ["Ann Quirk"]}

    def with_xml(name: str, xml: str | bytes, **expected) -> Quirk:
        return one(name, request(xml=xml), **expected)
    whole = {"sessions": [SESSION], "groups": [GROUP], "streams": [{"id": ONE, "label": "1"}, {"id": TWO, "label": "2"}]}
    return [
        with_xml("RFC 7865", rfc(), **whole),
        with_xml("late draft", late(), **whole),
        with_xml("early draft", early(extension='<x xmlns="urn:x"><callID>q:1</callID></x>'), fields=[["callID", "q:1"]], **whole),
        with_xml("late draft without a namespace", late(name_space=""), **whole),
        with_xml("unknown namespace", rfc(name_space="urn:example:recording"), **whole),
        with_xml("prefix", rfc(prefix="tns", mode="<tns:datamode>complete</tns:datamode>"), **whole),
        with_xml("undeclared prefix", rfc(prefix="tns", mode="").replace(f'xmlns:tns="{RFC}"', ""), **whole),
        with_xml("dataMode and Complete", rfc(mode="<dataMode>Complete</dataMode>"), **whole),
        with_xml("no mode", rfc(mode=""), **whole),
        with_xml("mode with blanks", rfc(mode="<datamode>\r\n complete </datamode>"), **whole),
        with_xml("element names in another case", rfc().replace("participant ", "Participant ").replace("</participant>", "</Participant>")
                 .replace("<session ", "<Session ").replace("</session>", "</Session>"), **whole),
        with_xml("attribute names in another case", rfc().replace("participant_id", "participantId").replace("session_id", "sessionID")
                 .replace("stream_id", "streamid").replace("group_id", "groupId"), **whole),
        with_xml("ids of any kind", rfc().replace(SESSION, "7de7c8b6-1@192.0.2.7:5060").replace(GROUP, "+15550100").replace(
            ANN["id"], "urn:uuid:01234567-89ab-cdef-0123-456789abcdef").replace(ONE, "1"),
            people=[{**ANN, "id": "urn:uuid:01234567-89ab-cdef-0123-456789abcdef"}, BOB], sessions=["7de7c8b6-1@192.0.2.7:5060"], groups=["+15550100"]),
        with_xml("empty id", rfc().replace(ANN["id"], ""), people=[anonymous, BOB]),
        with_xml("no id at all", rfc().replace(f' participant_id="{ANN["id"]}"', ""), people=[anonymous, BOB]),
        with_xml("no ids anywhere", re.sub(r' (\w+)_id="[^"]*"', "", rfc()), people=[anonymous, {**BOB, "id": ""}]),
        with_xml("send of an unknown stream", rfc().replace(f"<send>{ONE}</send>", "<send>bm9uZQ==</send>")),
        with_xml("stream where a participant belongs", rfc().replace(f'participantstreamassoc participant_id="{ANN["id"]}"', f'participantstreamassoc participant_id="{ONE}"')),
        with_xml("one stream, sent and received by all", rfc(labels=("1",)).replace(f"<send>{TWO}</send>", f"<send>{ONE}</send><recv>{ONE}</recv><send>{ONE}</send>")),
        with_xml("no associations", re.sub(r"<participants.*?assoc.*?(/>|assoc>)", "", rfc()), **whole),
        with_xml("elements in another order", rfc().replace("<datamode>complete</datamode>", "").replace("</recording>", "<datamode>complete</datamode></recording>"), **whole),
        with_xml("elements that are not of the schema", rfc().replace("</nameID>", "</nameID><channel>SIP/7-1</channel><role>calling</role>"),
                 fields=[["channel", "SIP/7-1"], ["role", "calling"]], **whole),
        with_xml("attributes that are not of the schema", rfc().replace(f'stream_id="{ONE}"', f'stream_id="{ONE}" codec="PCMU"'), fields=[["codec", "PCMU"]], **whole),
        with_xml("label as attribute", rfc().replace(f'session_id="{SESSION}"><label>1</label></stream>', f'session_id="{SESSION}" label="1"/>'), **whole),
        with_xml("participants within the session", f'<recording xmlns="{RFC}"><session session_id="{SESSION}"><participants><participant participant_id="{ANN["id"]}">'
                 f'<nameID aor="{ANN["aors"][0]}"><name>Ann Quirk</name></nameID></participant></participants></session></recording>', people=[ANN]),
        with_xml("streams within the session", rfc().replace("</session>", "").replace(f'<participantsessionassoc participant_id="{ANN["id"]}"', f'</session><participantsessionassoc participant_id="{ANN["id"]}"', 1), **whole),
        with_xml("AOR without scheme, number, host with port", rfc().replace("sip:ann@example.net", "15550199").replace("sip:+15550100@example.net", "4050001@192.0.2.9:5060"),
                 people=[{**ANN, "aors": ["15550199"]}, {**BOB, "aors": ["4050001@192.0.2.9:5060"]}]),
        with_xml("AOR as element", rfc().replace('<nameID aor="sip:ann@example.net">', "<nameID><aor>sip:ann@example.net</aor>"), **whole),
        with_xml("AOR as text of nameID", rfc().replace('<nameID aor="sip:ann@example.net"><name>Ann Quirk</name>', "<nameID>sip:ann@example.net"), people=[{**ANN, "names": []}, BOB]),
        with_xml("names that are odd", rfc().replace(">Ann Quirk<", "> &quot;Ann&quot; ;lang=en <").replace(">Bob<", "> <"),
                 people=[{**ANN, "names": ['"Ann" ;lang=en']}, {**BOB, "names": []}]),
        with_xml("several names", rfc().replace('<nameID aor="sip:ann@example.net">', '<nameID aor="tel:+15550142"/><nameID aor="sip:ann@example.net">'),
                 people=[{**ANN, "aors": ["sip:ann@example.net", "tel:+15550142"]}, BOB]),
        Quirk("placeholder first", [
            (request(xml=rfc(people=(ANN, {"id": "cGxhY2Vob2xkZXI=", "aors": ["unknown"], "names": ["?"]}))), expect(people=[ANN])),
            (request(rfc().encode(), method="UPDATE", content_type="application/rs-metadata+xml"), expect(media=[], parts=["application/rs-metadata+xml"]))]),
        Quirk("the same complete document again and again", [(request(), expect())] + [
            (request(rfc().encode(), method="UPDATE", content_type="application/rs-metadata+xml"), expect(media=[], parts=["application/rs-metadata+xml"]))] * 3),
        Quirk("partial that lists everyone, then one who joins", [(request(), expect())] + [
            (request(rfc(mode="<datamode>Partial</datamode>", people=people).encode(), method="UPDATE", content_type="application/rs-metadata+xml"),
             expect(media=[], people=people, parts=["application/rs-metadata+xml"])) for people in ((ANN, BOB), (ANN, carol))]),
        with_xml("partial first", rfc(mode="<datamode>partial</datamode>"), **whole),
        with_xml("stream that no m-line has", rfc(labels=("1", "7")), people=[ANN, BOB]),
        with_xml("end-time and stop-time", rfc().replace("</start-time>", "</start-time><end-time>2026-03-04T05:09:07</end-time>"), **whole),
        *[with_xml(f"time {text}", rfc().replace("2026-03-04T05:06:07Z", text), **whole) for text in (
            "2026-03-04T05:06:07+00:00", "2026-03-04T05:06:07+0000", "2026-03-04T05:06:07.123-06:00", "2026-03-04T05:06:07.123456Z", "2026-03-04T05:06:07",
            "1970-01-01T00:00:00Z", "2026-03-04 05:06:07", "Wed, 04 Mar 2026 05:06:07 GMT", "1772600767", "")],
        with_xml("raw URI in a value", rfc(extension=f'<extensiondata xmlns:apkt="http:/acmepacket.com/x"><apkt:request-uri><sip:rec@192.0.2.1:5060;agentid=007;dn=4></apkt:request-uri><apkt:ucid>00FA07;encoding=hex</apkt:ucid></extensiondata>'),
                 fields=[["request-uri", "agentid=007"], ["ucid", "00FA07;encoding=hex"]], **whole),
        with_xml("raw address in a name", rfc().replace(">Bob<", '>"Bob" <sip:bob@example.net><'), people=[ANN, {**BOB, "names": []}]),
        with_xml("attribute without quotes", rfc().replace('aor="sip:ann@example.net"', "aor=sip:ann@example.net"), **whole),
        with_xml("raw ampersand", rfc().replace("Ann Quirk", "Ann & Quirk"), people=[{**ANN, "names": ["Ann & Quirk"]}, BOB]),
        with_xml("raw less-than sign", rfc().replace("Ann Quirk", "Ann < Quirk"), people=[{**ANN, "names": ["Ann < Quirk"]}, BOB]),
        with_xml("unknown entity", rfc().replace("Ann Quirk", "Ann&nbsp;Quirk"), people=[{**ANN, "names": []}, BOB]),
        with_xml("the same attribute twice", rfc().replace('aor="sip:ann@example.net"', 'aor="sip:ann@example.net" aor="sip:ann@example.net"'), **whole),
        with_xml("cut off behind the participants", rfc()[:rfc().index("<stream ")] + "<str", people=[ANN, BOB]),
        with_xml("wrong end tags", rfc().replace("</nameID></participant>", "</participant></nameID>"), **whole),
        with_xml("end tag is missing", rfc().replace("</participant>", "", 1), **whole),
        with_xml("control character", rfc().replace("Ann Quirk", "Ann \x01Quirk"), people=[{**ANN, "names": ["Ann Quirk"]}, BOB]),
        with_xml("bytes that are no UTF-8", rfc().replace("Ann Quirk", "J\u00fcrgen").encode("latin-1"), people=[{**ANN, "names": ["J\u00fcrgen"]}, BOB]),
        with_xml("ISO 8859-1 declared", rfc(head='<?xml version="1.0" encoding="ISO-8859-1"?>').replace("Ann Quirk", "J\u00fcrgen").encode("latin-1"), people=[{**ANN, "names": ["J\u00fcrgen"]}, BOB]),
        with_xml("windows-1252 declared", rfc(head='<?xml version="1.0" encoding="windows-1252"?>').replace("Ann Quirk", "\u201eAnn\u201c").encode("cp1252"), people=[{**ANN, "names": ["\u201eAnn\u201c"]}, BOB]),
        with_xml("UTF-16 with a mark", rfc(head='<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"), **whole),
        with_xml("UTF-16 without a mark", rfc(head='<?xml version="1.0"?>').encode("utf-16-be"), **whole),
        with_xml("UTF-16 declared, UTF-8 sent", rfc(head='<?xml version="1.0" encoding="UTF-16"?>'), **whole),
        with_xml("unknown encoding", rfc(head='<?xml version="1.0" encoding="x-nothing"?>'), **whole),
        with_xml("byte-order mark", b"\xef\xbb\xbf" + rfc().encode(), **whole),
        with_xml("white space before the declaration", "\r\n  " + rfc(), **whole),
        with_xml("byte-order mark, white space, declaration", b"\xef\xbb\xbf\r\n " + rfc().encode(), **whole),
        with_xml("no declaration", rfc(head=""), **whole),
        with_xml("XML 1.1", rfc(head='<?xml version="1.1"?>'), **whole),
        with_xml("standalone and single quotes", rfc(head="<?xml version='1.0' standalone='yes'?>"), **whole),
        with_xml("comment and instruction first", rfc(head='<?xml version="1.0"?><!-- q --><?pi x?>'), **whole),
        with_xml("junk behind the end", rfc() + "\r\n\r\n</recording>junk", **whole),
        with_xml("zero bytes behind the end", rfc() + "\0\0", **whole),
        with_xml("two documents in one part", rfc() + rfc(people=(carol,)), **whole),
        with_xml("DOCTYPE", rfc(head='<?xml version="1.0"?><!DOCTYPE recording>'), people=[]),
        with_xml("CDATA", rfc().replace("Ann Quirk", "<![CDATA[Ann Quirk]]>"), **whole),
        with_xml("damaged CDATA", rfc(extension="<v xmlns='urn:v'><w><!{CDATA{<sip:x@y;agentid=9>}}></w></v>"), fields=[["w", "agentid=9"]], **whole),
        with_xml("wrapped in another root", "<metadata>" + rfc(head="") + "</metadata>", **whole),
        with_xml("wrapped in SOAP", '<s:Envelope xmlns:s="urn:s"><s:Body>' + rfc(head="") + "</s:Body></s:Envelope>", **whole),
        with_xml("root in upper case", rfc().replace("<recording ", "<Recording ").replace("</recording>", "</Recording>"), **whole),
        # Beyond the limits of the reader: the call is recorded, the document kept as it came.
        with_xml("nested beyond the limit", rfc(extension="<x>" * 100 + "</x>" * 100), people=[]),
        with_xml("attributes beyond the limit", rfc(extension="<x " + " ".join(f'a{i}="1"' for i in range(300)) + "/>"), people=[]),
        with_xml("nothing at all", "", people=[]),
        with_xml("JSON", '{"recording": {}}', people=[]),
    ]


def families() -> list[Quirk]:
    """Section 3: where the client families put their call data."""
    def kept(name: str, document: str, *fields: list[str]) -> Quirk:
        return one(name, request(xml=document), fields=list(fields))
    apkt = 'xmlns:apkt="http:/acmepacket.com/siprec/extensiondata"'
    return [
        kept("BroadWorks", early(extension='<broadWorksRecordingMetadata xmlns="http://schema.broadsoft.com/broadworksCallRecording" version="4.0"><extTrackingID>t-1</extTrackingID>'
                                 "<callID>half-1:0</callID><userID>u@example.net</userID><groupID>g</groupID><callType><termCall><callingPartyNumber>tel:+15550107</callingPartyNumber></termCall></callType>"
                                 "</broadWorksRecordingMetadata>"), ["extTrackingID", "t-1"], ["callID", "half-1:0"], ["callingPartyNumber", "tel:+15550107"]),
        kept("Metaswitch", rfc(name_space=LATE, extension="<extensiondata><metaswitchRecordingMetadata><callType>originating</callType><recordedParty>+15550108</recordedParty>"
                               "<userName/></metaswitchRecordingMetadata></extensiondata>"), ["recordedParty", "+15550108"], ["callType", "originating"]),
        kept("Oracle", late(extension=f"<extensiondata {apkt}><apkt:ucid>00FA080055;encoding=hex</apkt:ucid><apkt:callerOrig>true</apkt:callerOrig>"
                            '<apkt:header label="P-Charge"><value>77</value></apkt:header></extensiondata>'), ["ucid", "00FA080055;encoding=hex"], ["value", "77"], ["label", "P-Charge"]),
        kept("AudioCodes", late(extension='<ac:AvayaUCID xmlns:ac="http://AudioCodes">FA080123</ac:AvayaUCID><ac:GenesysUUID xmlns:ac="http://AudioCodes">GGG</ac:GenesysUUID>'), ["AvayaUCID", "FA080123"], ["GenesysUUID", "GGG"]),
        kept("AudioCodes without declaration", late(extension="<ac:AvayaUCID>FA080124</ac:AvayaUCID>"), ["AvayaUCID", "FA080124"]),
        kept("Ribbon", rfc(prefix="tns", name_space=LATE, mode="<tns:datamode>complete</tns:datamode>").replace(
            f'<tns:group group_id="{GROUP}"/>', f'<tns:group group_id="{GROUP}"><tns:associate-time>2026-01-01T00:00:00Z</tns:associate-time><ns1:callData xmlns:ns1="urn:ietf:params:xml:ns:callData">'
            "<ns1:fromhdr>&lt;sip:a@b&gt;</ns1:fromhdr><ns1:gcid>9001</ns1:gcid></ns1:callData></tns:group>"), ["gcid", "9001"], ["fromhdr", "<sip:a@b>"]),
        kept("Twilio", rfc().replace("</start-time>", '</start-time><ExtensionParameters xmlns="http://provider.example/siprec"><Parameter name="Role" value="inbound"/><Parameter name="CallSid" value="CA77"/></ExtensionParameters>'),
             ["name", "CallSid"], ["value", "CA77"]),
        kept("NetSapiens", rfc(extension='<netsapiensExtension xmlns="http://schema.netsapiens.com/netsapiensSipRec" version="1.1"><groupSeq>2</groupSeq><user>1003</user><byAction>Transfer</byAction></netsapiensExtension>'),
             ["groupSeq", "2"], ["byAction", "Transfer"]),
        kept("jambonz", rfc(extension='<jb:callsid xmlns:jb="http://jambonz.example/siprec">c-1</jb:callsid><jb:accountsid xmlns:jb="http://jambonz.example/siprec">a-1</jb:accountsid>'), ["callsid", "c-1"], ["accountsid", "a-1"]),
        kept("Intrado", rfc(mode="<dataMode>complete</dataMode>").replace("</nameID>", "</nameID><channel>SIP/911-1</channel>"), ["channel", "SIP/911-1"]),
        kept("Avaya", rfc(mode="<dataMode>complete</dataMode>").replace(SESSION, "00FA0800705D4C5D"), ["id", "00FA0800705D4C5D"]),
        one("mod_siprec: one m-line, plain SDP, no metadata", request(sdp(line(None, direction="")).encode(), content_type="application/sdp"),
            media=lines_of(None), people=[], parts=["application/sdp"]),
        one("call ids in headers", request(headers="User-to-User: 04FA08AB;encoding=hex\r\nX-Genesys-CallUUID: GU1\r\nCisco-Gucid: GC2\r\nSession-ID: aa;remote=bb\r\nX-Acme-Call-ID: AC3"),
            fields=[["headers", "GU1"], ["headers", "GC2"], ["headers", "04FA08AB;encoding=hex"]]),
    ]


def media() -> list[Quirk]:
    """Section 4."""
    def plain(name: str, text: str, lines: list[dict] | None = None, **expected) -> Quirk:
        return one(name, request(offer=text), media=lines, **expected)
    head = "v=0\r\no=q 7 1 IN IP4 127.0.0.1\r\ns=-\r\n"
    video = line(3, kind="video", formats="97", extra="a=rtpmap:97 H264/90000")
    return [
        plain("one mixed m-line", sdp(line(1)), lines_of("1")),
        plain("four with video", sdp(line(1), line(2), video, video.replace("label:3", "label:4")), lines_of("1", "2") + lines_of("3", "4", kind="video")),
        plain("four of which two are inactive", sdp(line(1), line(2, direction="a=inactive"), line(3), line(4, direction="a=inactive")),
              [m for n, d in ((1, "sendonly"), (2, "inactive"), (3, "sendonly"), (4, "inactive")) for m in lines_of(str(n), direction=d)]),
        plain("labels 0 and 1", sdp(line(0), line(1)), lines_of("0", "1")),
        plain("labels that are words", sdp(line("a_leg"), line("outbound")), lines_of("a_leg", "outbound")),
        plain("labels of ten digits", sdp(line(2147483648), line(4294967297)), lines_of("2147483648", "4294967297")),
        plain("the same label twice", sdp(line(1), line(1)), lines_of("1", "1")),
        plain("label with blanks", sdp(line(None, extra="a=label: 1 "), line(None, extra="a=label:2\t")), lines_of("1", "2")),
        plain("label in upper case", sdp(line(None, extra="a=LABEL:1"), line(2)), lines_of("1", "2")),
        plain("label before rtpmap", sdp(line(None, extra="a=label:1\r\na=rtpmap:0 PCMU/8000"), line(2)), lines_of("1", "2")),
        plain("no labels", sdp(line(None), line(None)), lines_of(None, None)),
        plain("SDP and metadata disagree", sdp(line(10), line(20)), lines_of("10", "20")),
        plain("no direction", sdp(line(1, direction=""), line(2, direction="")), lines_of("1", "2")),
        plain("sendrecv", sdp(line(1, direction="a=sendrecv"), line(2, direction="a=sendrecv\r\na=direction:both")), lines_of("1", "2")),
        plain("direction of the session", sdp(line(1, direction=""), line(2, direction=""), head=head + "c=IN IP4 127.0.0.1\r\nt=0 0\r\na=inactive\r\n"), lines_of("1", "2", direction="inactive")),
        plain("direction in upper case", sdp(line(1, direction="a=SendOnly"), line(2, direction="a=INACTIVE")), lines_of("1") + lines_of("2", direction="inactive")),
        Quirk("inactive first, then sendonly", [
            (request(offer=sdp(line(1, direction="a=inactive"), line(2, direction="a=inactive"))), expect(media=lines_of("1", "2", direction="inactive"))),
            (request(), expect())]),
        Quirk("hold in every form", [(request(), expect())] + [(request(offer=offer), expect(media=lines)) for offer, lines in (
            (sdp(line(1, direction="a=inactive"), line(2, direction="a=inactive")), lines_of("1", "2", direction="inactive")),
            (sdp(head=head + "c=IN IP4 0.0.0.0\r\nt=0 0\r\n"), lines_of("1", "2", direction="inactive")),
            (sdp(line(1, port=0), line(2)), lines_of("1", port=0) + lines_of("2")),
            (sdp(head="v=0\r\no=q 7 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"), TWO_LINES))]),
        Quirk("origin version goes backwards", [(request(offer=sdp().replace("o=q 7 1", f"o=q 7 {v}")), expect()) for v in (9, 9, 3)]),
        plain("no c= line", sdp(head=head + "t=0 0\r\n")),
        plain("no t= line and no s= line", sdp(head="v=0\r\no=q 7 1 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\n")),
        plain("no o= line", sdp(head="v=0\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n")),
        plain("c= behind t=, in each section", sdp(line(1, extra="c=IN IP4 127.0.0.1"), line(2, extra="c=IN IP4 127.0.0.1"), head=head + "t=0 0\r\nc=IN IP4 127.0.0.1\r\n")),
        plain("masked address", sdp(head=head + "c=IN IP4 10.x.y.z\r\nt=0 0\r\n")),
        plain("host name", sdp(head=head + "c=IN IP4 media.example.net\r\nt=0 0\r\n")),
        plain("lines of unknown sense", sdp(line(1, extra="a=3gOoBTC\r\nx=1\r\ny\r\n=z\r\nb=AS:80\r\nb=\r\nk=clear:x"), line(2))),
        plain("blanks within lines", sdp(line(1), line(2)).replace("m=audio 41000 RTP/AVP 0", "m=audio  41000  RTP/AVP  0 ").replace("a=sendonly", "a=sendonly ")),
        plain("blank in front of lines", sdp(line(1), line(2)).replace("a=label", " a=label")),
        plain("empty lines within", sdp(line(1), line(2)).replace("m=audio", "\r\nm=audio")),
        plain("no version", sdp()[5:]),
        plain("version 1", sdp().replace("v=0", "v=1", 1)),
        plain("bare CR line ends", sdp().replace("\r\n", "\r")),
        plain("port count", sdp(line(1).replace("41000 ", "41000/2 "), line(2))),
        plain("protocol in lower case", sdp(line(1, protocol="rtp/avp"), line(2)), lines_of("1", protocol="rtp/avp") + lines_of("2")),
        plain("static types without rtpmap", sdp(line(1, formats="0 8 18 4 9 2 3 13 19"), line(2))),
        plain("dynamic type without rtpmap", sdp(line(1, formats="0 100 107"), line(2))),
        plain("only a dynamic type without rtpmap", sdp(line(1, formats="111"), line(2))),
        plain("damaged codec names", sdp(line(1, formats="0 96", extra="a=rtpmap:0 pcmu/8000a\r\na=rtpmap:96\r\na=fmtp:\r\na=rtpmap:x PCMA/8000"), line(2))),
        plain("formats that are no numbers", sdp(line(1, formats="0 x 999 -1"), line(2))),
        plain("no formats", sdp(line(1, formats=""), line(2)), lines_of("1", port=0) + lines_of("2")),
        plain("telephone-event in odd places", sdp(line(1, formats="0 108 127", extra="a=rtpmap:108 telephone-event/48000\r\na=rtpmap:127 telephone-event/8000\r\na=fmtp:127 0-15,16\r\na=fmtp:108"), line(2, formats="0 97", extra="a=rtpmap:97 TELEPHONE-EVENT/8000"))),
        plain("many codecs", sdp(line(1, formats="111 9 18 102 97 3", extra="a=rtpmap:111 opus/48000/2\r\na=fmtp:18 annexb=no\r\na=rtpmap:102 G726-32/8000\r\na=rtpmap:97 iLBC/8000"), line(2))),
        Quirk("codec and ports change", [(request(), expect()), (request(offer=sdp(line(1, formats="8", port=41100), line(2, formats="8", port=41102))), expect())]),
        plain("RTP/AVPF", sdp(line(1, protocol="RTP/AVPF"), line(2)), lines_of("1", protocol="RTP/AVPF") + lines_of("2")),
        plain("m-line that is no RTP", sdp(line(1), "m=application 9 TCP/MSRP *\r\na=label:2\r\n", line(3)), lines_of("1") + lines_of("2", kind="application", port=0) + lines_of("3")),
        plain("m-line that is damaged", sdp(line(1), "m=audio\r\na=label:2\r\n", line(3)), lines_of("1") + lines_of("2", port=0) + lines_of("3")),
        plain("port that is no port", sdp(line(1), line(2, port=70000), line(3)), lines_of("1", "2", "3")),
        plain("rtcp with an odd port, rtcp-mux", sdp(line(1, extra="a=rtcp:41999 IN IP4 127.0.0.1"), line(2, extra="a=rtcp-mux\r\na=rtcp:41002"))),
        plain("IPv6 origin, IPv4 media", sdp(head="v=0\r\no=q 7 1 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n")),
        plain("bundle and mid", sdp(line(1, extra="a=mid:0"), line(2, extra="a=mid:1"), head=head + "c=IN IP4 127.0.0.1\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n")),
    ]


def in_time() -> list[Quirk]:
    """Section 5."""
    again = (request(), expect())
    update = (request(rfc().encode(), method="UPDATE", content_type="application/rs-metadata+xml"), expect(media=[], parts=["application/rs-metadata+xml"]))
    nothing = (request(b"", method="UPDATE", content_type=""), expect(media=[], people=[], parts=[]))
    both = (request(method="UPDATE"), expect())
    info = (request(rfc().encode(), method="INFO", content_type="application/rs-metadata+xml"), expect(media=[], parts=["application/rs-metadata+xml"]))
    options = (request(b"", method="OPTIONS", content_type=""), expect(media=[], people=[], parts=[]))
    return [Quirk("changes by every kind of request", [again, update, nothing, both, info, again, options, again])]


def all_quirks() -> list[Quirk]:
    return [*recognising(), *bodies(), *documents(), *families(), *media(), *in_time()]
