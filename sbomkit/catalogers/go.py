"""Go modules, from the build information that the linker leaves in every binary (ELF, PE, Mach-O).

Format: Go's debug/buildinfo and runtime/debug.BuildInfo; https://go.dev/ref/mod#go-version-m
Both encodings: pointers to Go strings (until 1.17) and strings in place (since 1.18).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Relationship, Selector
from sbomkit.catalogers.reading.edges import Edges, packages_and_edges
from sbomkit.catalogers.reading.executable import MAGICS, Executable, executable
from sbomkit.catalogers.reading.go_products import PRODUCTS
from sbomkit.model import purl

Order = Literal["big", "little"]
_MAGIC = b"\xff Go buildinf:"
_HEADER = 32
_INLINE, _BIG_ENDIAN = 2, 1
_MAX_TEXT = 16 << 20
"""Bytes of the module list; that of Kubernetes has some 40 KiB."""
_RELEASE = re.compile(r"go(\d+(?:\.\d+)*(?:(?:rc|beta)\d+)?)")
_DEVEL = re.compile(r"devel (?:go)?(\S+)")
_LDFLAG = re.compile(r"(?P<name>[^=\s]+)=(?P<value>v?\d+\.\d+[\w.+~-]*)\Z")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z")
_SET_BY_LINKER = re.compile(rb"\0(v?\d{1,3}\.\d{1,3}\.\d{1,3}(?:[-+~][0-9A-Za-z.+~-]{1,40})?)\0")
_UNVERSIONED = "(devel)"
_CONFIDENCE = {"": 1.0, "ldflags": 0.9, "vcs": 0.9, "bytes": 0.6}


@dataclass(frozen=True, slots=True)
class Module:
    path: str
    version: str
    sum: str = ""
    replaces: str = ""
    """`path@version` that it stands in for."""


@dataclass(slots=True)
class BuildInfo:
    go: str
    main: Module | None = None
    dependencies: list[Module] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    command: str = ""
    """Import path of the main package."""


def parse(file: LayerFile) -> Iterable[Fact]:
    found = executable(file)
    if found is None:
        return
    place = _place(found)
    if place is None:
        return
    info = _build_info(found, place)
    if info is None:
        raise ParseError("a Go binary whose build information cannot be read")
    yield from _facts(info, found)


def _place(found: Executable) -> int | None:
    """Where in the file the build information begins."""
    named = found.sections.get(".go.buildinfo") or found.sections.get("__go_buildinfo")
    if named:
        ranges = [named]
    elif found.format == "elf" and found.named:
        return None  # it has section names, and this is not among them
    else:
        ranges = found.data_segments
    for part in ranges:
        at = found.data.find(_MAGIC, part.offset, part.offset + part.size)
        if at >= 0:
            return at
    return None


def _build_info(found: Executable, at: int) -> BuildInfo | None:
    header = found.read(at, _HEADER)
    if len(header) < _HEADER:
        return None
    if header[15] & _INLINE:
        version, end = _inline(found, at + _HEADER)
        modules, _ = _inline(found, end)
    else:
        size = header[14]
        if size not in (4, 8):
            return None
        order: Order = "big" if header[15] & _BIG_ENDIAN else "little"
        version = _pointed(found, header[16 : 16 + size], order)
        modules = _pointed(found, header[16 + size : 16 + 2 * size], order)
    text = version.decode(errors="replace")
    if not _RELEASE.match(text) and not _DEVEL.match(text):
        return None
    # the linker frames the module text with 16 bytes on each side
    framed = len(modules) >= 33 and modules[-17:-16] == b"\n"
    return _read(text, modules[16:-16].decode(errors="replace") if framed else "")


def _inline(found: Executable, at: int) -> tuple[bytes, int]:
    """A string with its length as a varint before it, and where it ends."""
    length = shift = 0
    for byte in found.read(at, 10):
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if length > _MAX_TEXT:
        raise ParseError(f"a Go binary with {length} bytes of build information")
    return found.read(at, length), at + length


def _pointed(found: Executable, pointer: bytes, order: Order) -> bytes:
    """The string whose header (address, length) stands at an address."""
    size = len(pointer)
    header = found.at(int.from_bytes(pointer, order), 2 * size)
    if len(header) < 2 * size:
        return b""
    length = int.from_bytes(header[size:], order)
    if length > _MAX_TEXT:
        raise ParseError(f"a Go binary with {length} bytes of build information")
    return found.at(int.from_bytes(header[:size], order), length)


def _read(go: str, text: str) -> BuildInfo:
    """Tab-separated lines: path, mod, dep, => (replaces the line before), build key=value."""
    info = BuildInfo(go)
    last = ""
    for line in text.split("\n"):
        kind, _, rest = line.partition("\t")
        if kind == "path":
            info.command = rest
        elif kind in ("mod", "dep", "=>"):
            path, version, total = (*rest.split("\t"), "", "", "")[:3]
            if not path:
                continue
            module = Module(path, version, total)
            if kind == "mod":
                info.main = module
            elif kind == "dep":
                info.dependencies.append(module)
            else:
                _replace(info, last, module)
        elif kind == "build":
            key, _, value = rest.partition("=")
            info.settings[key] = _unquoted(value)
        last = kind if kind != "=>" else last
    return info


def _replace(info: BuildInfo, last: str, by: Module) -> None:
    """A replacement by a directory keeps the name of what it replaces: the directory's is no module path."""
    old = info.main if last == "mod" else info.dependencies[-1] if last == "dep" and info.dependencies else None
    if old is None:
        return
    local = by.path.startswith((".", "/")) or by.path[1:2] == ":"
    new = Module(old.path if local else by.path, by.version or old.version, by.sum, f"{old.path}@{old.version}")
    if last == "mod":
        info.main = new
    else:
        info.dependencies[-1] = new


def _unquoted(value: str) -> str:
    """Build settings with unusual characters are quoted as Go strings."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in '"`':
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\") if value[0] == '"' else value[1:-1]
    return value


def _facts(info: BuildInfo, found: Executable) -> Iterator[Fact]:
    packages = []
    main = None
    module = info.main or _moduleless(info.command)
    if module:
        main = _main(info, module, found)
        packages.append(main)
    packages += [_package(module, module.version) for module in info.dependencies]
    packages.append(_stdlib(info.go))
    yield from packages
    if main:
        yield Edges(tuple(sorted(Relationship(main.purl, "depends-on", p.purl) for p in packages if p is not main)))


def _package(module: Module, version: str, **extra: str) -> Package:
    namespace, _, name = module.path.rpartition("/")
    kept = {"go:sum": module.sum, "go:replaces": module.replaces, **extra}
    return Package(
        purl.make("golang", name, version, namespace=namespace),
        "golang",
        module.path,
        version,
        cataloger="go",
        extra=tuple(sorted((key, value) for key, value in kept.items() if value)),
        technique="binary-analysis",
    )


def _moduleless(command: str) -> Module | None:
    """Built without modules, as distributions do: the main package's path is all there is."""
    if "." not in command.partition("/")[0]:
        return None  # Go's own commands, or a bare file
    known = next(
        (path for path in sorted(PRODUCTS, reverse=True) if command == path or command.startswith(path + "/")), ""
    )
    return Module(known or re.sub(r"(?:/v\d+)?/cmd/[^/]+\Z", "", command), "")


def _main(info: BuildInfo, module: Module, found: Executable) -> Package:
    version = module.version
    source = ""
    if version in ("", _UNVERSIONED):
        version, source = _stated(info, module.path, found) or (version, "")
    settings = {f"go:{key}": info.settings.get(key, "") for key in ("vcs.revision", "vcs.time", "vcs.modified")}
    known = {"go:main": "true", "go:version-from": source, "go:command": info.command, "go:toolchain": info.go}
    package = _package(module, version, **settings, **known)
    cpes = tuple(_products(module.path, version.removeprefix("v"))) if version not in ("", _UNVERSIONED) else ()
    return replace(package, kind="application", cpes=cpes, confidence=_CONFIDENCE[source])


def _products(path: str, version: str) -> Iterator[str]:
    product = PRODUCTS.get(re.sub(r"/v\d+\Z", "", path))
    if product:
        yield f"cpe:2.3:a:{product}:{version}:*:*:*:*:*:*:*"


def _stated(info: BuildInfo, path: str, found: Executable) -> tuple[str, str] | None:
    """The main module's version: by the linker's flags, its own strings, or a pseudo-version of its commit."""
    flagged = _flagged(info)
    if flagged:
        return flagged, "ldflags"
    if re.sub(r"/v\d+\Z", "", path) in PRODUCTS:
        # a variable that the linker set stands between zero bytes, unlike the constants of the program
        match = _SET_BY_LINKER.search(found.data)
        if match:
            return match[1].decode(), "bytes"
    revision = info.settings.get("vcs.revision", "")
    time = _TIME.match(info.settings.get("vcs.time", ""))
    if len(revision) >= 12 and time:
        return f"v0.0.0-{''.join(time.groups())}-{revision[:12]}", "vcs"
    return None


def _flagged(info: BuildInfo) -> str:
    """The value of `-X some/package.version=1.2.3`; main's own first, then by the length of the package's path."""
    flags = info.settings.get("-ldflags", "")
    try:
        words = shlex.split(flags)
    except ValueError:
        words = flags.split()
    found: list[tuple[bool, int, int, str]] = []
    for word in words:
        match = _LDFLAG.match(word.removeprefix("-X").lstrip("="))
        package, _, variable = match["name"].rpartition(".") if match else ("", "", "")
        if not match or "version" not in variable.lower() or re.search(r"go_?version|api|min|schema", variable.lower()):
            continue
        exact = variable.lower() in ("version", "appversion", "buildversion", "gitversion", "releaseversion")
        found.append((package != "main" or not exact, 0 if exact else 1, len(package), match["value"]))
    return min(found)[3] if found else ""


def _stdlib(go: str) -> Package:
    release = _RELEASE.search(go)
    devel = _DEVEL.match(go)
    version = devel[1] if devel else release[1] if release else go
    return Package(
        purl.make("golang", "stdlib", version),
        "golang",
        "stdlib",
        version,
        cataloger="go",
        cpes=(f"cpe:2.3:a:golang:go:{version}:*:*:*:*:*:*:*",) if release and not devel else (),
        extra=(("go:toolchain", go),),
        technique="binary-analysis",
    )


CATALOGER = Cataloger(
    name="go",
    version=1,
    selects=Selector(magics=MAGICS, max_size=2 << 30, min_size=4096),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="Go binaries",
)
