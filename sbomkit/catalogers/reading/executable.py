"""Sections and segments of executables: ELF, PE and Mach-O, looked at once per file for all who ask.

Formats: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html,
https://learn.microsoft.com/windows/win32/debug/pe-format, and Apple's <mach-o/loader.h>.
An image has thousands of shared libraries: what none of them has is dismissed by one look at the section names.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from sbomkit.catalogers.reading.content import Buffer, buffer
from sbomkit.layers.select import LayerFile, shared

ELF = b"\x7fELF"
PE = b"MZ"
MACH_O = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce")
FAT = b"\xca\xfe\xba\xbe"
"""Mach-O for several machines; Java class files begin with the same bytes."""
MAGICS = (ELF, PE, *MACH_O, FAT)
_MAX_SECTIONS = 4096
_MAX_NAMES = 1 << 20
_DATA = "data"


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    address: int
    offset: int
    size: int


@dataclass(slots=True)
class Executable:
    """What a loader would make of the file. Section names are as written, without their segment's."""

    format: str
    data: Buffer
    little: bool = True
    wide: bool = True
    library: bool = False
    named: bool = False
    """It has section names, whether or not one of them is of interest."""
    sections: dict[str, Section] = field(default_factory=dict)
    segments: list[Section] = field(default_factory=list)
    """What is mapped, with addresses; named "data" where it is writable and not executable."""

    def read(self, offset: int, size: int) -> bytes:
        """So many bytes, or fewer at the end; none at an impossible place."""
        if offset < 0 or size <= 0:
            return b""
        return bytes(self.data[offset : offset + size])

    def at(self, address: int, size: int) -> bytes:
        """The bytes that are mapped at an address; none where nothing is."""
        for segment in self.segments:
            if segment.address <= address < segment.address + segment.size:
                inside = address - segment.address
                return self.read(segment.offset + inside, min(size, segment.size - inside))
        return b""

    def section(self, name: str, limit: int = 64 << 20) -> bytes:
        """The content of a section, at most `limit` bytes; none where there is no such."""
        found = self.sections.get(name)
        return self.read(found.offset, min(found.size, limit)) if found else b""

    @property
    def data_segments(self) -> list[Section]:
        return [segment for segment in self.segments if segment.name == _DATA]


def executable(file: LayerFile) -> Executable | None:
    """The file as an executable; None where it is none, or is too damaged to say."""
    return shared(file, "executable", _executable)


def _executable(file: LayerFile) -> Executable | None:
    data = buffer(file)
    try:
        return parsed(data)
    except (struct.error, IndexError, ValueError, OverflowError):
        return None


def parsed(data: Buffer) -> Executable | None:
    """Raises struct.error and the like for what is cut off."""
    head = bytes(data[:4])
    if head == ELF:
        return _elf(data)
    if head[:2] == PE:
        return _pe(data)
    if head == FAT:
        return _fat(data)
    return _mach_o(data, 0) if head in MACH_O else None


_INTERESTING = (b".go.buildinfo", b".dep-v0", b".note.package", b".svm_heap")


def _elf(data: Buffer) -> Executable:
    """The sections are only laid out when some name is one that a cataloger reads."""
    wide, little = data[4] == 2, data[5] == 1
    order = "<" if little else ">"
    header = struct.Struct(order + ("16xHHIQQQIHHHHHH" if wide else "16xHHIIIIIHHHHHH"))
    kind, _, _, _, phoff, shoff, _, _, phsize, phnum, shsize, shnum, names_at = header.unpack_from(data)
    found = Executable("elf", data, little, wide)
    segment = struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
    interpreted = False
    for at in range(phoff, phoff + phsize * min(phnum, 256), phsize or 1):
        if wide:
            type_, flags, offset, address, _, size, _, _ = segment.unpack_from(data, at)
        else:
            type_, offset, address, _, size, _, flags, _ = segment.unpack_from(data, at)
        interpreted |= type_ == 3
        if type_ == 1:
            found.segments.append(Section(_DATA if flags & 3 == 2 else "", address, offset, size))
    found.library = kind == 3 and not interpreted
    if shnum and shsize and names_at < shnum:
        _elf_sections(found, order, shoff, shsize, shnum, names_at)
    return found


def _elf_sections(found: Executable, order: str, shoff: int, shsize: int, shnum: int, names_at: int) -> None:
    layout = struct.Struct(order + ("IIQQQQIIQQ" if found.wide else "IIIIIIIIII"))
    _, _, _, _, offset, size, *_ = layout.unpack_from(found.data, shoff + shsize * names_at)
    names = found.read(offset, min(size, _MAX_NAMES))
    found.named = len(names) > 1
    if not any(name in names for name in _INTERESTING) and (found.library or b".comment" not in names):
        return
    for at in range(shoff, shoff + shsize * min(shnum, _MAX_SECTIONS), shsize):
        name_at, type_, _, address, offset, size, *_ = layout.unpack_from(found.data, at)
        end = names.find(b"\0", name_at)
        if type_ != 8 and 0 < name_at < end:  # 8: occupies no space in the file
            name = names[name_at:end].decode(errors="replace")
            found.sections.setdefault(name, Section(name, address, offset, size))


def _pe(data: Buffer) -> Executable | None:
    at = int.from_bytes(data[0x3C:0x40], "little")
    if bytes(data[at : at + 4]) != b"PE\0\0":
        return None
    _, count, _, _, _, optional, flags = struct.unpack_from("<HHIIIHH", data, at + 4)
    wide = bytes(data[at + 24 : at + 26]) == b"\x0b\x02"
    base = (
        int.from_bytes(data[at + 48 : at + 56], "little") if wide else int.from_bytes(data[at + 52 : at + 56], "little")
    )
    found = Executable("pe", data, True, wide, bool(flags & 0x2000))
    table = at + 24 + optional
    for number in range(min(count, 256)):
        name, virtual, address, size, offset, _, _, _, _, traits = struct.unpack_from(
            "<8sIIIIIIHHI", data, table + 40 * number
        )
        text = name.rstrip(b"\0").decode(errors="replace")
        found.sections.setdefault(text, Section(text, address, offset, min(size, virtual) if virtual else size))
        writable = traits & 0xC0000040 == 0xC0000040
        found.segments.append(Section(_DATA if writable else "", base + address, offset, size))
    return found


def _fat(data: Buffer) -> Executable | None:
    """The first of the machines: all are built from the same source."""
    count = int.from_bytes(data[4:8], "big")
    if not 0 < count < 20:  # in a Java class this is its version, 45 and up
        return None
    offset = int.from_bytes(data[16:20], "big")
    if bytes(data[offset : offset + 4]) not in MACH_O:
        return None
    return _mach_o(data, offset)


def _mach_o(data: Buffer, start: int) -> Executable:
    magic = bytes(data[start : start + 4])
    little, wide = magic[:1] in (b"\xcf", b"\xce"), b"\xcf" in magic
    order = "<" if little else ">"
    _, _, kind, commands, _, _ = struct.unpack_from(order + "6I", data, start + 4)
    found = Executable("mach-o", data, little, wide, kind == 6)
    at = start + (32 if wide else 28)
    for _ in range(min(commands, 1024)):
        command, size = struct.unpack_from(order + "II", data, at)
        if command == (0x19 if wide else 1):
            _mach_o_segment(found, order, at, start)
        at += max(size, 8)
    return found


def _mach_o_segment(found: Executable, order: str, at: int, start: int) -> None:
    layout = struct.Struct(order + ("16sQQQQIIII" if found.wide else "16sIIIIIIII"))
    name, address, _, offset, size, _, _, count, _ = layout.unpack_from(found.data, at + 8)
    data = name.rstrip(b"\0") in (b"__DATA", b"__DATA_CONST")
    found.segments.append(Section(_DATA if data else "", address, start + offset, size))
    section = struct.Struct(order + ("16s16sQQI" if found.wide else "16s16sIII"))
    stride = 80 if found.wide else 68
    for number in range(min(count, 256)):
        raw, _, where, length, place = section.unpack_from(found.data, at + 8 + layout.size + stride * number)
        text = raw.rstrip(b"\0").decode(errors="replace")
        found.sections.setdefault(text, Section(text, where, start + place, length))
