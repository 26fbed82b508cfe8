from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import pytest

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.oci.access import Patience
from sbomkit.oci.manifest import INDEX, MANIFEST, Descriptor
from sbomkit.oci.push import Writer
from sbomkit.oci.reference import Reference
from sbomkit.oci.referrers import fallback_tag, push_referrer, referrers
from sbomkit.oci.repository import Repository
from tests.registry_service.access import access_to
from tests.registry_service.faults import Fault
from tests.registry_service.images import debian_layer, put_image
from tests.registry_service.server import Registry, serving

SPEED = 20
"""How much faster than real the clocks of racing writers run."""


@pytest.fixture
def subject(registry: Registry) -> Digest:
    return put_image(registry, "team/app", "1", [debian_layer("a=1")])


def repository(registry: Registry) -> Repository:
    return Repository(Reference.parse(f"{registry.host}/team/app:1"), access_to(registry))


def attach(repository: Repository, subject: Digest, kind: str, note: str = "") -> Descriptor:
    writer = Writer(repository)
    empty = writer.push_bytes(b"{}", "application/vnd.oci.empty.v1+json")
    blob = {"mediaType": empty.media_type, "digest": str(empty.digest), "size": 2}
    raw = json.dumps(
        {
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "config": blob, "layers": [blob],
            "subject": {"mediaType": MANIFEST, "digest": str(subject), "size": 1}, "annotations": {"note": note},
        }
    ).encode()  # fmt: skip
    return push_referrer(repository, writer, raw, MANIFEST, subject)


@pytest.mark.parametrize("api", [True, False])
@pytest.mark.parametrize("says", [True, False])
def test_what_is_attached_is_found(registry: Registry, subject: Digest, api: bool, says: bool) -> None:
    """API without OCI-Subject, and OCI-Subject without API (as one large registry does), included."""
    registry.behaviour.referrers_api, registry.behaviour.says_subject = api, says
    pushed = [attach(repository(registry), subject, kind) for kind in ("text/a", "text/b")]
    found = referrers(repository(registry), subject)
    assert {d.digest for d in found} == {d.digest for d in pushed}
    assert {d.artifact_type for d in found} == {"text/a", "text/b"}
    assert (fallback_tag(subject) in registry.store.repository("team/app").tags) is not api


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize("page_size", [0, 1, 2])
def test_pages_and_filters(registry: Registry, subject: Digest, filters: bool, page_size: int) -> None:
    registry.behaviour.filters, registry.behaviour.page_size = filters, page_size
    for at in range(5):
        attach(repository(registry), subject, "text/a" if at % 2 else "text/b", str(at))
    assert len(referrers(repository(registry), subject)) == 5
    assert [d.annotations["note"] for d in referrers(repository(registry), subject, "text/a")].sort() == [
        "1",
        "3",
    ].sort()
    assert len(referrers(repository(registry), subject, "text/a")) == 2


def test_nothing_attached(registry: Registry, subject: Digest) -> None:
    assert referrers(repository(registry), subject) == ()
    registry.behaviour.referrers_api = False
    assert referrers(repository(registry), subject) == ()


def test_entries_of_an_older_client_are_found_beside_the_api(registry: Registry, subject: Digest) -> None:
    registry.behaviour.referrers_api = False
    old = attach(repository(registry), subject, "text/old")
    registry.behaviour.referrers_api = True
    new = attach(repository(registry), subject, "text/new")
    found = {d.digest for d in referrers(repository(registry), subject)}
    assert found == {old.digest, new.digest}


def test_attaching_the_same_again_changes_nothing(registry: Registry, subject: Digest) -> None:
    registry.behaviour.referrers_api = False
    attach(repository(registry), subject, "text/a")
    before = registry.store.repository("team/app").tags[fallback_tag(subject)]
    attach(repository(registry), subject, "text/a")
    assert registry.store.repository("team/app").tags[fallback_tag(subject)] == before


def test_what_others_wrote_into_the_index_is_kept(registry: Registry, subject: Digest) -> None:
    registry.behaviour.referrers_api = False
    entry = {"mediaType": MANIFEST, "digest": str(Digest.of(b"x")), "size": 3, "x-new-field": [1, 2], "urls": ["u"]}
    raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry], "annotations": {"k": "v"}}).encode()
    registry.store.put_manifest("team/app", fallback_tag(subject), INDEX, raw)
    attach(repository(registry), subject, "text/a")
    after = json.loads(registry.store.manifest("team/app", fallback_tag(subject))[2])
    assert after["manifests"][0] == entry
    assert after["annotations"] == {"k": "v"}


def race(registry: Registry, subject: Digest, writers: int, round: int) -> None:
    """So many writers at once, each as a process of its own would be."""
    patience = Patience(sleep=lambda s: time.sleep(s / SPEED), clock=lambda: time.monotonic() * SPEED)
    barrier = threading.Barrier(writers)
    failed: list[BaseException] = []

    def run(at: int) -> None:
        own = repository(registry)
        own = Repository(own.reference, replace(own.access, patience=patience))
        barrier.wait()
        try:
            attach(own, subject, "text/a", f"{round}-{at}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(at,)) for at in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.slow
@pytest.mark.parametrize("conditional", [True, False])
def test_two_that_attach_at_once_lose_nothing_in_100_rounds(
    registry: Registry, subject: Digest, conditional: bool
) -> None:
    registry.behaviour.referrers_api, registry.behaviour.conditional = False, conditional
    for round in range(100):
        race(registry, subject, 2, round)
        assert len(referrers(repository(registry), subject)) == 2 * (round + 1)


def test_eight_that_attach_at_once_lose_nothing(registry: Registry, subject: Digest) -> None:
    registry.behaviour.referrers_api, registry.behaviour.slow = False, 0.005
    for round in range(2):
        race(registry, subject, 8, round)
        assert len(referrers(repository(registry), subject)) == 8 * (round + 1)


class TestLies:
    def fault(self, registry: Registry, body: bytes, link: str = "") -> None:
        headers = {"Content-Type": INDEX, "Link": link}
        registry.faults += [Fault("GET .*/referrers/", "body", times=10_000, body=body, headers=headers)]

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"manifests": 3}', b'{"manifests": [{"digest": "x"}]}'])
    def test_a_list_that_is_none(self, registry: Registry, subject: Digest, body: bytes) -> None:
        self.fault(registry, body)
        with pytest.raises(CorruptInput):
            referrers(repository(registry), subject)

    def test_pages_in_a_circle_end(self, registry: Registry, subject: Digest) -> None:
        self.fault(registry, b'{"manifests": []}', f'</v2/team/app/referrers/{subject}>; rel="next"')
        assert referrers(repository(registry), subject) == ()
        assert registry.count("GET", "/referrers/") == 1

    def test_pages_that_go_elsewhere_are_refused(self, registry: Registry, subject: Digest) -> None:
        with serving() as other:
            self.fault(registry, b'{"manifests": []}', f'<{other.origin}/x>; rel="next"')
            with pytest.raises(CannotCheck, match="another host"):
                referrers(repository(registry), subject)
            assert other.seen == []

    def test_more_than_can_be(self, registry: Registry, subject: Digest) -> None:
        entry = {"mediaType": MANIFEST, "digest": str(Digest.of(b"x")), "size": 3}
        self.fault(registry, json.dumps({"manifests": [entry] * 10_001}).encode())
        with pytest.raises(CorruptInput, match="more than"):
            referrers(repository(registry), subject)

    def test_a_fallback_tag_that_is_an_image(self, registry: Registry, subject: Digest) -> None:
        registry.behaviour.referrers_api = False
        put_image(registry, "team/app", fallback_tag(subject), [debian_layer("a=1")])
        with pytest.raises(CorruptInput, match="index"):
            referrers(repository(registry), subject)
