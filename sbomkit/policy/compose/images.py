"""Every image that a merged compose project names.

`services.*.image`, volumes of type image, `docker-image://` contexts, what Dockerfiles begin from and copy from,
and `models.*.model`. https://github.com/compose-spec/compose-spec/blob/main/05-services.md
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Environment
from dataclasses import dataclass, field
from pathlib import Path

from sbomkit.policy.compose.dockerfile import DockerfileError, base_images
from sbomkit.policy.compose.merge import named
from sbomkit.policy.compose.sources import Sources, shown
from sbomkit.policy.marked import Mapping, Mark, MarkedError, Node, Scalar, Sequence
from sbomkit.policy.targets import ImageUse, Role

_DOCKER_IMAGE = "docker-image://"


@dataclass(slots=True)
class Collector:
    """Walks a project once."""

    unset: Environment[tuple[str, int], tuple[str, ...]]
    sources: Sources
    directory: Path
    notes: set[str] = field(default_factory=set)

    def collect(self, root: Mapping, profiles: tuple[str, ...] | None) -> tuple[list[ImageUse], set[str]]:
        services = _section(root, "services")
        uses: list[ImageUse] = []
        active = {key.value for key, value in services if _is_active(value, profiles)}
        # what an active service needs is started with it
        if profiles is not None:
            active |= _needed({key.value: value for key, value in services}, active)
        for key, service in services:
            if not isinstance(service, Mapping):
                raise MarkedError(service.mark, f"services.{key.value} is no mapping")
            if key.value in active:
                uses += self._service(key, service)
            else:
                self.notes.add(f"services.{key.value} is left out: none of its profiles is active")
        for key, model in _section(root, "models"):
            name = model.get("model") if isinstance(model, Mapping) else None
            if not isinstance(name, Scalar) or not name.value:
                raise MarkedError(key.mark, f"models.{key.value} names no model")
            uses.append(self._use(name, f"models.{key.value}", "model"))
        return uses, self.notes

    def _use(
        self, node: Scalar, owner: str, role: Role = "image", *, built: bool = False, platform: str = ""
    ) -> ImageUse:
        unset = self.unset.get((node.mark.file, node.mark.start), ())
        return ImageUse(node.value.strip(), node.mark, owner, role, built, platform, unset)

    def _service(self, key: Scalar, service: Mapping) -> Iterator[ImageUse]:
        owner = f"services.{key.value}"
        image, build = service.get("image"), service.get("build")
        platform = _text(service.get("platform"))
        builds = build is not None and not (isinstance(build, Scalar) and build.is_null)
        if isinstance(image, Scalar) and not image.is_null:
            yield self._use(image, owner, built=builds, platform=platform)
        elif image is not None and not isinstance(image, Scalar):
            raise MarkedError(image.mark, f"{owner}.image is no text")
        elif builds and build is not None:
            yield ImageUse("", build.mark, owner, "image", True, platform, (), pinnable=False)
        elif service.get("provider") is None:
            raise MarkedError(key.mark, f"{owner} has neither an image nor a build")
        yield from self._volumes(service.get("volumes"), owner)
        if builds and build is not None:
            yield from self._build(build, owner, platform)

    def _volumes(self, volumes: Node | None, owner: str) -> Iterator[ImageUse]:
        for item in volumes.items if isinstance(volumes, Sequence) else ():
            if isinstance(item, Mapping) and _text(item.get("type")) == "image":
                source = item.get("source")
                if not isinstance(source, Scalar) or not source.value:
                    raise MarkedError(item.mark, f"{owner}: a volume of type image has no source")
                yield self._use(source, owner, "volume")

    def _build(self, build: Node, owner: str, platform: str) -> Iterator[ImageUse]:
        contexts: dict[str, str] = {}
        if isinstance(build, Mapping):
            for name, value in named(build.get("additional_contexts")):
                text = _text(value)
                contexts[name.value] = text
                if text.startswith(_DOCKER_IMAGE):
                    reference = text.removeprefix(_DOCKER_IMAGE)
                    unset = self.unset.get((value.mark.file, value.mark.start), ())
                    mark = value.mark
                    yield ImageUse(reference, mark, owner, "build-context", False, "", unset, pinnable=False)
        yield from self._dockerfile(build, contexts, owner, platform)

    def _dockerfile(self, build: Node, contexts: dict[str, str], owner: str, platform: str) -> Iterator[ImageUse]:
        arguments: dict[str, str] = {}
        context, name, inline = _text(build), "Dockerfile", None
        if isinstance(build, Mapping):
            context = _text(build.get("context")) or str(self.directory)
            name = _text(build.get("dockerfile")) or name
            inline = build.get("dockerfile_inline")
            arguments = {k.value: v.value for k, v in named(build.get("args")) if isinstance(v, Scalar)}
        if isinstance(inline, Scalar):
            file, text, shift = inline.mark.file, inline.value, inline.mark.line
        else:
            path = Path(context) / name
            if "://" in context or context.startswith("git@") or not path.is_file():
                self.notes.add(
                    f"{owner}: the Dockerfile of {_place(context)} is not at hand, its base images are not known"
                )
                return
            file, text = self.sources.read(path, said=build.mark)
            shift = 0
        try:
            found = base_images(text, arguments)
        except DockerfileError as error:
            raise MarkedError(Mark(file, shift + error.line, 1), error.reason) from error
        for base in found:
            if base.reference not in contexts:
                mark = Mark(file, shift + base.line, 1)
                yield ImageUse(
                    base.reference,
                    mark,
                    owner,
                    "dockerfile",
                    False,
                    base.platform or platform,
                    base.unset,
                    pinnable=False,
                )


def _place(context: str) -> str:
    return context if "://" in context else shown(Path(context))


def _section(root: Mapping, name: str) -> tuple[tuple[Scalar, Node], ...]:
    section = root.get(name)
    if section is None or (isinstance(section, Scalar) and section.is_null):
        return ()
    if not isinstance(section, Mapping):
        raise MarkedError(section.mark, f"{name} is no mapping")
    return section.entries


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) and not node.is_null else ""


def _is_active(service: Node, profiles: tuple[str, ...] | None) -> bool:
    """A service without profiles is always active. https://github.com/compose-spec/compose-spec/blob/main/15-profiles.md"""
    stated = service.get("profiles") if isinstance(service, Mapping) else None
    if profiles is None or "*" in profiles or not isinstance(stated, Sequence) or not stated.items:
        return True
    return any(_text(item) in profiles for item in stated.items)


def _needed(services: dict[str, Node], active: set[str]) -> set[str]:
    found: set[str] = set()
    waiting = sorted(active)
    while waiting:
        service = services.get(waiting.pop())
        wanted = service.get("depends_on") if isinstance(service, Mapping) else None
        names = [_text(item) for item in wanted.items] if isinstance(wanted, Sequence) else []
        names += [key.value for key, _ in wanted.entries] if isinstance(wanted, Mapping) else []
        for name in names:
            if name in services and name not in found and name not in active:
                found.add(name)
                waiting.append(name)
    return found
