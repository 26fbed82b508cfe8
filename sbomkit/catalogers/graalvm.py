"""GraalVM native images that carry their SBOM: symbols `sbom` and `sbom_length` around gzipped CycloneDX.

Format: https://www.graalvm.org/latest/security-guide/native-image/sbom/
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, ParseError, Selector
from sbomkit.catalogers.claims.read import claimed
from sbomkit.catalogers.reading.executable import ELF, Executable, executable
from sbomkit.catalogers.reading.values import json_value

_MAX_JSON = 64 << 20
_MAX_SYMBOLS = 4_000_000
_NAMES = (b"sbom", b"sbom_length")


def parse(file: LayerFile) -> Iterable[Fact]:
    found = executable(file)
    if found is None or ".svm_heap" not in found.sections:
        return
    symbols = dict(_symbols(found))
    if len(symbols) < 2:
        return
    size = 8 if found.wide else 4
    length = int.from_bytes(found.at(symbols[b"sbom_length"], size), "little" if found.little else "big")
    raw = found.at(symbols[b"sbom"], min(length, _MAX_JSON))
    inflate = zlib.decompressobj(31)
    try:
        plain = inflate.decompress(raw, _MAX_JSON)
    except zlib.error as error:
        raise ParseError(f"a native image's SBOM that cannot be decompressed: {error}") from None
    if not inflate.eof:
        raise ParseError("a native image's SBOM that is cut off or impossibly large")
    yield from claimed(json_value(plain), "graalvm", level="native-image", technique="binary-analysis", confidence=0.9)


def _symbols(found: Executable) -> Iterator[tuple[bytes, int]]:
    """Addresses of the two symbols, from the dynamic table, else from the full one."""
    for table, strings in ((".dynsym", ".dynstr"), (".symtab", ".strtab")):
        names = found.section(strings)
        wanted = {at + 1: name for name in _NAMES if (at := names.find(b"\0" + name + b"\0")) >= 0}
        if len(wanted) < len(_NAMES):
            continue
        layout = struct.Struct(("<" if found.little else ">") + ("IBBHQQ" if found.wide else "IIIBBH"))
        raw = found.section(table)
        raw = raw[: len(raw) - len(raw) % layout.size][: _MAX_SYMBOLS * layout.size]
        for fields in layout.iter_unpack(raw):
            if fields[0] in wanted:
                yield wanted[fields[0]], fields[4] if found.wide else fields[1]
        return


CATALOGER = Cataloger(
    name="graalvm",
    version=1,
    selects=Selector(magics=(ELF,), max_size=2 << 30, min_size=1 << 20),
    parse=parse,
    ecosystem="GraalVM native images",
)
