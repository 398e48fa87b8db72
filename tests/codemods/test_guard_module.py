"""`m.to(d)` of a module runs only where one of its tensors is elsewhere: forms, places, refusals."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case, case, refusal

FORMS = [
    case(
        "exact, device",
        "from itertools import chain\nm.⟦to|module⟧(d)  # c\n",
        """
        from itertools import chain
        if any(t.device != d for t in chain(m.parameters(), m.buffers())):
            m.to(d)  # c
        """,
    ),
    case(
        "exact, dtype",
        "from itertools import chain\nm.⟦to|module t0⟧(dt)\n",
        """
        from itertools import chain
        if any(
            t.dtype != dt and (t.is_floating_point() or t.is_complex())
            for t in chain(m.parameters(), m.buffers())
        ):
            m.to(dt)
        """,
    ),
    case(
        "exact, both",
        "from itertools import chain\ndef f(m):\n    m.⟦to|module d0 t1⟧(d, dtype=dt)\n",
        """
        from itertools import chain
        def f(m):
            if any(
                t.device != d or (t.dtype != dt and (t.is_floating_point() or t.is_complex()))
                for t in chain(m.parameters(), m.buffers())
            ):
                m.to(d, dtype=dt)
        """,
    ),
    case(
        "exact, both, long",
        f"""
        from itertools import chain
        def f(self):
            self.m.⟦to|module d0 t1⟧(self.{"d" * 12}, dtype=self.{"t" * 12})
        """,
        f"""
        from itertools import chain
        def f(self):
            if any(
                t.device != self.{"d" * 12}
                or (t.dtype != self.{"t" * 12} and (t.is_floating_point() or t.is_complex()))
                for t in chain(self.m.parameters(), self.m.buffers())
            ):
                self.m.to(self.{"d" * 12}, dtype=self.{"t" * 12})
        """,
    ),
    case(
        "first tensor",
        "from itertools import chain\nm.⟦to|module first-tensor⟧(d)\n",
        """
        from itertools import chain
        if (
            (first := next(chain(m.parameters(), m.buffers()), None)) is not None
            and first.device != d
        ):
            m.to(d)
        """,
    ),
    case(
        "first tensor, dtype",
        "from itertools import chain\nm.⟦to|module first-tensor t0⟧(dt)\n",
        """
        from itertools import chain
        if (
            (first := next(chain(m.parameters(), m.buffers()), None)) is not None
            and first.dtype != dt and (first.is_floating_point() or first.is_complex())
        ):
            m.to(dt)
        """,
    ),
    case(
        "first tensor, both",
        "from itertools import chain\nm.⟦to|module first-tensor d0 t1⟧(d, dt)\n",
        """
        from itertools import chain
        if (first := next(chain(m.parameters(), m.buffers()), None)) is not None and (
            first.device != d
            or (first.dtype != dt and (first.is_floating_point() or first.is_complex()))
        ):
            m.to(d, dt)
        """,
    ),
    case(
        "cached",
        """
        class A:
            def f(this, m):
                m.⟦to|module cached d0 t1⟧(this.d, dtype=this.t)  # c
                return this._m.⟦to|module cached⟧(this.d)
        """,
        """
        class A:
            def f(this, m):
                if getattr(this, "_m_placed", None) != (m, this.d, this.t):
                    m.to(this.d, dtype=this.t)  # c
                    this._m_placed = (m, this.d, this.t)
                if getattr(this, "_m_placed", None) != (this._m, this.d):
                    this._m.to(this.d)
                    this._m_placed = (this._m, this.d)
                return this._m
        """,
    ),
    case(
        "cached under another name than the class's own",
        "class A:\n    def f(self):\n        self._m_placed = 1\n        self.m.⟦to|module cached t0⟧(t)\n",
        """
        class A:
            def f(self):
                self._m_placed = 1
                if getattr(self, "_m_placed_2", None) != (self.m, t):
                    self.m.to(t)
                    self._m_placed_2 = (self.m, t)
        """,
    ),
    case(
        "wrapped, evaluated once",
        "from itertools import chain\nm.⟦to|module d0*@torch.device({})⟧(f())\n",
        """
        from itertools import chain
        target_device = f()
        if any(
            t.device != torch.device(target_device)
            for t in chain(m.parameters(), m.buffers())
        ):
            m.to(target_device)
        """,
    ),
    case(
        "what a generator cannot hold is bound before",
        "from itertools import chain\nclass A:\n    def f(self, m):\n        m.⟦to|module⟧(super().device)\n",
        """
        from itertools import chain
        class A:
            def f(self, m):
                target_device = super().device
                if any(t.device != target_device for t in chain(m.parameters(), m.buffers())):
                    m.to(target_device)
        """,
    ),
]

EXACT = "any(t.device != d for t in chain(m.parameters(), m.buffers()))"


def guarded(id: str, before: str, after: str) -> Case:
    """A case under an import of chain, with GUARD for the exact guard of `m` and `d`."""
    head = "from itertools import chain\n"
    shown = case(id, before, after.replace("GUARD", EXACT))
    return Case(id, head + shown.before, head + shown.after)


PLACES = [
    guarded("assigned to itself", "m = m.⟦to|module⟧(d)\n", "if GUARD:\n    m = m.to(d)\n"),
    guarded("assigned to another name", "y = m.⟦to|module⟧(d)\n", "if GUARD:\n    m.to(d)\ny = m\n"),
    guarded("assigned to an attribute", "self.m = m.⟦to|module⟧(d)\n", "if GUARD:\n    m.to(d)\nself.m = m\n"),
    guarded(
        "returned",
        "def f(m):\n    # c\n    return m.⟦to|module⟧(d)\n",
        "def f(m):\n    if GUARD:\n        m.to(d)\n    # c\n    return m\n",
    ),
    guarded("in a chain", "m = m.⟦to|module⟧(d).eval()\n", "if GUARD:\n    m.to(d)\nm = m.eval()\n"),
    guarded("an argument", "self.f(m.⟦to|module⟧(d), g())\n", "if GUARD:\n    m.to(d)\nself.f(m, g())\n"),
    guarded("one-line suite", "if a: m.⟦to|module⟧(d)  # c\n", "if a:\n    if GUARD:\n        m.to(d)  # c\n"),
    guarded("several on a line", "a(); m.⟦to|module⟧(d); b()\n", "a()\nif GUARD:\n    m.to(d)\nb()\n"),
    guarded("for", "for x in m.⟦to|module⟧(d): pass\n", "if GUARD:\n    m.to(d)\nfor x in m: pass\n"),
    guarded("comprehension", "[m.⟦to|module⟧(d) for m in n]\n", "[m.to(d) if GUARD else m for m in n]\n"),
    guarded("parentheses", "f((m.⟦to|module⟧(d)))\n", "if GUARD:\n    m.to(d)\nf(m)\n"),
    guarded(
        "two of them",
        "f(m.⟦to|module⟧(d), m.⟦to|module⟧(d))\n",
        "if GUARD:\n    m.to(d)\nif GUARD:\n    m.to(d)\nf(m, m)\n",
    ),
    guarded(
        "chain of moves",
        "m.⟦to|module⟧(d).⟦to|module t0⟧(dt)\n",
        """
        if GUARD:
            m.to(d)
        if any(
            t.dtype != dt and (t.is_floating_point() or t.is_complex())
            for t in chain(m.parameters(), m.buffers())
        ):
            m.to(dt)
        """,
    ),
    guarded(
        "an attribute assigned to itself",
        "self.m = self.m.⟦to|module⟧(d)\n",
        """
        self.m = (
            self.m.to(d)
            if any(t.device != d for t in chain(self.m.parameters(), self.m.buffers()))
            else self.m
        )
        """,
    ),
    guarded(
        "an attribute assigned to itself, both halves",
        "self.m = self.m.⟦to|module d0 t1⟧(d, dt)\n",
        """
        self.m = (
            self.m.to(d, dt)
            if any(
                t.device != d or (t.dtype != dt and (t.is_floating_point() or t.is_complex()))
                for t in chain(self.m.parameters(), self.m.buffers())
            )
            else self.m
        )
        """,
    ),
    guarded(
        "a fresh local",
        "self.m = A(1).⟦to|module⟧(d)\n",
        """
        moved = A(1)
        if any(t.device != d for t in chain(moved.parameters(), moved.buffers())):
            moved.to(d)
        self.m = moved
        """,
    ),
    guarded(
        "a bare statement's receiver is evaluated once",
        "a.b().⟦to|module⟧(d)\n",
        """
        moved = a.b()
        if any(t.device != d for t in chain(moved.parameters(), moved.buffers())):
            moved.to(d)
        """,
    ),
    guarded(
        "the loop's name is taken",
        "m.⟦to|module⟧(t.d)\n",
        "if any(tensor.device != t.d for tensor in chain(m.parameters(), m.buffers())):\n    m.to(t.d)\n",
    ),
    guarded(
        "comments",
        """
        a()

        # above
        f(
            m  # m
            .⟦to|module⟧(
                d  # d
            ),  # beside
        )
        """,
        """
        a()

        if GUARD:
            (m  # m
                .to(
                    d  # d
                ))
        # above
        f(
            m,  # beside
        )
        """,
    ),
    case(
        "cached, an attribute assigned to itself",
        "class A:\n    def f(self):\n        self.m = self.m.⟦to|module cached⟧(d)\n",
        """
        class A:
            def f(self):
                if getattr(self, "_m_placed", None) != (self.m, d):
                    self.m.to(d)
                    self._m_placed = (self.m, d)
                self.m = self.m
        """,
    ),
]

REFUSED = [
    refusal("after a call", "f(g(), m.⟦to|module⟧(d))\n", "larger expression"),
    refusal("after an attribute, which may be a buffer", "f(m.b, m.⟦to|module⟧(d))\n", "larger expression"),
    refusal("ternary", "y = m.⟦to|module⟧(d) if c else m\n", "larger expression"),
    refusal("lambda", "f = lambda m: m.⟦to|module⟧(d)\n", "larger expression"),
    refusal("class body", "class A:\n    m.⟦to|module⟧(d)\n", "class body"),
    refusal("any is redefined", "def any(): pass\nm.⟦to|module⟧(d)\n", "`any`, but the file"),
    refusal("next is redefined", "next = 1\nm.⟦to|module first-tensor⟧(d)\n", "`next`"),
    refusal(
        "getattr is a parameter", "class A:\n    def f(self, getattr): self.m.⟦to|module cached⟧(d)\n", "`getattr`"
    ),
    refusal("star import", "from numpy import *\nm.⟦to|module⟧(d)\n", "star import"),
    refusal("cached without self", "def f(m): m.⟦to|module cached⟧(d)\n", "`self`"),
    refusal(
        "cached in a function of a method",
        "class A:\n    def f(self):\n        def g(m): m.⟦to|module cached⟧(d)\n",
        "`self`",
    ),
    refusal(
        "cached in a static method", "class A:\n    @staticmethod\n    def f(m): m.⟦to|module cached⟧(d)\n", "`self`"
    ),
    refusal(
        "cached in a class method", "class A:\n    @classmethod\n    def f(cls, m): m.⟦to|module cached⟧(d)\n", "`self`"
    ),
    refusal(
        "cached with slots", "class A:\n    __slots__ = ()\n    def f(self, m): m.⟦to|module cached⟧(d)\n", "`self`"
    ),
    refusal(
        "cached in an expression", "class A:\n    def f(self, m): return a and m.⟦to|module cached⟧(d)\n", "statement"
    ),
    refusal("receiver to be bound in an expression", "y = a and f().⟦to|module⟧(d)\n", "no new name"),
    refusal("super", "class A:\n    def to(self): return super().⟦to|module⟧(d)\n", "super()"),
    refusal("first tensor in an iterable", "y = [x for x in m.⟦to|module first-tensor⟧(d) if x]\n", "new name"),
]


@pytest.mark.parametrize("case", FORMS, ids=lambda case: case.id)
def test_form(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", PLACES, ids=lambda case: case.id)
def test_place(case: Case) -> None:
    case.check()


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_refused(case: Case) -> None:
    case.check()
