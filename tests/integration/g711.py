"""G.711 (ITU-T) by its definition, independent of the code under test."""


def _ulaw_to_linear(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - magnitude if code & 0x80 else magnitude - 0x84


def _alaw_to_linear(code: int) -> int:
    code ^= 0x55
    value = (code & 0x0F) << 4
    segment = (code & 0x70) >> 4
    if segment == 0:
        value += 8
    else:
        value = (value + 0x108) << (segment - 1)
    return value if code & 0x80 else -value


ULAW = [_ulaw_to_linear(code) for code in range(256)]
ALAW = [_alaw_to_linear(code) for code in range(256)]


def decode(payload: bytes, encoding: str = "PCMU") -> list[int]:
    table = ULAW if encoding == "PCMU" else ALAW
    return [table[code] for code in payload]
