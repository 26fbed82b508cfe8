"""TLS, client certificates, proxies, and what must not be sent though it lies around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sbomkit.errors import CannotCheck
from sbomkit.oci.access import Access, parse_mirrors
from sbomkit.oci.auth import Keychain
from sbomkit.oci.reference import Reference
from sbomkit.oci.repository import Repository
from tests.registry_service.access import access_to
from tests.registry_service.images import debian_layer, put_image
from tests.registry_service.real import certificate
from tests.registry_service.server import Behaviour, Registry, serving


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return certificate(tmp_path)


@pytest.fixture
def secured(pair: tuple[Path, Path]) -> Iterator[Registry]:
    with serving(tls=pair) as found:
        put_image(found, "app", "1", [debian_layer("a=1")])
        yield found


def read(registry: Registry, access: Access) -> bytes:
    return Repository(Reference.parse(f"{registry.host}/app:1"), access).manifest("1").raw


def test_an_authority_of_ones_own(secured: Registry, pair: tuple[Path, Path]) -> None:
    access = replace(access_to(secured), ca_files=(pair[0],))
    assert read(secured, access)


def test_an_unknown_authority_is_refused_and_not_tried_again(secured: Registry) -> None:
    with pytest.raises(CannotCheck, match="TLS failed") as caught:
        read(secured, access_to(secured))
    assert "--ca-cert" in caught.value.hint
    assert secured.seen == []


def test_a_certificate_for_another_name_is_refused(secured: Registry, pair: tuple[Path, Path]) -> None:
    access = replace(access_to(secured), ca_files=(pair[0],))
    secured.origin = secured.origin.replace("127.0.0.1", "localhost")
    with pytest.raises(CannotCheck, match="TLS failed"):
        read(secured, access)


def test_a_client_certificate_opens_the_door(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with serving(tls=pair, clients=pair[0]) as registry:
        put_image(registry, "app", "1", [debian_layer("a=1")])
        access = replace(access_to(registry), ca_files=(pair[0],))
        with pytest.raises(CannotCheck):
            read(registry, access)
        assert read(registry, replace(access, client_cert=pair[0], client_key=pair[1]))
        with pytest.raises(CannotCheck, match="cannot be read"):
            read(registry, replace(access, client_cert=tmp_path / "none.pem"))


def test_a_registry_that_speaks_no_tls_is_told(registry: Registry) -> None:
    with pytest.raises(CannotCheck) as caught:
        read(registry, replace(access_to(registry), plain_http=frozenset()))
    assert caught.value.hint


def test_tls_is_not_left_by_a_redirect(secured: Registry, pair: tuple[Path, Path]) -> None:
    with serving() as storage:
        storage.store = secured.store
        secured.behaviour.storage = storage.origin
        access = replace(access_to(secured, storage), ca_files=(pair[0],))
        repository = Repository(Reference.parse(f"{secured.host}/app:1"), access)
        digest = next(iter(secured.store.repository("app").blobs))
        blob = repository.manifest("1").descriptor
        with pytest.raises(CannotCheck, match="away from TLS"):
            repository.open_blob(replace(blob, digest=type(blob.digest).parse(digest), media_type="x/y"))
        assert storage.seen == []


class TestEnvironment:
    @pytest.fixture
    def image(self, registry: Registry) -> Registry:
        put_image(registry, "app", "1", [debian_layer("a=1")])
        return registry

    def test_proxies_are_heeded(self, image: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        access = replace(access_to(image), proxies=True)
        for name in ("NO_PROXY", "no_proxy", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with serving() as proxy:
            monkeypatch.setenv("http_proxy", proxy.origin)
            with pytest.raises(CannotCheck):
                read(image, access)
            assert proxy.seen[0].path.startswith(image.origin)
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            assert read(image, access)

    def test_netrc_is_not_sent_to_registries(
        self, image: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login user password secret\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        assert read(image, access_to(image))
        assert not any("authorization" in s.headers for s in image.seen)

    def test_credentials_of_another_registry_are_not_sent(self, image: Registry, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"auths": {"other.example": {"auth": "YTpi"}}}')
        image.behaviour = Behaviour(auth="basic")
        access = replace(access_to(image), keychain=Keychain((tmp_path / "config.json",)))
        with pytest.raises(CannotCheck, match="401"):
            read(image, access)
        assert not any("authorization" in s.headers for s in image.seen)


def test_mirrors_are_parsed() -> None:
    assert parse_mirrors(("a=b", "a=c/d", "x.example:5=y")) == {"a": ("b", "c/d"), "x.example:5": ("y",)}
