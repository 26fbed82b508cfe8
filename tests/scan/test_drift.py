"""Files of two images: what is told, what is not, and which layers are read for it."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import BinaryIO

from sbomkit.image.image import Image, Layer
from sbomkit.layers.cache import SharedRecords
from sbomkit.model.files import FileDrift
from sbomkit.scan import examine
from sbomkit.scan.capabilities import told
from sbomkit.scan.drift import file_drift
from sbomkit.scan.secrets import kinds_in
from tests.layers.builder import Put, image_of, stanza

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUA\n" * 4
TOKEN = "ghp_" + "a1B2" * 9
LISTS = [
    Put("var/lib/dpkg/info/base-files.list", "/.\n/etc\n/etc/debian_version\n/bin\n/bin/tool\n"),
    Put("etc/debian_version", "12.12\n"),
    Put("usr/bin/tool", "tool 1\n", mode=0o755),
    Put("bin", link="usr/bin"),
]


def base(version: str = "12.4") -> list[Put]:
    return [Put("var/lib/dpkg/status", stanza("base-files", version)), *LISTS]


def drift(old: Image, new: Image) -> FileDrift:
    return file_drift(examine(old), examine(new))


def told_of(found: FileDrift) -> set[tuple[str, str, str]]:
    return {(change.path, change.kind, change.status) for change in found.changes}


def test_the_same_image_has_no_drift() -> None:
    assert drift(image_of(base()), image_of(base())) == FileDrift()


def test_tamper_and_a_dropped_setuid_program() -> None:
    more = [Put("etc/debian_version", "12.12\nx\n"), Put("usr/bin/dropper", "#!/bin/sh\n", mode=0o4755)]
    found = drift(image_of(base()), image_of(base(), more))
    assert told_of(found) == {
        ("/etc/debian_version", "tamper", "changed"),
        ("/usr/bin/dropper", "setuid", "appeared"),
        ("/usr/bin/dropper", "unowned-executable", "appeared"),
    }
    assert (found.added, found.removed, found.changed) == (1, 0, 1)
    assert found.changes[0].owner.startswith("pkg:deb/debian/base-files@12.4")


def test_content_of_the_same_size_is_compared_also_with_a_common_layer_and_through_links() -> None:
    found = drift(image_of(base()), image_of(base(), [Put("bin/tool", "tool 2\n", mode=0o755)]))
    assert told_of(found) == {("/usr/bin/tool", "tamper", "changed")}
    assert found.changes[0].old.startswith("sha256:")
    assert told_of(drift(image_of(base()), image_of(base(), [Put("bin/tool", "tool 1\n", mode=0o755)]))) == set()


def test_an_upgrade_is_no_tampering() -> None:
    newer = [Put("var/lib/dpkg/status", stanza("base-files", "12.5")), Put("etc/debian_version", "12.13\n")]
    assert told_of(drift(image_of(base()), image_of(base(), newer))) == set()


def test_an_owned_program_that_became_a_link_is_tampered_with() -> None:
    found = drift(image_of(base()), image_of(base(), [Put("usr/bin/tool", link="/tmp/evil")]))
    assert told_of(found) == {("/usr/bin/tool", "tamper", "changed")}


def test_modes_that_came_and_went() -> None:
    old = [Put("a", "x", mode=0o4755), Put("b", "x"), Put("c", "x", mode=0o600)]
    new = [Put("a", "x", mode=0o755), Put("b", "x", mode=0o2755), Put("c", "x", mode=0o666)]
    assert told_of(drift(image_of(old), image_of(new))) == {
        ("/a", "setuid", "gone"),
        ("/b", "setgid", "appeared"),
        ("/b", "unowned-executable", "appeared"),
        ("/c", "world-writable", "appeared"),
    }


def test_secrets_are_told_by_kind_and_never_shown() -> None:
    found = drift(image_of(base()), image_of(base(), [Put("root/.ssh/id", KEY), Put("app/.env", f"T={TOKEN}\n")]))
    assert {(c.path, c.kind, c.detail) for c in found.changes} == {
        ("/root/.ssh/id", "secret", "private key"),
        ("/app/.env", "secret", "GitHub token"),
    }
    assert TOKEN not in repr(found)


def test_a_secret_that_was_there_before_is_not_new() -> None:
    old = image_of([Put("k", KEY)])
    new = image_of([Put("k", KEY)], [Put("k", KEY + "\n# moved on\n")])
    assert told_of(drift(old, new)) == set()


def test_code_that_names_a_key_holds_none() -> None:
    assert kinds_in(b'if text.startswith("-----BEGIN RSA PRIVATE KEY-----"): return True') == ()
    assert kinds_in(b'{"key": "-----BEGIN PRIVATE KEY-----\\n' + b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 3) == (
        "private key",
    )


def test_a_removed_file_is_counted() -> None:
    found = drift(image_of(base()), image_of(base(), [Put("usr/bin/.wh.tool", "")]))
    assert (found.added, found.removed, found.bytes_removed, found.changes) == (0, 1, 7, ())


def test_the_mirror_image() -> None:
    one = image_of(base(), [Put("x", "1", mode=0o755), Put("k", KEY)])
    other = image_of(base(), [Put("x", "22", mode=0o4755), Put("y", "1", mode=0o777)])
    forth, back = drift(one, other), drift(other, one)
    assert told_of(forth) == told_of(back.mirrored())
    assert (forth.added, forth.bytes_removed) == (back.removed, back.bytes_added)


def test_npm_owns_what_lies_in_its_directory() -> None:
    def app(code: str) -> list[Put]:
        return [
            Put("app/node_modules/q/package.json", '{"name": "q", "version": "1.0.0"}'),
            Put("app/node_modules/q/cli.js", code, mode=0o755),
        ]

    assert told_of(drift(image_of(app("one")), image_of(app("two")))) == {
        ("/app/node_modules/q/cli.js", "tamper", "changed")
    }
    assert told_of(drift(image_of([]), image_of(app("one")))) == set()


def test_layers_in_common_are_not_opened_again() -> None:
    opened: list[str] = []

    def watched(layer: Layer) -> Layer:
        def open_it() -> BinaryIO:
            opened.append(str(layer.diff_id))
            return layer.open()

        return replace(layer, open=open_it)

    def counted(image: Image) -> Image:
        return replace(image, layers=tuple(watched(layer) for layer in image.layers))

    shared = SharedRecords()
    old, new = counted(image_of(base())), counted(image_of(base(), [Put("n", "1")]))
    sides = [examine(image, cache=shared.before(None)) for image in (old, new)]
    file_drift(*sides)
    assert opened.count(str(old.layers[0].diff_id)) == 1
    assert opened.count(str(new.layers[1].diff_id)) == 2  # its packages, then its content


def test_capabilities_in_words() -> None:
    assert told(struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0).hex()) == "cap_net_raw+ep"
    assert told("00") == "00"
    assert told("") == ""
