"""Which Maven artifact an archive is, and which others were shaded into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sbomkit.catalogers.base import ParseError
from sbomkit.catalogers.java.pom import Pom, manifest, properties
from sbomkit.catalogers.reading.archive import Zip

_MAX_RECORD = 4 << 20
_FILE = re.compile(r"(?P<name>.+?)[-_](?P<version>v?\d+(?:\.\w+)*(?:[-.+_]\w+)*)\Z")
_LATER = re.compile(r"[-_](?=\d+\.)")
_CLASSIFIERS = ("sources", "javadoc", "tests", "test-sources")
_VERSION = re.compile(r"v?\d[\w.+~-]*\Z")
_NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")
_UMBRELLAS = frozenset(("org.apache", "org.eclipse", "com.google", "com.sun", "com.oracle", "com.ibm"))
"""Symbolic names begin with these, but no artifact has one of them for its group."""


@dataclass(frozen=True, slots=True)
class Artifact:
    name: str
    version: str
    group: str = ""
    evidence: str = ""
    """`pom.properties`, `pom.xml`, `manifest` or `file name`."""
    main: bool = False
    """It is what the archive is, not something shaded into it."""
    confidence: float = 1.0
    classifier: str = ""
    title: str = ""
    vendor: str = ""
    url: str = ""
    description: str = ""
    licenses: tuple[str, ...] = ()


def artifacts_of(archive: Zip, file_name: str, problems: list[str]) -> list[Artifact]:
    """The archive's own artifact first, then the others by their place in it."""
    said = manifest(_text(archive, "META-INF/MANIFEST.MF", problems))
    stem, _, _ = file_name.rpartition(".")
    listed = list(_recorded(archive, problems))
    main = _main_of(listed, stem)
    own = listed.pop(main) if main is not None else _from_manifest(said, stem, listed, archive)
    if own is None:
        return listed
    licenses = own.licenses or tuple(_licenses(said))
    vendor = own.vendor or said.get("implementation-vendor", "") or said.get("bundle-vendor", "")
    return [replace(own, main=True, licenses=licenses, vendor=vendor, classifier=_classifier(stem)), *listed]


def _text(archive: Zip, name: str, problems: list[str]) -> str:
    member = archive.members.get(name)
    if member is None:
        return ""
    try:
        return archive.read(member, _MAX_RECORD).decode(errors="replace")
    except ParseError as error:
        problems.append(str(error))
        return ""


def _recorded(archive: Zip, problems: list[str]) -> Iterator[Artifact]:
    """Every pom.properties, filled up from the pom.xml beside it; every pom.xml without one."""
    folders: dict[str, set[str]] = {}
    for path in archive.members:
        folder, _, name = path.rpartition("/")
        if name in ("pom.properties", "pom.xml"):
            folders.setdefault(folder, set()).add(name)
    seen = set()
    for folder, names in sorted(folders.items()):
        base = f"{folder}/" if folder else ""
        stated = properties(_text(archive, f"{base}pom.properties", problems)) if "pom.properties" in names else {}
        pom = Pom(_text(archive, f"{base}pom.xml", problems)) if "pom.xml" in names else Pom("")
        name = stated.get("artifactId") or pom.name
        group = stated.get("groupId") or pom.group
        version = stated.get("version") or pom.version
        if not name or (group, name, version) in seen or "${" in name + group + version:
            continue
        seen.add((group, name, version))
        evidence = "pom.properties" if stated.get("artifactId") else "pom.xml"
        yield Artifact(
            name, version, group, evidence,
            vendor=pom.vendor, url=pom.url, description=pom.description, licenses=pom.licenses,
        )  # fmt: skip


def _main_of(listed: list[Artifact], stem: str) -> int | None:
    """The recorded artifact that the archive is: by its file name, or for being the only one."""
    for at, artifact in enumerate(listed):
        if stem == f"{artifact.name}-{artifact.version}":
            return at
    fitting = [at for at, a in enumerate(listed) if stem == a.name or stem.startswith((f"{a.name}-", f"{a.name}_"))]
    if fitting:
        return max(fitting, key=lambda at: len(listed[at].name))
    return 0 if len(listed) == 1 else None


def _split(stem: str) -> tuple[str, str]:
    """Name and version of a file name: the version begins at the last number with a dot, else at the first digit."""
    at = [match.start() for match in _LATER.finditer(stem)]
    if at and at[-1] > 0:
        first = at[-2] if len(at) > 1 and re.match(r"[-_][\d.]+-\d{8}\.\d{6}-\d+", stem[at[-2] :]) else at[-1]
        return stem[:first], stem[first + 1 :]
    match = _FILE.match(stem)
    return (match["name"], match["version"]) if match else (stem, "")


def _classifier(stem: str) -> str:
    return next((name for name in _CLASSIFIERS if stem.endswith(f"-{name}")), "")


def _from_manifest(said: Mapping[str, str], stem: str, listed: list[Artifact], archive: Zip) -> Artifact | None:
    classifier = _classifier(stem)
    bare = stem.removesuffix(f"-{classifier}") if classifier else stem
    stated = _stated_version(said)
    name, version = _split(bare)
    if stated and bare.endswith(f"-{stated}"):
        name, version = bare[: -len(stated) - 1], stated
    elif said.get("implementation-version", "") and stated:
        version = stated
    version = version or stated
    symbolic = said.get("bundle-symbolicname", "").partition(";")[0].strip()
    group, named = _group_and_name(said, symbolic, name)
    if not version and (listed or (not said and b".class" not in archive.directory)):
        return None
    by_manifest = bool(stated or symbolic or said.get("implementation-title"))
    confidence = (0.8 if group else 0.6) if by_manifest and version else 0.5 if version else 0.3
    return Artifact(
        named, version, group, "manifest" if by_manifest else "file name", confidence=confidence,
        title=said.get("implementation-title") or said.get("bundle-name", ""), url=said.get("bundle-docurl", ""),
        description=said.get("bundle-description", ""),
    )  # fmt: skip


def _stated_version(said: Mapping[str, str]) -> str:
    for key in ("implementation-version", "bundle-version", "specification-version", "plugin-version"):
        value = said.get(key, "").strip('"').split(" ")[0]
        if _VERSION.match(value):
            return value
    return ""


def _group_and_name(said: Mapping[str, str], symbolic: str, name: str) -> tuple[str, str]:
    """The groupId, where the manifest says it or the symbolic name ends in the artifact's name."""
    stated = said.get("implementation-vendor-id") or said.get("group-id", "")
    name = said.get("artifact-id", "") or said.get("short-name", "") or name
    base, _, last = symbolic.rpartition(".")
    if last.endswith(f"-{name}") and base:  # org.apache.tomcat-catalina, in catalina.jar
        return stated if _NAME.match(stated) else f"{base}.{last.partition('-')[0]}", last
    if _NAME.match(stated):
        return stated, name
    if base and symbolic.endswith(f".{name}"):
        group = symbolic[: -len(name) - 1]
        umbrella = group in _UMBRELLAS and "-" in name
        return (f"{group}.{name.partition('-')[0]}" if umbrella else group), name
    return "", name


def _licenses(said: Mapping[str, str]) -> list[str]:
    """Bundle-License: names or addresses, each with `;` attributes, split by commas."""
    stated = re.sub(r'"[^"]*"', "", said.get("bundle-license", ""))
    return [part.partition(";")[0].strip() for part in stated.split(",") if part.strip()]
