"""The Linux kernel and its modules.

Formats: the boot protocol of bzImage (https://docs.kernel.org/arch/x86/boot.html), the banner in other images, and the
`.modinfo` section of modules, which may be compressed by gzip, xz or zstandard.
"""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import zstandard

from sbomkit.catalogers.base import (
    Cataloger,
    Fact,
    Finding,
    LayerFile,
    Package,
    ParseError,
    Relationship,
    Selector,
    View,
    located,
)
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_MAX_MODULE = 64 << 20
_BANNER = re.compile(rb"Linux version (\d[\w.+~-]{1,80}) \(")
_VERSION = re.compile(rb"(\d+\.\d+[\w.+~-]*)")
_FIELD = re.compile(rb"(?:\A|\0)(name|version|license|author|description|vermagic|intree|srcversion)=([^\0]*)")


@dataclass(frozen=True, slots=True)
class Kernel:
    release: str

    @property
    def identity(self) -> str:
        return self.release


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    version: str
    kernel: str
    license: str
    author: str
    description: str
    intree: bool

    @property
    def identity(self) -> str:
        return f"{self.name}@{self.version}:{self.kernel}"


def parse(file: LayerFile) -> Iterable[Fact]:
    name = file.path.rpartition("/")[2]
    if ".ko" in name:
        yield from _module(file, re.sub(r"\.ko.*\Z", "", name))
    else:
        yield from _kernel(file)


def _kernel(file: LayerFile) -> Iterator[Kernel]:
    raw = file.read()
    if raw[0x202:0x206] == b"HdrS":
        at = int.from_bytes(raw[0x20E:0x210], "little") + 0x200
        match = _VERSION.match(raw, at, at + 128)
    else:
        match = _BANNER.search(raw)
    if match:
        yield Kernel(match[1].decode())


def _module(file: LayerFile, stem: str) -> Iterator[Module]:
    raw = _plain(file.read())
    if raw[:4] != b"\x7fELF":
        raise ParseError("a kernel module that is no ELF file")
    # the fields stand together, but a name may also be a symbol's: the section begins with one of them
    at = raw.find(b"vermagic=")
    if at < 0:
        return
    start = max(0, at - 65536)
    said: dict[bytes, bytes] = {}
    for match in _FIELD.finditer(raw, start, at + 65536):
        said.setdefault(match[1], match[2])
    text = {key.decode(): value.decode(errors="replace").strip() for key, value in said.items()}
    yield Module(
        text.get("name") or stem.replace("-", "_"),
        text.get("version", ""),
        text.get("vermagic", "").partition(" ")[0],
        text.get("license", ""),
        text.get("author", ""),
        text.get("description", ""),
        text.get("intree", "") == "Y",
    )


def _plain(raw: bytes) -> bytes:
    try:
        if raw[:2] == b"\x1f\x8b":
            return zlib.decompressobj(31).decompress(raw, _MAX_MODULE)
        if raw[:4] == b"\x28\xb5\x2f\xfd":
            with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw) as stream:
                return stream.read(_MAX_MODULE)
        if raw[:6] == b"\xfd7zXZ\0":
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=128 << 20).decompress(raw, _MAX_MODULE)
    except (zlib.error, zstandard.ZstdError, lzma.LZMAError, EOFError) as error:
        raise ParseError(f"a kernel module that cannot be decompressed: {error}") from None
    return raw


def assemble(view: View) -> Iterable[Finding]:
    kernels: dict[str, str] = {}
    for seen in view.facts(Kernel):
        version = re.match(r"[\d.]+\d", seen.fact.release)
        url = purl.make("generic", "linux-kernel", seen.fact.release)
        kernels[seen.fact.release] = url
        cpes = (f"cpe:2.3:o:linux:linux_kernel:{version[0]}:*:*:*:*:*:*:*",) if version else ()
        package = Package(
            url, "generic", "linux-kernel", seen.fact.release, kind="operating-system", cataloger="kernel", cpes=cpes,
            licenses=(License("GPL-2.0-only WITH Linux-syscall-note"),), technique="binary-analysis",
        )  # fmt: skip
        yield located(package, seen)
    for module in view.facts(Module):
        found = module.fact
        stated = found.version or found.kernel
        url = purl.make("generic", found.name, stated, namespace="linux-kernel-module")
        package = Package(
            url,
            "generic",
            found.name,
            stated,
            namespace="linux-kernel-module",
            cataloger="kernel",
            licenses=(License(found.license),) if found.license else (),
            supplier=found.author,
            description=found.description,
            technique="binary-analysis",
            extra=kept(linux_kernel=found.kernel, linux_intree="true" if found.intree else "false"),
        )
        yield located(package, module)
        if found.kernel in kernels:
            yield Relationship(url, "depends-on", kernels[found.kernel])


CATALOGER = Cataloger(
    name="kernel",
    version=1,
    selects=Selector(
        globs=(
            "boot/vmlinuz*",
            "**/modules/*/vmlinuz",
            "boot/vmlinux*",
            "**/modules/*/**/*.ko",
            "**/modules/*/**/*.ko.gz",
            "**/modules/*/**/*.ko.xz",
            "**/modules/*/**/*.ko.zst",
        ),
        max_size=128 << 20,
    ),
    parse=parse,
    assemble=assemble,
    ecosystem="Linux kernel and modules",
)
