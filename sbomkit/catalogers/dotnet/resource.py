"""The strings of a PE file's version resource.

Format: https://learn.microsoft.com/windows/win32/menurc/vs-versioninfo - found by its key rather than by walking the
resource tree, whose depth and offsets a hostile file chooses.
"""

from __future__ import annotations

from sbomkit.catalogers.reading.executable import Executable

_KEY = "VS_VERSION_INFO\0".encode("utf-16-le")
_STRINGS = "StringFileInfo\0".encode("utf-16-le")
_MAX = 64 << 10
_NAMES = (
    "CompanyName", "ProductName", "ProductVersion", "FileVersion", "InternalName", "OriginalFilename",
    "Assembly Version", "FileDescription",
)  # fmt: skip


def version_strings(found: Executable) -> dict[str, str]:
    """By their names; none where there is no such resource."""
    place = found.sections.get(".rsrc")
    if place is None:
        return {}
    at = found.data.find(_KEY, place.offset, place.offset + place.size)
    if at < 0:
        return {}
    raw = found.read(at, _MAX)
    begin = raw.find(_STRINGS)
    if begin < 0:
        return {}
    said: dict[str, str] = {}
    for name in _NAMES:
        key = f"{name}\0".encode("utf-16-le")
        start = _aligned_find(raw, key, begin)
        if start >= 6:
            said[name] = _value(raw, start, len(key))
    return {name: value for name, value in said.items() if value}


def _aligned_find(raw: bytes, key: bytes, start: int) -> int:
    """A key on its own: behind it stands no letter of a longer one (its length, value length and type do)."""
    while True:
        start = raw.find(key, start)
        if start < 6 or raw[start - 2 : start] in (b"\x01\0", b"\0\0"):
            return start
        start += 2


def _value(raw: bytes, start: int, key: int) -> str:
    """The value after a key, padded to four bytes from the string's own header; it ends at its first NUL."""
    at = start + key
    while raw[at : at + 2] == b"\0\0":
        at += 2
    length = int.from_bytes(raw[start - 4 : start - 2], "little")
    if not length:
        return ""
    value = raw[at : at + 2 * length].decode("utf-16-le", errors="replace")
    return value.partition("\0")[0].strip()
