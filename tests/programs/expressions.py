"""Random expressions."""

from __future__ import annotations

from tests.programs.scope import Draws, Scope


class Expressions(Draws):
    """Writes devices, dtypes, moves, tensors and tests."""

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
        own = self.of("k", scope)
        return self.pick(own, own, "torch.float16", f"{self.of('t', scope)}.dtype", "KIND")

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
                return self.pick("cuda()", "cuda(1)", "cuda(NUMBER)")
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
                    "({a} + {b} if {a}.device == {b}.device else {a})", "({a}.cpu() + ({b}.sum().cpu() * SCALE).cpu())",
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
        made = f"{make}.{self.target(scope)}{self.pick('', '', f'.{self.target(scope)}')}"
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

    def home_move(self, scope: Scope) -> str:
        return self.home if "device" in scope.names["d"] else f"to({self.of('d', scope)})"

    def assignable(self, scope: Scope) -> str:
        """A local that may be bound to a tensor: a new one, or one that holds one already."""
        locals_ = [name for name in scope.names["t"] if name.isidentifier()]
        return self.pick(*locals_) if self.chance() and locals_ else self.name("a")
