"""PHP packages that PEAR or PECL installed.

Format: `.registry/NAME.reg` and `.registry/.channel.CHANNEL/NAME.reg`, the package's description as PHP serializes it
(https://www.php.net/manual/function.serialize.php). Nothing is ever unserialized: only strings are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Selector
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_TOKEN = re.compile(rb"a:\d+:\{|\}|s:(\d+):\"|[ib]:-?\d+;|d:[^;]{1,40};|N;")
_DEFAULT = "pear.php.net"
_MAX_DEPTH = 32


def parse(file: LayerFile) -> Iterable[Fact]:
    found: dict[str, str] = {}
    for path, value in _strings(file.read()):
        found.setdefault(path, value)
    name = found.get("name", "") or found.get("package", "")
    version = found.get("version/release", "") or found.get("version", "")
    if not name or not version:
        raise ParseError("a PEAR package without a name or version")
    channel = found.get("channel", "") or _DEFAULT
    license = found.get("license/_content", "") or found.get("license", "")
    yield Package(
        purl.make("pear", name, version, namespace=channel),
        "pear",
        name,
        version,
        namespace=channel,
        cataloger="pear",
        licenses=(License(license),) if license else (),
        supplier=found.get("lead/name", "") or found.get("maintainers/0/name", ""),
        description=found.get("summary", ""),
        extra=kept(pear_stability=found.get("stability/release", "")),
    )


def _strings(raw: bytes) -> Iterator[tuple[str, str]]:
    """Strings by the path of their keys; an array is a run of keys and values."""
    path: list[str] = []
    key: str | None = None
    at = 0
    while match := _TOKEN.match(raw, at):
        at = match.end()
        token = match[0]
        if token == b"}":
            if path:
                path.pop()
            key = None
        elif token.startswith(b"a"):
            if len(path) >= _MAX_DEPTH:
                raise ParseError("a PEAR record nested too deep")
            path.append(key or "")
            key = None
        else:
            value = token[2:-1].decode()
            if match[1] is not None:
                end = at + int(match[1][:9])
                value, at = raw[at:end].decode(errors="replace"), end + 2
            if key is None:
                key = value
                continue
            if match[1] is not None:
                yield "/".join([*path[1:], key]), value
            key = None


CATALOGER = Cataloger(
    name="pear",
    version=1,
    selects=Selector(globs=("**/.registry/*.reg", "**/.registry/.channel.*/*.reg"), max_size=8 << 20),
    parse=parse,
    ecosystem="PHP packages (PEAR, PECL)",
)
