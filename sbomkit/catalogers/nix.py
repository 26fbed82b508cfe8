"""Nix packages: the store's own paths, `nix/store/HASH-NAME-VERSION[-OUTPUT]`.

Format: https://nix.dev/manual/nix/latest/store/store-path - the hash is 32 characters of Nix' base 32. Name and version
part at the first dash before a digit, as Nix' own parseDrvName does it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, Finding, LayerFile, Location, Package, Selector, View
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl

_STORE = "nix/store"
_PATH = re.compile(r"(?P<hash>[0-9abcdfghijklmnpqrsvwxyz]{32})-(?P<rest>.+)\Z")
_NAME = re.compile(r"(?P<name>.+?)-(?P<version>\d[^/]*)\Z")
_OUTPUTS = ("bin", "dev", "doc", "lib", "man", "info", "out", "debug", "devdoc", "static", "data", "dist", "terminfo")
_NOT_PACKAGES = (".drv", ".lock", ".patch", ".sh", ".tar.gz", ".tar.xz", ".tar.bz2", ".json", "-source")


def parse(file: LayerFile) -> Iterable[Fact]:
    """Nothing is read: the paths say it all."""
    return ()


def assemble(view: View) -> Iterable[Finding]:
    for entry in view.children(_STORE):
        match = _PATH.match(entry)
        if not match or match["rest"].endswith(_NOT_PACKAGES):
            continue
        rest, output = match["rest"], ""
        base, _, last = rest.rpartition("-")
        if last in _OUTPUTS and _NAME.match(base):
            rest, output = base, last
        named = _NAME.match(rest)
        if not named:
            continue
        name, version = named["name"], named["version"]
        path = f"{_STORE}/{entry}"
        layer = view.layer_of(path)
        yield Package(
            purl.make("nix", name, version, qualifiers={"output": output, "outputhash": match["hash"]}),
            "nix",
            name,
            version,
            cataloger="nix",
            locations=(Location("/" + path, layer),),
            introduced_by=layer,
            technique="filename",
            confidence=0.9,
            extra=kept(nix_output=output, nix_hash=match["hash"]),
        )


CATALOGER = Cataloger(
    name="nix",
    version=1,
    selects=Selector(),
    parse=parse,
    assemble=assemble,
    ecosystem="Nix packages",
)
