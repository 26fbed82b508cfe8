"""Images from a daemon: what the Engine API gives, and when it breaks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sbomkit.catalogers.dpkg import CATALOGER
from sbomkit.errors import CannotCheck
from sbomkit.image.engine import Engine, docker_engine, is_there, podman_engine
from sbomkit.image.source import open_source
from sbomkit.model.digest import Digest
from sbomkit.scan.scan import scan
from tests.conftest import PROJECT
from tests.registry_service.access import access_to
from tests.registry_service.engine import Daemon, daemon_at
from tests.registry_service.images import debian_layer, put_image
from tests.registry_service.server import Registry

ARCHIVES = [PROJECT / "fixtures" / "images" / name for name in ("app.docker.tar", "app.docker-old.tar")]
DIGEST = Digest.of(b"in the registry")
OTHER = Digest.of(b"elsewhere")


@pytest.fixture(params=ARCHIVES, ids=["new", "old"])
def daemon(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory() as short, daemon_at(Path(short) / "d.sock") as found:
        known: dict[str, object] = {
            "Id": "sha256:" + "1" * 64,
            "RepoTags": ["registry.example/app:1"],
            "RepoDigests": [f"other.example/app@{OTHER}", f"registry.example/app@{DIGEST}", "<none>@<none>"],
        }
        for name in ("registry.example/app:1", "app", "111111111111"):
            found.images[name] = (known, request.param)
        monkeypatch.setenv("DOCKER_HOST", found.address)
        monkeypatch.setenv("CONTAINER_HOST", "unix:///nowhere/podman.sock")
        monkeypatch.delenv("DOCKER_TLS_VERIFY", raising=False)
        yield found


@pytest.mark.parametrize("chunked", [True, False])
def test_an_image_is_the_archive_it_would_save(daemon: Daemon, chunked: bool) -> None:
    daemon.chunked = chunked
    archive = daemon.images["app"][1]
    found = scan(open_source("docker:registry.example/app:1"), [CATALOGER])
    saved = scan(open_source(f"docker-archive:{archive}"), [CATALOGER])
    assert found.packages == saved.packages
    assert found.packages
    assert found.subject.image_id == saved.subject.image_id


def test_its_subject_is_the_registrys_digest(daemon: Daemon) -> None:
    image = open_source("docker:registry.example/app:1")
    assert (image.digest, image.name) == (DIGEST, "registry.example/app:1")


def test_a_name_the_registry_never_saw_has_its_digest_only_if_all_agree(daemon: Daemon) -> None:
    assert open_source("docker:app").digest is None
    known = daemon.images["app"][0]
    known["RepoDigests"] = [f"x.example/app@{DIGEST}", f"y.example/app@{DIGEST}"]
    assert open_source("docker:111111111111").digest == DIGEST
    known["RepoDigests"] = None
    assert open_source("docker:app").digest is None


def test_a_bare_reference_finds_what_was_built_here(daemon: Daemon) -> None:
    assert open_source("registry.example/app:1").digest == DIGEST


def test_what_the_daemon_has_not_is_looked_for_in_the_registry(daemon: Daemon, registry: Registry) -> None:
    put_image(registry, "app", "9", [debian_layer("a=1")])
    image = open_source(f"{registry.host}/app:9", None, access_to(registry))
    assert str(image.digest) == registry.store.repository("app").tags["9"]
    assert len(daemon.seen) == 1


def test_a_daemon_that_has_it_not(daemon: Daemon) -> None:
    with pytest.raises(CannotCheck, match="has no image"):
        open_source("docker:nothing")


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("cut", [0, 15_000])
def test_an_export_that_breaks_off(daemon: Daemon, chunked: bool, cut: int) -> None:
    daemon.cut, daemon.chunked = cut, chunked
    with pytest.raises(CannotCheck):
        scan(open_source("docker:app"), [CATALOGER])


def test_a_daemon_that_fails(daemon: Daemon) -> None:
    daemon.status = 500
    with pytest.raises(CannotCheck, match="500"):
        open_source("docker:app")


@pytest.mark.parametrize("known", [{"RepoDigests": 3}, {"RepoDigests": [3, None, "x", "a@b@c"]}, {}])
def test_inspecting_may_say_anything(daemon: Daemon, known: dict[str, object]) -> None:
    daemon.images["app"] = (known, daemon.images["app"][1])
    try:
        image = open_source("docker:app")
    except CannotCheck as error:
        image, told = None, error.message
    else:
        told = ""
    assert (image is None) == ("array" in told)


@pytest.mark.parametrize(
    "address", ["unix:///nowhere/x.sock", "tcp://127.0.0.1:1", "ssh://host", "npipe:////x", "tcp://", "x"]
)
def test_nobody_is_there(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(CannotCheck):
        open_source("docker:app")


def test_where_daemons_listen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert docker_engine({}).address == "unix:///var/run/docker.sock"
    secured = docker_engine({"DOCKER_HOST": "tcp://h:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"})
    assert secured == Engine("tcp://h:1", Path("/c"))
    assert podman_engine({"CONTAINER_HOST": "tcp://p:2"}).address == "tcp://p:2"
    assert podman_engine({"XDG_RUNTIME_DIR": str(tmp_path)}).address == "unix:///run/podman/podman.sock"
    assert not is_there(Engine("unix:///nowhere"))
    assert is_there(replace(secured))


@pytest.mark.skipif(not Path("/var/run/docker.sock").exists(), reason="there is no Docker daemon here")
def test_a_real_daemon_answers() -> None:
    assert docker_engine(os.environ).inspect("surely/not:there") is None
