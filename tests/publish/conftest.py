"""The same image in every kind of place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sbomkit.oci.access import Access
from sbomkit.publish.place import Place, open_place
from tests.registry_service.access import access_to
from tests.registry_service.images import debian_layer, described, put_image, put_index
from tests.registry_service.real import docker_registry, go_registry, skopeo
from tests.registry_service.server import Behaviour, Registry, serving

KINDS = ["with API", "without API", "layout", "docker-registry", "go registry"]
Opener = Callable[[], Place]


def make_layout(registry: Registry, path: Path) -> None:
    """Everything in the registry's repository `app`, as a layout with the tags of it."""
    repository = registry.store.repository("app")
    blobs = {**repository.blobs, **{digest: raw for digest, (_, raw) in repository.manifests.items()}}
    (path / "blobs" / "sha256").mkdir(parents=True)
    for digest, raw in blobs.items():
        (path / "blobs" / "sha256" / digest[7:]).write_bytes(raw)
    manifests = [
        {
            "mediaType": repository.manifests[digest][0],
            "digest": digest,
            "size": len(repository.manifests[digest][1]),
            "annotations": {"org.opencontainers.image.ref.name": tag},
        }
        for tag, digest in sorted(repository.tags.items())
    ]
    (path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))


def put_two_platforms(registry: Registry) -> None:
    both = []
    for arch in ("amd64", "arm64"):
        digest = put_image(registry, "app", "", [debian_layer(f"p-{arch}=1")], architecture=arch)
        both.append(described(registry, "app", digest, arch))
    put_index(registry, "app", "1", both)


@pytest.fixture(params=KINDS)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the place anew each time, as another process would."""
    kind = request.param
    with ExitStack() as stack:
        source = stack.enter_context(serving(Behaviour(referrers_api=kind == "with API")))
        put_two_platforms(source)
        words, access = f"{source.host}/app:1", access_to(source)
        if kind not in ("with API", "without API"):
            make_layout(source, tmp_path / "layout")
            words, access = f"oci-dir:{tmp_path}/layout:1", Access()
        if kind in ("docker-registry", "go registry"):
            start = docker_registry if kind == "docker-registry" else go_registry
            real = stack.enter_context(start(tmp_path))
            skopeo(
                "copy", "--all", "--dest-tls-verify=false", f"oci:{tmp_path}/layout:1", f"docker://{real.host}/app:1"
            )
            words, access = f"{real.host}/app:1", real.access()
        yield lambda: open_place(words, access)
