"""Manifests: every image of every pod spec, and the digests written back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sbomkit.errors import CannotCheck
from sbomkit.policy.compose import Options, load_compose
from sbomkit.policy.kubernetes import load_kubernetes, read_kubernetes
from sbomkit.policy.pin import patch, pin
from sbomkit.policy.targets import Target

SPEC = "{containers: [{name: c, image: 'i:1'}]}"
TEMPLATE = f"{{template: {{spec: {SPEC}}}}}"
KINDS = {
    "Pod": SPEC,
    "Deployment": TEMPLATE,
    "StatefulSet": TEMPLATE,
    "DaemonSet": TEMPLATE,
    "ReplicaSet": TEMPLATE,
    "ReplicationController": TEMPLATE,
    "Job": TEMPLATE,
    "CronJob": f"{{jobTemplate: {{spec: {TEMPLATE}}}}}",
    "Rollout": TEMPLATE,
    "SomethingCustom": f"{{deep: [{{er: {TEMPLATE}}}]}}",
}

EVERYTHING = """\
# kept: comments, order, odd   spacing
apiVersion: v1
kind: Pod
metadata: {name: all, namespace: prod}
spec:
  initContainers:
  - {name: i, image: "quoted:1"}   # a comment
  containers:
  -   name: a
      image:   plain:2
  - image: 'single:3@sha256:%s'
    name: b
  ephemeralContainers: [{name: e, image: debug}]
  volumes:
  - name: data
    image: {reference: vol/data:4, pullPolicy: Always}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web}
  spec:
    template:
      spec:
        containers:
        - name: folded
          image: >-
            folded:5
        - name: aliased
          image: &same host:5000/x/y:6
        - name: again
          image: *same
---
apiVersion: v1
kind: ConfigMap
metadata: {name: text}
data: {t: "{{ .Values.not.an.image }}"}
""" % ("0" * 64)


def told(target: Target) -> list[tuple[int, str, str]]:
    return [(use.mark.line, use.role, use.reference) for use in target.uses]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind: str) -> None:
    text = f"apiVersion: x/v1\nkind: {kind}\nmetadata: {{name: n}}\nspec: {KINDS[kind]}\n"
    target = read_kubernetes(text)
    assert [(use.reference, use.owner) for use in target.uses] == [("i:1", f"{kind}/n container c")]
    without = text.replace(", image: 'i:1'", "")
    if kind in ("Rollout", "SomethingCustom"):
        assert read_kubernetes(without).uses == ()
    else:
        with pytest.raises(CannotCheck, match="names no container"):
            read_kubernetes(without)


def test_every_place() -> None:
    assert told(read_kubernetes(EVERYTHING)) == [
        (7, "init", "quoted:1"),
        (10, "image", "plain:2"),
        (11, "image", "single:3@sha256:" + "0" * 64),
        (13, "ephemeral", "debug"),
        (16, "volume", "vol/data:4"),
        (29, "image", "folded:5"),
        (32, "image", "host:5000/x/y:6"),
        (32, "image", "host:5000/x/y:6"),
    ]
    assert read_kubernetes(EVERYTHING).uses[0].owner == "Pod/all (prod) container i"


def test_directories_and_json(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.json").write_text(
        '{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c", "image": "j"}]}}'
    )
    (tmp_path / "y.yml").write_text(f"apiVersion: v1\nkind: Pod\nspec: {SPEC}\n")
    (tmp_path / "README.md").write_text("{{ not read }}")
    assert [use.reference for use in load_kubernetes(tmp_path).uses] == ["j", "i:1"]
    (tmp_path / "z").mkdir()
    with pytest.raises(CannotCheck, match=r"no \.yaml"):
        load_kubernetes(tmp_path / "z")


HEAD = "apiVersion: v1\nkind: Pod\n"
REFUSED = {
    "helm value": (HEAD + "spec:\n  containers:\n  - {name: c, image: '{{ .Values.image }}'}\n", "f:5:22: a template"),
    "helm block": (HEAD + "spec:\n{{- if .x }}\n", "f:4:1: a template"),
    "plain value": (HEAD + "metadata:\n  name: {{ .Release.Name }}\n", "f:4:9: a template"),
    "nothing": ("# empty\n---\n", "no Kubernetes object"),
    "a list": ("- a\n", "f:1:1: a Kubernetes object is a mapping"),
    "no kind": ("a: b\n", "f:1:1: a Kubernetes object says its apiVersion and kind"),
    "no image": (
        HEAD + "spec: {containers: [{name: a, image: x}, {name: b}]}",
        "f:3:42: Pod/ container b names no image",
    ),
    "duplicate": (HEAD + "kind: Job\n", "f:3:1: key 'kind' stands here twice"),
    "a loop": (HEAD + "spec: &a {b: *a}\n", "endless loop"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_place(name: str) -> None:
    text, message = REFUSED[name]
    with pytest.raises(CannotCheck) as caught:
        read_kubernetes(text, "f")
    assert message in str(caught.value)


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def test_only_references_change() -> None:
    target = read_kubernetes(EVERYTHING, "m.yaml")
    digests = {use.reference: digest(f"{number:x}") for number, use in enumerate(target.uses, 1)}
    text = pin(target, digests).texts["m.yaml"]
    expected = EVERYTHING.replace('"quoted:1"', f'"quoted:1@{digest("1")}"')
    expected = expected.replace("plain:2", f"plain:2@{digest('2')}")
    expected = expected.replace("single:3@sha256:" + "0" * 64, f"single:3@{digest('3')}")
    expected = expected.replace("image: debug", f"image: debug@{digest('4')}")
    expected = expected.replace("vol/data:4", f"vol/data:4@{digest('5')}")
    expected = expected.replace(">-\n            folded:5\n", f'"folded:5@{digest("6")}"\n')
    expected = expected.replace("host:5000/x/y:6", f"host:5000/x/y:6@{digest('8')}")
    assert text.split() == expected.split()
    assert text.count("\n") == expected.count("\n")
    again = read_kubernetes(text, "m.yaml")
    assert all("@sha256:" in use.reference for use in again.uses)
    # what is pinned already stays as it is, byte for byte
    pinned = {use.reference: use.reference.partition("@")[2] for use in again.uses}
    assert pin(again, pinned).texts["m.yaml"] == text


def test_what_is_not_known_is_left_and_told() -> None:
    target = read_kubernetes(EVERYTHING, "m.yaml")
    found = pin(target, {"debug": digest("a")})
    assert len(found.left) == 7
    assert {reason for _, reason in found.left} == {"its digest is not known"}
    assert found.texts["m.yaml"] == EVERYTHING.replace("image: debug", f"image: debug@{digest('a')}")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_compose_is_pinned_and_the_patch_applies(
    newline: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        "services:",
        "  a: # first",
        '    image: "x:${T:-1}"  # é',
        "  b: {build: ., image: own}",
        "  c: {image: y}",
    ]
    raw = (newline.join(lines) + (newline if end else "")).encode()
    Path("compose.yaml").write_bytes(raw)
    target = load_compose([Path("compose.yaml")], Options())
    found = pin(target, {"x:1": digest("a"), "y": digest("b"), "own": digest("c")})
    expected = raw.decode().replace("x:${T:-1}", f"x:1@{digest('a')}").replace("image: y", f"image: y@{digest('b')}")
    assert found.texts["compose.yaml"] == expected
    assert [use.reference for use, _ in found.left] == ["own"]
    Path("p").write_bytes(patch(target.texts, found.texts).encode())
    subprocess.run(["git", "apply", "p"], check=True, cwd=tmp_path, capture_output=True)
    assert Path("compose.yaml").read_bytes() == expected.encode()
