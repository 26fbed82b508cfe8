"""Small executables with the sections that a test or a fixture asks for, laid out as linkers do."""

from __future__ import annotations

import struct
from collections.abc import Mapping

BASE = 0x400000


def elf(sections: Mapping[str, bytes], *, wide: bool = True, little: bool = True, library: bool = False) -> bytes:
    """An ELF file whose sections are mapped, writable, at BASE plus their place in the file."""
    order = "<" if little else ">"
    header, program, entry = (64, 56, 64) if wide else (52, 32, 40)
    names = b"\0" + b"".join(name.encode() + b"\0" for name in [*sections, ".shstrtab"])
    parts = [(name, content) for name, content in sections.items()] + [(".shstrtab", names)]
    at = header + 2 * program
    body, table = b"", [bytes(entry)]
    for name, content in parts:
        body += bytes(-(at + len(body)) % 16)
        place = at + len(body)
        fields = (names.index(b"\0" + name.encode() + b"\0") + 1, 1, 3, BASE + place, place, len(content), 0, 0, 16, 0)
        table.append(struct.pack(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"), *fields))
        body += content
    shoff = at + len(body)
    load = (1, 6, 0, BASE, BASE, shoff, shoff, 4096) if wide else (1, 0, BASE, BASE, shoff, shoff, 6, 4096)
    interpreter = (3, 4, 0, 0, 0, 0, 0, 1) if wide else (3, 0, 0, 0, 0, 0, 4, 1)
    layout = order + ("IIQQQQQQ" if wide else "IIIIIIII")
    programs = struct.pack(layout, *load) + (bytes(program) if library else struct.pack(layout, *interpreter))
    identity = b"\x7fELF" + bytes((2 if wide else 1, 1 if little else 2, 1)) + bytes(9)
    numbers = (3, 62, 1, 0, header, shoff, 0, header, program, 2, entry, len(table), len(table) - 1)
    return (
        identity
        + struct.pack(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), *numbers)
        + programs
        + body
        + b"".join(table)
    )


def pe(sections: Mapping[str, bytes], *, wide: bool = True) -> bytes:
    """A PE file with those sections, all of them writable data."""
    optional = 240 if wide else 224
    start = 0x80 + 24 + optional + 40 * len(sections)
    at = (start + 511) & -512
    table, body = b"", b""
    for name, content in sections.items():
        place = at + len(body)
        table += struct.pack(
            "<8sIIIIIIHHI", name.encode(), len(content), 0x1000 + place, len(content), place, 0, 0, 0, 0, 0xC0000040
        )
        body += content + bytes(-len(content) % 512)
    head = b"MZ" + bytes(58) + struct.pack("<I", 0x80) + bytes(64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664 if wide else 0x14C, len(sections), 0, 0, 0, optional, 0x22)
    magic = struct.pack("<H", 0x20B if wide else 0x10B)
    base = struct.pack("<Q", BASE) if wide else struct.pack("<I", BASE)
    options = magic + bytes((24 if wide else 28) - 2) + base
    image = head + coff + options + bytes(optional - len(options)) + table
    return image + bytes(at - len(image)) + body


def mach_o(sections: Mapping[str, bytes], *, segment: str = "__DATA") -> bytes:
    """A 64-bit little-endian Mach-O file with one segment of those sections."""
    size = 72 + 80 * len(sections)
    at = 32 + size
    table, body = b"", b""
    for name, content in sections.items():
        place = at + len(body)
        table += struct.pack(
            "<16s16sQQIIIIIIII", name.encode(), segment.encode(), BASE + place, len(content), place, *[0] * 7
        )
        body += content
    command = struct.pack(
        "<II16sQQQQIIII", 0x19, size, segment.encode(), BASE + at, len(body), at, len(body), 3, 3, len(sections), 0
    )
    return struct.pack("<IIIIIIII", 0xFEEDFACF, 0x1000007, 3, 2, 1, size, 0, 0) + command + table + body


def note(owner: bytes, type: int, description: bytes) -> bytes:
    """An ELF note; description padded as the linker pads it."""
    name = owner + b"\0"
    padded = name + bytes(-len(name) % 4)
    return struct.pack("<III", len(name), len(description), type) + padded + description + bytes(-len(description) % 4)
