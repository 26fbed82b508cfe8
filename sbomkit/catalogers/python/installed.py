"""What installers write beside the metadata: which files they put where, who they were, and where from.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/ and
https://packaging.python.org/en/latest/specifications/direct-url/
"""

from __future__ import annotations

import csv
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from sbomkit.catalogers.addresses import without_secrets
from sbomkit.catalogers.base import ParseError
from sbomkit.catalogers.json_object import load_object

MAX_FILES = 500_000
"""Files of one distribution; the largest have some 20,000."""
MAX_DIRECTORY = 4 << 20
"""Bytes of a zip's central directory; 90,000 members."""
MAX_METADATA = 4 << 20
"""Bytes of one member of a zipped egg."""

_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    OverflowError,
)
"""What zipfile lets through of an archive that lies; RuntimeError is how it says encrypted or not supported."""


@dataclass(frozen=True, slots=True)
class Files:
    """RECORD, or installed-files.txt."""

    files: tuple[tuple[str, str], ...]
    """Path as written, and `sha256=` with the digest in base64 without padding; "" where there is none."""
    beside_info: bool
    """Whether paths start beside the metadata directory (RECORD), or in it (installed-files.txt)."""

    @property
    def identity(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Installer:
    name: str

    @property
    def identity(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class DirectUrl:
    """It did not come from an index, but from here."""

    url: str
    """Without user, password and query."""
    editable: bool = False
    revision: str = ""
    """Of the version control system."""
    hashes: tuple[str, ...] = ()
    """Of the archive: `sha256:HEX`."""

    @property
    def identity(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class VirtualEnvironment:
    """pyvenv.cfg: what is installed there is seen there only."""

    system_packages: bool

    @property
    def identity(self) -> str:
        return ""


def parse_record(raw: bytes) -> Files:
    """Raises ParseError for what is no CSV."""
    text = raw.decode("utf-8", "backslashreplace")  # as the tar reader spells names
    if '"' not in text:
        rows: Iterator[list[str]] = (line.rstrip("\r").rsplit(",", 2) for line in filter(None, text.split("\n")))
        return _files(((row[0], row[1] if len(row) == 3 else "") for row in rows), beside_info=True)
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        return _files(((row[0], row[1] if len(row) > 1 else "") for row in rows if row), beside_info=True)
    except csv.Error as error:
        raise ParseError(f"RECORD is not CSV: {error}") from None


def parse_installed_files(raw: bytes) -> Files:
    names = raw.decode("utf-8", "backslashreplace").split("\n")
    return _files(((name.rstrip("\r"), "") for name in filter(None, names)), beside_info=False)


def _files(found: Iterable[tuple[str, str]], *, beside_info: bool) -> Files:
    files = tuple(islice((file for file in found if file[0]), MAX_FILES + 1))
    if len(files) > MAX_FILES:
        raise ParseError(f"a list of more than {MAX_FILES} files")
    return Files(files, beside_info)


def parse_installer(raw: bytes) -> Installer:
    words = raw[:1024].decode("utf-8", "replace").split()
    return Installer(words[0] if words else "")


def parse_direct_url(raw: bytes) -> DirectUrl:
    content = load_object(raw)
    url, archive, vcs, local = (content.get(key) for key in ("url", "archive_info", "vcs_info", "dir_info"))
    if not isinstance(url, str):
        raise ParseError("direct_url.json without a url")
    revision = vcs.get("commit_id") if isinstance(vcs, dict) else None
    hashes: list[str] = []
    if isinstance(archive, dict):
        several, one = archive.get("hashes"), archive.get("hash")
        if isinstance(several, dict):
            hashes = [f"{name}:{value}" for name, value in several.items() if isinstance(value, str)]
        elif isinstance(one, str):
            hashes = [one.replace("=", ":", 1)]
    return DirectUrl(
        url=without_secrets(url),
        editable=isinstance(local, dict) and local.get("editable") is True,
        revision=revision if isinstance(revision, str) else "",
        hashes=tuple(sorted(hashes)),
    )


def parse_pyvenv(raw: bytes) -> VirtualEnvironment:
    for line in raw.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip().lower() == "include-system-site-packages":
            return VirtualEnvironment(value.strip().lower() == "true")
    return VirtualEnvironment(False)


def members_of_egg(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """PKG-INFO and requires.txt ("" where missing) of a zipped egg; None where the archive has no PKG-INFO.

    Raises ParseError for a broken archive.
    """
    _check_directory(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            if "EGG-INFO/PKG-INFO" not in archive.NameToInfo:
                return None
            return _member(archive, "EGG-INFO/PKG-INFO"), _member(archive, "EGG-INFO/requires.txt")
    except _BROKEN_ZIP as error:
        raise ParseError(f"not a readable egg: {error}") from None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.NameToInfo:
        return b""
    with archive.open(name) as member:
        content = member.read(MAX_METADATA + 1)
    if len(content) > MAX_METADATA:
        raise ParseError(f"{name} of more than {MAX_METADATA} bytes in an egg")
    return content


def _check_directory(stream: BinaryIO) -> None:
    """zipfile makes an object for each member at once; what could fill the memory is refused before."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - (1 << 16) - 22))
    tail = stream.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        raise ParseError("not an egg: no zip directory at its end")
    if int.from_bytes(tail[at + 12 : at + 16], "little") > MAX_DIRECTORY or tail[max(0, at - 20) : at][:4] == b"PK\6\7":
        raise ParseError("an egg with too many members")
    stream.seek(0)
