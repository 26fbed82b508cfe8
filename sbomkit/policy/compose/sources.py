"""The files that a compose project is read from: bounded in number and size, each read once."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sbomkit.policy.compose.dotenv import read_env
from sbomkit.policy.marked import MAX_BYTES, NOWHERE, Mark, MarkedError, decode

MAX_FILES = 256
_REMOTE = ("http://", "https://", "git@", "git://", "ssh://", "oci://", "github.com/")


@dataclass(slots=True)
class Sources:
    """Reads files; keeps their text, by the name that marks carry."""

    texts: dict[str, str] = field(default_factory=dict)

    def read(self, path: Path, *, said: Mark = NOWHERE) -> tuple[str, str]:
        """Name and text of a file. `said` is where it is named. Raises MarkedError."""
        name = shown(path)
        if name not in self.texts:
            if len(self.texts) >= MAX_FILES:
                raise MarkedError(said if said.file else Mark(name), f"more than {MAX_FILES} files")
            self.texts[name] = decode(_bytes(path, said), name)
        return name, self.texts[name]

    def read_env(self, path: Path, environment: Mapping[str, str], *, said: Mark = NOWHERE) -> dict[str, str]:
        if str(path) == os.devnull:
            return {}
        name, text = self.read(path, said=said)
        return read_env(text, name, environment)


def shown(path: Path) -> str:
    """As people would write it: relative where it lies below the working directory."""
    absolute = Path(os.path.normpath(path.absolute()))
    try:
        return str(absolute.relative_to(Path.cwd()))
    except ValueError:
        return str(absolute)


def local(text: str, folder: Path, mark: Mark) -> Path:
    """A path that a file names. Raises MarkedError for what is not on this machine."""
    if text.startswith(_REMOTE) or ".git#" in text or text.endswith(".git"):
        raise MarkedError(
            mark, f"{text[:120]!r} is not on this machine", hint="Fetch it first, and name the local file."
        )
    if not text or "\x00" in text:
        raise MarkedError(mark, "an empty path")
    return Path(os.path.normpath(folder / Path(text).expanduser()))


def _bytes(path: Path, said: Mark) -> bytes:
    mark = said if said.file else Mark(shown(path))
    try:
        found = path.stat()
        # a pipe or a device may have no end
        if not stat.S_ISREG(found.st_mode):
            raise MarkedError(mark, f"{shown(path)} is not a file")
        if found.st_size > MAX_BYTES:
            raise MarkedError(mark, f"{shown(path)} has {found.st_size} bytes, and at most {MAX_BYTES} are read")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise MarkedError(mark, f"cannot read {shown(path)}: {reason}") from error
