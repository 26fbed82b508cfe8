"""Maven's records inside of an archive: pom.properties, and pom.xml read for its few plain fields only.

A POM is read as tags and text, without entities or DTDs: nothing of it is resolved from elsewhere.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

_TAG = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<!.*?>|<(/?)([^\s/>!?][^\s/>]*)[^>]*?(/?)>", re.DOTALL)
_REFERENCE = re.compile(r"\$\{([^${}]+)\}")
_MAX_DEPTH = 64


def properties(text: str) -> dict[str, str]:
    """A Java properties file, as Maven writes them."""
    found: dict[str, str] = {}
    for line in text.replace("\r", "\n").split("\n"):
        line = line.strip()
        key, separator, value = line.partition("=")
        if separator and line[0] not in "#!":
            found[key.strip()] = value.strip()
    return found


def elements(text: str) -> dict[str, list[str]]:
    """Text by path of tags, `project/parent/version`; the namespace prefix of a tag is dropped."""
    found: dict[str, list[str]] = {}
    path: list[str] = []
    end = 0
    for tag in _TAG.finditer(text):
        closing, name, empty = tag.groups()
        if name is None:
            continue
        between = text[end : tag.start()]
        end = tag.end()
        name = name.rpartition(":")[2]
        if closing:
            if path and path[-1] == name:
                if len(path) <= 4 and between.strip():
                    found.setdefault("/".join(path), []).append(html.unescape(between.strip()))
                path.pop()
        elif not empty and len(path) < _MAX_DEPTH:
            path.append(name)
    return found


class Pom:
    """The coordinates and words of a pom.xml; what it leaves to its parent is taken from what it says of it."""

    def __init__(self, text: str) -> None:
        self._found = elements(text)
        self.name = self._value("project/artifactId")
        self.group = self._value("project/groupId") or self._value("project/parent/groupId")
        self.version = self._value("project/version") or self._value("project/parent/version")
        self.url = self._value("project/url")
        self.description = " ".join(self._value("project/description").split())
        self.licenses = tuple(name for name in self._found.get("project/licenses/license/name", ()) if "${" not in name)
        self.vendor = self._value("project/organization/name")

    def _value(self, path: str) -> str:
        return self._resolved((self._found.get(path) or [""])[0])

    def _resolved(self, value: str) -> str:
        """With its own properties put in; "" where one of them is not here."""
        for _ in range(8):
            names = set(_REFERENCE.findall(value))
            if not names or len(value) > 1000:
                break
            for name in names:
                value = value.replace("${" + name + "}", self._property(name))
        return "" if "${" in value else value

    def _property(self, name: str) -> str:
        bare = name.removeprefix("project.").removeprefix("pom.")
        paths = [f"project/properties/{name}", *([f"project/{bare.replace('.', '/')}"] if bare != name else [])]
        if bare in ("version", "groupId"):
            paths.append(f"project/parent/{bare}")
        return next((found[0] for found in map(self._found.get, paths) if found), "")


def manifest(text: str) -> Mapping[str, str]:
    """The main section of a META-INF/MANIFEST.MF; long lines go on after a newline and a space."""
    found: dict[str, str] = {}
    for line in re.sub(r"\r?\n ", "", text).replace("\r\n", "\n").split("\n"):
        if not line.strip():
            if found:
                break
            continue
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip().lower(), value.strip())
    return found
