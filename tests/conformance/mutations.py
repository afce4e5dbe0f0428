"""Changes of a sample that must not matter, or whose effect is known: one call of each, for every sample.

The list is that of section 6 of the reference's quirks. Every change works on the text alone and knows
nothing of what the recorder makes of it.
"""

import copy
import dataclasses
import re
import xml.etree.ElementTree as ElementTree

from collections.abc import Iterator

from replay import OFFER, SECURE, Call, Step
from sip_text import Message, media_lines, wrap

OTHER_LABEL = "of-this-test"


def standalone(step: Step) -> list[Step]:
    """The steps of a call of its own for one sample of a longer one."""
    if step.kind != "sip":
        content_type, body = wrap(step.kind, step.raw, OFFER)
        raw = (b"INVITE sip:srs@127.0.0.1 SIP/2.0\r\nRequire: siprec\r\nContact: <sip:c@127.0.0.1>;+sip.src\r\n"
               b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        expected = copy.deepcopy(step.expected)
        if step.kind == "xml":  # the offer is this test's
            expected["media"] = expected_media(OFFER)
            expected["parts"] = ["application/sdp", "application/rs-metadata+xml"]
        return [Step(step.name, raw, "sip", expected, keeps_length=False)]
    message = Message(step.raw)
    message.put("To: " + re.sub(r";\s*tag=[^;>\s]+(?![^<]*>)", "", message.value("to", "t") or "<sip:srs@127.0.0.1>"),
                "to", "t")
    own = Step(step.name, message.bytes(), "sip", copy.deepcopy(step.expected), step.keeps_length)
    if message.method != "UPDATE":
        return [own]
    invite = (b"INVITE sip:srs@127.0.0.1 SIP/2.0\r\nRequire: siprec\r\nContact: <sip:c@127.0.0.1>;+sip.src\r\n"
              b"Content-Type: application/sdp\r\n\r\n" + OFFER)
    return [Step("the INVITE before it", invite, "sip", {
        "status": 200, "media": expected_media(OFFER), "parts": ["application/sdp"]}, keeps_length=False), own]


def expected_media(sdp: bytes) -> list[dict]:
    """What has to be answered to each m-line, in the form of the corpus table."""
    lines = media_lines(sdp.decode("latin-1"))
    for line in lines:
        is_on = line["direction"] in ("sendonly", "sendrecv") and line["address"] != "0.0.0.0"
        line["direction"] = "sendonly" if is_on else "inactive"
        if line["protocol"] in SECURE and not line["crypto"]:
            line["port"] = 0  # a stream that cannot be decrypted is refused
    return lines


@dataclasses.dataclass
class Text:
    """A message of the corpus, open for changes of its parts."""
    step: Step
    message: Message

    @classmethod
    def of(cls, step: Step) -> "Text":
        return cls(step, Message(step.raw))

    def done(self, **settings) -> Step:
        return dataclasses.replace(self.step, raw=self.message.bytes(), keeps_length=False, **settings)

    @property
    def delimiter(self) -> bytes:
        """As announced, else that of the first part; nothing when the body is no multipart."""
        named = re.search(r"boundary\s*=\s*(\"[^\"]+\"|[^\s;]+)", self.message.value("content-type", "c"), re.I)
        announced = b"--" + named.group(1).strip('"').encode() if named else b""
        first = re.search(rb"^--[^\r\n]+", self.message.body, re.M)
        return announced if announced and announced in self.message.body else first.group().rstrip() if first else b""

    def span(self, pattern: bytes) -> tuple[int, int]:
        """Where the part begins that matches, and ends in front of the next delimiter; (0, 0) without one."""
        found = re.search(pattern, self.message.body, re.M)
        if not found:
            return 0, 0
        next_part = rb"\r?\n" + re.escape(self.delimiter) if self.delimiter else rb"\Z"
        end = re.search(next_part, self.message.body[found.start():])
        return found.start(), found.start() + end.start() if end else len(self.message.body)

    def sdp_span(self) -> tuple[int, int]:
        return self.span(rb"^v=0")

    def metadata_span(self) -> tuple[int, int]:
        return self.span(rb"^[ \t]*<(\?xml|(\w+:)?recording)")

    def replace(self, span: tuple[int, int], text: bytes) -> None:
        self.message.body = self.message.body[:span[0]] + text + self.message.body[span[1]:]

    def sdp(self) -> bytes:
        first, last = self.sdp_span()
        return self.message.body[first:last]

    def metadata(self) -> bytes:
        first, last = self.metadata_span()
        return self.message.body[first:last]

    def with_sdp(self, sdp: bytes) -> Step:
        expected = {**self.step.expected, "media": expected_media(sdp)}
        if expected["status"] == 200 and all(line["port"] == 0 for line in expected["media"]):
            expected["status"] = 488  # RFC 3261 14.2: nothing of it can be recorded
        self.replace(self.sdp_span(), sdp)
        return self.done(expected=expected)

    def with_metadata(self, metadata: bytes, **changed) -> Step:
        self.replace(self.metadata_span(), metadata)
        return self.done(expected={**self.step.expected, **changed})


def line_feeds(step: Step) -> Step | None:
    """CRLF to LF, headers too."""
    text = Text.of(step)
    text.message.body = text.message.body.replace(b"\r\n", b"\n")
    return text.done(wire=lambda raw: raw.replace(b"\r\n", b"\n"))


def no_closing_delimiter(step: Step) -> Step | None:
    text = Text.of(step)
    shorter = re.sub(re.escape(text.delimiter) + rb"--\s*\Z", b"", text.message.body) if text.delimiter else None
    if shorter in (None, text.message.body):
        return None
    text.message.body = shorter
    return text.done()


def length_too_large(step: Step) -> Step | None:
    return Text.of(step).done(length_error=500)


def length_too_small(step: Step) -> Step | None:
    """By what the closing delimiter takes; without one it would cost the metadata its end."""
    text = Text.of(step)
    return text.done(length_error=-len(text.delimiter)) if no_closing_delimiter(step) else None


def parts_swapped(step: Step) -> Step | None:
    text = Text.of(step)
    if not text.delimiter:
        return None
    preamble, *parts = re.split(rb"(?:^|\r\n)" + re.escape(text.delimiter) + rb"[ \t]*\r\n", text.message.body)
    parts[-1] = re.split(rb"\r?\n" + re.escape(text.delimiter) + rb"--", parts[-1])[0]
    if len(parts) < 2:
        return None
    swapped = b"".join(text.delimiter + b"\r\n" + part + b"\r\n" for part in reversed(parts))
    text.message.body = (preamble + b"\r\n" if preamble else b"") + swapped + text.delimiter + b"--\r\n"
    return text.done()


def prefix_renamed(step: Step) -> Step | None:
    """The namespace of the root under another prefix, or under one where it was the default."""
    text = Text.of(step)
    metadata = text.metadata()
    named = re.search(rb"<(\w+):recording", metadata)
    if named:
        prefix = named.group(1)
        return text.with_metadata(re.sub(rb"(</?|xmlns:)" + prefix + rb"(?=[:=])", rb"\1other", metadata))
    try:
        ElementTree.fromstring(metadata.strip())
    except ElementTree.ParseError:
        return None
    space = re.search(rb"<recording\w*[^>]*?\sxmlns=[\"']([^\"']*)[\"']", metadata)
    if not space:
        return None
    scopes: list[bytes] = []

    def rename(tag: re.Match) -> bytes:
        slash, name, attributes, empty = tag.groups()
        if slash:
            scope = scopes.pop()
        else:
            own = re.search(rb"\sxmlns=[\"']([^\"']*)[\"']", attributes)
            scope = own.group(1) if own else scopes[-1] if scopes else b""
            if not empty:
                scopes.append(scope)
        if b":" in name or scope != space.group(1):
            return tag.group()
        return b"<" + slash + b"other:" + name + attributes.replace(b" xmlns=", b" xmlns:other=") + empty + b">"
    changed = re.sub(rb"<(/?)([\w:.-]+)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>", rename, metadata)
    return text.with_metadata(changed)


def mode_in_other_case(step: Step) -> Step | None:
    text = Text.of(step)
    changed, count = re.subn(
        rb"(</?(?:\w+:)?)data([mM])ode>(\s*)(\w*)",
        lambda found: found.group(1) + b"data" + found.group(2).swapcase() + b"ode>" + found.group(3) +
        (found.group(4).upper()), text.metadata())
    return text.with_metadata(changed) if count else None


def id_emptied(step: Step) -> Step | None:
    """That of the first participant: what is known of them by name stays."""
    text = Text.of(step)
    metadata = text.metadata()
    found = re.search(rb"<(?:\w+:)?participant\s[^>]*?\b(?:participant_)?id\s*=\s*[\"']([^\"']*)[\"']", metadata)
    if not found or not found.group(1):
        return None
    people = copy.deepcopy(step.expected.get("participants", []))
    for person in people:
        if person["id"] == found.group(1).decode():
            person["id"] = ""
    return text.with_metadata(metadata[:found.start(1)] + metadata[found.end(1):], participants=people)


def label_changed_in_sdp(step: Step) -> Step | None:
    text = Text.of(step)
    changed, count = re.subn(rb"a=label:[^\r\n]*", b"a=label:" + OTHER_LABEL.encode(), text.sdp(), count=1)
    return text.with_sdp(changed) if count else None


def label_changed_in_metadata(step: Step) -> Step | None:
    text = Text.of(step)
    changed, count = re.subn(rb"(<(?:\w+:)?label>)[^<]*", rb"\1" + OTHER_LABEL.encode(), text.metadata(), count=1)
    if not count:
        return None
    streams = copy.deepcopy(step.expected.get("streams", []))
    for stream in streams[:1]:
        stream["label"] = OTHER_LABEL
    return text.with_metadata(changed, streams=streams)


def direction_removed(step: Step) -> Step | None:
    text = Text.of(step)
    changed, count = re.subn(rb"a=(sendonly|sendrecv|recvonly|inactive)[ \t]*(\r?\n|\Z)", b"", text.sdp())
    return text.with_sdp(changed) if count else None


CHANGES = (line_feeds, no_closing_delimiter, length_too_large, length_too_small, parts_swapped, prefix_renamed,
           mode_in_other_case, id_emptied, label_changed_in_sdp, label_changed_in_metadata, direction_removed)


def sdp_truncations(step: Step) -> Iterator[tuple[int, Step]]:
    """The SDP cut off behind each of its lines but the last."""
    lines = Text.of(step).sdp().splitlines(keepends=True)
    for count in range(1, len(lines)):
        yield count, Text.of(step).with_sdp(b"".join(lines[:count]))


def calls_of(step: Step) -> Iterator[Call]:
    """Every change of a sample that it has something for, each as a call."""
    for change in CHANGES:
        *before, own = standalone(step)
        if changed := change(own):
            yield Call(f"{step.name}, {change.__name__}", [*before, changed])
    *before, own = standalone(step)
    for count, changed in sdp_truncations(own):
        yield Call(f"{step.name}, SDP of {count} lines", [*before, changed], sends_media=False)
