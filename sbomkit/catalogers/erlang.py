"""Erlang and Elixir applications: the resource files `ebin/NAME.app`.

Format: https://www.erlang.org/doc/apps/kernel/app.html - an Erlang term: read by pattern, never evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Selector
from sbomkit.catalogers.reading.edges import Needs, packages_and_edges
from sbomkit.model import purl

_NAME = re.compile(r"\{\s*application\s*,\s*'?([\w@.-]+)'?\s*,")
_VALUE = re.compile(r"""\{\s*(vsn|description)\s*,\s*(?:<<)?"((?:[^"\\]|\\.)*)\"""")
_NEEDS = re.compile(r"\{\s*applications\s*,\s*\[([^\]]*)\]")
_ATOM = re.compile(r"'?([\w@.-]+)'?")


def parse(file: LayerFile) -> Iterable[Fact]:
    text = re.sub(r"(?m)^\s*%.*$", "", file.read().decode(errors="replace"))
    name = _NAME.search(text)
    if not name:
        return  # some other file that ends so
    found: dict[str, str] = {}
    for match in _VALUE.finditer(text):
        found.setdefault(match[1], re.sub(r"\\(.)", r"\1", match[2]))
    if not found.get("vsn"):
        raise ParseError("an Erlang application without a version")
    url = purl.make("otp", name[1], found["vsn"])
    yield Package(
        url,
        "otp",
        name[1],
        found["vsn"],
        cataloger="erlang",
        description=" ".join(found.get("description", "").split()),
    )
    listed = _NEEDS.search(text)
    needs = {match[1] for match in _ATOM.finditer(listed[1])} if listed else set()
    if needs:
        yield Needs(url, tuple(sorted(needs)))


CATALOGER = Cataloger(
    name="erlang",
    version=1,
    selects=Selector(globs=("**/ebin/*.app",), max_size=4 << 20),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="Erlang and Elixir applications",
)
