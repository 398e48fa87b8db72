"""Random small programs of one or two files whose values move between devices, for `world.compare`."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from tests.programs.containers import Containers
from tests.programs.control import Control
from tests.programs.heads import CLASSES, EXTRAS, GLOBALS, HEAD, SPECIAL
from tests.programs.moves import Moves
from tests.programs.objects import Objects
from tests.programs.scope import Call, Draws, Scope
from tests.programs.unseen import Unseen
from tests.programs.world import MAIN


class Writer(Moves, Containers, Objects, Control, Unseen):
    """Draws a program."""

    def block(self, scope: Scope, depth: int, most: int = 4) -> list[str]:
        """One to `most` statements; the scope gets the names that they bind."""
        lines: list[str] = []
        for _ in range(1 + self.number(most - 1)):
            lines += self.statement(scope, depth)
        return lines

    def statement(self, scope: Scope, depth: int) -> list[str]:
        kinds = ["assign"] * 5 + ["same", "same", "log", "augmented", "pair", "list", "dict", "append", "item", "data"]
        kinds += ["items", "items", "closure", "exit", "call", "call", *["probe"] * 8, "seat", "seat", "twice", "twice"]
        kinds += ["correlated", "read", "state", "elsewhere", "starred", "view", "by_name", "deed", "handed", "rebound"]
        if not self.replaces:
            kinds.remove("data")
        if self.unpacks:
            kinds += ["unpacked"]
        if self.swaps and scope.names.get("m"):
            kinds += ["swapped"]
        if scope.names.get("m"):
            kinds += ["move"] * 4 + ["box", "modules", "alias"]
        if scope.names.get("u"):
            kinds += ["part", "register"]
        if scope.names.get("b"):
            kinds += ["attribute", "attribute", "method"]
        if depth > 0:
            kinds += ["if", "if", "guard", "for", "for", "while", "try", "with", "match", "again", "again"]
            kinds += ["correlated", "carried", "gather", "invariant", "invariant"]
            kinds += ["raising", "flow"] if scope.names.get("m") else []
        return getattr(self, f"_{self.pick(*kinds)}")(scope, depth)

    def function(self, name: str, calls: list[Call], *, method: bool = False) -> list[str]:
        """A function of (t, u, d, m), or a method of Box or of Net that sees `self`; it returns a tensor."""
        names: dict[str, list[str]] = {
            "t": ["t", "u"], "d": ["device"], "k": ["dtype"], "m": ["m"], "s": ["s"], "w": ["what"],
            "p": self.places(),
        }  # fmt: skip
        kind = self.pick("Box", "Net") if method else ""
        if kind == "Box":
            names["b"] = ["self"]
            names["m"].append("self.net")
            names["t"].append("self.t")
        elif kind == "Net":
            names["u"] = ["self"]
            names["m"] += ["self", "self.linear", "self.norm"]
            names["t"].append("self.kept")
        scope = Scope(names, list(calls), returns="t")
        tensor = self.pick(": torch.Tensor", ": torch.Tensor", "")
        device = self.pick(": torch.device", ": torch.device", "")
        module = self.pick(": nn.Module", ": nn.Module", "")
        own = "self, " if method else ""
        if self.chance(3):  # what every function sees
            names["u"] = [*names.get("u", []), "own"]
            names["m"] += ["own", "own.linear", "box.net"]
            names["b"] = [*names.get("b", []), "box"]
        lines = [
            f"def {name}({own}t{tensor}, u{tensor}, device{device}, m{module}, flag, count, s{tensor}, dtype, what, "
            f"place{self.pick(': str', '')}, index{self.pick(': int', '')}, word, verb, act):"
        ]
        lines += [f"    {line}" for line in self.block(scope, 2, 6)]
        if method and self.chance(3):  # it runs on the same object while it does
            again = f"self.{name}(t, u, device, m, flag, count - 1, s, dtype, what, place, index, word, verb, act)"
            lines += ["    if count > 0:", f"        log.append({again})"]
            lines += [f"    {line}" for line in self.block(scope, 0, 2)]
        lines += [f"    return {self.tensor(scope, 1)}"]
        return [kind, *lines] if method else lines


def _caller(name: str, *, through: str = "") -> Call:
    def call(writer: Draws, scope: Scope) -> str:
        kind = {"Box": "b", "Net": "u"}.get(through)
        if kind and not scope.names.get(kind):
            return writer.of("t", scope)
        owner = f"{writer.of(kind, scope)}." if kind else ""
        if not scope.names.get("m"):
            return writer.of("t", scope)
        given = [writer.of("t", scope), writer.of("t", scope), writer.of("d", scope), writer.of("m", scope)]
        given += [writer.pick("flag", "not flag"), "count, s, dtype, what, place, index, word, verb, act"]
        return f"{owner}{name}({', '.join(given)})"

    return call


@st.composite
def programs(draw: st.DrawFn) -> dict[str, str]:
    """Path -> text of a program's two files."""
    return write(Writer(draw))


def _entry(writer: Writer, name: str, calls: list[Call]) -> str:
    """A function that gets all inputs and returns what it has made of them."""
    names = {
        "t": ["x", "y", "x", "y", "ints"], "s": ["s"], "d": ["device", "other"], "k": ["dtype"], "w": ["what"],
        "m": ["net", "net2", "own", "own.linear", "box.net"], "u": ["own"], "b": ["box"], "p": writer.places(),
    }  # fmt: skip
    scope = Scope(names, calls, returns="x")
    body = writer.block(scope, 3, writer.pick(2, 3, 4, 6, 12))
    note = writer.pick(": torch.Tensor", ": torch.Tensor", ": torch.Tensor", "")
    device = writer.pick(": torch.device", ": torch.device", "")
    module = writer.pick(": nn.Module", ": nn.Module", "")
    kept = list(dict.fromkeys(scope.names["t"])) + scope.names.get("l", []) + scope.names.get("e", [])
    lines = [
        f"def {name}(x{note}, y{note}, ints: torch.Tensor, s{note}, device{device}, other{device}, dtype: torch.dtype, "
        f"what, flag{writer.pick(': bool', ': bool', '')}, count{writer.pick(': int', '')}, net{module}, "
        f"net2{module}, place{writer.pick(': str', ': str', '')}, index{writer.pick(': int', '')}, "
        f"word{writer.pick(': str', '')}, verb, act):",
        *(f"    {line}" for line in body),
        f"    return {', '.join(kept)}, own, box",
    ]
    return "\n".join(lines) + "\n"


def write(writer: Writer, entries: int = 1) -> dict[str, str]:
    """Path -> text of the program that a writer draws. Its entries are `run`, `run1`, `run2` ..."""
    writer.home = writer.pick(
        "to(device)",
        "to(device)",
        "to(device)",
        "to(device, dtype)",
        "cpu()",
        "cuda()",
        "to(what)",
        "to(place)",
        'to(f"cuda:{index}")',
        "to(DEVICE)",
        "to(PLACE)",
        "to(elsewhere.PLACE)",
    )
    writer.special = writer.pick("", "", *SPECIAL)
    calls: list[Call] = []
    functions: list[list[str]] = []
    methods: dict[str, list[str]] = {"Box": [], "Net": []}
    if writer.special:
        methods["Box"] += [
            "",
            f"    def {writer.special}:",
            '        self.net.to("cpu")',
            "        self.t = self.t.cpu()",
        ]
        methods["Box"] += [f"        return {SPECIAL[writer.special][0]}"]
    for number in range(writer.number(3)):
        if writer.chance():
            kind, *lines = writer.function(f"work{number}", calls, method=True)
            methods[kind] += ["", *(f"    {line}" for line in lines)]
            calls.append(_caller(f"work{number}", through=kind))
        else:
            functions.append(writer.function(f"help{number}", calls))
            calls.append(_caller(f"help{number}"))
    classes = CLASSES
    for kind, following in (("Net", "\n\nclass Box:"), ("Box", "\n\n@contextlib")):
        classes = classes.replace(following, "\n".join(methods[kind]) + "\n" + following, 1)
    runs = [_entry(writer, f"run{number or ''}", calls) for number in range(entries)]
    functions_ = "".join("\n\n" + "\n".join(lines) + "\n" for lines in functions)
    written = "".join((*runs, classes, functions_))
    extras = {name: text for name, text in EXTRAS.items() if re.search(rf"\b{name}\b", written)}
    code = classes + "".join(f"\n{text}" for text in extras.values()) + functions_
    if writer.chance():
        names = re.findall(r"^(?:class|def) (\w+)", code, re.MULTILINE)
        names += [name for name in extras if name not in names]
        main = f"{HEAD}from helpers import {', '.join(names)}, box, log, own, HOST, DEVICE, SECOND\n\n\n"
        return {"helpers.py": f"{HEAD}{code}{GLOBALS}", MAIN: main + "\n\n".join(runs)}
    return {MAIN: f"{HEAD}{code}{GLOBALS}\n\n" + "\n\n".join(runs)}
