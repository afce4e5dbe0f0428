"""SRTP as RFC 3711 describes it, on OpenSSL's AES alone: an encoder that shares no code with what is
tested."""

import base64
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import struct

_crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
_crypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
_crypto.EVP_aes_128_ctr.restype = ctypes.c_void_p
_crypto.EVP_aes_256_ctr.restype = ctypes.c_void_p
_crypto.EVP_EncryptInit_ex.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_char_p] * 2
_crypto.EVP_EncryptUpdate.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int),
                                      ctypes.c_char_p, ctypes.c_int]
_crypto.EVP_CIPHER_CTX_free.argtypes = [ctypes.c_void_p]


def aes_ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    context = _crypto.EVP_CIPHER_CTX_new()
    cipher = _crypto.EVP_aes_128_ctr() if len(key) == 16 else _crypto.EVP_aes_256_ctr()
    out, count = ctypes.create_string_buffer(len(data) + 16), ctypes.c_int()
    assert _crypto.EVP_EncryptInit_ex(context, cipher, None, key, counter) == 1
    assert _crypto.EVP_EncryptUpdate(context, out, ctypes.byref(count), data, len(data)) == 1
    _crypto.EVP_CIPHER_CTX_free(context)
    return out.raw[:count.value]


def derive(master: bytes, salt: bytes, label: int, size: int) -> bytes:
    """RFC 3711 4.3.1, with a key derivation rate of zero."""
    x = int.from_bytes(salt, "big") ^ (label << 48)
    return aes_ctr(master, (x << 16).to_bytes(16, "big"), bytes(size))


class Encoder:
    """AES_CM with HMAC_SHA1 for one SSRC."""

    def __init__(self, key: bytes | None = None, tag: int = 10, mki: bytes = b"", key_size: int = 16):
        self.master = key or os.urandom(key_size + 14)
        self.tag, self.mki, self.rollover, self.last = tag, mki, 0, None
        master, salt = self.master[:-14], self.master[-14:]
        self.cipher = derive(master, salt, 0, len(master))
        self.auth = derive(master, salt, 1, 20)
        self.salt = derive(master, salt, 2, 14)

    @property
    def inline(self) -> str:
        text = "inline:" + base64.b64encode(self.master).decode()
        return text + (f"|2^48|{int.from_bytes(self.mki, 'big')}:{len(self.mki)}" if self.mki else "")

    def protect(self, packet: bytes) -> bytes:
        sequence, _, ssrc = struct.unpack("!HII", packet[2:12])
        if self.last is not None and sequence < self.last - 0x8000:
            self.rollover += 1
        self.last = sequence
        index = self.rollover << 16 | sequence
        counter = (int.from_bytes(self.salt, "big") << 16) ^ (ssrc << 64) ^ (index << 16)
        sealed = packet[:12] + aes_ctr(self.cipher, counter.to_bytes(16, "big"), packet[12:])
        digest = hmac.new(self.auth, sealed + struct.pack("!I", self.rollover), hashlib.sha1).digest()
        return sealed + self.mki + digest[:self.tag]
