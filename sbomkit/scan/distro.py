"""Which distribution an image is: os-release, or one of its older fallbacks.

https://www.freedesktop.org/software/systemd/man/latest/os-release.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from sbomkit.layers.select import Fact, LayerFile, Parser, Selector
from sbomkit.layers.tree import Leaf, Tree
from sbomkit.model.distro import Distro

_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_FALLBACKS = ("etc/lsb-release", "etc/alpine-release", "etc/debian_version", "etc/redhat-release", "etc/system-release")
_PROSE = re.compile(r"(?P<name>.+?)(?: Linux)?(?: Server| Workstation)? release (?P<version>[\d.]+)")
_PROSE_IDS = {
    "red hat enterprise": "rhel",
    "amazon": "amzn",
    "oracle": "ol",
    "rocky": "rocky",
    "almalinux": "almalinux",
}


@dataclass(frozen=True, slots=True)
class Release:
    """What one release file says."""

    distro: Distro
    identity: str = ""


def _parse(file: LayerFile) -> Iterable[Fact]:
    text = file.read().decode(errors="replace")
    name = file.path.rpartition("/")[2]
    if name in ("os-release", "lsb-release"):
        yield Release(_from_variables(_variables(text)))
    elif text.strip():
        yield Release(_from_prose(name, text.strip().split("\n")[0].strip()))


def _variables(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.split("\n"):
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            found[key.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    """A shell word's value; what is no shell word is taken as it stands."""
    try:
        words = shlex.split(value)
    except ValueError:
        return value.strip("\"'")
    return words[0] if len(words) == 1 else value.strip("\"'")


def _from_variables(found: dict[str, str]) -> Distro:
    return Distro(
        id=(found.get("ID") or found.get("DISTRIB_ID", "")).lower(),
        version_id=found.get("VERSION_ID") or found.get("DISTRIB_RELEASE", ""),
        name=found.get("NAME") or found.get("DISTRIB_ID", ""),
        pretty_name=found.get("PRETTY_NAME") or found.get("DISTRIB_DESCRIPTION", ""),
        codename=found.get("VERSION_CODENAME") or found.get("DISTRIB_CODENAME", ""),
        id_like=tuple(found.get("ID_LIKE", "").lower().split()),
    )


def _from_prose(name: str, line: str) -> Distro:
    if name == "alpine-release":
        return Distro("alpine", line, "Alpine Linux", f"Alpine Linux {line}")
    if name == "debian_version":
        version = line.split(".")[0] if line[:1].isdigit() else ""
        return Distro("debian", version, "Debian GNU/Linux", f"Debian GNU/Linux {line}", line.partition("/")[0])
    match = _PROSE.match(line)
    if not match:
        return Distro(name=line, pretty_name=line)
    label = match["name"].lower()
    known = next((id for words, id in _PROSE_IDS.items() if label.startswith(words)), "")
    like = ("rhel", "fedora") if name == "redhat-release" and label != "fedora" else ()
    return Distro(known or label.split()[0], match["version"], match["name"], line, id_like=like)


DISTRO_PARSER = Parser("distro", 1, Selector(globs=(*_OS_RELEASE, *_FALLBACKS), max_size=1 << 20), _parse)


def distro_of(tree: Tree) -> Distro:
    """The distribution, by the first of the files that names one; an empty Distro where none does."""
    for path in (*_OS_RELEASE, *_FALLBACKS):
        found = tree.resolve(path)
        if not found or not isinstance(found[1], Leaf):
            continue
        for fact in found[1].facts.get(DISTRO_PARSER.name, ()):
            if isinstance(fact, Release) and (fact.distro.id or fact.distro.name):
                distro = fact.distro
                return Distro(
                    distro.id, distro.version_id, distro.name, distro.pretty_name, distro.codename, distro.id_like,
                    "/" + path,
                )  # fmt: skip
    return Distro()
