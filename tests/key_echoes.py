"""More than thirty ways in which a vendor may echo a key."""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import json
import urllib.parse

KEY = "AIzaSyD-9tSr_ke72PouQMnMX-a7eZSW0jkFMBW"
_BYTES = KEY.encode()

ECHOES: dict[str, bytes] = {
    "plain": _BYTES,
    "upper": _BYTES.upper(),
    "lower": _BYTES.lower(),
    "bearer": b"Bearer " + _BYTES,
    "percent": "".join(f"%{byte:02x}" for byte in _BYTES).encode(),
    "percent-upper": "".join(f"%{byte:02X}" for byte in _BYTES).encode(),
    "percent-twice": "".join(f"%25{byte:02X}" for byte in _BYTES).encode(),
    "percent-partly": urllib.parse.quote(KEY).replace("-", "%2D").replace("_", "%5f").encode(),
    "base64": base64.b64encode(_BYTES),
    "base64-shifted-1": base64.b64encode(b"x" + _BYTES + b"y"),
    "base64-shifted-2": base64.b64encode(b"xy" + _BYTES + b"yy"),
    "base64-unpadded": base64.b64encode(b"u:" + _BYTES).rstrip(b"="),
    "base64url": base64.urlsafe_b64encode(b"\xff\xfe?" + _BYTES),
    "base64-wrapped": base64.encodebytes(b"Basic and then some more text before it " + _BYTES),
    "base64-twice": base64.b64encode(b"k=" + base64.b64encode(b"key:" + _BYTES)),
    "basic-auth": b"Basic " + base64.b64encode(b"user:" + _BYTES),
    "json": "".join(f"\\u{byte:04x}" for byte in _BYTES).encode(),
    "json-upper-hex": "".join(f"\\u{byte:04X}" for byte in _BYTES).encode(),
    "json-partly": KEY.replace("-", "\\u002d").replace("S", "\\u0053").encode(),
    "json-in-json": json.dumps("".join(f"\\u{byte:04x}" for byte in _BYTES)).strip('"').encode(),
    "backslash-x": "".join(f"\\x{byte:02x}" for byte in _BYTES).encode(),
    "octal": "".join(f"\\{byte:03o}" for byte in _BYTES).encode(),
    "html-decimal": "".join(f"&#{byte};" for byte in _BYTES).encode(),
    "html-hex": "".join(f"&#x{byte:x};" for byte in _BYTES).encode(),
    "html-named": html.escape(KEY).replace("_", "&lowbar;").replace("-", "&#45;").encode(),
    "hex": _BYTES.hex().encode(),
    "hex-upper": _BYTES.hex().upper().encode(),
    "hex-colons": _BYTES.hex(":").encode(),
    "hex-0x": ", ".join(f"0x{byte:02X}" for byte in _BYTES).encode(),
    "reversed": _BYTES[::-1],
    "rot13": codecs.encode(KEY, "rot13").encode(),
    "base32": base64.b32encode(_BYTES),
    "base32-bearer": base64.b32encode(b"Bearer " + _BYTES),
    "base32-shifted": base64.b32encode(b"xyz" + _BYTES).lower(),
    "percent-u": "".join(f"%u{byte:04X}" for byte in _BYTES).encode(),
    "html-twice": html.escape("".join(f"&#{byte};" for byte in _BYTES)).encode(),
    "soft-hyphens": (KEY[:9] + "\\u00ad" + KEY[9:20] + "\\u200b" + KEY[20:]).encode(),
    "tagged": (KEY[:13] + "<b>" + KEY[13:26] + "</b>" + KEY[26:]).encode(),
    "within-a-tag": f"<a href=x?{KEY.replace('-', '%2D').replace('_', '%5F')}>".encode(),
    "coloured": (KEY[:13] + "\\u001b[1;31m" + KEY[13:26] + "\\x1b[0m" + KEY[26:]).encode(),
    "utf-16-le": KEY.encode("utf-16-le"),
    "utf-16-be": KEY.encode("utf-16-be"),
    "quoted-printable": "".join(f"={byte:02X}" for byte in _BYTES).encode(),
    "spaced": b" ".join(bytes([byte]) for byte in _BYTES),
    "zero-width": "\u200b".join(KEY).encode(),
    "wrapped": _BYTES[:20] + b"\r\n " + _BYTES[20:],
    "escaped-newline": _BYTES[:20] + b"\\n" + _BYTES[20:],
    "characters": json.dumps(list(KEY)).encode(),
    "codes": json.dumps(list(_BYTES)).encode(),
    "all-but-the-end": _BYTES[:-8],
    "all-but-the-beginning": _BYTES[8:],
    "dashed": b"-".join(_BYTES[n : n + 4] for n in range(0, len(_BYTES), 4)),
}


def over_events(width: int) -> bytes:
    """Return a stream that hands the key out in parts, as a model would."""
    parts = [KEY[n : n + width] for n in range(0, len(KEY), width)]
    return b"".join(
        b"data: " + json.dumps({"parts": [{"text": part}]}).encode() + b"\r\n\r\n" for part in parts
    )


def zipped(body: bytes) -> bytes:
    return gzip.compress(body)
