"""Machine-learning models: what the headers of GGUF, safetensors and ONNX files say.

Formats: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, https://github.com/huggingface/safetensors#format,
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Only the head of a file is read, never its weights.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sbomkit.catalogers.base import Cataloger, Fact, Finding, LayerFile, Location, Package, Selector, View
from sbomkit.catalogers.models.gguf import read_gguf
from sbomkit.catalogers.models.header import Header
from sbomkit.catalogers.models.onnx import read_onnx
from sbomkit.catalogers.models.safetensors import read_safetensors
from sbomkit.catalogers.reading.values import json_value, kept, mapping, text, texts
from sbomkit.model import purl
from sbomkit.model.package import License

HEAD = 32 << 20
_SHARD = re.compile(r"(.*?)-(\d{5})-of-(\d{5})\Z")
_HUB = re.compile(r"(?:^|/)models--([^/]+?)--([^/]+)/snapshots/([^/]+)/")
_PLAIN_NAMES = frozenset(
    ("model", "pytorch_model", "weights", "consolidated", "adapter_model", "diffusion_pytorch_model")
)


@dataclass(frozen=True, slots=True)
class Model:
    """One file of weights."""

    header: Header

    @property
    def identity(self) -> str:
        return f"{self.header.format}:{self.header.name}:{self.header.version}"


@dataclass(frozen=True, slots=True)
class Config:
    """The config.json beside the weights: what the library that loads them needs to know."""

    name: str
    architecture: str
    dtype: str
    identity: str = ""


def parse(file: LayerFile) -> Iterable[Fact]:
    if file.path.endswith("/config.json"):
        value = mapping(json_value(file.read())) if file.size <= 1 << 20 else {}
        if "model_type" in value or "architectures" in value:
            architecture = next(iter(texts(value.get("architectures"))), "") or text(value.get("model_type"))
            dtype = text(value.get("torch_dtype")) or text(value.get("dtype"))
            yield Config(text(value.get("_name_or_path")), architecture, dtype)
        return
    stem = file.path.rpartition("/")[2].rpartition(".")[0]
    if file.path.endswith(".gguf"):
        yield Model(read_gguf(file.open(), stem))
    elif file.path.endswith(".safetensors"):
        yield Model(read_safetensors(file.open(), file.size, stem))
    else:
        yield Model(read_onnx(file.open(), stem))


def assemble(view: View) -> Iterable[Finding]:
    """Shards of one model are one package; a plain file name gives way to its folder's."""
    configs = {seen.path.rpartition("/")[0]: seen.fact for seen in view.facts(Config)}
    groups: dict[tuple[str, str], list[tuple[Header, Location, str]]] = defaultdict(list)
    for seen in view.facts(Model):
        folder, _, name = seen.path.rpartition("/")
        shard = _SHARD.match(name.rpartition(".")[0])
        key = (folder, shard[1] if shard else name)
        groups[key].append((seen.fact.header, Location("/" + seen.path, seen.layer), seen.introduced))
    for (folder, name), parts in sorted(groups.items()):
        yield _package(folder, name, parts, configs.get(folder))


def _package(folder: str, stem: str, parts: list[tuple[Header, Location, str]], config: Config | None) -> Package:
    header = parts[0][0]
    parameters = sum(part.parameters for part, _, _ in parts)
    stem = _SHARD.sub(r"\1", stem.rpartition(".")[0] or stem)
    hub = _HUB.search(f"{folder}/")
    name, version, namespace = header.name, header.version, ""
    if not name or name == stem:
        name = folder.rpartition("/")[2] if stem in _PLAIN_NAMES and folder else stem
    if hub:
        namespace, name, version = hub[1], hub[2], hub[3]
    type_ = "huggingface" if hub else "generic"
    return Package(
        purl.make(type_, name, version, namespace=namespace),
        type_,
        name,
        version,
        namespace=namespace,
        kind="machine-learning-model",
        cataloger="models",
        licenses=(License(header.license),) if header.license else (),
        supplier=header.author,
        homepage=header.url,
        description=header.description,
        locations=tuple(place for _, place, _ in parts),
        introduced_by=parts[0][2],
        confidence=1.0 if header.name or hub else 0.7,
        extra=kept(
            ml_format=header.format,
            ml_architecture=header.architecture or (config.architecture if config else ""),
            ml_parameters=str(parameters) if parameters else "",
            ml_quantization=header.quantization or (config.dtype if config else ""),
            ml_files=str(len(parts)),
            ml_base_model=config.name if config else "",
            ml_producer=header.producer,
        ),
    )


CATALOGER = Cataloger(
    name="models",
    version=1,
    selects=Selector(
        globs=("**/*.gguf", "**/*.safetensors", "**/*.onnx", "**/config.json"), head=HEAD, max_size=1 << 42
    ),
    parse=parse,
    assemble=assemble,
    ecosystem="Machine-learning models",
)
