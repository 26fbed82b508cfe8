"""Which distributions see which: each directory of packages belongs to an interpreter, some of them shut off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sbomkit.catalogers.base import View
from sbomkit.catalogers.python.markers import Environment

_SITE = re.compile(
    r"(?:(?P<prefix>.+?)/)?lib(?:32|64)?/(?P<python>python|pypy)(?P<version>[0-9.]*)t?/(?:site|dist)-packages(?=/|\Z)"
)
_INTERPRETERS = tuple(
    f"{place}/{name}" for place in ("usr/local/bin", "usr/bin", "var/lang/bin") for name in ("python3", "python")
)
_INTERPRETER = re.compile(r"python(\d+)\.(\d+)\Z")

Version = tuple[int, int]
_ANY: Version = (-1, -1)


@dataclass(frozen=True, slots=True)
class Site:
    """A directory of packages."""

    directory: str
    environment: Environment
    above: str = ""
    """The site directory it stands in, for copies that a package vendors."""
    prefix: str = ""
    """Of the virtual or conda environment it belongs to; "" for all that the system's interpreters see."""
    sees_system: bool = True


class Sites:
    """Tells a directory's site, asking the image once for each."""

    def __init__(self, view: View, virtual: Mapping[str, bool]) -> None:
        self._view = view
        self._virtual = virtual
        """Prefix of each virtual environment -> whether it sees the system's packages."""
        self._sites: dict[str, Site] = {}
        self._closed: dict[str, bool] = {}
        self._default = self._system_python()

    def of(self, directory: str) -> Site:
        site = self._sites.get(directory)
        if site is None:
            site = self._sites[directory] = self._make(directory)
        return site

    def _make(self, directory: str) -> Site:
        match = _SITE.match(directory)
        if match is None:
            return Site(directory, Environment(self._default, "cpython" if self._default else ""))
        numbers = re.findall(r"\d{1,9}", match["version"])[:2]
        python = self._default if self._default and numbers in ([], [str(self._default[0])]) else None
        if len(numbers) == 2:
            python = (int(numbers[0]), int(numbers[1]))
        above = match[0] if len(match[0]) < len(directory) else ""
        prefix = match["prefix"] or ""
        if not self._is_closed(prefix):
            prefix = ""
        sees_system = not prefix or self._virtual.get(prefix, False)
        implementation = "pypy" if match["python"] == "pypy" else "cpython"
        return Site(directory, Environment(python, implementation), above, prefix, sees_system)

    def _is_closed(self, prefix: str) -> bool:
        if prefix not in self._closed:
            conda = self._view.entry(f"{prefix}/conda-meta") is not None
            self._closed[prefix] = bool(prefix) and (prefix in self._virtual or conda)
        return self._closed[prefix]

    def _system_python(self) -> Version | None:
        """What `python3` means in this image, by the name that its link leads to."""
        for path in _INTERPRETERS:
            match = _INTERPRETER.search(self._view.resolve(path) or "")
            if match:
                return int(match[1][:9]), int(match[2][:9])
        return None


class Visible:
    """The distributions by name, as seen from a site: its own, the site it stands in, its environment, the system."""

    def __init__(self, distributions: Iterable[tuple[Site, str]]) -> None:
        """Of each distribution its site and its normalised name; answers are numbers in this order."""
        self._near: dict[tuple[str, str], int] = {}
        self._far: dict[tuple[str, str, Version | None], tuple[tuple[int, str], int]] = {}
        for number, (site, name) in enumerate(distributions):
            # Of two in one directory Python imports the first that it happens to list; here it is the first by path.
            self._near.setdefault((site.directory, name), number)
            if site.above:
                continue
            for version in (site.environment.python, _ANY):
                key, rank = (site.prefix, name, version), _rank(site.directory)
                if key not in self._far or rank < self._far[key][0]:
                    self._far[key] = rank, number

    def find(self, site: Site, name: str) -> int | None:
        for directory in (site.directory, site.above):
            if directory and (near := self._near.get((directory, name))) is not None:
                return near
        python = site.environment.python
        for prefix in (site.prefix, "") if site.prefix and site.sees_system else (site.prefix,):
            keys = [(prefix, name, version) for version in ((python, None) if python else (_ANY,))]
            if found := [self._far[key] for key in keys if key in self._far]:
                return min(found)[1]
        return None


def _rank(directory: str) -> tuple[int, str]:
    """As in sys.path: what was installed locally, what the distribution installed, and then the rest."""
    if _SITE.fullmatch(directory) is None:
        return 2, directory
    return 0 if directory.startswith("usr/local/") else 1, directory
