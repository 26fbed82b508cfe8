"""From the words of a call to an image: `scheme:place`, or a bare word.

A bare word is a path where there is such a file or directory, recognised by its content; else it is a reference,
which the daemons on this machine are asked for first (what was just built is there), then the registry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from sbomkit.errors import CannotCheck, CorruptInput, UsageError
from sbomkit.image.archive import Archive, open_file
from sbomkit.image.docker_archive import open_docker_archive
from sbomkit.image.image import BlobStore, Image, Layer, open_manifest, platforms
from sbomkit.image.oci_layout import LayoutArchive, LayoutDirectory, open_layout
from sbomkit.image.registry import RegistryStore, name_of, open_registry
from sbomkit.model.digest import Digest
from sbomkit.oci.access import Access
from sbomkit.oci.auth import Keychain
from sbomkit.oci.platform import Platform
from sbomkit.oci.reference import Reference
from sbomkit.streams.compression import decompressed
from sbomkit.streams.tar import TarReader

SCHEMES = {
    "oci-dir": "an OCI layout directory, PATH[:TAG]",
    "oci-archive": "a tar of an OCI layout, FILE[:TAG]",
    "docker-archive": "what `docker save` wrote, FILE[:TAG]",
    "registry": "an image in a registry, NAME[:TAG][@DIGEST]",
    "docker": "an image in the Docker daemon",
    "podman": "an image in podman's service",
    "dir": "a root filesystem in a directory",
    "tar": "a root filesystem in a tar, any compression",
}
_TAR_NAME = re.compile(r"(\.(tar|tgz|tbz2|txz|tzst))?(\.(gz|zst|bz2|xz))?\Z")
_LIKE_A_PATH = re.compile(r"[/.~\\]|.*\.(tar|tgz|tbz2|txz|tzst|gz|zst|bz2|xz|json)\Z", re.DOTALL)
_IMAGE_MEMBER = re.compile(
    r"(\./)?(blobs(/.*)?|oci-layout|index\.json|manifest\.json|repositories|[0-9a-f]{64}(\.json|\.tar|/.*)?)\Z"
)


def open_source(text: str, platform: Platform | None = None, access: Access | None = None) -> Image:
    """The image that `text` names. Raises UsageError or CannotCheck."""
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in SCHEMES:
        return _recognised(text, platform, access or default_access())
    if not rest:
        raise UsageError(f"{text!r}: a path is missing", hint=f"{scheme}: is {SCHEMES[scheme]}.")
    if scheme == "dir":
        return _directory(Path(rest))
    if scheme == "tar":
        return _root_tar(Path(rest))
    if scheme == "registry":
        return open_registry(Reference.parse(rest), platform, access or default_access())
    if scheme in ("docker", "podman"):
        from sbomkit.image.daemon import open_daemon
        from sbomkit.image.engine import docker_engine, podman_engine

        return open_daemon(docker_engine() if scheme == "docker" else podman_engine(), rest, platform)
    path, tag = _split_tag(rest)
    if scheme == "oci-dir":
        return open_layout(LayoutDirectory(path, tag), path, tag, platform)
    if scheme == "oci-archive":
        return open_layout(LayoutArchive(Archive(path), tag), path, tag, platform)
    return open_docker_archive(Archive(path), tag, platform, _stem(path))


@dataclass(frozen=True, slots=True)
class AllPlatforms:
    """Every image that one index, or one manifest, means."""

    name: str
    digest: Digest
    """Of the index; of the only image, where there is no index."""
    media_type: str
    images: tuple[Image, ...]


def open_all_platforms(text: str, access: Access | None = None) -> AllPlatforms:
    """The images of all platforms, from a registry or a layout. Raises UsageError, CannotCheck."""
    store, name = _store(text, access or default_access())
    roots = store.roots()
    if len(roots) > 1:
        raise UsageError(f"{store.name}: holds several images", hint="Add :TAG to the path.")
    remote = isinstance(store, RegistryStore)
    images = tuple(replace(open_manifest(store, d, name), remote=remote) for d in platforms(store))
    return AllPlatforms(name, roots[0].digest, roots[0].media_type, images)


def _store(text: str, access: Access) -> tuple[BlobStore, str]:
    scheme, _, rest = text.partition(":")
    if scheme in SCHEMES and scheme not in ("registry", "oci-dir", "oci-archive"):
        raise UsageError(f"{text!r}: has one platform only", hint="Leave --all-platforms out.")
    path, tag = _split_tag(rest if scheme in SCHEMES else text)
    name = f"{path.resolve().name}:{tag}" if tag else path.resolve().name
    if scheme == "oci-dir" or (scheme not in SCHEMES and path.is_dir()):
        return LayoutDirectory(path, tag), name
    if scheme == "oci-archive" or (scheme not in SCHEMES and path.is_file()):
        return LayoutArchive(Archive(path), tag), name
    reference = Reference.parse(rest if scheme == "registry" else text)
    return RegistryStore(reference, access), name_of(reference)


def default_access() -> Access:
    """With the user's own credentials, and nothing else set."""
    return Access(Keychain.default())


def _recognised(text: str, platform: Platform | None, access: Access) -> Image:
    """The image at a bare path, by what is there; or of a bare reference."""
    path, tag = _split_tag(text)
    if path.is_dir():
        if (path / "index.json").is_file() or (path / "oci-layout").is_file():
            return open_layout(LayoutDirectory(path, tag), path, tag, platform)
        return _directory(path)
    if not path.exists():
        return _referenced(text, platform, access)
    if not _is_image_archive(path):
        return _root_tar(path)
    archive = Archive(path)
    if "index.json" in archive:
        return open_layout(LayoutArchive(archive, tag), path, tag, platform)
    return open_docker_archive(archive, tag, platform, _stem(path))


def _referenced(text: str, platform: Platform | None, access: Access) -> Image:
    """A bare reference: from a daemon of this machine that has it, else from its registry."""
    from sbomkit.image.daemon import find_in_daemon
    from sbomkit.image.engine import docker_engine, is_there, podman_engine

    known = ", ".join(f"{name}:" for name in SCHEMES)
    hint = f"Give a path, a reference, or one of {known}"
    if _LIKE_A_PATH.match(text):
        raise UsageError(f"{text!r}: no such file or directory", hint=hint)
    reference = Reference.parse(text)
    tried = [f"no file or directory {text!r}"]
    for engine in (docker_engine(), podman_engine()):
        if not is_there(engine):
            continue
        try:
            found = find_in_daemon(engine, text, platform)
        except CannotCheck as error:
            tried.append(error.message)
            continue
        if found is not None:
            return found
        tried.append(f"{engine.address}: has no such image")
    try:
        return open_registry(reference, platform, access)
    except CannotCheck as error:
        if isinstance(error, CorruptInput):
            raise
        tried.append(error.message)
        raise CannotCheck(f"{text}: not found; tried: " + "; ".join(tried), hint=error.hint) from None


def _is_image_archive(path: Path) -> bool:
    """By the names of the first few members: image archives hold nothing else than these."""
    with open_file(path) as file:
        names = [member.name for _, member in zip(range(4), TarReader(decompressed(file)), strict=False)]
    return bool(names) and all(_IMAGE_MEMBER.match(name.rstrip("/")) for name in names if name not in (".", "./"))


def _split_tag(text: str) -> tuple[Path, str]:
    """`PATH[:TAG]` or `PATH@DIGEST`; a path that is there as written has neither."""
    if not Path(text).exists():
        path, sign, digest = text.rpartition("@")
        if sign and path and ":" in digest:
            return Path(path), digest
        path, colon, tag = text.rpartition(":")
        if colon and path and "/" not in tag:
            return Path(path), tag
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
