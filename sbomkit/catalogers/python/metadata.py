"""Core metadata of a distribution: METADATA, PKG-INFO, and the requires.txt of setuptools' older days.

https://packaging.python.org/en/latest/specifications/core-metadata/ . Only the header block is read, by our own
parser: `email.parser` takes several times as long and stumbles over the unfolded texts that old packages have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sbomkit.catalogers.base import ParseError

_END = re.compile(rb"\n\r?\n")
_KEYS = frozenset({
    "name", "version", "summary", "home-page", "project-url", "author", "author-email", "maintainer",
    "maintainer-email", "license", "license-expression", "classifier", "requires-dist", "requires-python",
})  # fmt: skip
_CLASSIFIER = "License :: "
_LONG = 200
"""Characters; a longer `License` is the licence's text, not its name."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """One distribution, as its own record says."""

    name: str
    version: str
    summary: str = ""
    homepage: str = ""
    supplier: str = ""
    license_expression: str = ""
    license: str = ""
    """A name or a whole text."""
    license_classifiers: tuple[str, ...] = ()
    """The last part of each: `MIT License`."""
    requires: tuple[str, ...] = ()
    requires_python: str = ""

    @property
    def identity(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Requires:
    """requires.txt of an egg-info, as Requires-Dist would say it."""

    requires: tuple[str, ...]

    @property
    def identity(self) -> str:
        return ""


def parse_metadata(raw: bytes) -> Metadata:
    """Raises ParseError where there is no name or no version."""
    fields = _headers(raw)
    name, version = _first(fields, "name"), _first(fields, "version")
    if not name or not version:
        raise ParseError("metadata without " + ("a name" if not name else f"a version (of {name[:80]!r})"))
    return Metadata(
        name=name,
        version=version,
        summary=_known(_first(fields, "summary")),
        homepage=_homepage(fields),
        supplier=_supplier(fields),
        license_expression=_known(_first(fields, "license-expression")),
        license=_known("\n".join(line.strip(" \t|") for line in _first(fields, "license").splitlines()).strip()),
        license_classifiers=tuple(_classified(fields)),
        requires=tuple(dict.fromkeys(fields.get("requires-dist", ()))),
        requires_python=_first(fields, "requires-python"),
    )


def _headers(raw: bytes) -> dict[str, list[str]]:
    """The fields we want, folded lines joined as they stand."""
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    end = _END.search(raw)
    fields: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in raw[: end.start() if end else len(raw)].decode("utf-8", "replace").split("\n"):
        if line[:1] in (" ", "\t"):
            if lines is not None:
                lines.append(line.rstrip("\r"))
            continue
        key, colon, value = line.partition(":")
        if not colon:
            continue  # a text that someone forgot to fold
        if lines:
            _keep(fields, lines)
        key = key.strip().lower().replace("_", "-")
        lines = [key, value.strip()] if key in _KEYS else None
    if lines:
        _keep(fields, lines)
    return fields


def _keep(fields: dict[str, list[str]], lines: list[str]) -> None:
    key, *values = lines
    fields.setdefault(key, []).append("\n".join(values).strip())


def _first(fields: Mapping[str, list[str]], key: str) -> str:
    return next(iter(fields.get(key, ())), "")


def _known(value: str) -> str:
    """Old setuptools wrote UNKNOWN for what nobody had said."""
    return "" if value.upper() in ("UNKNOWN", "NONE") else value


def _homepage(fields: Mapping[str, list[str]]) -> str:
    """Home-page, or the project URL that is labelled as such, or the one of the sources."""
    if home := _known(_first(fields, "home-page")):
        return home
    urls: dict[str, str] = {}
    for line in fields.get("project-url", ()):
        label, _, url = line.partition(",")
        urls.setdefault(re.sub(r"[^a-z]", "", label.lower()), url.strip())
    for label in ("homepage", "home", "source", "sourcecode", "code", "repository", "github"):
        if urls.get(label):
            return urls[label]
    return ""


def _supplier(fields: Mapping[str, list[str]]) -> str:
    """`Name <mail>` as far as known: the author, or else the maintainer."""
    for who in ("author", "maintainer"):
        name, mail = _known(_first(fields, who)), _known(_first(fields, f"{who}-email"))
        if name and mail and "<" not in mail and "," not in name + mail:
            return f"{name} <{mail}>"
        if name or mail:
            return (name or mail).replace('"', "")  # "Name" <mail>, as mail programs quote it
    return ""


def _classified(fields: Mapping[str, list[str]]) -> Iterator[str]:
    for line in fields.get("classifier", ()):
        if line.startswith(_CLASSIFIER):
            name = line.rpartition(" :: ")[2].strip()
            if name not in ("OSI Approved", "Other/Proprietary License", "DFSG approved", ""):
                yield name


def stated_licenses(metadata: Metadata) -> Iterator[tuple[str, str]]:
    """(name, text) of each licence: the expression settles it; else the name, and the classifiers that say more."""
    if metadata.license_expression:
        yield metadata.license_expression, ""
        return
    stated = metadata.license
    is_text = "\n" in stated or len(stated) > _LONG
    if stated and not is_text:
        yield stated, ""
    for name in dict.fromkeys(metadata.license_classifiers):
        if is_text or not _says_nothing_new(name, stated):
            yield name, ""
    if is_text and not metadata.license_classifiers:
        yield stated.partition("\n")[0][:_LONG], stated


def _says_nothing_new(classifier: str, stated: str) -> bool:
    """`BSD License` beside `BSD-3-Clause`: by its first word, or its abbreviation in parentheses."""
    abbreviation = classifier.partition("(")[2].rstrip(")")
    first = classifier.partition(" ")[0]
    keys = ("" if first == "GNU" else first, re.split(r"v?[0-9 +]", abbreviation, maxsplit=1)[0])
    return any(key and re.search(rf"(?<![a-z]){re.escape(key.lower())}(?![a-z])", stated.lower()) for key in keys)


def parse_requires(raw: bytes) -> Requires:
    """The sections `[extra:marker]` of requires.txt, turned into markers of each line."""
    out: list[str] = []
    section = ""
    for line in raw.decode("utf-8", "replace").splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            section = " and ".join(
                part for part in (f"({marker})" if marker else "", f'extra == "{extra}"' if extra else "") if part
            )
            continue
        requirement, _, own = line.partition(";")
        marker = " and ".join(part for part in (f"({own})" if own.strip() else "", section) if part)
        out.append(f"{requirement.strip()} ; {marker}" if marker else requirement.strip())
    return Requires(tuple(out))
