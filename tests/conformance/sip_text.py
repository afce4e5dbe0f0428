"""SIP messages as clients wrote them, changed only where a replay has to: a second reading that shares
no code with the library's."""

import re


class Message:
    """A request kept as it was written: start line, header lines, body."""

    def __init__(self, raw: bytes):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode("latin-1")).split("\r\n")
        self.start, self.headers = lines[0], lines[1:]

    @property
    def method(self) -> str:
        return self.start.split(" ")[0]

    def index(self, *names: str) -> int | None:
        for i, line in enumerate(self.headers):
            if line.split(":")[0].strip().lower() in names:
                return i
        return None

    def value(self, *names: str) -> str:
        i = self.index(*names)
        return "" if i is None else self.headers[i].split(":", 1)[1].strip()

    def put(self, line: str, *names: str) -> None:
        """Replaces the first header of one of these names, else adds the line in front."""
        i = self.index(*names)
        if i is None:
            self.headers.insert(0, line)
        else:
            self.headers[i] = line

    def drop(self, *names: str) -> None:
        self.headers = [line for line in self.headers if line.split(":")[0].strip().lower() not in names]

    def bytes(self) -> bytes:
        return "\r\n".join([self.start, *self.headers, "", ""]).encode("latin-1") + self.body


def tag_of(value: str) -> str:
    match = re.search(r";\s*tag=([^;>\s]+)(?![^<]*>)", value)
    return match.group(1) if match else ""


def wrap(kind: str, raw: bytes, offer: bytes = b"") -> tuple[str, bytes]:
    """Content-Type and body for a sample that is a body or a part of one."""
    if kind == "mime":
        boundary = re.search(rb"^--([^\r\n]+)", raw, re.M).group(1).decode().strip()
        return f'multipart/mixed;boundary="{boundary}"', raw
    if kind == "sdp":
        return "application/sdp", raw
    if not offer:
        return "application/rs-metadata+xml", raw
    return 'multipart/mixed;boundary="of-this-test"', (
        b"--of-this-test\r\nContent-Type: application/sdp\r\n\r\n" + offer +
        b"\r\n--of-this-test\r\nContent-Type: application/rs-metadata+xml\r\n"
        b"Content-Disposition: recording-session\r\n\r\n" + raw + b"\r\n--of-this-test--\r\n")


def media_lines(sdp: str) -> list[dict]:
    """Type, port, label, direction, keys and connection of each m-line; the session's own where it has none."""
    lines, session = [], {"direction": "sendrecv", "address": ""}
    for line in re.split(r"\r?\n", sdp):
        place = lines[-1] if lines else session
        if line.startswith("m="):
            words = line[2:].split()
            lines.append({**session, "type": words[0], "port": int(words[1].split("/")[0]), "protocol": words[2],
                          "formats": words[3:], "label": None, "crypto": []})
        elif line.startswith("a=label:") and lines:
            place["label"] = line[8:].strip()
        elif line.startswith("a=crypto:") and lines:
            place["crypto"].append(line[9:])
        elif line[2:].strip() in ("sendonly", "recvonly", "sendrecv", "inactive") and line.startswith("a="):
            place["direction"] = line[2:].strip()
        elif line.startswith("c="):
            place["address"] = line.split()[-1]
    return lines
