"""How compose files override each other.

https://github.com/compose-spec/compose-spec/blob/main/13-merge.md
Paths are tuples of keys, with `*` for names that people choose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sbomkit.policy.marked import Mapping, MarkedError, Node, Scalar, Sequence

_REPLACED = {
    ("services", "*", "command"),
    ("services", "*", "entrypoint"),
    ("services", "*", "healthcheck", "test"),
}
_BY_NAME = {
    # lists of NAME=VALUE that may also be mappings
    ("services", "*", "annotations"),
    ("services", "*", "build", "additional_contexts"),
    ("services", "*", "build", "args"),
    ("services", "*", "build", "extra_hosts"),
    ("services", "*", "build", "labels"),
    ("services", "*", "deploy", "labels"),
    ("services", "*", "environment"),
    ("services", "*", "extra_hosts"),
    ("services", "*", "labels"),
    ("services", "*", "sysctls"),
    ("networks", "*", "labels"),
    ("volumes", "*", "labels"),
}
_NAMES = {
    # lists of names that may also be mappings
    ("services", "*", "depends_on"),
    ("services", "*", "models"),
    ("services", "*", "networks"),
}
_LISTS = {
    # one value that may also be a list
    ("services", "*", "dns"),
    ("services", "*", "dns_search"),
    ("services", "*", "env_file"),
    ("services", "*", "label_file"),
    ("services", "*", "tmpfs"),
}
_LOGGING = ("services", "*", "logging")
_BUILD = ("services", "*", "build")
_RESOURCES = ("configs", "models", "networks", "secrets", "services", "volumes")

Path = tuple[str, ...]


def merge(base: Node, override: Node, path: Path = ()) -> Node:
    """`override` over `base`. Raises MarkedError where the two cannot be merged."""
    if override.tag == "!override":
        return _settled(override)
    if isinstance(override, Scalar) and override.is_null:
        return base
    if isinstance(base, Scalar) and base.is_null:
        return override
    base, override = _alike(base, path), _alike(override, path)
    if path in _REPLACED:
        return override
    if isinstance(base, Mapping) and isinstance(override, Mapping):
        if path == _LOGGING and _differ(base.get("driver"), override.get("driver")):
            return override
        return _mappings(base, override, path)
    if isinstance(base, Sequence) and isinstance(override, Sequence):
        unique = _UNIQUE.get(path)
        if unique:
            return _unique(base, override, path, unique)
        return replace(override, items=(*base.items, *override.items))
    if type(base) is not type(override):
        name = ".".join(path)
        raise MarkedError(override.mark, f"{name} cannot override what {base.mark} says: another kind of value")
    return override


def without_reset(node: Node) -> Node:
    """A first file has nothing to reset: what it marks so is not there; `!override` is like any other value."""
    if isinstance(node, Mapping):
        kept = tuple((key, without_reset(value)) for key, value in node.entries if value.tag != "!reset")
        return replace(node, entries=kept, tag="")
    if isinstance(node, Sequence):
        return replace(node, items=tuple(without_reset(item) for item in node.items if item.tag != "!reset"), tag="")
    return node


_settled = without_reset


def _step(path: Path, key: str) -> Path:
    return (*path, "*") if len(path) == 1 and path[0] in _RESOURCES else (*path, key)


def _mappings(base: Mapping, override: Mapping, path: Path) -> Mapping:
    entries = {key.value: (key, value) for key, value in base.entries}
    for key, value in override.entries:
        if value.tag == "!reset":
            entries.pop(key.value, None)
            continue
        below = _step(path, key.value)
        if key.value in entries:
            first, old = entries[key.value]
            entries[key.value] = (first, merge(old, value, below))
        else:
            entries[key.value] = (key, _settled(value))
    return replace(base, entries=tuple(entries.values()))


def _alike(node: Node, path: Path) -> Node:
    """The long form of a value that has a short one, so that forms can be merged."""
    if path == _BUILD and isinstance(node, Scalar):
        return Mapping(((Scalar("context", node.mark), node),), node.mark)
    if path in _LISTS and isinstance(node, Scalar):
        return Sequence((node,), node.mark)
    if isinstance(node, Sequence) and path in _BY_NAME:
        return Mapping(tuple(_named(node.items)), node.mark, node.tag)
    if isinstance(node, Sequence) and path in _NAMES:
        names = {item.value: item for item in node.items if isinstance(item, Scalar)}
        return Mapping(tuple((item, Scalar("", item.mark, plain=True)) for item in names.values()), node.mark, node.tag)
    return node


def _named(items: Iterable[Node]) -> Iterable[tuple[Scalar, Node]]:
    found: dict[str, tuple[Scalar, Node]] = {}
    for item in items:
        if isinstance(item, Scalar):
            name, equals, value = item.value.partition("=")
            found[name] = (replace(item, value=name), Scalar(value, item.mark, plain=not equals))
    return found.values()


def named(node: Node | None) -> tuple[tuple[Scalar, Node], ...]:
    """The entries of a mapping, or of a list of NAME=VALUE."""
    if isinstance(node, Mapping):
        return node.entries
    return tuple(_named(node.items)) if isinstance(node, Sequence) else ()


def _differ(one: Node | None, other: Node | None) -> bool:
    return one is not None and other is not None and one != other


Unique = Callable[[Node], tuple[str, ...] | None]


def _unique(base: Sequence, override: Sequence, path: Path, unique: Unique) -> Sequence:
    items: dict[tuple[str, ...], Node] = {}
    for number, item in enumerate((*base.items, *override.items)):
        key = unique(item) or ("", str(number))
        old = items.get(key)
        both = isinstance(old, Mapping) and isinstance(item, Mapping)
        items[key] = merge(old, item, (*path, "*")) if both and old is not None else item
    return replace(override, items=tuple(items.values()))


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) else ""


def _volume(node: Node) -> tuple[str, ...] | None:
    if isinstance(node, Mapping):
        target = _text(node.get("target"))
    else:
        parts = _text(node).split(":")
        # a Windows drive is no source: C:\data:/data
        if len(parts) > 1 and len(parts[0]) == 1 and parts[1][:1] in ("\\", "/") and parts[0].isalpha():
            parts = [":".join(parts[:2]), *parts[2:]]
        target = parts[1] if len(parts) > 1 else parts[0]
    return (target.rstrip("/") or "/",) if target else None


def _mount(folder: str) -> Unique:
    def key(node: Node) -> tuple[str, ...] | None:
        """Configs and secrets without a target go to a place named after their source."""
        name = _text(node)
        if isinstance(node, Mapping):
            name = _text(node.get("target")) or _text(node.get("source"))
        return (name if name.startswith("/") else folder + name,) if name else None

    return key


def _port(node: Node) -> tuple[str, ...] | None:
    """{ip, target, published, protocol}; a range of ports is a key of its own."""
    if isinstance(node, Mapping):
        ip, target, published, protocol = (
            _text(node.get(name)) for name in ("host_ip", "target", "published", "protocol")
        )
        return (ip, target, published, protocol or "tcp")
    rest, _, protocol = _text(node).partition("/")
    head, _, target = rest.rpartition(":")
    ip, _, published = head.rpartition(":")
    return (ip, target, published, protocol or "tcp")


_UNIQUE: dict[Path, Unique] = {
    ("services", "*", "configs"): _mount("/"),
    ("services", "*", "ports"): _port,
    ("services", "*", "secrets"): _mount("/run/secrets/"),
    ("services", "*", "volumes"): _volume,
}
