"""Programs without a record: found by their file's name and by what their own bytes say of their version.

A name alone proves nothing and bytes may be old, so what is found here carries less confidence than any record; the
scan says which package owns the file, where one does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, Selector
from sbomkit.catalogers.reading.content import Buffer, buffer, windows
from sbomkit.catalogers.reading.executable import ELF, MACH_O, PE, executable
from sbomkit.catalogers.reading.values import kept
from sbomkit.catalogers.runtimes.rules import RULES, Rule
from sbomkit.model import purl

_BEFORE, _AFTER = 160, 512
"""Bytes around an anchor in which the version must stand."""
_MAX_ANCHORS = 20_000
_FILES = re.compile("|".join(f"(?:{re.sub(r'[?]P<[a-z0-9]+>', '?:', rule.files)})" for rule in RULES))
_RULES = tuple((re.compile(rule.files), rule) for rule in RULES)
_RUSTC = re.compile(rb"rustc version (\d+\.\d+\.\d+(?:-[\w.]+)?) \(")


def parse(file: LayerFile) -> Iterable[Fact]:
    name = file.path[file.path.rfind("/") + 1 :].removesuffix(".exe")
    if _FILES.fullmatch(name):
        yield from _by_rules(buffer(file), name)
    found = executable(file)
    if found and not found.library:
        rustc = _RUSTC.search(found.section(".comment", 4096))
        if rustc:
            yield _rust(rustc[1].decode())


def _by_rules(data: Buffer, name: str) -> Iterator[Package]:
    """By each rule whose file name it is; the first that finds something under a name speaks for it."""
    said: set[str] = set()
    for files, rule in _RULES:
        match = files.fullmatch(name)
        if not match or rule.name in said:
            continue
        base = next((value for value in match.groupdict().values() if value), "")
        version = version_in(data, rule, base)
        if version:
            said.add(rule.name)
            if rule.name in ("openresty", "mariadb"):
                said.update(("nginx", "mysql"))  # they are these, too, under a name of their own
            yield _package(rule, version)


def version_in(data: Buffer, rule: Rule, base: str = "") -> str:
    """The version that a rule finds in the bytes, or ""."""
    anchor = rule.anchor.replace(b"{base}", base.encode())
    pattern = re.compile(rule.pattern.replace(b"{base}", re.escape(base).encode()), re.DOTALL)
    found = _anywhere(data, anchor, pattern) if rule.everywhere else _around(data, anchor, pattern)
    if rule.pick == "first":
        return next(found, "")
    return max(set(found), key=lambda text: [int(part) for part in re.findall(r"\d+", text)], default="")


def _anywhere(data: Buffer, anchor: bytes, pattern: re.Pattern[bytes]) -> Iterator[str]:
    """Versions wherever they stand, in a file that has the anchor."""
    if any(data.find(anchor, start, end) >= 0 for start, end in windows(data)):
        for start, end in windows(data):
            for match in pattern.finditer(data, start, end):
                yield match["version"].decode()


def _around(data: Buffer, anchor: bytes, pattern: re.Pattern[bytes]) -> Iterator[str]:
    """Versions near the anchor."""
    left = _MAX_ANCHORS
    for start, end in windows(data):
        at = data.find(anchor, start, end)
        while at >= 0 and left:
            left -= 1
            match = pattern.search(data[max(at - _BEFORE, 0) : at + _AFTER])
            if match:
                yield match["version"].decode()
            at = data.find(anchor, at + 1, end)


def _package(rule: Rule, version: str) -> Package:
    cpes = (f"cpe:2.3:a:{rule.cpe}:{version}:*:*:*:*:*:*:*",) if rule.cpe else ()
    return Package(
        purl.make("generic", rule.name, version),
        "generic",
        rule.name,
        version,
        kind=rule.kind,
        cataloger="runtimes",
        cpes=cpes,
        technique="binary-analysis",
        confidence=rule.confidence,
    )


def _rust(version: str) -> Package:
    """The standard library that every Rust program carries, by its compiler's note."""
    return Package(
        purl.make("generic", "rust-std", version),
        "generic",
        "rust-std",
        version,
        cataloger="runtimes",
        cpes=(f"cpe:2.3:a:rust-lang:rust:{version}:*:*:*:*:*:*:*",),
        technique="binary-analysis",
        confidence=0.75,
        extra=kept(rust_found_in=".comment"),
    )


CATALOGER = Cataloger(
    name="runtimes",
    version=1,
    selects=Selector(magics=(ELF, PE, *MACH_O), max_size=2 << 30, min_size=512),
    parse=parse,
    ecosystem="Runtimes and servers without records",
)
