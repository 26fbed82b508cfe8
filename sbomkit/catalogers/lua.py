"""Lua rocks, from the rockspecs that LuaRocks keeps of what it installed.

Format: https://github.com/luarocks/luarocks/blob/main/docs/rockspec_format.md - Lua code: read by pattern, never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Selector
from sbomkit.catalogers.reading.edges import Needs, packages_and_edges
from sbomkit.model import purl
from sbomkit.model.package import License

_FIELD = re.compile(
    r"""(?:^|[{,;\s])(package|version|license|homepage|summary|maintainer)\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)'|\[\[(.*?)\]\])""",
    re.DOTALL,
)
_DEPENDENCIES = re.compile(r"(?:^|\s)dependencies\s*=\s*\{([^}]*)\}", re.DOTALL)
_STRING = re.compile(r"""["']\s*([\w.-]+)[^"'\n]*["']""")


def parse(file: LayerFile) -> Iterable[Fact]:
    text = re.sub(r"(?m)^\s*--(?!\[).*$", "", file.read().decode(errors="replace"))
    found: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        found.setdefault(match[1], " ".join((match[2] or match[3] or match[4] or "").split()))
    folders = file.path.split("/")
    name = found.get("package") or folders[-3]
    version = found.get("version") or folders[-2]
    if not name or not version[:1].isalnum():
        raise ParseError("a rockspec without a package or version")
    license = found.get("license", "")
    url = purl.make("luarocks", name, version)
    yield Package(
        url,
        "luarocks",
        name,
        version,
        cataloger="lua",
        licenses=(License(license),) if license else (),
        supplier=found.get("maintainer", ""),
        homepage=found.get("homepage", ""),
        description=found.get("summary", ""),
    )
    listed = _DEPENDENCIES.search(text)
    needs = {match[1] for match in _STRING.finditer(listed[1])} - {"lua"} if listed else set()
    if needs:
        yield Needs(url, tuple(sorted(needs)))


CATALOGER = Cataloger(
    name="lua",
    version=1,
    selects=Selector(globs=("**/rocks/*/*/*.rockspec", "**/rocks-*/*/*/*.rockspec"), max_size=1 << 20),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="Lua rocks",
)
