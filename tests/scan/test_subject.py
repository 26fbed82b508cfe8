"""The subject carries the config that matters, and nothing that looks like a secret."""

from __future__ import annotations

import json
from dataclasses import replace

from sbomkit.oci.manifest import ImageConfig
from sbomkit.oci.platform import Platform
from sbomkit.scan import scan
from tests.layers.builder import Put, image_of


def test_secrets_in_the_environment_and_labels_are_not_repeated() -> None:
    config = {
        "User": "1000",
        "Cmd": [],
        "Env": ["PATH=/usr/bin", "DB_PASSWORD=hunter2", "URL=https://me:hunter2@db/x", "odd"],
        "Labels": {"org.opencontainers.image.version": "1.0", "token": "hunter2"},
    }
    image = replace(image_of([Put("a", "x")]), config=ImageConfig(Platform("linux", "amd64"), "", (), (), config))
    found = dict(scan(image, []).subject.config)
    assert "hunter2" not in json.dumps(found)
    assert found["User"] == '"1000"'
    assert found["Label:org.opencontainers.image.version"] == '"1.0"'
    assert json.loads(found["Env"]) == [
        "PATH=/usr/bin", "DB_PASSWORD=[redacted]", "URL=https://me:[redacted]@db/x", "odd",
    ]  # fmt: skip
    assert "Cmd" not in found
