"""Random small programs of two files whose values move between devices, for `world.compare`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hypothesis import strategies as st

from tests.programs.world import MAIN

HEAD = "import contextlib\n\nimport numpy as np\nimport torch\nfrom torch import nn\n"

CLASSES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.scale = nn.Parameter(torch.ones(4))
        self.register_buffer("steps", torch.arange(4))
        self.kept = torch.zeros(4, 4)
        self.extra = [nn.Linear(4, 4)]

    def forward(self, t):
        t = t.to(self.linear.weight)
        return self.norm(self.linear(t))

    def offload(self):
        self.to("cpu")

    def shift(self, t):
        return t + self.kept.to(t.device)

    @property
    def device(self):
        return self.linear.weight.device


class Box:
    def __init__(self, net, t=None):
        self.net = net
        self.t = t
        self.held = [t]
        self.device = torch.device("cpu")
        self.mode = "a"

    def reset(self):
        self.net.to("cpu")

    def __enter__(self):
        self.net.to("cpu")
        return self

    def __exit__(self, *what):
        self.net.to("cpu")


@contextlib.contextmanager
def loaded(net, device):
    net.to(device)
    try:
        yield net
    finally:
        net.to("cpu")


def stream(net, device):
    yield 1
    net.to(device)
    yield 2


def seat(t):
    return t.device


def noted(t):
    log.append(t.shape)
    return t.device
"""

GLOBALS = """

HOST = "cpu"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SECOND = f"cuda:{torch.cuda.device_count() - 1}"
own = Net()
box = Box(own.linear, torch.zeros(4, 4))
log = []
"""


Option = TypeVar("Option")


@dataclass
class Scope:
    """What can be named at a place: expressions by kind.

    Kinds: t a tensor of shape (4, 4), s a 0-dim one, u a module with `linear` and `norm`, m any module, d a device,
    p what names a device without being one, k a dtype, w something that `.to` takes (unannotated), b an instance of
    Box, l a list of tensors, e a dict of tensors, n a callable without arguments that gives a tensor.
    """

    names: dict[str, list[str]]
    calls: list[Callable[[Writer, Scope], str]] = field(default_factory=list)
    loop: bool = False
    returns: str = ""  # what a `return` here gives: an expression of kind t

    def copy(self) -> Scope:
        names = {kind: list(names) for kind, names in self.names.items()}
        return replace(self, names=names, calls=list(self.calls))

    def bind(self, kind: str, name: str) -> str:
        for other, names in self.names.items():
            self.names[other] = [known for known in names if known != name]
        self.names.setdefault(kind, []).append(name)
        return name


@dataclass
class Writer:
    """Draws a program.

    home: the move that most values make again and again; what comes between two of them should undo it in ways that
    are hard to see.
    """

    draw: st.DrawFn
    fresh: int = 0
    home: str = "to(device)"

    def pick(self, *options: Option) -> Option:
        return self.draw(st.sampled_from(options))

    def number(self, most: int) -> int:
        return self.draw(st.integers(0, most))

    def chance(self, one_in: int = 2) -> bool:
        return self.number(one_in - 1) == 1

    def name(self, prefix: str) -> str:
        self.fresh += 1
        return f"{prefix}{self.fresh}"

    def of(self, kind: str, scope: Scope) -> str:
        return self.pick(*scope.names[kind])

    # ---- expressions ---------------------------------------------------------------------------------------------

    def device(self, scope: Scope) -> str:
        if self.chance(4):
            return self.pick('"cpu"', 'torch.device("cpu")', '"cuda:0"', 'torch.device("cuda", 1)')
        if self.chance(4):
            return f"{self.of('t', scope)}.device"
        if scope.names.get("u") and self.chance(6):
            return self.pick(
                f"{self.of('u', scope)}.linear.weight.device", f"next({self.of('m', scope)}.parameters()).device"
            )
        if scope.names.get("b") and self.chance(5):
            return f"{self.of('b', scope)}.device"
        if self.chance(4):
            return self.of("p", scope)
        return self.of("d", scope)

    def dtype(self, scope: Scope) -> str:
        return self.pick(self.of("k", scope), self.of("k", scope), "torch.float16", f"{self.of('t', scope)}.dtype")

    def target(self, scope: Scope, *, module: bool = False) -> str:
        """A call of a transfer's method: `to(...)` in all spellings, `cpu()`, `cuda()`."""
        if self.chance() and "device" in scope.names["d"]:
            return self.home
        form = self.pick(
            "d", "d", "d", "d", "cpu", "dt", "dtk", "k", "kw", "other", "cpu", "cuda", "nb", "copy", "what"
        )
        device, dtype = self.device(scope), self.dtype(scope)
        match form:
            case "dt":
                return f"to({device}, {dtype})"
            case "dtk":
                return f"to({device}, dtype={dtype})"
            case "k":
                return f"to({dtype})"
            case "kw":
                return f"to(dtype={dtype}, device={device})"
            case "other" if not module:
                return f"to({self.of('t', scope)})"
            case "cpu":
                return "cpu()"
            case "cuda":
                return self.pick("cuda()", "cuda(1)")
            case "nb":
                return f"to({device}, non_blocking=True)"
            case "copy" if not module:
                return f"to({device}, copy=True)"
            case "what" if scope.names.get("w"):
                return f"to({self.of('w', scope)})"
        return f"to({device})"

    def tensor(self, scope: Scope, depth: int = 2) -> str:
        if depth <= 0:
            return self.of("t", scope)
        one = self.tensor
        a, b = self.of("t", scope), self.of("t", scope)
        kinds = ["name", "move", "move", "move", "move", "unary", "unary", "pair", "make", "ternary", "inline", "item"]
        kinds += ["built"]
        if scope.calls:
            kinds += ["call", "call"]
        if scope.names.get("m"):
            kinds += ["module", "weight"]
        match self.pick(*kinds):
            case "move":
                return f"{one(scope, depth - 1)}.{self.target(scope)}"
            case "unary":
                form = self.pick(
                    "({} * 2)", "({} + 1)", "-{}", "{}.clone()", "{}.contiguous()", "{}.t()", "{}.float()", "{}.half()",
                    "{}.detach()", "{}[:]", "torch.relu({})", "{}.reshape(4, 4)", "torch.zeros_like({})",
                    "{}.new_ones(4, 4)", "{}.abs()", "({} > 0)", "{}.mul_(2)", "{}.softmax(0, dtype=torch.float32)",
                )  # fmt: skip
                return form.format(one(scope, depth - 1))
            case "pair":
                form = self.pick(
                    "({a} + {b}.to({a}))", "({a} * {b}.to({a}.device))", "torch.where({a} > 0, {a}, {b}.to({a}))",
                    "torch.cat([{a}, {b}.to({a})])[:4]", "{a}.expand_as({b})", "{a}.view_as({b})", "{a}.copy_({b})",
                    "({a} if {a}.device == {b}.device else {b})", "torch.stack(({a}, {b}.to({a}))).sum(0)",
                    "({a} + s)", "({a} * s.to({a}.device))", "{a}.type_as({b})", "({a} @ {b}.to({a}))",
                    "({a} + {b} if {a}.device == {b}.device else {a})",
                )  # fmt: skip
                return form.format(a=a, b=b)
            case "built":
                return self.built(scope)
            case "make":
                device = self.device(scope)
                return self.pick(
                    "torch.ones(4, 4)", f"torch.ones(4, 4, device={device})", f"torch.zeros_like({a}, device={device})",
                    f"torch.full_like({a}, 3.0, dtype={self.dtype(scope)})", "torch.rand(4, 4)", f"{a}.data",
                    f"torch.rand(4, 4).to({device})", f"torch.zeros(4, 4).to({device}, {self.dtype(scope)})",
                    f"torch.rand(4, 4, device={device})",
                )  # fmt: skip
            case "ternary":
                test = self.test(scope)
                return f"({one(scope, depth - 1)} if {test} else {one(scope, depth - 1)})"
            case "inline":
                inner = scope.copy()
                name = inner.bind("t", self.pick("v", "x", "a1"))
                body = one(inner, 1)
                return self.pick(
                    f"(lambda {name}: {body})({a})",
                    f"[{body} for {name} in ({a}, {b})][0]",
                    f"next({body} for {name} in [{a}])",
                    f"(w := {one(scope, depth - 1)})",
                    f"{{'k': {one(scope, depth - 1)}}}['k']",
                    f"({a}, {one(scope, depth - 1)})[1]",
                )
            case "item":
                if scope.names.get("l") and self.chance():
                    return f"{self.of('l', scope)}[0]"
                if scope.names.get("e") and self.chance():
                    return f"{self.of('e', scope)}['a']"
                if scope.names.get("b"):
                    return f"{self.of('b', scope)}.{self.pick('t', 'held[0]')}"
            case "call":
                call = scope.calls[self.number(len(scope.calls) - 1)]
                return call(self, scope)
            case "module":
                module = self.of("m", scope)
                return f"{module}({one(scope, depth - 1)}.to(next({module}.parameters())))"
            case "weight" if scope.names.get("u"):
                unit = self.of("u", scope)
                return self.pick(
                    f"{unit}.linear.weight", f"{unit}.linear.weight.data", f"({unit}.linear.weight * 1)",
                    f"{unit}.shift({a})",
                )  # fmt: skip
        return a

    def built(self, scope: Scope) -> str:
        """A tensor that is made on the host, perhaps reshaped or cast, and moved; or one that goes through numpy."""
        a, b, row = self.of("t", scope), self.of("t", scope), "[0.5, 1, 2, 3]"
        make = self.pick(
            f"torch.FloatTensor({row}).expand(4, 4)", f"torch.Tensor({row})", "torch.LongTensor([0, 1, 2, 3])",
            f"torch.tensor({row})", f"torch.tensor({row}, dtype={self.dtype(scope)})", "torch.tensor(3)",
            f"torch.as_tensor([{row}])", "torch.arange(4)", "torch.arange(16).view(4, 4)", "torch.zeros(8, 4)[4:]",
            "torch.arange(16.0)[:].reshape(4, 4)", "torch.ones(4).unsqueeze(0)", "torch.full((4, 4), 2).half()",
            "torch.zeros(4, 4).type(torch.float16)", f"torch.ones(4, 4, dtype={self.dtype(scope)})", "torch.eye(4)",
            "torch.linspace(0, 1, 4)", "torch.stack([torch.ones(4), torch.zeros(4)])[:1]", "(torch.ones(4) * 2 + 1)",
            "torch.from_numpy(np.ones((4, 4)))", "torch.tensor(np.arange(4))", "torch.ones(4, 4).float()",
            "torch.ones(4, 4).requires_grad_(flag)", "torch.HalfTensor([1, 2, 3, 4])", "torch.Tensor(4, 4).fill_(2)",
        )  # fmt: skip
        array = f"{a}.detach().cpu().float().numpy()"
        made = f"{make}.{self.target(scope)}"
        return self.pick(
            *[f"{made}.expand(4, 4)"] * 4, f"({b}.detach() + {made})", f"torch.from_numpy({array})",
            f"torch.from_numpy({array}).{self.target(scope)}", f"torch.from_numpy({array} * 2).to({a}.device)",
            f"torch.tensor({array}).{self.target(scope)}", f"torch.from_numpy(np.ones((4, 4)) * {make}.numpy())",
            f"(torch.ones(4, 4) * torch.as_tensor({array}))",
        )  # fmt: skip

    def steady(self, scope: Scope) -> tuple[str, str]:
        """A test that has the same outcome when it is made again, and what changes that outcome."""
        options = [("flag", "flag = not flag"), ("not flag", "flag = not flag"), ("count == 1", "count = 2 - count"),
                   ("count != 0", "count = 2 - count"), ("flag is True", "flag = not flag")]  # fmt: skip
        for box in scope.names.get("b", []):
            options.append((f"{box}.mode == 'a'", f"{self.of('b', scope)}.mode = 'b'"))
        return options[self.number(len(options) - 1)]

    def test(self, scope: Scope) -> str:
        a = self.of("t", scope)
        options = [
            "flag", "flag", "not flag", "count", "count == 1", f"{a}.device != {self.of('d', scope)}",
            f"{a}.device == {self.of('d', scope)}", f"{a}.is_cuda", f"{a}.dtype == {self.of('k', scope)}",
            f"{a}.device == {self.of('t', scope)}.device", f"flag and {a}.device != {self.device(scope)}",
            f"flag or {a}.device == {self.of('d', scope)}",
            f"{a}.device != {self.of('d', scope)} or {a}.dtype != {self.of('k', scope)}",
            f"{a} is {self.of('t', scope)}", f"(w := {self.tensor(scope, 1)}).device == {self.of('d', scope)}",
        ]  # fmt: skip
        if scope.names.get("m"):
            module = self.of("m", scope)
            options += [
                f"next({module}.parameters()).device != {self.of('d', scope)}",
                f"any(p.device != {self.of('d', scope)} for p in {module}.parameters())",
            ]
        return self.pick(*options)

    # ---- statements ----------------------------------------------------------------------------------------------

    def block(self, scope: Scope, depth: int, most: int = 4) -> list[str]:
        """One to `most` statements; the scope gets the names that they bind."""
        lines: list[str] = []
        for _ in range(1 + self.number(most - 1)):
            lines += self.statement(scope, depth)
        return lines

    def nested(self, scope: Scope, depth: int, *, loop: bool | None = None) -> list[str]:
        """A block of its own; names that it binds for the first time are not used after it."""
        inner = scope.copy()
        if loop is not None:
            inner.loop = loop
        return [f"    {line}" for line in self.block(inner, depth - 1, 3)]

    def assignable(self, scope: Scope) -> str:
        """A local that may be bound to a tensor: a new one, or one that holds one already."""
        locals_ = [name for name in scope.names["t"] if name.isidentifier()]
        return self.pick(*locals_) if self.chance() and locals_ else self.name("a")

    def statement(self, scope: Scope, depth: int) -> list[str]:
        kinds = ["assign"] * 5 + ["same", "same", "log", "augmented", "pair", "list", "dict", "append", "item", "data"]
        kinds += ["items", "items"]
        kinds += [
            "closure",
            "exit",
            "call",
            "call",
            *["probe"] * 8,
            "seat",
            "seat",
            "twice",
            "twice",
            "correlated",
            "read",
        ]
        if scope.names.get("m"):
            kinds += ["move"] * 4 + ["box"]
        if scope.names.get("u"):
            kinds += ["part", "register"]
        if scope.names.get("b"):
            kinds += ["attribute", "attribute", "method"]
        if depth > 0:
            kinds += ["if", "if", "guard", "for", "for", "while", "try", "with", "match", "again", "again"]
            kinds += ["correlated", "carried", "gather", "invariant", "invariant"]
        return getattr(self, f"_{self.pick(*kinds)}")(scope, depth)

    def _assign(self, scope: Scope, depth: int) -> list[str]:
        value = self.tensor(scope)
        return [f"{scope.bind('t', self.assignable(scope))} = {value}"]

    def _probe(self, scope: Scope, depth: int) -> list[str]:
        """A value goes home, something happens, and it goes home again."""
        home = self.home_move(scope)
        kinds = ["local", *(kind for kind in ("l", "e", "b", "u", "m", "m", "m") if scope.names.get(kind))]
        kind = self.pick(*kinds)
        if kind == "local":
            value = self.tensor(scope, 1)
            subject = scope.bind("t", self.assignable(scope))
            first = f"{subject} = {value}.{home}"
        elif kind == "m":
            subject = self.of("m", scope)
            first = f"{subject}.{home}"
        else:
            owner = self.of(kind, scope)
            subject = {"l": f"{owner}[0]", "e": f"{owner}['a']", "b": f"{owner}.t", "u": f"{owner}.kept"}[kind]
            first = f"{subject} = {self.tensor(scope, 1)}.{home}"
        between = self.block(scope, depth, 2)
        if kind == "m" or self.chance():
            return [first, *between, f"{subject}.{home}" if kind == "m" else f"log.append({subject}.{home})"]
        return [first, *between, f"{scope.bind('t', self.name('a'))} = {subject}.{home}"]

    def _moved(self, move: str, scope: Scope) -> list[str]:
        """A use of a moved value: by an operation, or one that keeps it, hands it on, or writes to it."""
        name = scope.bind("t", self.name("a"))
        use = self.pick("torch.sin({})", "({} * 2)", "{}.sum()", "{}", "{}[0]", "{}.add_(1)", "{}.view(-1)", "[{}][0]")
        return [f"{name} = {use.format(move)}", *([f"log.append({name})"] if self.chance() else [])]

    def _seat(self, scope: Scope, depth: int) -> list[str]:
        """A local says where a value goes. What gives it may do more than that, and another local may go with it."""
        name, kind = self.name("d"), self.name("k")
        t = self.of("t", scope)
        given = self.pick(f"{t}.device", f"seat({t})", f"noted({t})", f"noted({t})", "torch.device(DEVICE)")
        first, target = self.pick(
            (f"{name} = {given}", name),
            (f"{name}: torch.device = {given}", name),
            (f"{name}, {kind} = {given}, {t}.dtype", f"{name}, {kind}"),
            (f"{kind} = {given}\n{name} = {kind} or {t}.device", name),
            ("", given),
        )
        lines = [*first.splitlines(), *(self.block(scope, 0, 1) if self.chance(3) else [])]
        return [*lines, *self._moved(f"{self.pick(t, self.of('t', scope))}.to({target})", scope)]

    def _twice(self, scope: Scope, depth: int) -> list[str]:
        """The same value is moved twice."""
        move = f"{self.of('t', scope)}.to({self.pick(self.device(scope), self.device(scope), self.of('t', scope))})"
        first = [f"{scope.bind('t', self.name('a'))} = {move}"] if self.chance() else self._moved(move, scope)
        return [*first, *(self.block(scope, 0, 2) if self.chance() else []), *self._moved(move, scope)]

    def _again(self, scope: Scope, depth: int) -> list[str]:
        """A loop moves the same value in every round, perhaps; perhaps it never gets there."""
        move = f"{self.of('t', scope)}.to({self.device(scope)})"
        inner = scope.copy()
        lines = [*self._moved(move, inner), *(self.block(inner, depth - 1, 2) if self.chance() else [])]
        if self.chance(3):
            lines = [f"if {self.test(inner)}:", *(f"    {line}" for line in lines)]
        head = self.pick("for i in range(count):", "for i in range(3):", "for i in ():")
        return [head, *(f"    {line}" for line in lines)]

    def _call(self, scope: Scope, depth: int) -> list[str]:
        if not scope.calls:
            return self._log(scope, depth)
        call = scope.calls[self.number(len(scope.calls) - 1)](self, scope)
        later = f"for act in {{'f': lambda: {call}}}.values(): act()"
        return [self.pick(f"log.append({call})", call, f"list(map(lambda _: {call}, [1]))", later)]

    def _same(self, scope: Scope, depth: int) -> list[str]:
        name = self.of("t", scope)
        if not name.isidentifier():
            return [f"{scope.bind('t', self.name('a'))} = {name}"]
        return [f"{name} = {name}.{self.target(scope)}"]

    def _log(self, scope: Scope, depth: int) -> list[str]:
        a, b = self.tensor(scope, 1), self.of("t", scope)
        return [
            self.pick(
                f"log.append(({a}.device, {b}.dtype))",
                f"log.append({a} is {b})",
                f"log.append({a})",
                f"log.append({b}[None].shape)",
            )
        ]

    def home_move(self, scope: Scope) -> str:
        return self.home if "device" in scope.names["d"] else f"to({self.of('d', scope)})"

    def _read(self, scope: Scope, depth: int) -> list[str]:
        """The host reads values, one by one or all at once."""
        a, d = self.of("t", scope), self.device(scope)
        several = [*scope.names.get("l", []), f"{a}[0]", f"{a}.flatten()", f"{a}.view(-1).to({d})", f"{a}.diag()"]
        several += [f"{a}.to('cuda:0').flatten()", f"torch.ones(4, 4, device={self.device(scope)}).view(-1)"]
        form = self.pick(
            "[v.item() for v in {}]", "[v.item() for v in {}]", "[float(v) for v in {}]", "[v.cpu() for v in {}]",
            "{{v.item() for v in {}}}", "[v.item() for v in {} if flag]", "[v.item() * 2 for v in {}]",
            "[v.tolist() for v in {}]",
        )  # fmt: skip
        reads = form.format(self.pick(*several))
        return [
            self.pick(
                *[f"log.append({reads})"] * 3, f"log.append(({a}.sum().item(), {a}.sum().item()))",
                f"log.append(float({a}.to({d}).sum()))", f"log.append({a}.to({d}).cpu().tolist())",
            )
        ]  # fmt: skip

    def _correlated(self, scope: Scope, depth: int) -> list[str]:
        """One and the same test, made twice, with perhaps something in between that changes its outcome."""
        test, change = self.steady(scope)
        name, home, kept = self.name("a"), self.home_move(scope), self.of("t", scope)
        lines = [f"if {test}:", f"    {name} = {self.tensor(scope, 1)}.{home}", "else:", f"    {name} = {kept}"]
        scope.bind("t", name)
        if self.chance():
            lines += self.block(scope, 0, 2)
        if self.chance(3):
            lines += [change] if self.chance() else [f"if {self.test(scope)}:", f"    {change}"]
        again = self.pick(test, test, test, f"not ({test})" if " " in test else f"not {test}")
        use = self.pick(f"{name} = {name}.{home}", f"log.append({name}.{home})", f"{name} = {kept}.{home}")
        return [*lines, f"if {again}:", f"    {use}"]

    def _carried(self, scope: Scope, depth: int) -> list[str]:
        """A value that one iteration makes and the next one reads."""
        name, home, inner = self.name("a"), self.home_move(scope), scope.copy()
        inner.loop = True
        start = self.pick("None", "None", self.of("t", scope), f"{self.of('t', scope)}.{home}")
        if start != "None":
            scope.bind("t", name)
            inner.bind("t", name)
        read = [f"if {name} is not None:", f"    log.append({name}.{home})"]
        if start != "None" and self.chance():
            read = [f"{inner.bind('t', self.assignable(inner))} = {name}.{home}"]
        made = self.block(inner, 0, 2)
        made.append(f"{name} = {self.tensor(inner, 1)}{self.pick('', f'.{home}', f'.{home}')}")
        body = [*made, *read] if self.chance(4) else [*read, *made]
        return [f"{name} = {start}", f"for i in range({self.pick('count', '2', '3')}):", *(f"    {b}" for b in body)]

    def _gather(self, scope: Scope, depth: int) -> list[str]:
        """A list that a loop fills, put together afterwards."""
        parts, home, inner = self.name("l"), self.home_move(scope), scope.copy()
        inner.loop = True
        body = [*self.block(inner, 0, 2), f"{parts}.append({self.tensor(inner, 1)}.{home})"]
        lines = [f"{parts} = []", f"for i in range({self.pick('2', '3', 'count + 1')}):", *(f"    {b}" for b in body)]
        scope.bind("l", parts)
        if self.chance(3):
            lines += self.statement(scope, 0)
        join = self.pick(
            "torch.cat({})[:4]", "torch.stack({}).sum(0)", "torch.stack({})[0]", "sum({})",
            "torch.cat([v.HOME for v in {}])[-4:]", "torch.stack(tuple({}), 0).mean(0)",
        ).format(parts).replace("HOME", home)  # fmt: skip
        return [*lines, f"{scope.bind('t', self.name('a'))} = {join}{self.pick(f'.{home}', f'.{home}', '')}"]

    def _invariant(self, scope: Scope, depth: int) -> list[str]:
        """A loop or comprehension that moves the same value, perhaps an item, in every round; or is it the same?"""
        key, lines = self.name("k"), []
        subjects = [self.of("t", scope), *(f"{b}.{self.pick('t', 'held[0]')}" for b in scope.names.get("b", [])[:1])]
        if scope.names.get("e"):
            lines.append(f"{key} = {self.pick('count and', '')} 'a' or 'b'")
            subjects += [f"{self.of('e', scope)}[{key}]"] * 2
        if scope.names.get("l"):
            subjects.append(f"{self.of('l', scope)}[{self.pick('0', '-1')}]")
        move = f"{self.pick(*subjects)}.{self.pick(f'to({self.device(scope)})', self.home_move(scope))}"
        use = self.pick("torch.sin({})", "({} * 2)", "{}.sum()", "{}").format(move)
        name, inner = self.name("a"), scope.copy()
        if self.chance():
            items = self.pick("range(count)", "range(3)", *(f"list({held})" for held in scope.names.get("l", [])))
            other = self.pick("", "", f" if {self.test(scope)}", f" if log.append({self.tensor(scope, 1)}) is None")
            made = self.pick("log.append([{} for v in {}{}])", "log.append(sum({} for v in {}{}))",
                             "log.append({{'v': {} for v in {}{}}})")  # fmt: skip
            return [*lines, made.format(use, items, other)]
        inner.loop = True
        body = [f"{name} = {use}", f"log.append({name})"]
        extra = self.block(inner, 0, 2) if self.chance() else []
        if self.chance(3) and key in move:
            extra.append(f"{key} = 'b'")
        body = [*body, *extra] if self.chance() else [*extra, *body]
        return [*lines, f"for i in range({self.pick('count', '2')}):", *(f"    {line}" for line in body)]

    def _augmented(self, scope: Scope, depth: int) -> list[str]:
        name, other = self.of("t", scope), self.of("t", scope)
        if self.chance(4):
            return [f"torch.mul({name}, 2, out={name})"]
        return [f"{name} {self.pick('+=', '*=')} {self.pick('1', f'{other}.to({name})')}"]

    def _pair(self, scope: Scope, depth: int) -> list[str]:
        values = self.tensor(scope, 1), self.tensor(scope, 1)
        names = self.assignable(scope), self.name("a")
        for name in names:
            scope.bind("t", name)
        form = self.pick("{}, {} = {}, {}", "({}, {}) = [{}, {}]", "{}, *_ = {}, {}")
        if form.count("{}") == 3:
            scope.names["t"].remove(names[1])
            return [form.format(names[0], *values)]
        return [form.format(*names, *values)]

    def _list(self, scope: Scope, depth: int) -> list[str]:
        name = self.pick(*scope.names.get("l", []), self.name("l"))
        values = self.tensor(scope, 1), self.tensor(scope, 1)
        scope.bind("l", name)
        return [f"{name} = [{values[0]}, {values[1]}]"]

    def _dict(self, scope: Scope, depth: int) -> list[str]:
        name = self.pick(*scope.names.get("e", []), self.name("e"))
        values = self.tensor(scope, 1), self.tensor(scope, 1)
        scope.bind("e", name)
        return [f"{name} = {{'a': {values[0]}, 'b': {values[1]}}}"]

    def _append(self, scope: Scope, depth: int) -> list[str]:
        if not scope.names.get("l"):
            return self._list(scope, depth)
        name, value = self.of("l", scope), self.tensor(scope, 1)
        known = [f"{name}.append({value})", f"{name} += [{value}]", f"{name}.insert(0, {value})"]
        unknown = [f"vars(list)['append']({name}, {value})", f"[{name}.append][0]({value})"]
        return [self.pick(*known, f"{name}.extend(({value},))", *unknown)]

    def _items(self, scope: Scope, depth: int) -> list[str]:
        """Moves all items of a list or dictionary, or looks at them."""
        kind = self.pick("l", "e")
        if not scope.names.get(kind):
            return self._list(scope, depth) if kind == "l" else self._dict(scope, depth)
        name, move = self.of(kind, scope), self.pick(self.home, self.home, "cpu()")
        if kind == "l":
            return self.pick(
                [f"{name} = [part.{move} for part in {name}]"],
                [f"for part in {name}:", f"    log.append(part.{move})"],
                [f"log.append(torch.stack([part.float().cpu() for part in {name}]).{move})"],
            )
        return self.pick(
            [f"{name} = {{key: part.{move} for key, part in {name}.items()}}"],
            [f"for key, part in {name}.items():", f"    {name}[key] = part.{move}"],
            [f"for part in {name}.values():", f"    log.append(part.{move})"],
            [f"for key in {name}:", f"    log.append({name}[key].{move})"],
        )

    def _item(self, scope: Scope, depth: int) -> list[str]:
        value = self.tensor(scope, 1)
        if scope.names.get("e") and self.chance():
            key = self.pick("'a'", "'a'", "('a' if flag else 'b')")
            return [f"{self.of('e', scope)}[{key}] = {value}"]
        if scope.names.get("l"):
            return [f"{self.of('l', scope)}[{self.pick('0', '-1')}] = {value}"]
        return self._dict(scope, depth)

    def _data(self, scope: Scope, depth: int) -> list[str]:
        if self.chance(3):
            return self._assign(scope, depth)
        return [f"{self.of('t', scope)}.data = {self.tensor(scope, 1)}.detach()"]

    def _closure(self, scope: Scope, depth: int) -> list[str]:
        name = self.name("f")
        inner = scope.copy()
        inner.loop, inner.returns = False, ""
        scope.calls.append(lambda writer, here, name=name: f"{name}()")
        if self.chance():
            value = self.tensor(inner, 2)
            return [f"{name} = lambda: {value}"]
        value = self.tensor(inner, 1)
        names = [n for n in scope.names["t"] if n.isidentifier() and n not in ("x", "y", "t", "u") and n[0] == "a"]
        if names and self.chance():
            kept = self.pick(*names)
            return [f"def {name}():", f"    nonlocal {kept}", f"    {kept} = {value}", f"    return {kept}"]
        effect = "pass"
        if scope.names.get("m"):
            effect = f"{self.of('m', scope)}.{self.target(scope, module=True)}"
        return [f"def {name}():", f"    {effect}", f"    return {value}"]

    def _exit(self, scope: Scope, depth: int) -> list[str]:
        if scope.loop and self.chance():
            return [f"if {self.test(scope)}:", f"    {self.pick('break', 'continue')}"]
        if scope.returns and self.chance():
            return [f"if {self.test(scope)}:", f"    return {self.tensor(scope, 1)}"]
        return self._log(scope, depth)

    def _move(self, scope: Scope, depth: int) -> list[str]:
        module = self.of("m", scope)
        move = f"{module}.{self.target(scope, module=True)}"
        if self.chance(5):
            name = self.name("m")
            return [f"{scope.bind('m', name)} = {move}"]
        return [self.pick(move, move, move, move, f"{module}.half()", f"flag and {move}")]

    def _part(self, scope: Scope, depth: int) -> list[str]:
        unit = self.of("u", scope)
        name = self.name("m")
        part = self.pick("linear", "norm")
        return [f"{scope.bind('m', name)} = {unit}.{part}"]

    def _register(self, scope: Scope, depth: int) -> list[str]:
        unit = self.of("u", scope)
        device = self.device(scope)
        return [
            self.pick(
                f"{unit}.linear = nn.Linear(4, 4)",
                f"{unit}.linear.to({device})",
                f"{unit}.linear.weight.data = torch.eye(4)",
                f"for part in {unit}.children(): part.to({device})",
                f"for p in {unit}.parameters(): p.data = p.data.to({device})",
                f"{unit}.steps = torch.ones(4)",
                f"{unit}.linear.weight = nn.Parameter(torch.eye(4))",
                f"{unit}.get_submodule('norm').to({device})",
                f"for _ in stream({unit}, {device}): {unit}.to({self.device(scope)})",
            )
        ]

    def _box(self, scope: Scope, depth: int) -> list[str]:
        name = self.name("b")
        line = f"{name} = Box({self.of('m', scope)}, {self.tensor(scope, 1)})"
        scope.bind("b", name)
        return [line]

    def _attribute(self, scope: Scope, depth: int) -> list[str]:
        box = self.of("b", scope)
        value = self.tensor(scope, 1)
        forms = [f"{box}.t = {value}", f"{box}.t = {box}.t.{self.target(scope)}", f"{box}.held[0] = {value}",
                 f"{box}.device = {self.of('d', scope)}", f"{box}.net.{self.target(scope, module=True)}"]  # fmt: skip
        forms += [f"vars({box})['t'] = {value}", f"{box}.__dict__.update(t={value})"]
        if scope.names.get("m"):
            forms.append(f"{box}.net = {self.of('m', scope)}")
        return [self.pick(*forms)]

    def _method(self, scope: Scope, depth: int) -> list[str]:
        box = self.of("b", scope)
        if self.chance(3):
            return [f"{scope.bind('b', self.name('b'))} = {box}"]
        return [self.pick(f"{box}.reset()", f"with {box}: log.append(1)", f"[act() for act in [{box}.reset]]")]

    def _if(self, scope: Scope, depth: int) -> list[str]:
        lines = [f"if {self.test(scope)}:", *self.nested(scope, depth)]
        if self.chance(3):
            lines += [f"elif {self.test(scope)}:", *self.nested(scope, depth)]
        if self.chance():
            lines += ["else:", *self.nested(scope, depth)]
        return lines

    def _guard(self, scope: Scope, depth: int) -> list[str]:
        names = [name for name in scope.names["t"] if name.isidentifier()]
        if not names:
            return self._if(scope, depth)
        name, device = self.pick(*names), self.of("d", scope)
        return [f"if {name}.device != {device}:", f"    {name} = {name}.to({device})"]

    def _for(self, scope: Scope, depth: int) -> list[str]:
        inner = scope.copy()
        inner.loop = True
        match self.pick("range", "range", "tensors", "devices", "list", "enumerate"):
            case "tensors":
                name = inner.bind("t", self.pick("v", self.name("a")))
                head = f"for {name} in ({self.tensor(scope, 1)}, {self.tensor(scope, 1)}):"
            case "devices":
                name = inner.bind("d", "where")
                head = f"for {name} in ({self.of('d', scope)}, {self.of('d', scope)}):"
            case "list" if scope.names.get("l"):
                name = inner.bind("t", "v")
                head = f"for {name} in list({self.of('l', scope)}):"
            case "enumerate" if scope.names.get("l"):
                name = inner.bind("t", "v")
                head = f"for i, {name} in enumerate(list({self.of('l', scope)})):"
            case _:
                head = f"for i in range({self.pick('count', '2', '3')}):"
        lines = [head, *(f"    {line}" for line in self.block(inner, depth - 1, 3))]
        if self.chance(4):
            lines += ["else:", *self.nested(scope, depth)]
        return lines

    def _while(self, scope: Scope, depth: int) -> list[str]:
        name = self.name("n")
        lines = [f"{name} = {self.pick('count', '2')}", f"while {name} > 0:", f"    {name} -= 1"]
        lines += self.nested(scope, depth, loop=True)
        if self.chance(4):
            lines += ["else:", *self.nested(scope, depth)]
        return lines

    def _try(self, scope: Scope, depth: int) -> list[str]:
        lines = ["try:", *self.nested(scope, depth)]
        if self.chance():
            lines += [f"    if {self.test(scope)}:", "        raise ValueError"]
            lines += self.nested(scope, depth)
        form = self.pick("except", "except", "finally", "both")
        if form != "finally":
            lines += [f"except {self.pick('ValueError', 'ValueError', '(ValueError, RuntimeError)')}:"]
            lines += self.nested(scope, depth)
            if self.chance(3):
                lines += ["else:", *self.nested(scope, depth)]
        if form != "except":
            lines += ["finally:", *self.nested(scope, depth)]
        return lines

    def _with(self, scope: Scope, depth: int) -> list[str]:
        forms = ["torch.no_grad()", "contextlib.suppress(ValueError)", 'torch.autocast("cpu", dtype=torch.bfloat16)']
        if scope.names.get("m"):
            forms += [f"loaded({self.of('m', scope)}, {self.of('d', scope)})"] * 2
        form = self.pick(*forms)
        lines = [f"with {form}:", *self.nested(scope, depth)]
        if "suppress" in form:
            lines += [f"    if {self.test(scope)}:", "        raise ValueError", *self.nested(scope, depth)]
        return lines

    def _match(self, scope: Scope, depth: int) -> list[str]:
        lines = ["match count:"]
        for case in self.pick(("0", "1"), ("0", "_"), ("0", "1", "2"), ("0", "1", "_"), ("1", "2", "3", "_")):
            lines += [f"    case {case}:", *(f"    {line}" for line in self.nested(scope, depth))]
        return lines

    def places(self) -> list[str]:
        """What names a device: strings, numbers, globals of the module."""
        return ["place", "index", 'f"cuda:{index}"', '("cuda:0" if flag else "cpu")', "HOST", "DEVICE", "SECOND"]

    # ---- functions -----------------------------------------------------------------------------------------------

    def function(self, name: str, calls: list[Callable[[Writer, Scope], str]], *, method: bool = False) -> list[str]:
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
            f"place{self.pick(': str', '')}, index{self.pick(': int', '')}):"
        ]
        lines += [f"    {line}" for line in self.block(scope, 2, 6)]
        lines += [f"    return {self.tensor(scope, 1)}"]
        return [kind, *lines] if method else lines


def _caller(name: str, *, through: str = "") -> Callable[[Writer, Scope], str]:
    def call(writer: Writer, scope: Scope) -> str:
        kind = {"Box": "b", "Net": "u"}.get(through)
        if kind and not scope.names.get(kind):
            return writer.of("t", scope)
        owner = f"{writer.of(kind, scope)}." if kind else ""
        if not scope.names.get("m"):
            return writer.of("t", scope)
        given = [writer.of("t", scope), writer.of("t", scope), writer.of("d", scope), writer.of("m", scope)]
        return (
            f"{owner}{name}({', '.join(given)}, {writer.pick('flag', 'not flag')}, count, s, dtype, what, place, index)"
        )

    return call


@st.composite
def programs(draw: st.DrawFn) -> dict[str, str]:
    """Path -> text of a program's two files."""
    return write(Writer(draw))


def _entry(writer: Writer, name: str, calls: list[Callable[[Writer, Scope], str]]) -> str:
    """A function that gets all inputs and returns what it has made of them."""
    names = {
        "t": ["x", "y", "x", "y", "ints"], "s": ["s"], "d": ["device", "other"], "k": ["dtype"], "w": ["what"],
        "m": ["net", "net2", "own", "own.linear", "box.net"], "u": ["own"], "b": ["box"], "p": writer.places(),
    }  # fmt: skip
    scope = Scope(names, calls, returns="x")
    body = writer.block(scope, 3, 12)
    note = writer.pick(": torch.Tensor", ": torch.Tensor", ": torch.Tensor", "")
    device = writer.pick(": torch.device", ": torch.device", "")
    module = writer.pick(": nn.Module", ": nn.Module", "")
    kept = list(dict.fromkeys(scope.names["t"])) + scope.names.get("l", []) + scope.names.get("e", [])
    lines = [
        f"def {name}(x{note}, y{note}, ints: torch.Tensor, s{note}, device{device}, other{device}, dtype: torch.dtype, "
        f"what, flag{writer.pick(': bool', ': bool', '')}, count{writer.pick(': int', '')}, net{module}, "
        f"net2{module}, place{writer.pick(': str', ': str', '')}, index{writer.pick(': int', '')}):",
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
    )
    calls: list[Callable[[Writer, Scope], str]] = []
    functions: list[list[str]] = []
    methods: dict[str, list[str]] = {"Box": [], "Net": []}
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
    apart = writer.chance()
    code = classes + "".join("\n\n" + "\n".join(lines) + "\n" for lines in functions)
    names_there = [
        "Net",
        "Box",
        "loaded",
        "stream",
        "seat",
        "noted",
        *(lines[0].split("(")[0][4:] for lines in functions),
    ]
    if apart:
        main = f"{HEAD}from helpers import {', '.join(names_there)}, box, log, own, HOST, DEVICE, SECOND\n\n\n"
        return {"helpers.py": f"{HEAD}{code}{GLOBALS}", MAIN: main + "\n\n".join(runs)}
    return {MAIN: f"{HEAD}{code}{GLOBALS}\n\n" + "\n\n".join(runs)}
