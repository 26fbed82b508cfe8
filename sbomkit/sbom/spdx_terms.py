"""Words and syntax of SPDX 2 for things of the model: ids, agents, locators, licence references."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from sbomkit.model.package import License, Package
from sbomkit.sbom import licenses
from sbomkit.sbom.identity import slug
from sbomkit.sbom.text import name_and_email, one_line, without_surrogates

NOASSERTION = "NOASSERTION"
NOTE = "sbomkit:"
OWNED = "sbomkit:owned-by"
CONTAINED = "sbomkit:contains"
FIELD = "spdx:field:"
FIELDS = (
    *("attributionTexts", "builtDate", "comment", "copyrightText", "downloadLocation", "licenseComments"),
    *("originator", "packageFileName", "releaseDate", "sourceInfo", "summary", "validUntilDate"),
)
"""Fields of foreign packages that are kept in `extra`, under FIELD and their name, and put back."""

FIELDS_OF_23 = frozenset({"builtDate", "releaseDate", "validUntilDate"})
ALGORITHMS = {
    "md5": "MD5",
    "sha1": "SHA1",
    "sha224": "SHA224",
    "sha256": "SHA256",
    "sha384": "SHA384",
    "sha512": "SHA512",
}
PURPOSE = {
    "library": "LIBRARY",
    "application": "APPLICATION",
    "framework": "FRAMEWORK",
    "operating-system": "OPERATING_SYSTEM",
    "machine-learning-model": "OTHER",
    "file": "FILE",
    "container": "CONTAINER",
    "firmware": "FIRMWARE",
}
_CPE23 = re.compile(r"cpe:2\.3:[aho*-](?::(?:[A-Za-z0-9?*_.~%!@#$^&()+={}|/\[\];,<>'-]|\\[!-~])+){10}\Z", re.ASCII)
_CPE22 = re.compile(r"cpe:/[aho](?::[A-Za-z0-9._~%-]*){0,6}\Z", re.ASCII)
_CACHED_LENGTH = 256
_NUMBERED = re.compile(r"LicenseRef-[A-Za-z0-9.-]+\Z")


def short_hash(text: str) -> str:
    """80 bits of a digest: what keeps an id apart from any other, also of names that an attacker chose."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def package_id(package: Package) -> str:
    """A stable id: readable, and unique by the purl's digest."""
    name = slug(f"{package.type}-{package.name}", 48)
    return f"SPDXRef-Package-{name}-{short_hash(package.purl)}"


def agent(supplier: str) -> str:
    """`Organization: NAME (MAIL)`. Person or team is not known, so none is called a person."""
    return _agent(supplier) if len(supplier) <= _CACHED_LENGTH else _agent.__wrapped__(supplier)


@lru_cache(maxsize=4096)
def _agent(supplier: str) -> str:
    name, email = name_and_email(supplier)
    plain = one_line(name).replace("(", "[").replace(")", "]")
    if not plain:
        return f"Organization: {email}" if email else NOASSERTION
    return f"Organization: {plain} ({email})" if email else f"Organization: {plain}"


def cpe_type(cpe: str) -> str:
    """The reference type that holds this CPE; empty where it is neither a 2.3 nor a 2.2 name."""
    if len(cpe) > 2048:
        return ""
    if _CPE23.match(cpe):
        return "cpe23Type"
    return "cpe22Type" if _CPE22.match(cpe) else ""


def is_locator(purl: str) -> bool:
    """Whether an external reference may hold it: a purl without blanks."""
    return purl.startswith("pkg:") and purl.isascii() and purl.isprintable() and " " not in purl


class LicenseRefs:
    """Turns licence statements into expressions, and keeps the text of those that SPDX has no id for."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[str, str]] = {}
        self._kept: dict[tuple[License, ...], bool] = {}
        self._expressions: dict[tuple[License, ...], str] = {}

    def expression(self, stated: Iterable[License]) -> str:
        """All the statements joined by AND; NOASSERTION where there are none."""
        key = tuple(stated)
        if not key:
            return NOASSERTION
        known = self._expressions.get(key)
        if known is None:
            known = licenses.conjunction([self._one(license) for license in key])
            self._expressions[key] = known
        return known

    def _one(self, license: License) -> tuple[str, bool]:
        recognised = licenses.recognise(license.value)
        foreign = any(not _NUMBERED.match(ref) for ref in recognised.refs)
        if recognised.kind == "name" or foreign or (license.text and recognised.kind != "id"):
            return self._reference(license.value, license.text), False
        for ref in recognised.refs:
            self._texts.setdefault(ref, (ref, license.text or f"The text of {ref} is not part of the evidence."))
        return recognised.value, recognised.compound

    def _reference(self, value: str, text: str) -> str:
        reference = f"LicenseRef-sbomkit-{slug(value, 32) or 'text'}-{short_hash(value + chr(0) + text)}"
        self._texts.setdefault(reference, (value, text or value))
        return reference

    def keeps(self, stated: tuple[License, ...]) -> bool:
        """Whether the expressions alone say all that the statements said."""
        known = self._kept.get(stated)
        if known is None:
            ends = [license.concluded for license in stated]
            known = len(set(ends)) == len(ends) and ends == sorted(ends) and all(map(_is_plain, stated))
            self._kept[stated] = known
        return known

    def extracted(self) -> Iterator[dict[str, str]]:
        """`hasExtractedLicensingInfos`, sorted by id."""
        for reference, (name, text) in sorted(self._texts.items()):
            yield {"licenseId": reference, "name": _title(name), "extractedText": text}


def _title(name: str) -> str:
    return one_line(without_surrogates(name[:256])) or "a licence without a name"


def _is_plain(license: License) -> bool:
    recognised = licenses.recognise(license.value)
    return recognised.kind != "name" and recognised.value == license.value and not license.text and not license.source
