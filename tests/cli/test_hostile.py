"""Images that keep their digests and lie otherwise: a clear error or an issue, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures import make_images as make
from tests.cli.conftest import Call
from tests.conftest import PROJECT

CATALOGERS = PROJECT / "fixtures" / "catalogers"
DEEP = b"[" * 100_000 + b"]" * 100_000
DEEP_OBJECT = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


def layer(content: bytes, media_type: str = "application/vnd.oci.image.layer.v1.tar") -> make.Layer:
    return make.Layer(content, make.Blob(media_type, content), "COPY")


def write(folder: Path, *layers: make.Layer) -> Path:
    image = make.make_image("1.0", layers)
    make.write_layout(folder, make.layout_files(image.manifest, image.blobs(), "1.0"))
    return folder


def write_with(folder: Path, config: bytes | None = None, manifest: bytes | None = None) -> Path:
    """A layout whose config or manifest is anything, under its right digest."""
    image = make.make_image("1.0", [layer(make.make_tar([("a", b"")]))])
    config_blob = make.Blob(image.config.media_type, config) if config is not None else image.config
    body = json.loads(image.manifest.content) | {"config": config_blob.descriptor()}
    manifest_blob = make.Blob(image.manifest.media_type, manifest if manifest is not None else make.to_json(body))
    make.write_layout(folder, make.layout_files(manifest_blob, [config_blob, image.layers[0].blob], "1.0"))
    return folder


ODD_JSON = [DEEP, DEEP_OBJECT, b"", b"{", b"null", b"[]", b"1", b'"a"', b"{}", b"\xff\xfe", b'{"a":1' + b" " * 100]


@pytest.mark.parametrize("raw", ODD_JSON, ids=lambda raw: repr(raw[:8]))
@pytest.mark.parametrize("where", ["index", "manifest", "config"])
def test_documents_of_the_image_that_are_none(call: Call, tmp_path: Path, where: str, raw: bytes) -> None:
    if where == "index":
        layout = write_with(tmp_path / "image")
        (layout / "index.json").write_bytes(raw)
    else:
        layout = write_with(tmp_path / "image", **{where: raw})
    result = call("generate", layout)
    assert result.code == 3
    assert str(layout) in result.err
    assert len(result.err) < 2000


@pytest.mark.parametrize(
    "raw", [DEEP, b"", b"null", b"[]", b"{}", b"[1]", b'[{"Config":1}]', b'[{"Config":"../../x","Layers":[]}]']
)
def test_docker_manifests_that_are_none(call: Call, tmp_path: Path, raw: bytes) -> None:
    archive = tmp_path / "image.tar"
    archive.write_bytes(make.make_tar([("manifest.json", raw)]))
    assert call("generate", f"docker-archive:{archive}").code == 3


def test_a_layout_without_index_or_blobs(call: Call, tmp_path: Path) -> None:
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    result = call("generate", f"oci-dir:{tmp_path}")
    assert result.code == 3
    assert "index.json" in result.err
    assert call("generate", tmp_path).code == 3
    assert call("generate", f"oci-dir:{tmp_path}/nowhere").code in (2, 3)


@pytest.mark.parametrize("head", [b"\x04\x22\x4d\x18", b"PK\x03\x04", b"\x5d\x00\x00\x80", b"Rar!", b"\x1f\x9d"])
def test_a_compression_that_is_not_known(call: Call, tmp_path: Path, head: bytes) -> None:
    result = call("generate", write(tmp_path / "image", layer(head + b"whatever it is" * 1000)))
    assert result.code == 3
    assert "layer sha256:" in result.err


def header(size: bytes, name: bytes = b"a", type: bytes = b"0") -> bytes:
    """One tar header with a size field as given, its checksum right."""
    raw = bytearray(512)
    raw[: len(name)] = name
    raw[100:108] = b"0000644\0"
    raw[124:136] = size.ljust(12, b"\0")
    raw[156:157] = type
    raw[257:265] = b"ustar\x0000"
    raw[148:156] = b" " * 8
    raw[148:156] = f"{sum(raw):06o}\0 ".encode()
    return bytes(raw)


LIES = {
    "more than there is": header(b"00000100000\0") + bytes(512),
    "8 GB": header(b"77777777777\0") + bytes(1024),
    "2**87": header(b"\x80" + b"\x7f" * 11) + bytes(1024),
    "negative": header(b"\xff" * 12) + bytes(1024),
    "no number": header(b"zzzzzzzzzzz\0") + bytes(1024),
    "a PAX record longer than its header": header(b"00000000010\0", type=b"x")
    + b"999 a=b\n".ljust(512, b"\0")
    + bytes(1024),
    "a PAX size that is no number": header(b"00000000014\0", type=b"x")
    + b"12 size=aaa\n".ljust(512, b"\0")
    + header(b"0\0"),
    "a PAX header that ends the tar": header(b"00000000010\0", type=b"x"),
    "a long name of 4 GB": header(b"40000000000\0", type=b"L") + bytes(1024),
    "a header cut short": header(b"0\0")[:300],
    "a wrong checksum": header(b"0\0").replace(b"ustar", b"USTAR") + bytes(1024),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_tar_that_lies(call: Call, tmp_path: Path, lie: str) -> None:
    result = call("generate", write(tmp_path / "image", layer(LIES[lie])))
    assert result.code == 3
    assert "layer sha256:" in result.err


@pytest.mark.parametrize("raw", [DEEP, DEEP_OBJECT, b"", b"\xff\xff", b'{"name":', b'{"name":1,"version":[]}', b"null"])
def test_a_package_json_that_is_none_is_no_crash(call: Call, tmp_path: Path, raw: bytes) -> None:
    good = b'{"name":"good","version":"1.0.0"}'
    files = [("app/node_modules/bad/package.json", raw), ("app/node_modules/good/package.json", good)]
    result = call("generate", write(tmp_path / "image", layer(make.make_tar(files))), "-o", "json")
    assert result.code == 0
    assert "pkg:npm/good@1.0.0" in result.out
    if raw in (DEEP, DEEP_OBJECT, b'{"name":'):
        assert "/app/node_modules/bad/package.json" in json.dumps(json.loads(result.out)["issues"])


DATABASES = {
    "dpkg": [
        path for path in sorted((CATALOGERS / "dpkg").glob("*/root/var/lib/dpkg/status")) if path.stat().st_size > 500
    ],
    "apk": [make.SOURCES / "apk" / "0-base/lib/apk/db/installed"],
    "rpm": [CATALOGERS / "rpm/sqlite/root/usr/lib/sysimage/rpm/rpmdb.sqlite"],
    "rpm-ndb": [CATALOGERS / "rpm/ndb/root/usr/lib/sysimage/rpm/Packages.db"],
    "rpm-bdb": [CATALOGERS / "rpm/bdb/root/var/lib/rpm/Packages"],
}
PLACES = {
    "dpkg": "var/lib/dpkg/status",
    "apk": "lib/apk/db/installed",
    "rpm": "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "rpm-ndb": "usr/lib/sysimage/rpm/Packages.db",
    "rpm-bdb": "var/lib/rpm/Packages",
}


@pytest.mark.parametrize("kind", DATABASES)
def test_a_database_cut_anywhere_is_no_crash_and_half_of_one_is_an_issue(call: Call, tmp_path: Path, kind: str) -> None:
    whole = DATABASES[kind][0].read_bytes()
    for part in (1, 3, 10, 17, 25, 33, 39):
        cut = whole[: len(whole) * part // 40 + 3]
        tar = tmp_path / f"{part}.tar"
        tar.write_bytes(make.make_tar([("etc/os-release", b"ID=x\n"), (PLACES[kind], cut)]))
        result = call("generate", f"tar:{tar}", "-o", "json")
        assert result.code == 0
        document = json.loads(result.out)
        assert document["issues"], f"{part} fortieths of {kind} without an issue"
        assert document["coverage"]["status"] != "full"
        assert call("generate", f"tar:{tar}", "-o", "json", "--strict").code == 1
