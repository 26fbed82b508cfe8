from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.errors import UsageError
from sbomkit.oci.reference import Reference

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("debian", "docker.io/library/debian:latest"),
        ("debian:12", "docker.io/library/debian:12"),
        ("docker.io/debian", "docker.io/library/debian:latest"),
        ("index.docker.io/debian", "docker.io/library/debian:latest"),
        ("user/app", "docker.io/user/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("registry.example/team/app_1:v1.2_3", "registry.example/team/app_1:v1.2_3"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("Host/app", "Host/app:latest"),
        (f"app@sha256:{HEX}", f"docker.io/library/app@sha256:{HEX}"),
        (f"registry.example/app:1@sha256:{HEX}", f"registry.example/app:1@sha256:{HEX}"),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(text: str, whole: str) -> None:
    found = Reference.parse(text)
    assert str(found) == whole
    assert Reference.parse(whole) == found


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "@", "/", "app:", "App", "a//b", "app:-x", "app@sha256:abc", f"app@md5:{'a' * 32}", "a b",
        "app:" + "x" * 129,        f"app@sha256:{HEX.upper()}", "x/" + "a" * 255, "host.example:99999999/app", "https://host.example/app",
        "a/../b", "app\n",
        "-/a", "registry.example/", f"app@sha256:{HEX}@sha256:{HEX}", "a___b",
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Reference.parse(text)


def test_the_digest_wins_over_the_tag() -> None:
    found = Reference.parse(f"registry.example/app:1@sha256:{HEX}")
    assert found.wanted == f"sha256:{HEX}"
    assert Reference.parse("registry.example/app:1").wanted == "1"


def test_the_default_registry_has_its_api_elsewhere() -> None:
    assert Reference.parse("debian").api_host != Reference.parse("debian").registry


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = Reference.parse(text)
    except UsageError:
        return
    assert Reference.parse(str(found)) == found
