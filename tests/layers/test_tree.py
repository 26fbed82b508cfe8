"""The tree is what a container would see: whiteouts, opaque directories, replacements, links into lower layers."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbomkit.layers.read import read_layer
from sbomkit.layers.record import LayerRecord
from sbomkit.layers.select import Matcher
from sbomkit.layers.tree import Leaf, Tree
from tests.layers.builder import Put, layer_of, layer_tar

NO_PARSERS = Matcher([])


def record(*puts: Put) -> LayerRecord:
    return read_layer(layer_of(layer_tar(*puts)), NO_PARSERS)


def stacked(*layers: list[Put]) -> Tree:
    tree = Tree()
    for index, puts in enumerate(layers):
        tree.apply(index, record(*puts))
    return tree


def files(tree: Tree) -> dict[str, int]:
    """Visible non-directories, with the layer that each comes from."""
    return {path: node.layer for path, node in tree.walk() if isinstance(node, Leaf)}


def f(path: str, content: str = "x") -> Put:
    return Put(path, content)


@pytest.mark.parametrize(
    ("upper", "seen"),
    [
        pytest.param([f("a/.wh.x")], {"a/y": 0, "b": 0}, id="whiteout of a file"),
        pytest.param([f(".wh.a")], {"b": 0}, id="whiteout of a directory"),
        pytest.param([f("a/.wh..wh..opq")], {"b": 0}, id="opaque directory"),
        pytest.param([f("a/.wh..wh..opq"), f("a/z")], {"a/z": 1, "b": 0}, id="opaque, then new"),
        pytest.param([f("a/z"), f("a/.wh..wh..opq")], {"a/z": 1, "b": 0}, id="new, then opaque: order does not matter"),
        pytest.param([f("a/x"), f("a/.wh.x")], {"a/x": 1, "a/y": 0, "b": 0}, id="a whiteout is for lower layers only"),
        pytest.param([Put("a/.wh.x", hard="b")], {"a/y": 0, "b": 0}, id="whiteout stored as a hardlink"),
        pytest.param([f("a/.wh.nothing")], {"a/x": 0, "a/y": 0, "b": 0}, id="whiteout of nothing"),
        pytest.param(
            [f("a/.wh..")], {"a/x": 0, "a/y": 0, "b": 0}, id="whiteout of the directory itself is no whiteout"
        ),
        pytest.param([f("a/.wh...")], {"a/x": 0, "a/y": 0, "b": 0}, id="nor of its parent"),
        pytest.param([f(".wh..wh.plnk/1.2"), f(".wh..wh.aufs")], {"a/x": 0, "a/y": 0, "b": 0}, id="AUFS' own files"),
        pytest.param([f("a")], {"a": 1, "b": 0}, id="a directory replaced by a file"),
        pytest.param([Put("b"), f("b/c")], {"a/x": 0, "a/y": 0, "b/c": 1}, id="a file replaced by a directory"),
        pytest.param([f("b/c")], {"a/x": 0, "a/y": 0, "b/c": 1}, id="a file replaced by an implied directory"),
        pytest.param([Put("a")], {"a/x": 0, "a/y": 0, "b": 0}, id="a directory's own entry keeps its contents"),
        pytest.param([Put("a", link="b")], {"a": 1, "b": 0}, id="a directory replaced by a symlink"),
        pytest.param([f("./a//x"), f("/b")], {"a/x": 1, "a/y": 0, "b": 1}, id="names are normalised"),
        pytest.param([f("a/../../../b")], {"a/x": 0, "a/y": 0, "b": 1}, id="no name leads out of the root"),
    ],
)
def test_a_layer_on_another(upper: list[Put], seen: dict[str, int]) -> None:
    assert files(stacked([Put("a"), f("a/x"), f("a/y"), f("b")], upper)) == seen


def test_a_directory_becomes_a_symlink_and_a_directory_again() -> None:
    layers = [
        [Put("opt"), Put("opt/app"), f("opt/app/old"), Put("srv"), f("srv/data")],
        [Put("opt/app", link="../srv")],
        [Put("opt/app"), f("opt/app/new")],
    ]
    assert files(stacked(*layers[:2])) == {"opt/app": 1, "srv/data": 0}
    assert files(stacked(*layers)) == {"opt/app/new": 2, "srv/data": 0}


def test_within_one_layer_a_directory_is_replaced_by_a_symlink() -> None:
    tree = stacked([Put("real"), f("real/x"), Put("d"), f("d/gone"), Put("d", link="real"), f("d/y")])
    assert files(tree) == {"real/x": 0, "d": 0, "real/y": 0}


def test_writing_and_removing_through_a_symlinked_directory_of_a_lower_layer() -> None:
    lower = [Put("usr/lib"), f("usr/lib/a"), f("usr/lib/b"), Put("lib", link="usr/lib")]
    tree = stacked(lower, [f("lib/c"), f("lib/.wh.a")])
    assert files(tree) == {"lib": 0, "usr/lib/b": 0, "usr/lib/c": 1}
    found = tree.resolve("/lib/c")
    assert found
    assert found[0] == "usr/lib/c"


def test_a_hardlink_is_its_target_also_in_a_lower_layer() -> None:
    tree = stacked([Put("a", "content")], [Put("b", hard="a"), Put("dangling", hard="nowhere")])
    found = tree.resolve("b")
    assert found
    node = found[1]
    assert isinstance(node, Leaf)
    assert (node.entry.kind, node.entry.size, node.layer, node.source) == ("f", 7, 1, (0, "a"))


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("l1", "d/f"),
        ("l2/f", "d/f"),
        ("abs", "d/f"),
        ("up", "d/f"),
        ("out", "d/f"),
        ("loop", None),
        ("d/f/x", None),
        ("no", None),
    ],
)
def test_links_are_followed_as_the_kernel_does(path: str, real: str | None) -> None:
    links = {
        "l1": "d/f",
        "l2": "d",
        "abs": "/d/f",
        "up": "d/../d/./f",
        "out": "../../d/f",
        "loop": "loop",
        "no": "nothing",
    }
    tree = stacked([Put("d"), f("d/f"), *(Put(name, link=to) for name, to in links.items())])
    found = tree.resolve(path)
    assert (found[0] if found else None) == real


def test_a_web_of_links_costs_no_more_than_the_kernels_forty() -> None:
    web = [Put(f"l{i}", link=f"l{i + 1}/l{i + 1}") for i in range(60)]
    assert stacked(web).resolve("l0") is None


def test_a_whiteout_that_names_nothing_is_an_issue() -> None:
    assert [issue.reason for issue in record(f("a/.wh...")).issues] == ["a whiteout that names nothing"]


def test_paths_beyond_any_kernel_are_an_issue_and_no_entry() -> None:
    found = record(f("d/" * 3000 + "x"), f("y"))
    assert [entry.path for entry in found.entries] == ["y"]
    assert "which no kernel has" in found.issues[0].reason


NAMES = st.sampled_from(["a", "b", "c", "a/b", "a/c", "b/a", "a/b/c", "b/a/c"])
PUTS = st.one_of(
    st.builds(Put, NAMES, st.just("x")),
    st.builds(Put, NAMES),
    st.builds(lambda n, to: Put(n, link=to), NAMES, st.sampled_from(["a", "b", "/c", "../a", "."])),
    st.builds(lambda n: Put("/".join([*n.split("/")[:-1], ".wh." + n.split("/")[-1]]), ""), NAMES),
    st.builds(lambda n: Put(n + "/.wh..wh..opq", ""), NAMES),
)


@settings(max_examples=200)
@given(st.lists(st.lists(PUTS, max_size=6), max_size=4))
def test_side_tables_always_agree_with_the_tree(layers: list[list[Put]]) -> None:
    tree = stacked(*layers)
    visible = dict(tree.walk())
    for table in (tree.links, tree.moved, tree.with_facts):
        for path, leaf in table.items():
            assert visible[path] is leaf


def test_a_layer_whose_diff_id_is_wrong_is_refused() -> None:
    from dataclasses import replace

    from sbomkit.errors import CorruptInput

    raw = layer_tar(f("a"))
    other = replace(layer_of(raw), open=lambda: io.BytesIO(layer_tar(f("b"))))
    with pytest.raises(CorruptInput, match="the config says"):
        read_layer(other, NO_PARSERS)
