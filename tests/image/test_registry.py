"""Images from registries, with every fault that a registry, or what stands before it, may have."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from sbomkit.catalogers.dpkg import CATALOGER
from sbomkit.errors import CannotCheck, CorruptInput, SbomkitError, UsageError
from sbomkit.image.registry import open_registry
from sbomkit.image.source import open_source
from sbomkit.model.inventory import Inventory
from sbomkit.oci.access import Access
from sbomkit.oci.auth import Credential
from sbomkit.oci.platform import Platform
from sbomkit.oci.reference import Reference
from sbomkit.scan.scan import scan
from tests.registry_service.access import Naps, access_to
from tests.registry_service.faults import Fault
from tests.registry_service.images import debian_layer, described, put_image, put_index
from tests.registry_service.server import Behaviour, Registry, serving

USER = Credential("user", "correct horse")
LAYERS = [debian_layer("libc6=2.36", padding=300_000), debian_layer("libc6=2.36", "curl=8.1")]


def inventory(registry: Registry, access: Access | None = None, tag: str = "1", name: str = "team/app") -> Inventory:
    reference = Reference.parse(f"{registry.host}/{name}:{tag}")
    return scan(open_registry(reference, None, access or access_to(registry)), [CATALOGER])


def names(found: Inventory) -> list[str]:
    return [package.name for package in found.packages]


@pytest.fixture
def image(registry: Registry) -> Registry:
    put_image(registry, "team/app", "1", LAYERS)
    return registry


def test_an_image_is_read_and_bound_to_its_digest(image: Registry) -> None:
    found = inventory(image)
    assert names(found) == ["curl", "libc6"]
    assert str(found.subject.digest) == image.store.repository("team/app").tags["1"]
    assert found.subject.name == f"{image.host}/team/app:1"


def test_the_tag_is_asked_for_once(image: Registry) -> None:
    inventory(image)
    assert image.count("GET", "/manifests/1$") == 1
    assert image.count("GET", "/manifests/") == 1


def test_a_tag_that_moves_meanwhile_changes_nothing(image: Registry) -> None:
    opened = open_registry(Reference.parse(f"{image.host}/team/app:1"), None, access_to(image))
    put_image(image, "team/app", "1", [debian_layer("evil=6.6.6")])
    assert names(scan(opened, [CATALOGER])) == ["curl", "libc6"]


def test_a_bare_reference_and_the_scheme_mean_the_same(image: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("CONTAINER_HOST", "unix:///nowhere/podman.sock")
    access = access_to(image)
    bare = open_source(f"{image.host}/team/app:1", None, access)
    assert bare.digest == open_source(f"registry:{image.host}/team/app:1", None, access).digest


def test_a_bare_reference_that_is_nowhere_says_what_was_tried(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("CONTAINER_HOST", "unix:///nowhere/podman.sock")
    with pytest.raises(CannotCheck) as caught:
        open_source(f"{registry.host}/no/such:1", None, access_to(registry))
    assert all(word in caught.value.message for word in ("no file", "tcp://127.0.0.1:1", "404"))


class TestPlatforms:
    @pytest.fixture
    def index(self, registry: Registry) -> Registry:
        both = []
        for arch in ("amd64", "arm64"):
            digest = put_image(registry, "team/app", "", [debian_layer(f"p-{arch}=1")], architecture=arch)
            both.append(described(registry, "team/app", digest, arch))
        put_index(registry, "team/app", "1", both)
        return registry

    @pytest.mark.parametrize("arch", ["amd64", "arm64"])
    def test_one_is_chosen(self, index: Registry, arch: str) -> None:
        reference = Reference.parse(f"{index.host}/team/app:1")
        opened = open_registry(reference, Platform("linux", arch), access_to(index))
        assert names(scan(opened, [CATALOGER])) == [f"p-{arch}"]

    def test_what_is_not_there_is_refused(self, index: Registry) -> None:
        reference = Reference.parse(f"{index.host}/team/app:1")
        with pytest.raises(UsageError, match="linux/amd64, linux/arm64"):
            open_registry(reference, Platform("linux", "s390x"), access_to(index))


class TestAuth:
    @pytest.mark.parametrize("how", ["basic", "token"])
    def test_credentials_open_the_door(self, image: Registry, how: str) -> None:
        image.behaviour.auth = how
        assert names(inventory(image, access_to(image, credential=USER))) == ["curl", "libc6"]

    @pytest.mark.parametrize("how", ["basic", "token"])
    @pytest.mark.parametrize("credential", [None, Credential("user", "wrong")])
    def test_without_the_right_ones_it_stays_shut(
        self, image: Registry, how: str, credential: Credential | None
    ) -> None:
        image.behaviour.auth = how
        with pytest.raises(CannotCheck, match="401") as caught:
            inventory(image, access_to(image, credential=credential))
        assert caught.value.hint
        assert image.count("GET", "/manifests/") <= 2

    def test_anonymous_tokens(self, image: Registry) -> None:
        image.behaviour.auth, image.behaviour.anonymous_pull = "token", True
        assert names(inventory(image)) == ["curl", "libc6"]

    def test_identity_token(self, image: Registry) -> None:
        image.behaviour.auth, image.behaviour.identity_token = "token", "refresh"
        credential = Credential(identity_token="refresh")
        assert names(inventory(image, access_to(image, credential=credential))) == ["curl", "libc6"]
        assert image.count("POST", "/token") == 1

    def test_one_token_serves_the_whole_pull(self, image: Registry) -> None:
        image.behaviour.auth = "token"
        inventory(image, access_to(image, credential=USER))
        assert image.count("GET", "/token") == 1

    def test_token_expiry_in_mid_pull(self, image: Registry) -> None:
        image.behaviour.auth = "token"
        image.faults += [Fault("GET .*/blobs/", "expire", times=2)]
        assert names(inventory(image, access_to(image, credential=USER))) == ["curl", "libc6"]
        assert image.count("GET", "/token") >= 2

    def test_credentials_are_not_sent_in_the_clear_elsewhere(self, image: Registry) -> None:
        with serving() as other:
            image.behaviour.auth, image.behaviour.realm = "token", f"{other.origin}/token"
            with pytest.raises(CannotCheck, match="in the clear"):
                inventory(image, access_to(image, credential=USER))
            assert other.seen == []

    def test_nothing_secret_is_said(self, image: Registry, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        image.behaviour.auth = "token"
        image.faults += [Fault("GET .*/blobs/", "status", status=500, times=1000)]
        with serving() as storage:
            image.behaviour.storage = storage.origin
            with pytest.raises(SbomkitError) as caught:
                inventory(image, access_to(image, storage, credential=USER))
        said = caplog.text + str(caught.value) + repr(caught.value)
        assert not any(word in said for word in ("correct horse", USER.basic()[6:], "token-", "very-secret"))


class TestFaults:
    @pytest.mark.parametrize("phase", ["/manifests/", "/blobs/"])
    @pytest.mark.parametrize("action", ["drop", "status", "cut"])
    def test_connection_cut_or_503_in_each_phase_is_outlived(self, image: Registry, phase: str, action: str) -> None:
        image.faults += [Fault(f"GET .*{phase}", action, times=2, after=20)]
        assert names(inventory(image)) == ["curl", "libc6"]

    def test_429_is_obeyed(self, image: Registry) -> None:
        naps = Naps()
        image.faults += [Fault("GET .*/manifests/", "status", status=429, headers={"Retry-After": "7"})]
        assert names(inventory(image, access_to(image, naps=naps))) == ["curl", "libc6"]
        assert naps.taken == [7.0]

    def test_429_that_asks_for_an_hour_is_reported(self, image: Registry) -> None:
        naps = Naps()
        image.faults += [Fault("GET .*/manifests/", "status", status=429, headers={"Retry-After": "3600"})]
        with pytest.raises(CannotCheck, match="3600"):
            inventory(image, access_to(image, naps=naps))
        assert naps.taken == []

    def test_503_for_ever_is_given_up_with_growing_waits(self, image: Registry) -> None:
        naps = Naps()
        image.faults += [Fault("GET .*/manifests/", "status", status=503, times=1000)]
        with pytest.raises(CannotCheck, match="503"):
            inventory(image, access_to(image, naps=naps))
        assert naps.taken == [0.5, 1.0, 2.0, 4.0]

    def test_broken_stream_is_resumed_by_range(self, image: Registry) -> None:
        big = max(image.store.repository("team/app").blobs.items(), key=lambda item: len(item[1]))
        image.faults += [Fault(f"GET .*/blobs/{big[0]}", "cut", times=3, after=len(big[1]) // 5)]
        assert names(inventory(image)) == ["curl", "libc6"]
        asked = [s.headers.get("range") for s in image.seen if big[0] in s.path]
        assert asked[0] is None
        assert len(asked) == 4
        assert all(r and int(r[6:-1]) > 0 for r in asked[1:])
        assert image.bytes_of(big[0]) == len(big[1])

    def test_broken_stream_without_ranges_begins_anew(self, image: Registry) -> None:
        image.behaviour.ranges = False
        image.faults += [Fault("GET .*/blobs/", "cut", times=2, after=5_000)]
        assert names(inventory(image)) == ["curl", "libc6"]

    def test_stream_that_breaks_for_ever_is_given_up(self, image: Registry) -> None:
        image.faults += [Fault("GET .*/blobs/", "cut", times=10_000, after=0)]
        with pytest.raises(CannotCheck, match="broke off"):
            inventory(image)

    def test_stream_that_drips_is_given_up(self, image: Registry) -> None:
        image.faults += [Fault("GET .*/blobs/", "cut", times=10_000, after=1)]
        with pytest.raises(CannotCheck, match="broke off"):
            inventory(image)

    @pytest.mark.parametrize("phase", ["/manifests/sha256", "/blobs/"])
    def test_wrong_digest(self, image: Registry, phase: str) -> None:
        image.faults += [Fault(f"GET .*{phase}", "corrupt", times=1000)]
        reference = Reference.parse(f"{image.host}/team/app@{image.store.repository('team/app').tags['1']}")
        with pytest.raises(CorruptInput, match="digest"):
            scan(open_registry(reference, None, access_to(image)), [CATALOGER])

    def test_tag_whose_content_is_not_what_the_header_says(self, image: Registry) -> None:
        image.faults += [Fault("GET .*/manifests/1", "corrupt", times=1000)]
        with pytest.raises(CorruptInput, match="digest"):
            inventory(image)

    @pytest.mark.parametrize("action", ["longer", "shorter"])
    def test_wrong_length(self, image: Registry, action: str) -> None:
        image.faults += [Fault("GET .*/blobs/", action, times=1000)]
        with pytest.raises(CorruptInput, match="bytes"):
            inventory(image)

    def test_redirect_loop(self, image: Registry) -> None:
        image.faults += [Fault("GET .*/manifests/1", "redirect", times=1000, location="/v2/team/app/manifests/1")]
        with pytest.raises(CannotCheck, match="loop"):
            inventory(image)
        assert len(image.seen) == 1

    def test_endless_redirects(self, image: Registry) -> None:
        for at in range(50):
            image.faults.append(Fault("GET ", "redirect", location=f"/v2/team/app/manifests/next-{at}"))
        with pytest.raises(CannotCheck, match="10 times"):
            inventory(image)
        assert len(image.seen) == 11

    @pytest.mark.parametrize(
        "location", ["ftp://x/y", "http://", "http://[", "\\\\x", "javascript:1", "file:///etc/passwd"]
    )
    def test_redirect_to_nonsense(self, image: Registry, location: str) -> None:
        image.faults += [Fault("GET .*/manifests/1", "redirect", times=1000, location=location)]
        with pytest.raises(CannotCheck):
            inventory(image)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"[" * 100_000, b'{"manifests":[{}]}', b'{"config":1}'])
    def test_manifest_that_is_none(self, image: Registry, body: bytes) -> None:
        image.faults += [Fault("GET .*/manifests/1", "body", times=1000, body=body)]
        with pytest.raises(CannotCheck):
            inventory(image)

    def test_manifest_without_end(self, image: Registry) -> None:
        image.faults += [Fault("GET .*/manifests/1", "body", times=1000, body=bytes(5 << 20))]
        with pytest.raises(CorruptInput, match="more than"):
            inventory(image)

    def test_schema_1_is_named(self, image: Registry) -> None:
        kind = {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}
        image.faults += [Fault("GET .*/manifests/1", "body", body=b"{}", headers=kind)]
        with pytest.raises(CannotCheck, match="schema 1"):
            inventory(image)

    def test_nobody_listens(self) -> None:
        with serving() as registry:
            access = access_to(registry)
        with pytest.raises(CannotCheck, match="refused"):
            inventory(registry, access)

    def test_plain_http_is_for_named_hosts_only(self, image: Registry) -> None:
        access = replace(access_to(image), plain_http=frozenset())
        with pytest.raises(CannotCheck) as caught:
            inventory(image, access)
        assert "--plain-http" in caught.value.hint or "--ca-cert" in caught.value.hint
        assert image.seen == []


class TestStorage:
    def test_redirects_to_storage_leak_no_credentials(self, image: Registry) -> None:
        image.behaviour.auth = "token"
        with serving() as storage:
            storage.store = image.store
            image.behaviour.storage = storage.origin
            access = access_to(image, storage, credential=USER)
            assert names(inventory(image, access)) == ["curl", "libc6"]
            assert len(storage.seen) == 3
            assert not any("authorization" in s.headers for s in storage.seen)

    def test_storage_that_breaks_is_resumed_there(self, image: Registry) -> None:
        with serving() as storage:
            storage.store = image.store
            image.behaviour.storage = storage.origin
            storage.faults += [Fault("GET ", "cut", times=2, after=3_000)]
            assert names(inventory(image)) == ["curl", "libc6"]

    def test_storage_that_asks_for_a_password_gets_none(self, image: Registry) -> None:
        with serving(Behaviour(auth="basic")) as storage:
            storage.faults += [Fault("GET ", "status", status=401, times=100)]
            image.behaviour.storage = storage.origin
            with pytest.raises(CannotCheck, match="401"):
                inventory(image, access_to(image, credential=USER))
            assert not any("authorization" in s.headers for s in storage.seen)


class TestMirrors:
    def test_the_mirror_is_read_first(self, image: Registry) -> None:
        with serving() as mirror:
            mirror.store.repositories["cache/team/app"] = image.store.repository("team/app")
            access = replace(access_to(image, mirror), mirrors={image.host: (f"{mirror.host}/cache",)})
            assert names(inventory(image, access)) == ["curl", "libc6"]
        assert image.seen == []

    @pytest.mark.parametrize(
        "fault", [None, Fault("GET", "status", status=403, times=99), Fault("GET", "corrupt", times=99)]
    )
    def test_a_mirror_that_fails_or_lies_is_passed_over(self, image: Registry, fault: Fault | None) -> None:
        with serving() as mirror:
            if fault:
                mirror.store.repositories["team/app"] = image.store.repository("team/app")
                mirror.faults.append(fault)
            access = replace(access_to(image, mirror), mirrors={image.host: (mirror.host,)})
            digest = image.store.repository("team/app").tags["1"]
            reference = Reference.parse(f"{image.host}/team/app@{digest}")
            if fault and fault.action == "corrupt":
                with pytest.raises(CorruptInput):  # a blob is judged when it was read, which is too late to turn back
                    scan(open_registry(reference, None, access), [CATALOGER])
            else:
                assert names(scan(open_registry(reference, None, access), [CATALOGER])) == ["curl", "libc6"]

    def test_credentials_for_the_registry_do_not_go_to_the_mirror(self, image: Registry) -> None:
        with serving(Behaviour(auth="basic")) as mirror:
            access = replace(access_to(image, mirror, credential=USER), mirrors={image.host: (mirror.host,)})
            assert names(inventory(image, access)) == ["curl", "libc6"]
            assert not any("authorization" in s.headers for s in mirror.seen)
