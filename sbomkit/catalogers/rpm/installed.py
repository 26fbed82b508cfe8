"""What a header says about an installed package, as plain values.

Tags: https://rpm-software-management.github.io/rpm/manual/tags.html
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from sbomkit.catalogers.rpm.damage import Damage
from sbomkit.catalogers.rpm.header import Header, HeaderError

T = TypeVar("T")

NAME, VERSION, RELEASE, EPOCH, SUMMARY, VENDOR, LICENSE, PACKAGER, URL, ARCH = (
    1000, 1001, 1002, 1003, 1004, 1011, 1014, 1015, 1020, 1022,
)  # fmt: skip
SOURCE_RPM, MODULARITY_LABEL = 1044, 5096
SIG_MD5, SHA1_HEADER, SHA256_HEADER = 261, 269, 273
PROVIDE_NAME, PROVIDE_VERSION = 1047, 1113
REQUIRE_NAME, REQUIRE_FLAGS, REQUIRE_VERSION = 1049, 1048, 1050
OLD_FILE_NAMES, DIRECTORY_INDEXES, BASE_NAMES, DIRECTORY_NAMES = 1027, 1116, 1117, 1118
FILE_STATES, FILE_MODES, FILE_DIGESTS, FILE_FLAGS, FILE_DIGEST_ALGORITHM = 1029, 1030, 1035, 1037, 5011

ALGORITHMS = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
"""rpm's file digests by their OpenPGP numbers; md5 where a header names none."""

CONFIG, GHOST = 1 << 0, 1 << 6
"""File flags: a configuration file; a file that belongs to the package but does not come with it."""
_NORMAL, _MISSING = 0, 255
_NOTHING = ("", "(none)")
_EQUAL_ONLY, _COMPARISONS = 8, 8 | 4 | 2

MAX_PATH = 4096
_PATH_GROWTH = 8
"""Paths written out may take this many times the header's bytes: directories are stored once, but files by the thousand
may use them. Real paths are shorter than what else a header says about their files."""


class Budget:
    """How many files and dependencies one database may have in all, many times what the largest have."""

    def __init__(self, items: int = 4_000_000) -> None:
        self._items = items

    def take(self, items: int) -> None:
        """Raises HeaderError where that is too many."""
        if items > self._items:
            raise HeaderError("more files and dependencies than any database has")
        self._items -= items


class OwnedFile(NamedTuple):
    """One file of a package's own list."""

    path: str
    """Absolute, as recorded."""
    mode: int
    """Type and permissions; 0 where the record has none."""
    flags: int
    digest: str
    """Hex, by the list's algorithm; empty for what is not a regular file."""
    here: bool
    """False where rpm left the file out (documentation, another architecture's) or another package replaced it."""


@dataclass(frozen=True, slots=True)
class FileList:
    """The columns of a package's file list; the optional ones are empty, or one value per file."""

    names: tuple[str, ...] = ()
    """Last segments."""
    directories: tuple[str, ...] = ()
    """Absolute, with a slash at the end."""
    directory: tuple[int, ...] = ()
    """Per file, its place in `directories`."""
    modes: tuple[int, ...] = ()
    flags: tuple[int, ...] = ()
    states: tuple[int, ...] = ()
    digests: tuple[str, ...] = ()
    algorithm: str = ""
    """Of the digests, as hashlib calls it."""

    def paths(self) -> list[str]:
        """All paths in the order of the list."""
        directories = self.directories
        return [directories[at] + name for at, name in zip(self.directory, self.names, strict=True)]

    def files(self) -> Iterator[OwnedFile]:
        """All files in the order of the list."""
        count = len(self.names)
        columns = (self.modes or (0,) * count, self.flags or (0,) * count, self.digests or ("",) * count)
        states = self.states or (_NORMAL,) * count
        for path, mode, flags, digest, state in zip(self.paths(), *columns, states, strict=True):
            yield OwnedFile(path, mode, flags, digest, state in (_NORMAL, _MISSING))

    def owned(self) -> tuple[str, ...]:
        """What the package is the owner of, sorted: no directories, which belong to many."""
        paths = self.paths()
        if self.modes:
            # By type first: a list has few kinds of mode and tens of thousands of files.
            directories = {mode for mode in set(self.modes) if stat.S_ISDIR(mode)}
            modes = self.modes
            paths = [path for path, mode in zip(paths, modes, strict=True) if mode not in directories]
        if self.states:
            left_out = {file.path for file in self.files() if not file.here}
            paths = [path for path in paths if path not in left_out]
        return tuple(sorted(paths))


@dataclass(frozen=True, slots=True)
class Installed:
    """One package of the database."""

    name: str
    version: str
    release: str = ""
    epoch: int = 0
    """0 where there is none: rpm takes the two for the same."""
    arch: str = ""
    source_rpm: str = ""
    """The file name of the source package."""
    license: str = ""
    vendor: str = ""
    packager: str = ""
    url: str = ""
    summary: str = ""
    modularity: str = ""
    """name:stream:version:context of the module it comes from."""
    sig_md5: str = ""
    """Of the signed header and the payload together, in hex."""
    header_sha1: str = ""
    header_sha256: str = ""
    """Of the signed header, as the package stated it, in hex."""
    provides: tuple[tuple[str, str], ...] = ()
    """Capability and version ("" without one)."""
    requires: tuple[tuple[str, str], ...] = ()
    """Capability, and the version where exactly that one is asked for."""
    files: FileList = FileList()

    @property
    def version_release(self) -> str:
        return f"{self.version}-{self.release}" if self.release else self.version

    @property
    def evr(self) -> str:
        """With the epoch, where there is one."""
        return f"{self.epoch}:{self.version_release}" if self.epoch else self.version_release

    @property
    def identity(self) -> str:
        return f"{self.name}-{self.epoch}:{self.version_release}.{self.arch}"


def read_installed(blob: bytes, damage: Damage, budget: Budget) -> Installed | None:
    """The package of one header blob; None where it is none (a public key) or not readable, the latter noted."""
    try:
        header = Header(blob)
        name, version = header.text(NAME), header.text(VERSION)
        if not name.strip() or not version.strip():
            raise HeaderError("a header without name or version")
        if name == "gpg-pubkey" and _is_key(header):
            return None
    except HeaderError as error:
        damage.note(str(error))
        return None
    return _Reader(header, name, version, damage, budget).read()


def _is_key(header: Header) -> bool:
    """rpm keeps imported keys as packages without files or source, which a real package of that name would have."""
    return header.text(SOURCE_RPM) in _NOTHING and BASE_NAMES not in header and OLD_FILE_NAMES not in header


class _Reader:
    """Reads all but the name and the version: what is wrong there is noted and left out, the package stays."""

    def __init__(self, header: Header, name: str, version: str, damage: Damage, budget: Budget) -> None:
        self._header = header
        self._name = name
        self._version = version
        self._damage = damage
        self._budget = budget

    def read(self) -> Installed:
        self._try(self._verify, None)
        sha1, sha256 = self._text(SHA1_HEADER), self._text(SHA256_HEADER)
        return Installed(
            name=self._name,
            version=self._version,
            release=self._text(RELEASE),
            epoch=next(iter(self._numbers(EPOCH)), 0),
            arch=self._text(ARCH),
            source_rpm=self._text(SOURCE_RPM),
            license=self._text(LICENSE),
            vendor=self._text(VENDOR),
            packager=self._text(PACKAGER),
            url=self._text(URL),
            summary=self._text(SUMMARY),
            modularity=self._text(MODULARITY_LABEL),
            sig_md5=self._try(lambda: self._header.binary(SIG_MD5), b"").hex(),
            header_sha1=sha1,
            header_sha256=sha256,
            provides=self._try(self._provides, ()),
            requires=self._try(self._requires, ()),
            files=self._try(self._files, FileList()),
        )

    def _verify(self) -> None:
        """As rpm does when it loads a header; unlike rpm, the package is not left out, for it may well be installed."""
        stated, algorithm = self._header.text(SHA256_HEADER), "sha256"
        if not stated:
            stated, algorithm = self._header.text(SHA1_HEADER), "sha1"
        region = self._header.signed_region() if stated else None
        if region is not None and hashlib.new(algorithm, region, usedforsecurity=False).hexdigest() != stated:
            raise HeaderError("its header does not have the digest that it states")

    def _provides(self) -> tuple[tuple[str, str], ...]:
        names = self._texts(PROVIDE_NAME)
        self._budget.take(len(names))
        versions = self._column(self._texts(PROVIDE_VERSION), names)
        return tuple(zip(names, versions or ("",) * len(names), strict=True))

    def _requires(self) -> tuple[tuple[str, str], ...]:
        names = self._texts(REQUIRE_NAME)
        self._budget.take(len(names))
        versions = self._column(self._texts(REQUIRE_VERSION), names)
        flags = self._column(self._numbers(REQUIRE_FLAGS), names)
        if not versions or not flags:
            return tuple((name, "") for name in names)
        exact = (v if f & _COMPARISONS == _EQUAL_ONLY else "" for v, f in zip(versions, flags, strict=True))
        return tuple(zip(names, exact, strict=True))

    def _files(self) -> FileList:
        names, directories, directory = self._names()
        if not names:
            return FileList()
        if len(directory) != len(names) or max(directory) >= len(directories):
            raise HeaderError("a file list whose parts do not fit together")
        sizes = [len(path) for path in directories]
        total = sum(map(len, names)) + sum([sizes[at] for at in directory])
        if max(sizes) > MAX_PATH or total > MAX_PATH + _PATH_GROWTH * self._header.size:
            raise HeaderError("a file list with paths beyond all measure")
        self._budget.take(len(names))
        number = next(iter(self._numbers(FILE_DIGEST_ALGORITHM)), 1)
        algorithm = ALGORITHMS.get(number, "")
        states = self._column(self._numbers(FILE_STATES), names)
        return FileList(
            names=names,
            directories=directories,
            directory=directory,
            modes=self._column(self._numbers(FILE_MODES), names),
            flags=self._column(self._numbers(FILE_FLAGS), names),
            states=states if any(states) else (),
            digests=self._column(self._texts(FILE_DIGESTS), names) if algorithm else (),
            algorithm=algorithm,
        )

    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
        header = self._header
        if BASE_NAMES in header:
            return header.texts(BASE_NAMES), header.texts(DIRECTORY_NAMES), header.numbers(DIRECTORY_INDEXES)
        # Packages made before rpm 4.0 have whole paths.
        paths = [path.rpartition("/") for path in header.texts(OLD_FILE_NAMES)]
        places: dict[str, int] = {}
        directory = tuple(places.setdefault(head + slash, len(places)) for head, slash, _ in paths)
        return tuple(name for _, _, name in paths), tuple(places), directory

    def _column(self, values: tuple[T, ...], names: tuple[str, ...]) -> tuple[T, ...]:
        if values and len(values) != len(names):
            self._damage.note(f"{self._name}: {len(values)} values for {len(names)} entries")
            return ()
        return values

    def _text(self, tag: int) -> str:
        value = self._try(lambda: self._header.text(tag), "")
        return "" if value in _NOTHING else value

    def _texts(self, tag: int) -> tuple[str, ...]:
        return self._try(lambda: self._header.texts(tag), ())

    def _numbers(self, tag: int) -> tuple[int, ...]:
        return self._try(lambda: self._header.numbers(tag), ())

    def _try(self, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except HeaderError as error:
            self._damage.note(f"{self._name}: {error}")
            return otherwise
