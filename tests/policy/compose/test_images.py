"""Every image that a project names: where it stands, and what it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sbomkit.errors import CannotCheck
from sbomkit.policy.compose import Options, load_compose
from sbomkit.policy.targets import Target

Load = Callable[..., Target]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def write(
        files: Mapping[str, str],
        *names: str,
        environment: Mapping[str, str] | None = None,
        env_files: tuple[Path, ...] = (),
        profiles: tuple[str, ...] | None = None,
    ) -> Target:
        for name, text in files.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text)
        paths = [Path(name) for name in names or ("compose.yaml",)]
        return load_compose(paths, Options(environment or {}, env_files, profiles))

    return write


def told(target: Target) -> list[tuple[str, str, str]]:
    return [(f"{use.mark.file}:{use.mark.line}", use.role, use.reference) for use in target.uses]


EVERYTHING = """\
services:
  web:
    image: app/web:1   # comment
    volumes:
      - type: image
        source: app/data:2
        target: /data
      - ./here:/there
  built:
    image: app/built
    build:
      context: src
      args: {BASE: alpine:3}
      additional_contexts:
        lib: docker-image://app/lib:1
        other: ./other
  unnamed:
    build: src
  inline:
    build:
      context: .
      dockerfile_inline: |
        FROM busybox AS one
        COPY --from=tools /x /x
        FROM one
  external:
    provider: {type: vpn}
models:
  llm:
    model: ai/model:3
"""

DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG BASE=debian:12
ARG OTHER=$BASE
FROM --platform=linux/amd64 ${BASE} AS build
RUN --mount=type=bind,from=app/tool:1,target=/t true && \\
    # a comment within

    echo done
COPY <<EOF /x
FROM not/an/image
EOF
FROM scratch
COPY --from=build /a /a
COPY --from=0 /a /a
COPY --from=app/files:1 --chown=1:1 /a /a
COPY --from=lib /a /a
ADD --from=$OTHER /a /a
"""


def test_every_kind_of_reference(load: Load) -> None:
    target = load({"compose.yaml": EVERYTHING, "src/Dockerfile": DOCKERFILE})
    assert told(target) == [
        ("compose.yaml:3", "image", "app/web:1"),
        ("compose.yaml:6", "volume", "app/data:2"),
        ("compose.yaml:10", "image", "app/built"),
        ("compose.yaml:15", "build-context", "app/lib:1"),
        ("compose.yaml:18", "image", ""),
        ("compose.yaml:21", "image", ""),
        ("compose.yaml:23", "dockerfile", "busybox"),
        ("compose.yaml:24", "dockerfile", "tools"),
        ("compose.yaml:30", "model", "ai/model:3"),
        ("src/Dockerfile:1", "dockerfile", "docker/dockerfile:1"),
        ("src/Dockerfile:1", "dockerfile", "docker/dockerfile:1"),
        ("src/Dockerfile:4", "dockerfile", "alpine:3"),
        ("src/Dockerfile:4", "dockerfile", "debian:12"),
        ("src/Dockerfile:5", "dockerfile", "app/tool:1"),
        ("src/Dockerfile:5", "dockerfile", "app/tool:1"),
        ("src/Dockerfile:15", "dockerfile", "app/files:1"),
        ("src/Dockerfile:15", "dockerfile", "app/files:1"),
        ("src/Dockerfile:16", "dockerfile", "lib"),
        ("src/Dockerfile:17", "dockerfile", "alpine:3"),
        ("src/Dockerfile:17", "dockerfile", "debian:12"),
    ]
    built = {use.owner: use.built for use in target.uses if use.role == "image"}
    assert built == {"services.web": False, "services.built": True, "services.unnamed": True, "services.inline": True}
    assert {use.platform for use in target.uses if use.reference == "debian:12" and use.mark.line == 4} == {
        "linux/amd64"
    }


def test_the_text_at_a_mark_is_the_reference(load: Load) -> None:
    target = load({"compose.yaml": EVERYTHING.replace("app/web:1", '"app/wéb:1"')})
    for use in target.uses:
        if use.pinnable:
            assert target.texts["compose.yaml"][use.mark.start : use.mark.end].strip('"') == use.reference


def test_environment_before_files_and_files_before_nothing(load: Load) -> None:
    files = {
        "compose.yaml": "services:\n  a: {image: 'x:${T}'}\n  b: {image: 'y:$U'}\n  c: {image: 'z${W}'}\n",
        ".env": "T=file\nU=file\n",
        "other.env": "T=other\n",
    }
    target = load(files, environment={"U": "given"})
    assert [use.reference for use in target.uses] == ["x:file", "y:given", "z"]
    assert [use.unset for use in target.uses] == [(), (), ("W",)]
    target = load(files, environment={}, env_files=(Path("other.env"),))
    assert [use.reference for use in target.uses] == ["x:other", "y:", "z"]


def test_required_variables_are_named_with_their_place(load: Load) -> None:
    with pytest.raises(CannotCheck, match=r"compose.yaml:2:14: required variable T is missing a value: set T"):
        load({"compose.yaml": "services:\n  a: {image: 'x:${T:?set T}'}\n"})


def test_later_files_override_and_point_to_themselves(load: Load) -> None:
    target = load(
        {"a.yaml": "services: {w: {image: one}}", "b.yaml": "services:\n  w:\n    image: two\n"}, "a.yaml", "b.yaml"
    )
    assert told(target) == [("b.yaml:3", "image", "two")]


def test_extends(load: Load) -> None:
    files = {
        "compose.yaml": """\
services:
  a:
    extends: {file: common/base.yaml, service: base}
  b:
    extends: c
    image: own
  c:
    image: other
    volumes: [{type: image, source: vol, target: /v}]
  d:
    extends: {file: common/base.yaml, service: builder}
""",
        "common/base.yaml": """\
services:
  base:
    extends: {service: root}
    user: x
  root: {image: "deep:${T:-1}"}
  builder: {build: ctx}
""",
        "common/ctx/Dockerfile": "FROM far:1\n",
    }
    assert told(load(files)) == [
        ("common/base.yaml:5", "image", "deep:1"),
        ("common/base.yaml:6", "image", ""),
        ("common/ctx/Dockerfile:1", "dockerfile", "far:1"),
        ("compose.yaml:6", "image", "own"),
        ("compose.yaml:8", "image", "other"),
        ("compose.yaml:9", "volume", "vol"),
        ("compose.yaml:9", "volume", "vol"),
    ]


def test_include(load: Load) -> None:
    files = {
        "compose.yaml": """\
include:
  - sub/compose.yaml
  - path: [two/a.yaml, two/b.yaml]
    env_file: two/other.env
services:
  main: {image: "main:${TAG:-none}"}
""",
        "sub/compose.yaml": "include: [deeper/compose.yaml]\nservices: {sub: {image: 'sub:$TAG'}}\n",
        "sub/.env": "TAG=sub\n",
        "sub/deeper/compose.yaml": "services: {deep: {build: .}}\nmodels: {m: {model: 'm:$TAG'}}\n",
        "sub/deeper/Dockerfile": "FROM deepest\n",
        "two/a.yaml": "services: {two: {image: 'two:$TAG'}}\n",
        "two/b.yaml": "services: {two: {image: 'second:$TAG'}}\n",
        "two/other.env": "TAG=other\n",
    }
    assert told(load(files)) == [
        ("compose.yaml:6", "image", "main:none"),
        ("sub/compose.yaml:2", "image", "sub:sub"),
        ("sub/deeper/Dockerfile:1", "dockerfile", "deepest"),
        ("sub/deeper/compose.yaml:1", "image", ""),
        ("sub/deeper/compose.yaml:2", "model", "m:sub"),
        ("two/b.yaml:1", "image", "second:other"),
    ]
    # the local project's environment wins over an included file's
    assert "sub:given" in {use.reference for use in load(files, environment={"TAG": "given"}).uses}


def test_include_conflicts_are_refused_and_equal_twins_are_not(load: Load) -> None:
    files = {"compose.yaml": "include: [other.yaml]\nservices: {a: {image: one}}\n"}
    assert len(load(files | {"other.yaml": "services: {a: {image: one}}"}).uses) == 1
    with pytest.raises(CannotCheck, match=r"services.a conflicts with what is included from other.yaml:1:12"):
        load(files | {"other.yaml": "services: {a: {image: two}}"})


def test_profiles(load: Load) -> None:
    text = """\
services:
  always: {image: a}
  debug: {image: b, profiles: [debug], depends_on: [helper]}
  helper: {image: h, profiles: [other]}
  test: {image: c, profiles: [test]}
"""

    def refs(*profiles: str) -> list[str]:
        return [use.reference for use in load({"compose.yaml": text}, profiles=profiles).uses]

    assert [use.reference for use in load({"compose.yaml": text}).uses] == ["a", "b", "h", "c"]
    assert refs() == ["a"]
    assert refs("debug") == ["a", "b", "h"]
    assert refs("*") == ["a", "b", "h", "c"]
    assert load({"compose.yaml": text}, profiles=()).notes[0].startswith("services.debug is left out")


def test_a_directory_stands_for_its_compose_file(load: Load) -> None:
    assert told(load({"d/compose.yml": "services: {a: {image: x}}"}, "d")) == [("d/compose.yml:1", "image", "x")]
    with pytest.raises(CannotCheck, match="none of compose"):
        load({"e/f": ""}, "e")


REFUSED = {
    "include in a circle": ({"compose.yaml": "include: [compose.yaml]"}, "includes itself"),
    "include through another": (
        {"compose.yaml": "include: [b.yaml]", "b.yaml": "include: [compose.yaml]"},
        "includes itself",
    ),
    "extends in a circle": (
        {"compose.yaml": "services: {a: {extends: b}, b: {extends: a}}"},
        "compose.yaml:1:42: services extend each other in a circle",
    ),
    "extends nothing": ({"compose.yaml": "services: {a: {extends: b}}"}, "no service 'b'"),
    "missing include": ({"compose.yaml": "include:\n - x.yaml"}, "compose.yaml:2:4: cannot read x.yaml"),
    "remote include": ({"compose.yaml": "include: ['oci://x/y']"}, "not on this machine"),
    "no image": ({"compose.yaml": "services:\n  a: {user: x}"}, "compose.yaml:2:3: services.a has neither"),
    "services as a list": ({"compose.yaml": "services: [a]"}, "services is no mapping"),
    "image as a list": ({"compose.yaml": "services: {a: {image: [x]}}"}, "image is no text"),
    "empty": ({"compose.yaml": "# nothing"}, "the file is empty"),
    "not a mapping": ({"compose.yaml": "- a"}, "a compose file is a mapping"),
    "duplicate": ({"compose.yaml": "services:\n  a: {image: x}\n  a: {image: y}"}, "compose.yaml:3:3: key 'a'"),
    "alias loop": ({"compose.yaml": "services: &s\n  a: *s"}, "endless loop"),
    "no YAML": ({"compose.yaml": "services: {"}, "not YAML"),
    "volume without source": (
        {"compose.yaml": "services: {a: {image: x, volumes: [{type: image, target: /x}]}}"},
        "has no source",
    ),
    "model without name": ({"compose.yaml": "models: {m: {}}"}, "models.m names no model"),
    "template": ({"compose.yaml": "services: {a: {image: '${'}}"}, "compose.yaml:1:23: invalid interpolation format"),
    "bad Dockerfile": (
        {"compose.yaml": "services: {a: {build: .}}", "Dockerfile": "\nFROM\n"},
        "Dockerfile:2:1: FROM names no image",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_place(name: str, load: Load) -> None:
    files, message = REFUSED[name]
    with pytest.raises(CannotCheck) as caught:
        load(files)
    assert message in str(caught.value)


def test_pipes_and_huge_files_are_not_read(load: Load, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(CannotCheck, match="is not a file"):
        load({}, "pipe.yaml")
    with (tmp_path / "big.yaml").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(CannotCheck, match="at most"):
        load({}, "big.yaml")


def test_a_bomb_ends_early(load: Load) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(CannotCheck, match="more than 1000000 nodes"):
        load({"compose.yaml": "\n".join(lines)})
