"""Random programs with marked transfers in random places, for `world.run`."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.codemods.world import PARAMETERS


@dataclass
class Program:
    """text: marked source. comments: all that it has. untouched: lines that no mark is on, in order."""

    text: str
    comments: list[str]
    untouched: list[str]


@dataclass
class _Writer:
    """Draws a program. once: names that nothing else reads, so that a guard may rebind them."""

    draw: st.DrawFn
    once: list[str] = field(default_factory=lambda: [f"u{i}" for i in range(40)])
    comments: list[str] = field(default_factory=list)
    last: str = "x2"  # the receiver of the last site that may be rebound
    repeated: int = 0  # inside loops and functions of their own: what may run again or later

    def pick(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def chance(self) -> bool:
        return self.draw(st.booleans())

    def comment(self) -> str:
        if self.chance():
            return ""
        self.comments.append(f"# c{len(self.comments)}.")
        return f"  {self.comments[-1]}"

    def site(self, depth: int) -> str:
        """A marked transfer; over several lines with comments now and then."""
        args, halves = self.draw(
            st.sampled_from(
                [
                    ("d0", "d0"),
                    ("d1, t0", "d0 t1"),
                    ("d0, dtype=t1", "d0 t1"),
                    ("dtype=t1", "t0"),
                    ("pick()", "d0*"),
                    ("kind(), device=d1", "t0* d1"),
                    ("d0, dtype=kind()", "d0 t1*"),
                    ("d0, non_blocking=f()", "d0"),
                ]
            )
        )
        kind = self.pick("tensor", "tensor", "tensor", "module", "delete")
        if kind == "tensor":
            receiver = self.pick("once", "once", "name", "deep")
            if receiver == "once" and self.once:
                mark = "tensor rebind" if not self.repeated else "tensor"
                receiver = self.once.pop()
                self.last = receiver
            else:
                mark = "tensor"
                receiver = self.pick("x0", "x1", "o.x") if receiver == "name" else self.receiver(depth)
        elif kind == "module":
            mark = "module"
            receiver = self.pick("m0", "m1", "m2", "o.m", "make()", "m1.eval()")
            args = args.replace(", non_blocking=f()", "")
        else:
            mark, receiver, args, halves = "delete", "home", "d0, t0", ""
        method = f"⟦to|{mark} {halves}⟧"
        if self.draw(st.integers(0, 3)):
            return f"{receiver}.{method}({args})"
        pieces = ["(", receiver, f"  .{method}(", f" {args}", " )"]
        return "\n".join([*(piece + self.comment() for piece in pieces), ")"])

    def receiver(self, depth: int) -> str:
        text = self.expression(depth - 1)
        if self.draw(st.integers(0, 4)) == 0:
            return f"(x2 := {text})"
        return text if text.isidentifier() else f"({text})"

    def expression(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("x0", "x1", "x2", "o.x", "home", "m0.buffer")
        one = self.expression
        if self.chance() and self.chance():
            # The last site's name read before the site: it may be rebound for what comes after this statement only.
            self.last = "x2"
            site = self.site(0)
            return f"f({self.last}, {site}{'.buffer' if '|module' in site else ''})"
        kind = self.pick(
            *[
                "site",
                "site",
                "site",
                "call",
                "call",
                "method",
                "keyword",
                "star",
                "ternary",
                "and",
                "add",
                "list",
                "dict",
                "lambda",
                "each",
                "attribute",
                "compare",
                "tests",
            ]
        )
        if kind == "site":
            text = self.site(depth)
            return f"{text}.buffer" if "|module" in text.split("⟧")[-2] and text.count("|") == 1 else text
        if kind == "call":
            return f"{self.pick('f', 'g', 'o.f')}({one(depth - 1)}, {one(depth - 1)})"
        if kind == "method":
            return f"m0.⟦to|module⟧(d{self.pick('0', '1')}).eval().buffer"
        if kind == "keyword":
            return f"h(a={one(depth - 1)}, *[{one(depth - 1)}])"
        if kind == "star":
            return f"h(*{self.receiver(depth)}, **{{'k': {one(depth - 1)}}})"
        if kind == "ternary":
            return f"({one(depth - 1)} if {one(depth - 1)} else {one(depth - 1)})"
        if kind == "and":
            return f"({one(depth - 1)} {self.pick('and', 'or')} {one(depth - 1)})"
        if kind == "add":
            return f"f({self.receiver(depth)} + {self.receiver(depth)})"
        if kind == "list":
            return f"f([{one(depth - 1)}, {one(depth - 1)}])"
        if kind == "dict":
            return f"f({{1: {one(depth - 1)}, 2: {one(depth - 1)}}})"
        if kind == "tests":
            # Many short arms that may not run.
            return f"f(x0 and {self.site(1)} or {self.site(1)})"
        if kind == "attribute":
            return f"f({self.receiver(depth)}, o.x, {one(depth - 1)})"
        if kind == "compare":
            return f"f(({one(depth - 1)}) is ({one(depth - 1)}) is ({one(depth - 1)}))"
        self.repeated += 1
        text = one(depth - 1)
        self.repeated -= 1
        return f"(lambda: {text})()" if kind == "lambda" else f"f([{text} for i in (1, 2)])"

    def small(self) -> str:
        kind = self.pick(
            "assign",
            "self",
            "bare",
            "attribute",
            "augment",
            "two",
            "walrus",
            "delete",
            "assert",
            "subscript",
        )
        if kind == "assign":
            return f"{self.pick('x0', 'x2', 'y')} = {self.expression(3)}"
        if kind == "self":
            name = self.pick("x0", "x1", "o.x", "m0", "o.m")
            return f"{name} = {name}.⟦to|{'module' if 'm' in name else 'tensor'}⟧(d{self.pick('0', '1')})"
        if kind == "bare":
            return self.site(2)
        if kind == "tests":
            # Many short arms that may not run.
            return f"(x0 and {self.site(1)} or {self.site(1)})"
        if kind == "attribute":
            return f"o.x = {self.expression(2)}"
        if kind == "augment":
            return f"x1 += {self.receiver(3)}"
        if kind == "two":
            return f"x0, x1 = {self.expression(2)}, {self.expression(2)}"
        if kind == "walrus":
            return f"f(y := ({self.expression(2)}), y)"
        if kind == "delete":
            return "home = home.⟦to|delete⟧(d0)"
        if kind == "assert":
            return f"assert ({self.expression(2)}) or 1, {self.expression(1)}"
        return f"log[f({self.expression(1)}) and 0] = {self.expression(2)}"

    def statement(self, indent: str, depth: int) -> list[str]:
        """Physical lines, each a statement's or a suite's head's; a statement over several lines is one string."""
        kind = (
            self.pick(
                "line",
                "line",
                "line",
                "line",
                "if",
                "suite",
                "for",
                "with",
                "while",
            )
            if depth
            else "line"
        )
        if kind == "line":
            text = "; ".join(self.small() for _ in range(self.draw(st.integers(1, 2))))
            return [f"{indent}{text}{self.comment()}"]
        if kind == "if":
            lines = [f"{indent}if {self.expression(2)}:{self.comment()}", *self.block(indent, depth)]
            if self.chance():
                lines += [f"{indent}elif {self.expression(2)}:{self.comment()}", *self.block(indent, depth)]
            return lines
        if kind == "suite":
            text = f"{indent}if {self.expression(1)}: {self.small()}{self.comment()}"
            return [text]
        if kind == "with":
            return [f"{indent}with {self.receiver(3)} as z:{self.comment()}", *self.block(indent, depth)]
        if kind == "while":
            self.repeated += 1
            lines = [f"{indent}while {self.receiver(2)} and again():{self.comment()}", *self.block(indent, depth)]
            self.repeated -= 1
            return lines
        head = f"{indent}for z in {self.receiver(3)}:{self.comment()}"
        self.repeated += 1
        lines = [head, *self.block(indent, depth)]
        self.repeated -= 1
        return lines

    def block(self, indent: str, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.draw(st.integers(1, 3))):
            if self.chance():
                lines.append(self.pick("", f"{indent}    # plain"))
            lines += self.statement(f"{indent}    ", depth - 1)
        return lines


HEAD = """\
def program({names}):
    home, log, y, z, turns = o.home, [0], 0, 0, iter([1, 1])
    again = lambda: next(turns, 0)
"""


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A program of a few statements."""
    writer = _Writer(draw)
    lines = writer.block("", 2)
    lines.append(f"    return [log, x0, x1, x2, y, z, {writer.expression(2)}]")
    head = HEAD.format(names=", ".join(PARAMETERS))
    plain = [line for line in lines if "⟦" not in line]
    return Program(
        head + "\n".join(lines) + "\n", writer.comments, [part for line in plain for part in line.split("\n")]
    )
