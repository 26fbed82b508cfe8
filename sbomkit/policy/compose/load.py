"""A compose project: files interpolated one by one, extended, with what they include, merged in order.

https://github.com/compose-spec/compose-spec/blob/main/14-include.md
https://github.com/compose-spec/compose-spec/blob/main/05-services.md#extends
"""

from __future__ import annotations

from collections.abc import Mapping as Environment
from collections.abc import Sequence as Several
from dataclasses import dataclass, field, replace
from pathlib import Path

from sbomkit.policy.compose.images import Collector
from sbomkit.policy.compose.interpolate import interpolate_tree
from sbomkit.policy.compose.merge import merge, without_reset
from sbomkit.policy.compose.sources import Sources, local
from sbomkit.policy.marked import NOWHERE, Mapping, Mark, MarkedError, Node, Scalar, Sequence, read_documents
from sbomkit.policy.targets import ImageUse, Target

MAX_INCLUDES = 32
"""How deep files may include and extend each other."""
_RESOURCES = ("configs", "models", "networks", "secrets", "services", "volumes")
_DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


@dataclass(frozen=True, slots=True)
class Options:
    """How a project is loaded. The environment is given, never read here."""

    environment: Environment[str, str] = field(default_factory=dict)
    env_files: tuple[Path, ...] = ()
    """Instead of `.env` in the project's directory."""
    profiles: tuple[str, ...] | None = None
    """The active ones; None takes every service, whatever its profiles: what is not checked may be started later."""
    project_directory: Path | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A project as one tree, every value still knowing the place where it was written."""

    root: Mapping
    directory: Path
    unset: Environment[tuple[str, int], tuple[str, ...]]
    """Names of variables without a value, by file and offset of the value they stand in."""
    sources: Sources


def load_compose(files: Several[Path], options: Options = Options()) -> Target:
    """Every image that a project names. Raises MarkedError (a CannotCheck) with file and line."""
    project = load_project(files, options)
    uses, notes = Collector(project.unset, project.sources, project.directory).collect(project.root, options.profiles)
    ordered = tuple(sorted(set(uses), key=_by_place))
    return Target("compose", ",".join(map(str, files)), ordered, tuple(sorted(notes)), dict(project.sources.texts))


def _by_place(use: ImageUse) -> tuple[str, int, int, str, str]:
    return use.mark.file, use.mark.line, use.mark.column, use.owner, use.reference


def load_project(files: Several[Path], options: Options = Options()) -> Project:
    """Read, interpolate and merge. A directory stands for the compose file in it."""
    found = [_compose_file(path) for path in files]
    if not found:
        raise MarkedError(NOWHERE, "no compose file is named")
    sources = Sources()
    directory = options.project_directory or found[0].parent
    environment = _environment(sources, directory, options.env_files, dict(options.environment))
    loader = _Loader(sources)
    root = loader.files(found, directory, environment, ())
    return Project(root, directory, loader.unset, sources)


def _compose_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in _DEFAULT_FILES:
        if (path / name).is_file():
            return path / name
    raise MarkedError(Mark(str(path)), f"none of {', '.join(_DEFAULT_FILES)} is in this directory")


def _environment(
    sources: Sources, directory: Path, env_files: Several[Path], given: dict[str, str], said: Mark = NOWHERE
) -> dict[str, str]:
    """What is given wins over files, a later file over an earlier one."""
    values: dict[str, str] = {}
    if env_files:
        for path in env_files:
            values |= sources.read_env(path, given, said=said)
    elif (directory / ".env").is_file():
        values = sources.read_env(directory / ".env", given)
    return values | given


@dataclass(slots=True)
class _Loader:
    sources: Sources
    unset: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)

    def files(
        self, paths: Several[Path], directory: Path, environment: dict[str, str], trail: tuple[Path, ...]
    ) -> Mapping:
        root = Mapping()
        for path in paths:
            for layer in self._documents(path, environment):
                extended = self._extended(layer, path, directory, environment, root)
                whole = self._included(extended, path, directory, environment, trail)
                merged = merge(root, whole)
                root = merged if isinstance(merged, Mapping) else root
        return root

    def _documents(self, path: Path, environment: dict[str, str], said: Mark = NOWHERE) -> list[Mapping]:
        """A file's documents; several are merged like several files."""
        name, text = self.sources.read(path, said=said)
        found = []
        for document in read_documents(text, name):
            if not isinstance(document, Mapping):
                raise MarkedError(document.mark, "a compose file is a mapping with services, and this is none")
            outcome = interpolate_tree(document, environment.get)
            self.unset |= outcome.unset
            if isinstance(outcome.node, Mapping):
                found.append(outcome.node)
        if not found:
            raise MarkedError(Mark(name, 1, 1), "the file is empty")
        return found

    # -- extends ---------------------------------------------------------------------------------------------------

    def _extended(
        self, layer: Mapping, path: Path, directory: Path, environment: dict[str, str], merged: Mapping
    ) -> Mapping:
        services = layer.get("services")
        if services is None or (isinstance(services, Scalar) and services.is_null):
            return layer
        if not isinstance(services, Mapping):
            raise MarkedError(services.mark, "services is no mapping")
        inherited = merged.get("services")
        chain = _Extension(self, environment, directory)
        entries = []
        for key, value in services.entries:
            service = chain.resolve(value, services, inherited, path, directory, ((str(path), key.value),))
            entries.append((key, service))
        return _with(layer, "services", replace(services, entries=tuple(entries)))

    # -- include ---------------------------------------------------------------------------------------------------

    def _included(
        self, layer: Mapping, path: Path, directory: Path, environment: dict[str, str], trail: tuple[Path, ...]
    ) -> Mapping:
        wanted = layer.get("include")
        if wanted is None or (isinstance(wanted, Scalar) and wanted.is_null):
            return layer
        if not isinstance(wanted, Sequence):
            raise MarkedError(wanted.mark, "include is no list")
        if len(trail) >= MAX_INCLUDES:
            raise MarkedError(wanted.mark, f"files include each other more than {MAX_INCLUDES} deep")
        for item in wanted.items:
            layer = _imported(layer, self._one_include(item, path, directory, environment, trail))
        return layer

    def _one_include(
        self, item: Node, path: Path, directory: Path, environment: dict[str, str], trail: tuple[Path, ...]
    ) -> Mapping:
        paths = _texts(item.get("path") if isinstance(item, Mapping) else item)
        if not paths:
            raise MarkedError(item.mark, "an include names no path")
        files = [local(text.value, directory, text.mark) for text in paths]
        here = (*trail, path.resolve())
        for file, text in zip(files, paths, strict=True):
            if file.resolve() in here:
                raise MarkedError(text.mark, f"{text.value} includes itself")
            self.sources.read(file, said=text.mark)
        folder = files[0].parent
        env_files: list[Path] = []
        if isinstance(item, Mapping):
            stated = _texts(item.get("project_directory"))
            folder = local(stated[0].value, directory, stated[0].mark) if stated else folder
            env_files = [local(text.value, directory, text.mark) for text in _texts(item.get("env_file"))]
        own = _environment(self.sources, folder, env_files, environment, item.mark)
        return self.files(files, folder, own, here)


@dataclass(slots=True)
class _Extension:
    """Resolves `extends`: what a service says over what the extended one says."""

    loader: _Loader
    environment: dict[str, str]
    directory: Path
    known: dict[Path, Mapping] = field(default_factory=dict)

    def resolve(
        self,
        service: Node,
        services: Mapping,
        inherited: Node | None,
        path: Path,
        folder: Path,
        trail: tuple[tuple[str, str], ...],
    ) -> Node:
        if not isinstance(service, Mapping):
            return service
        service = _absolute(service, folder)
        extends = service.get("extends")
        if extends is None or (isinstance(extends, Scalar) and extends.is_null):
            return service
        name, file = _extension(extends)
        if file is not None:
            path = local(file.value, folder, file.mark)
            services, inherited, folder = self._services(path, file.mark), None, path.parent
        step = (str(path), name.value)
        if step in trail or len(trail) > MAX_INCLUDES:
            raise MarkedError(name.mark, f"services extend each other in a circle: {' -> '.join(n for _, n in trail)}")
        found = services.get(name.value)
        if found is None and isinstance(inherited, Mapping):
            found = inherited.get(name.value)
        if found is None:
            raise MarkedError(name.mark, f"there is no service {name.value!r} to extend")
        base = self.resolve(found, services, inherited, path, folder, (*trail, step))
        own = replace(service, entries=tuple(entry for entry in service.entries if entry[0].value != "extends"))
        return merge(without_reset(base), own, ("services", "*"))

    def _services(self, path: Path, said: Mark) -> Mapping:
        if path not in self.known:
            root: Node = Mapping()
            for document in self.loader._documents(path, self.environment, said):
                root = merge(root, document)
            services = root.get("services") if isinstance(root, Mapping) else None
            if not isinstance(services, Mapping):
                raise MarkedError(said, "the extended file has no services")
            self.known[path] = services
        return self.known[path]


def _extension(extends: Node) -> tuple[Scalar, Scalar | None]:
    if isinstance(extends, Scalar):
        return extends, None
    service = extends.get("service") if isinstance(extends, Mapping) else None
    file = extends.get("file") if isinstance(extends, Mapping) else None
    if not isinstance(service, Scalar):
        raise MarkedError(extends.mark, "extends names no service")
    return service, file if isinstance(file, Scalar) else None


def _absolute(service: Mapping, folder: Path) -> Mapping:
    """The build's context as a path that means the same in another file."""
    build = service.get("build")
    if isinstance(build, Scalar) and not build.is_null:
        return _with(service, "build", _absolute_path(build, folder))
    if not isinstance(build, Mapping):
        return service
    context = build.get("context")
    if isinstance(context, Scalar) and not context.is_null:
        return _with(service, "build", _with(build, "context", _absolute_path(context, folder)))
    return service


def _absolute_path(node: Scalar, folder: Path) -> Scalar:
    if "://" in node.value or node.value.startswith("git@") or Path(node.value).is_absolute():
        return node
    return replace(node, value=str(folder / node.value))


def _with(mapping: Mapping, name: str, value: Node) -> Mapping:
    return replace(mapping, entries=tuple((k, value if k.value == name else v) for k, v in mapping.entries))


def _texts(node: Node | None) -> list[Scalar]:
    """One text, or a list of them."""
    items = node.items if isinstance(node, Sequence) else (node,)
    return [item for item in items if isinstance(item, Scalar) and not item.is_null]


def _imported(layer: Mapping, included: Mapping) -> Mapping:
    """Copy an included project's resources. The same name for something else is a conflict."""
    sections = {key.value: (key, value) for key, value in layer.entries}
    for key, section in included.entries:
        if key.value not in _RESOURCES or not isinstance(section, Mapping):
            continue
        own = sections.get(key.value)
        if own is None or not isinstance(own[1], Mapping):
            sections[key.value] = (key, section)
            continue
        entries = {name.value: (name, value) for name, value in own[1].entries}
        for name, value in section.entries:
            known = entries.setdefault(name.value, (name, value))
            if known[1] != value:
                raise MarkedError(
                    known[0].mark, f"{key.value}.{name.value} conflicts with what is included from {name.mark}"
                )
        sections[key.value] = (own[0], replace(own[1], entries=tuple(entries.values())))
    return replace(layer, entries=tuple(sections.values()))
