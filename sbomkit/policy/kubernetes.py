"""Kubernetes manifests: every image of every pod spec, in any object, list or stream of documents.

A pod spec is known by its place in the kinds of Kubernetes' API, and in other kinds (custom resources) by its look:
a mapping whose `containers` lists mappings with images (their names may be left out).
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Texts
from pathlib import Path

from sbomkit.policy.compose.sources import Sources
from sbomkit.policy.marked import Mapping, Mark, MarkedError, Node, Scalar, Sequence, read_documents
from sbomkit.policy.targets import ImageUse, Role, Target

_SUFFIXES = (".yaml", ".yml", ".json")
_LISTS: dict[str, Role] = {"containers": "image", "initContainers": "init", "ephemeralContainers": "ephemeral"}
# a schema speaks of pods without being one, and what these hold is text for programs
_NO_WORKLOADS = frozenset({"ConfigMap", "CustomResourceDefinition", "Secret"})
_WORKLOADS = frozenset(
    {
        "CronJob",
        "DaemonSet",
        "Deployment",
        "Job",
        "Pod",
        "PodTemplate",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
    }
)


def load_kubernetes(path: Path) -> Target:
    """A file, or all manifests below a directory. Raises MarkedError (a CannotCheck) with file and line."""
    sources = Sources()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        if not files:
            raise MarkedError(Mark(str(path)), f"no {', '.join(_SUFFIXES)} file is in this directory")
    else:
        files = [path]
    texts = dict(sources.read(file) for file in files)
    return _target(str(path), texts)


def read_kubernetes(text: str, name: str = "<stdin>") -> Target:
    """What `kustomize build` or `helm template` wrote."""
    return _target(name, {name: text})


def _target(name: str, texts: Texts[str, str]) -> Target:
    uses: list[ImageUse] = []
    objects = 0
    for file, text in sorted(texts.items()):
        for document in _documents(text, file):
            for item in _objects(document):
                objects += 1
                found = list(_images(item))
                if not found and _text(item.get("kind")) in _WORKLOADS:
                    raise MarkedError(item.mark, f"{_owner(item)} names no container")
                uses += found
    if not objects:
        raise MarkedError(Mark(name), "no Kubernetes object is in it")
    ordered = sorted(set(uses), key=lambda use: (use.mark.file, use.mark.line, use.mark.column, use.owner))
    return Target("kubernetes", name, tuple(ordered), (), dict(texts))


def _documents(text: str, file: str) -> list[Node]:
    """A template is seldom YAML: what cannot be read and holds `{{` is told as what it is, at its first brace."""
    try:
        return read_documents(text, file)
    except MarkedError as error:
        at = text.find("{{")
        if at == -1:
            raise
        begin = text.rfind("\n", 0, at) + 1
        raise _unrendered(Mark(file, text.count("\n", 0, at) + 1, at - begin + 1)) from error


def _unrendered(mark: Mark) -> MarkedError:
    hint = "Render it first, as in: helm template CHART | sbomkit gate k8s:-"
    return MarkedError(mark, "a template that is not rendered: {{ }}", hint=hint)


def _objects(document: Node) -> Iterator[Mapping]:
    """The document, or what its list holds; lists may hold lists."""
    if not isinstance(document, Mapping):
        raise MarkedError(document.mark, "a Kubernetes object is a mapping with apiVersion and kind, and this is none")
    kind, items = document.get("kind"), document.get("items")
    if not isinstance(kind, Scalar) or not isinstance(document.get("apiVersion"), Scalar):
        raise MarkedError(document.mark, "a Kubernetes object says its apiVersion and kind, and this does not")
    if kind.value.endswith("List") and isinstance(items, Sequence):
        for item in items.items:
            yield from _objects(item)
    elif kind.value not in _NO_WORKLOADS:
        yield document
    else:
        yield Mapping((), document.mark)


def _images(item: Mapping) -> Iterator[ImageUse]:
    owner = _owner(item)
    waiting: list[Node] = [value for _, value in item.entries]
    seen: set[int] = set()
    if _looks_like_pod(item):
        waiting.append(item)
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Sequence):
            waiting += node.items
        elif isinstance(node, Mapping):
            if _looks_like_pod(node):
                yield from _pod(node, owner)
            waiting += [value for _, value in node.entries]


def _looks_like_pod(node: Mapping) -> bool:
    return any(
        isinstance(found := node.get(name), Sequence)
        and any(isinstance(item, Mapping) and item.get("image") for item in found.items)
        for name in _LISTS
    )


def _pod(spec: Mapping, owner: str) -> Iterator[ImageUse]:
    for name, role in _LISTS.items():
        containers = spec.get(name)
        for container in containers.items if isinstance(containers, Sequence) else ():
            if not isinstance(container, Mapping):
                raise MarkedError(container.mark, f"{owner}: an entry of {name} is no mapping")
            image = container.get("image")
            who = f"{owner} container {_text(container.get('name')) or '(no name)'}"
            if not isinstance(image, Scalar) or image.is_null or not image.value.strip():
                raise MarkedError(container.mark, f"{who} names no image")
            yield ImageUse(_reference(image), image.mark, who, role)
    volumes = spec.get("volumes")
    for volume in volumes.items if isinstance(volumes, Sequence) else ():
        source = volume.get("image") if isinstance(volume, Mapping) else None
        reference = source.get("reference") if isinstance(source, Mapping) else None
        if isinstance(reference, Scalar) and not reference.is_null and isinstance(volume, Mapping):
            who = f"{owner} volume {_text(volume.get('name'))}"
            yield ImageUse(_reference(reference), reference.mark, who, "volume")


def _reference(node: Scalar) -> str:
    if "{{" in node.value:
        raise _unrendered(node.mark)
    return node.value.strip()


def _owner(item: Mapping) -> str:
    metadata = item.get("metadata")
    name = space = ""
    if isinstance(metadata, Mapping):
        name = _text(metadata.get("name")) or _text(metadata.get("generateName"))
        space = _text(metadata.get("namespace"))
    return f"{_text(item.get('kind')) or 'object'}/{name}" + (f" ({space})" if space else "")


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Scalar) and not node.is_null else ""
