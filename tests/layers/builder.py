"""Layers for tests, written as a list of what is in them."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass

from sbomkit.image.image import Image, Layer
from sbomkit.model.digest import Digest


@dataclass(frozen=True)
class Put:
    """One member: a file with `content`, a symlink with `link`, a hardlink with `hard`; else a directory."""

    path: str
    content: bytes | str | None = None
    link: str = ""
    hard: str = ""
    mode: int = 0o644


def layer_tar(*puts: Put) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for put in puts:
            info = tarfile.TarInfo(put.path)
            info.mode = put.mode
            content = put.content.encode() if isinstance(put.content, str) else put.content or b""
            if put.link:
                info.type, info.linkname = tarfile.SYMTYPE, put.link
            elif put.hard:
                info.type, info.linkname = tarfile.LNKTYPE, put.hard
            elif put.content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def layer_of(raw: bytes) -> Layer:
    return Layer(lambda: io.BytesIO(raw), "test layer", Digest.of(raw))


def image_of(*layers: list[Put]) -> Image:
    """An image without a manifest, as a docker archive's."""
    return Image("test", tuple(layer_of(layer_tar(*puts)) for puts in layers))


def stanza(name: str, version: str = "1.0", arch: str = "amd64", **fields: str) -> str:
    """A record of dpkg's status database."""
    more = "".join(f"{key.replace('_', '-').title()}: {value}\n" for key, value in fields.items())
    head = f"Package: {name}\nStatus: install ok installed\nArchitecture: {arch}\nVersion: {version}\n"
    return f"{head}{more}Description: {name}\n\n"
