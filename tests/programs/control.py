"""Random branches, loops, handlers and calls."""

from __future__ import annotations

from tests.programs.expressions import Expressions
from tests.programs.scope import Scope


class Control(Expressions):
    """Writes statements that other statements stand in, and ways out of them."""

    def nested(self, scope: Scope, depth: int, *, loop: bool | None = None) -> list[str]:
        """A block of its own; names that it binds for the first time are not used after it."""
        inner = scope.copy()
        if loop is not None:
            inner.loop = loop
        return [f"    {line}" for line in self.block(inner, depth - 1, 3)]

    def _call(self, scope: Scope, depth: int) -> list[str]:
        if not scope.calls:
            return self._log(scope, depth)
        call = scope.calls[self.number(len(scope.calls) - 1)](self, scope)
        later = f"for act in {{'f': lambda: {call}}}.values(): act()"
        return [self.pick(f"log.append({call})", call, f"list(map(lambda _: {call}, [1]))", later)]

    def _apart(self, scope: Scope, depth: int) -> list[str]:
        """A function that uses nothing of the one around it, and what it makes, moved."""
        name, value, result = self.name("f"), self.tensor(scope, 1), self.name("a")
        places = self.places()
        made = self.pick(*(f"v.to({place})" for place in places), "v.cpu()", "v * 2", "torch.ones_like(v)", "v")
        lines = [f"def {name}(v):", f"    return {made}"]
        if self.chance(4):  # the name stands for another one from then on, perhaps
            test, other = self.test(scope), self.pick(*(f"v.to({place})" for place in places))
            lines += [f"if {test}:", f"    {name} = lambda v: {other}"]
        moved = f"{name}({value}).to({self.pick(*places)})"
        scope.calls.append(lambda writer, here: f"{name}({writer.tensor(here, 1)})")
        scope.bind("t", result)
        return [*lines, f"{result} = {moved}"]

    def _closure(self, scope: Scope, depth: int) -> list[str]:
        if self.unpacks and self.chance():
            return self._apart(scope, depth)
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

    def _rebound(self, scope: Scope, depth: int) -> list[str]:
        """A function moves to what a local names when it runs, which may be bound again after the function was made."""
        name, made, result, value = self.name("d"), self.name("f"), self.name("a"), self.tensor(scope, 1)
        first, second = self.pick(*self.places()), self.pick(*self.places())
        moved = f"({value}).to({first}).to({name})"
        form, call = self.pick(
            (f"def {made}():\n    return {moved}", f"{made}()"),
            (f"def {made}():\n    def within():\n        return {moved}\n    return within()", f"{made}()"),
            (f"{made} = lambda: {moved}", f"{made}()"),
            (f"{made} = ({moved} for _ in range(1))", f"next({made})"),
        )
        again = self.pick(
            "pass", f"{name} = {second}", f"for {name} in ({second},): pass", f"if [{name} := {second}]: pass",
            f"if {self.test(scope)}: {name} = {second}",
        )  # fmt: skip
        scope.bind("t", result)
        return [f"{name} = {first}", *form.split("\n"), again, f"{result} = {call}"]

    def _exit(self, scope: Scope, depth: int) -> list[str]:
        if scope.loop and self.chance():
            return [f"if {self.test(scope)}:", f"    {self.pick('break', 'continue')}"]
        if scope.returns and self.chance():
            return [f"if {self.test(scope)}:", f"    return {self.tensor(scope, 1)}"]
        return self._log(scope, depth)

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
        if scope.names.get("b"):
            forms += [self.of("b", scope), f"{self.of('b', scope)}, torch.no_grad()"]
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
