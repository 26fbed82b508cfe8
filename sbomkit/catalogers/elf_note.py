"""Packages that an executable names itself, in an ELF note.

Format: https://systemd.io/ELF_PACKAGE_METADATA/ - a note of owner "FDO", type 0xcafe1a7e, with JSON
(type, name, version, architecture, os, osVersion, osCpe, debugInfoUrl), as Fedora, Debian and others build it in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sbomkit.catalogers.base import Cataloger, Fact, Finding, LayerFile, Package, ParseError, Selector, View, located
from sbomkit.catalogers.reading.executable import ELF, executable
from sbomkit.catalogers.reading.values import json_value, kept, mapping, text
from sbomkit.model import purl
from sbomkit.model.distro import Distro

_OWNER, _TYPE = b"FDO", 0xCAFE1A7E
_MAX_NOTE = 64 << 10
_DISTRO_TYPES = frozenset(("deb", "rpm", "apk", "alpm"))


@dataclass(frozen=True, slots=True)
class Note:
    """What the note says; its purl needs the image's distribution where the note names none."""

    type: str
    name: str
    version: str
    arch: str
    os: str
    os_version: str
    cpe: str

    @property
    def identity(self) -> str:
        return f"{self.type}/{self.name}@{self.version}"


def parse(file: LayerFile) -> Iterable[Fact]:
    found = executable(file)
    raw = found.section(".note.package", _MAX_NOTE) if found else b""
    for note in _notes(raw, "<" if found and found.little else ">"):
        said = mapping(json_value(note.rstrip(b"\0 \n")))
        fields = [
            text(said.get(key)) for key in ("type", "name", "version", "architecture", "os", "osVersion", "osCpe")
        ]
        if not fields[1] or not fields[2]:
            raise ParseError("a package note without a name or version")
        yield Note(*fields)


def _notes(raw: bytes, order: str) -> Iterator[bytes]:
    """The descriptions of all notes of our kind; names and descriptions are padded to four bytes."""
    at = 0
    while at + 12 <= len(raw):
        name_size, size, type_ = struct.unpack_from(order + "III", raw, at)
        start = at + 12 + ((name_size + 3) & -4)
        if type_ == _TYPE and raw[at + 12 : at + 12 + name_size].rstrip(b"\0") == _OWNER:
            yield raw[start : start + size]
        at = start + ((size + 3) & -4)


def assemble(view: View) -> Iterable[Finding]:
    for seen in view.facts(Note):
        note = seen.fact
        known = Distro(note.os, note.os_version) if note.os else view.distro
        if note.os == view.distro.id and not note.os_version:
            known = view.distro
        type_ = note.type if note.type in _DISTRO_TYPES else "generic"
        url = (
            purl.make_distro_package(type_, note.name, note.version, known, arch=note.arch)
            if type_ in _DISTRO_TYPES
            else purl.make("generic", note.name, note.version)
        )
        package = Package(
            url,
            type_,
            note.name,
            note.version,
            namespace=purl.vendor(type_, known) if type_ in _DISTRO_TYPES else "",
            cataloger="elf-note",
            technique="binary-analysis",
            confidence=0.8,
            extra=kept(elf_os=note.os, elf_os_version=note.os_version, elf_os_cpe=note.cpe, elf_type=note.type),
        )
        yield located(package, seen)


CATALOGER = Cataloger(
    name="elf-note",
    version=1,
    selects=Selector(magics=(ELF,), max_size=2 << 30, min_size=512),
    parse=parse,
    assemble=assemble,
    ecosystem="ELF package notes",
)
