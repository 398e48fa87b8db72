"""The layout of graphs, on graphs of all kinds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transfer_lint.graph.layered import draw

NODES = st.integers(1, 14)
ROOM = 400.0


@st.composite
def graphs(draw_: st.DrawFn) -> tuple[dict[str, tuple[float, float]], list[tuple[str, str]]]:
    names = [f"n{number}" for number in range(draw_(NODES))]
    side = st.integers(10, 180)
    sizes = {name: (float(draw_(side)), float(draw_(side))) for name in names}
    ends = st.sampled_from(names)
    return sizes, draw_(st.lists(st.tuples(ends, ends), max_size=24))


@given(graph=graphs())
def test_nothing_overlaps_or_is_outside_and_all_is_drawn(
    graph: tuple[dict[str, tuple[float, float]], list[tuple[str, str]]],
) -> None:
    sizes, links = graph
    drawing = draw(sizes, links, ROOM)
    assert drawing.centres.keys() == sizes.keys()
    boxes = []
    for key, (x, y) in drawing.centres.items():
        width, height = sizes[key]
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        assert box[0] >= -0.01
        assert box[1] >= -0.01
        assert box[2] <= drawing.width + 0.01
        assert box[3] <= drawing.height + 0.01
        boxes.append(box)
    for number, a in enumerate(boxes):
        for b in boxes[:number]:
            assert a[2] <= b[0] + 0.01 or b[2] <= a[0] + 0.01 or a[3] <= b[1] + 0.01 or b[3] <= a[1] + 0.01
    assert set(drawing.bends) == {(a, b) for a, b in links if a != b}
    assert draw(sizes, links, ROOM) == drawing  # the same in every run
    for points in drawing.bends.values():  # a link passes no box
        for x, y in points:
            assert not any(box[0] < x < box[2] and box[1] < y < box[3] for box in boxes)


def test_without_a_circle_every_link_leads_down() -> None:
    sizes = dict.fromkeys("abcdef", (40.0, 20.0))
    links = [("a", "b"), ("b", "c"), ("a", "c"), ("d", "c"), ("c", "e"), ("a", "f")]
    drawing = draw(sizes, links, ROOM)
    for a, b in links:
        assert drawing.centres[a][1] < drawing.centres[b][1]
        assert [y for _, y in drawing.bends[a, b]] == sorted(y for _, y in drawing.bends[a, b])
    assert drawing.centres["d"][1] == drawing.centres["b"][1]  # what nothing leads to stands near what it leads to


def test_a_row_that_is_too_wide_becomes_several() -> None:
    sizes = {f"n{number}": (100.0, 20.0) for number in range(9)} | {"top": (100.0, 20.0)}
    drawing = draw(sizes, [("top", f"n{number}") for number in range(9)], ROOM)
    assert drawing.width <= ROOM + 100
    assert len({y for _, y in drawing.centres.values()}) >= 4


def test_a_circle_is_drawn() -> None:
    drawing = draw(dict.fromkeys("abc", (40.0, 20.0)), [("a", "b"), ("b", "c"), ("c", "a")], ROOM)
    assert set(drawing.bends) == {("a", "b"), ("b", "c"), ("c", "a")}
    ys = [y for _, y in drawing.bends["c", "a"]]
    assert ys == sorted(ys, reverse=True)


def test_crossings_that_need_not_be_are_taken_out() -> None:
    sizes = dict.fromkeys("abcxyz", (40.0, 20.0))
    drawing = draw(sizes, [("a", "z"), ("b", "y"), ("c", "x"), ("a", "y")], ROOM)
    top, bottom = ([drawing.centres[key][0] for key in keys] for keys in ("abc", "zyx"))
    assert (sorted(top) == top) == (sorted(bottom) == bottom)
    assert drawing.centres["a"][0] != drawing.centres["b"][0]
