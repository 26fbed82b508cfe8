"""From the words of a call to an image: `scheme:place`, or a bare path that is recognised by its content."""

from __future__ import annotations

import re
from pathlib import Path

from sbomkit.errors import CannotCheck, UsageError
from sbomkit.image.archive import Archive, open_file
from sbomkit.image.docker_archive import open_docker_archive
from sbomkit.image.image import Image, Layer
from sbomkit.image.oci_layout import LayoutArchive, LayoutDirectory, open_layout
from sbomkit.oci.platform import Platform
from sbomkit.streams.compression import decompressed
from sbomkit.streams.tar import TarReader

SCHEMES = {
    "oci-dir": "an OCI layout directory, PATH[:TAG]",
    "oci-archive": "a tar of an OCI layout, FILE[:TAG]",
    "docker-archive": "what `docker save` wrote, FILE[:TAG]",
    "dir": "a root filesystem in a directory",
    "tar": "a root filesystem in a tar, any compression",
}
_TAR_NAME = re.compile(r"(\.(tar|tgz|tbz2|txz|tzst))?(\.(gz|zst|bz2|xz))?\Z")
_IMAGE_MEMBER = re.compile(
    r"(\./)?(blobs(/.*)?|oci-layout|index\.json|manifest\.json|repositories|[0-9a-f]{64}(\.json|\.tar|/.*)?)\Z"
)


def open_source(text: str, platform: Platform | None = None) -> Image:
    """The image that `text` names. Raises UsageError or CannotCheck."""
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in SCHEMES:
        return _recognised(text, platform)
    if not rest:
        raise UsageError(f"{text!r}: a path is missing", hint=f"{scheme}: is {SCHEMES[scheme]}.")
    if scheme == "dir":
        return _directory(Path(rest))
    if scheme == "tar":
        return _root_tar(Path(rest))
    path, tag = _split_tag(rest)
    if scheme == "oci-dir":
        return open_layout(LayoutDirectory(path, tag), path, tag, platform)
    if scheme == "oci-archive":
        return open_layout(LayoutArchive(Archive(path), tag), path, tag, platform)
    return open_docker_archive(Archive(path), tag, platform, _stem(path))


def _recognised(text: str, platform: Platform | None) -> Image:
    """The image at a bare path, by what is there."""
    path, tag = _split_tag(text)
    if path.is_dir():
        if (path / "index.json").is_file() or (path / "oci-layout").is_file():
            return open_layout(LayoutDirectory(path, tag), path, tag, platform)
        return _directory(path)
    if not path.exists():
        known = ", ".join(f"{name}:" for name in SCHEMES)
        raise UsageError(
            f"{text!r}: no such file or directory",
            hint=f"Give a path, or one of {known} Images in registries and daemons are not read by this version.",
        )
    if not _is_image_archive(path):
        return _root_tar(path)
    archive = Archive(path)
    if "index.json" in archive:
        return open_layout(LayoutArchive(archive, tag), path, tag, platform)
    return open_docker_archive(archive, tag, platform, _stem(path))


def _is_image_archive(path: Path) -> bool:
    """By the names of the first few members: image archives hold nothing else than these."""
    with open_file(path) as file:
        names = [member.name for _, member in zip(range(4), TarReader(decompressed(file)), strict=False)]
    return bool(names) and all(_IMAGE_MEMBER.match(name.rstrip("/")) for name in names if name not in (".", "./"))


def _split_tag(text: str) -> tuple[Path, str]:
    """`PATH[:TAG]`; a path that is there as written has no tag."""
    if not Path(text).exists():
        path, colon, tag = text.rpartition(":")
        if colon and path and "/" not in tag:
            return Path(path), tag
        at, sign, digest = text.rpartition("@")
        if sign and at:
            return Path(at), digest
    return Path(text), ""


def _directory(path: Path) -> Image:
    if not path.is_dir():
        raise CannotCheck(f"{path}: not a directory")
    return Image(path.resolve().name or "rootfs", root=path)


def _root_tar(path: Path) -> Image:
    open_file(path).close()
    return Image(_stem(path), (Layer(lambda: open_file(path), str(path)),))


def _stem(path: Path) -> str:
    return _TAR_NAME.sub("", path.name) or path.name
