"""Ruby gems, from the specifications that RubyGems installs. They are Ruby code: read by pattern, never run.

Format: https://guides.rubygems.org/specification-reference/ and RubyGems' own writer (Gem::Specification#to_ruby),
which states one attribute a line, and name, version and platform in a `# stub:` line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Selector
from sbomkit.catalogers.reading.edges import Needs, packages_and_edges
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_STUB = re.compile(r"^# stub: (\S+) (\S+) (\S+)", re.MULTILINE)
_STRING = r"""(?:Gem::Version\.new\s*\(?\s*)?(?:%q<([^>]*)>|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')"""
_ATTRIBUTE = re.compile(
    rf"^\s*\w+\.(name|version|platform|homepage|summary|license|required_ruby_version)\s*=\s*{_STRING}", re.MULTILINE
)
_LIST = re.compile(r"^\s*\w+\.(licenses|authors)\s*=\s*\[([^\]]{0,2000})\]", re.MULTILINE)
_NEEDS = re.compile(rf"\.add_(?:runtime_)?dependency\s*\(?\s*{_STRING}")
_ITEM = re.compile(_STRING)
_FILE = re.compile(r"(.+)-(\d[\w.]*?)(?:-([\w.-]+))?\.gemspec\Z")
_VERSION = re.compile(r"\d+(?:\.\w+)*(?:-[\w.]+)?\Z")


def parse(file: LayerFile) -> Iterable[Fact]:
    text = file.read().decode(errors="replace")
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        found.setdefault(match[1], _plain(match[2] or match[3] or match[4] or ""))
    lists = {match[1]: _items(match[2]) for match in _LIST.finditer(text)}
    stub, named = _STUB.search(text), _FILE.match(file.path.rpartition("/")[2])
    name = found.get("name") or (stub[1] if stub else "") or (named[1] if named else "")
    version = next(
        (
            v
            for v in (found.get("version", ""), stub[2] if stub else "", named[2] if named else "")
            if _VERSION.match(v)
        ),
        "",
    )
    platform = found.get("platform") or (stub[3] if stub else "") or "ruby"
    if not name or not version:
        raise ParseError("a gem specification without a name or a plain version")
    licenses = lists.get("licenses") or ([found["license"]] if found.get("license") else [])
    url = purl.make("gem", name, version, qualifiers={"platform": platform if platform != "ruby" else ""})
    yield Package(
        url,
        "gem",
        name,
        version,
        cataloger="ruby",
        licenses=tuple(License(value) for value in licenses),
        supplier=", ".join(lists.get("authors", ())),
        homepage=found.get("homepage", ""),
        description=found.get("summary", ""),
        extra=kept(gem_platform=platform, gem_default="true" if "/default/" in file.path else ""),
    )
    needs = {_plain(match[1] or match[2] or match[3] or "") for match in _NEEDS.finditer(text)} - {""}
    if needs:
        yield Needs(url, tuple(sorted(needs)))


def _items(text: str) -> list[str]:
    return [_plain(match[1] or match[2] or match[3] or "") for match in _ITEM.finditer(text)]


def _plain(text: str) -> str:
    """A Ruby string's text; one with interpolation is code, and as good as absent."""
    return "" if "#{" in text else re.sub(r"\\(.)", r"\1", text).strip()


CATALOGER = Cataloger(
    name="ruby",
    version=1,
    selects=Selector(globs=("**/specifications/*.gemspec", "**/specifications/default/*.gemspec"), max_size=4 << 20),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="Ruby gems",
)
