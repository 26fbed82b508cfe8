"""Images in a Docker or podman daemon, by its export; bound to the registry's digest where the daemon knows it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from sbomkit.errors import CannotCheck, UsageError
from sbomkit.image.archive import Archive
from sbomkit.image.docker_archive import open_docker_archive
from sbomkit.image.engine import Engine
from sbomkit.image.image import Image
from sbomkit.image.registry import name_of
from sbomkit.model.digest import Digest
from sbomkit.oci import manifest as oci
from sbomkit.oci.platform import Platform
from sbomkit.oci.reference import Reference


def open_daemon(engine: Engine, words: str, platform: Platform | None) -> Image:
    """The image that a name, digest or id means to the daemon. Raises CannotCheck when it has none."""
    found = find_in_daemon(engine, words, platform)
    if found is None:
        raise CannotCheck(
            f"{engine.address}: the daemon has no image {words!r}", hint="Pull it first, or read it with registry:."
        )
    return found


def find_in_daemon(engine: Engine, words: str, platform: Platform | None) -> Image | None:
    """The image, or None when the daemon does not have it."""
    raw = engine.inspect(words)
    if raw is None:
        return None
    what = f"{engine.address}: {words}"
    known = oci.load_object(raw, what)
    # an unnamed file: the archive's parts are needed in another order than they are sent
    spool = cast(BinaryIO, tempfile.TemporaryFile(prefix="sbomkit-"))
    try:
        engine.export(words, spool)
    except OSError as error:
        raise CannotCheck(f"{what}: cannot be stored: {error.strerror or error}") from None
    spool.seek(0)
    archive = Archive(Path(f"{engine.address}/{words}"), spool)
    reference = _reference(words)
    image = open_docker_archive(archive, "", platform, words)
    digest = _registry_digest(known, reference, what)
    return replace(image, name=name_of(reference) if reference else words, digest=digest)


def _reference(words: str) -> Reference | None:
    """None for an image id, which is no name."""
    try:
        return Reference.parse(words)
    except UsageError:
        return None


def _registry_digest(known: oci.Json, reference: Reference | None, what: str) -> Digest | None:
    """The digest under which the registry of this name has the image; else any that all its names agree on."""
    found: dict[str, Digest] = {}
    for text in oci.array(known, "RepoDigests", what):
        try:
            at = Reference.parse(text if isinstance(text, str) else "")
        except UsageError:
            continue  # `<none>@<none>`
        if at.digest:
            found[at.name] = at.digest
    if reference and reference.name in found:
        return found[reference.name]
    digests = set(found.values())
    return digests.pop() if len(digests) == 1 else None
