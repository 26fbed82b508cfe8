"""What a command that signs or verifies is about: an image where it lives, a file, or a bare digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sbomkit.errors import UsageError

if TYPE_CHECKING:
    from sbomkit.attest import Target
    from sbomkit.oci.access import Access
    from sbomkit.publish.place import Place

_DIGEST = re.compile(r"(?:sha256|sha384|sha512):[0-9A-Fa-f]+\Z")


@dataclass(frozen=True, slots=True)
class About:
    """Exactly one of `place` (an image), `file`, or neither: a digest."""

    words: str
    target: Target | None
    """None for an image, whose digest is known once it is resolved."""
    place: Place | None = None
    file: Path | None = None

    @property
    def name(self) -> str:
        """For the subject of a statement: an image's name without tag and digest, a file's own name."""
        if self.file is not None:
            return self.file.name
        if self.place is None:
            return ""
        bare = self.place.name.partition("@")[0]
        return bare if bare.rpartition(":")[2].count("/") else bare.rpartition(":")[0] or bare

    def require_place(self, why: str) -> Place:
        if self.place is None:
            raise UsageError(f"{self.words!r} is no image", hint=why)
        return self.place


def about(words: str, access: Access, *, keep: bool = False) -> About:
    """`keep`: hold on to a file's bytes, which some keys need. Raises UsageError, CannotCheck."""
    from sbomkit.attest import Target
    from sbomkit.model.digest import Digest
    from sbomkit.publish.place import open_place

    if _DIGEST.match(words):
        try:
            return About(words, Target.of_digest(Digest.parse(words)))
        except ValueError as error:
            raise UsageError(str(error)) from None
    path = Path(words.removeprefix("file:"))
    if words.startswith("file:") or path.is_file():
        return About(words, Target.of_file(path, keep=keep), file=path)
    return About(words, None, open_place(words, access))
