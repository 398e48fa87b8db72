"""What texts say of a tree, without parsing them: it may be too much, and never too little."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transfer_lint.flow.program.tree_texts import TreeTexts


def texts(text: str) -> TreeTexts:
    found = TreeTexts(("base.py", "heir.py"))
    found.read_with({"base.py": "class Base:\n    pass\n", "heir.py": text}.get)
    return found


HEAD = "class Heir(Base):\n"
MAY_ASSIGN = {
    "a class attribute": HEAD + "    device = 1\n",
    "annotated": HEAD + "    device: str = 1\n",
    "a method": HEAD + "    def device(self):\n        pass\n",
    "an async method": HEAD + "    async def device(self):\n        pass\n",
    "an attribute": HEAD + "    def f(self):\n        self.device = 1\n",
    "added to": HEAD + "    def f(self):\n        self.device += 1\n",
    "annotated there": HEAD + "    def f(self):\n        self.device: int\n",
    "of two": HEAD + "    def f(self):\n        self.device, self.x = 1, 2\n",
    "second of two": HEAD + "    def f(self):\n        self.x, self.device = 1, 2\n",
    "in brackets": HEAD + "    def f(self):\n        (self.x, self.device) = 1, 2\n",
    "in brackets after a call": HEAD + "    def f(self):\n        x[g(1)], (self.x, self.device) = 1, 2\n",
    "over lines": HEAD
    + "    def f(self):\n        (\n            self.device,\n            self.x,\n        ) = 1, 2\n",
    "of a loop": HEAD + "    def f(self):\n        for self.device in x:\n            pass\n",
    "of with": HEAD + "    def f(self):\n        with x as self.device:\n            pass\n",
    "deleted": HEAD + "    def f(self):\n        del self.device\n",
    "after a method": HEAD + "    def f(self):\n        pass\n\n    device = 1\n",
    "after a call over lines": HEAD + "    def f(self):\n        pass\n    x = g(\n        1\n    )\n    device = 1\n",
    "after a comment that ends with a comma": HEAD + "    # this, that,\n    device = 1\n",
    "after a function in a string": HEAD + '        """\n    def f():\n        x\n        """\n        device = 1\n',
    "with tabs": "class Heir(Base):\n\tdef f(self):\n\t\tpass\n\tdevice = 1\n",
    "in an inner block": "if x:\n    class Heir(Base):\n        device = 1\n",
    "after a function, in an inner block": "def f():\n    pass\nif x:\n    class Heir(Base):\n        device = 1\n",
}


@pytest.mark.parametrize("text", MAY_ASSIGN.values(), ids=MAY_ASSIGN)
def test_may_assign(text: str) -> None:
    assert texts(text).overriding("Base", "device") == ("heir.py",)


DOES_NOT = {
    "read": HEAD + "    def f(self):\n        return self.device\n",
    "called": HEAD + "    def f(self):\n        return self.device()\n",
    "compared": HEAD + "    def f(self):\n        return self.device == 1\n",
    "a local": HEAD + "    def f(self):\n        device = self.device\n        return device\n",
    "a local below a long signature": HEAD + "    def f(\n        self, x\n    ):\n        device = x\n",
    "a local in a block": HEAD + "    def f(self):\n        if x:\n            device = 1\n",
    "a keyword": HEAD + "    def f(self):\n        g(\n            1,\n            device=2,\n        )\n",
    "an argument": HEAD + "    def f(self):\n        g(h(1), self.device, x=2)\n",
    "part of another name": HEAD + "    def f(self):\n        self.device_map[0] = 1\n",
    "no heir": "class Other:\n    device = 1\n",
}


@pytest.mark.parametrize("text", DOES_NOT.values(), ids=DOES_NOT)
def test_does_not_assign(text: str) -> None:
    assert texts(text).overriding("Base", "device") == ()


@pytest.mark.parametrize(
    "text",
    [
        "def name(): pass\n",
        "class name: pass\n",
        "name = 1\n",
        "name: int = 1\n",
        "import name\n",
        "import x as name\n",
        "from x import y, name\n",
        "from x import (\n    y,\n    name,\n)\n",
        "try:\n    from x import name\nexcept ImportError:\n    pass\n",
        "for name in x:\n    pass\n",
    ],
)
def test_may_bind(text: str) -> None:
    assert texts(text).may_bind("heir.py", "name")


@pytest.mark.parametrize(
    "text", ["import name as x\n", "x.name = 1\n", "print(name)\n", "# a name\n", "from name import x\n"]
)
def test_does_not_bind(text: str) -> None:
    assert not texts(text).may_bind("heir.py", "name")


LINES = (
    "import a",
    "from .b import name, other as a",
    "from .b import *",
    "from a import (\n    Base,\n    name)",
    "class Heir(Base):\n    name = 1",
    "class Base(other.Heir, a):\n    def name(self): pass",
    "class Other(Heir): pass",
    "x.name()",
    "Base.other(x.a())",
    "x.other = 1",
    "self.name = 1",
    "setattr(x, 'a', 1)",
    "    def other(self): pass",
    "    async def a(self): pass",
    "name = 1",
    "for a in x: pass",
    "# Base.name",
)
NAMES = ("a", "b", "name", "other", "Base", "Heir", "Other")
FILES = ("a.py", "b.py", "c.py")


def answers(texts: TreeTexts) -> list[object]:
    by_name = (texts.holding, texts.importing, texts.calling, texts.definitions, texts.assigns, texts.heirs)
    found: list[object] = [ask(name) for ask in by_name for name in NAMES]
    found += [texts.may_bind(path, name) for path in FILES for name in NAMES]
    found += [texts.overriding(name, attribute) for name in NAMES for attribute in NAMES]
    return [*found, *map(texts.stars, FILES)]


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(FILES), st.one_of(st.none(), st.lists(st.sampled_from(LINES), max_size=5))),
        min_size=2,
        max_size=6,
    )
)
def test_texts_that_change(changes: list[dict[str, list[str] | None]]) -> None:
    """What is kept of the texts before says what the texts of now say."""
    kept = TreeTexts(FILES)
    state: dict[str, str] = {}
    for change in changes:
        state = {**state, **{path: "\n".join(lines) for path, lines in change.items() if lines is not None}}
        state = {path: text for path, text in state.items() if change.get(path, ()) is not None}
        kept.read_with(state.get)
        fresh = TreeTexts(FILES)
        fresh.read_with(state.get)
        assert answers(kept) == answers(fresh)
