"""Snaps, from the metadata that each carries.

Format: https://snapcraft.io/docs/the-snap-format - `meta/snap.yaml`; its plain top-level keys only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Selector
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_FIELD = re.compile(
    r"^(name|version|summary|license|type|base|title|grade|confinement):[ \t]*(.*?)[ \t]*(?:#.*)?$", re.MULTILINE
)
_ARCHITECTURES = re.compile(r"^architectures:[ \t]*(?:\[([^\]]*)\]|\n((?:[ \t]*-[ \t]*.+\n?)+))", re.MULTILINE)


def parse(file: LayerFile) -> Iterable[Fact]:
    text = file.read().decode(errors="replace").replace("\r\n", "\n")
    found: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        found.setdefault(match[1], match[2].strip("'\""))
    name, version = found.get("name", ""), found.get("version", "")
    if not name or not version:
        raise ParseError("a snap without a name or version")
    listed = _ARCHITECTURES.search(text)
    arch = re.findall(r"\w+", listed[1] or listed[2]) if listed else []
    license = found.get("license", "")
    yield Package(
        purl.make("snap", name, version, qualifiers={"arch": arch[0] if len(arch) == 1 else ""}),
        "snap",
        name,
        version,
        kind="application",
        cataloger="snap",
        licenses=(License(license),) if license not in ("", "unset") else (),
        description=found.get("summary", ""),
        extra=kept(snap_base=found.get("base", ""), snap_type=found.get("type", ""), snap_grade=found.get("grade", "")),
    )


CATALOGER = Cataloger(
    name="snap",
    version=1,
    selects=Selector(
        globs=("snap/*/*/meta/snap.yaml", "**/snap/*/*/meta/snap.yaml", "meta/snap.yaml"), max_size=1 << 20
    ),
    parse=parse,
    ecosystem="Snaps",
)
