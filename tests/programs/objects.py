"""Random statements about modules and other objects."""

from __future__ import annotations

from tests.programs.expressions import Expressions
from tests.programs.scope import Scope


class Objects(Expressions):
    """Writes statements about attributes, methods and parts."""

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
        forms = [
            f"{unit}.linear = nn.Linear(4, 4)",
            f"{unit}.linear.to({device})",
            f"{unit}.linear.weight.data = torch.eye(4)",
            f"for part in {unit}.children(): part.to({device})",
            f"for p in {unit}.parameters(): p.data = p.data.to({device})",
            f"{unit}.steps = torch.ones(4)",
            f"{unit}.linear.weight = nn.Parameter(torch.eye(4))",
            f"{unit}.get_submodule('norm').to({device})",
            f"for _ in stream({unit}, {device}): {unit}.to({self.device(scope)})",
        ]
        return [self.pick(*(form for form in forms if self.replaces or ".data =" not in form))]

    def _box(self, scope: Scope, depth: int) -> list[str]:
        name = self.name("b")
        kind = self.pick("Box", "Box", "Crate", "Safe", "Pack")
        line = f"{name} = {kind}({self.of('m', scope)}, {self.tensor(scope, 1)})"
        scope.bind("b", name)
        return [line]

    def _attribute(self, scope: Scope, depth: int) -> list[str]:
        box = self.of("b", scope)
        value = self.tensor(scope, 1)
        forms = [f"{box}.t = {value}", f"{box}.t = {box}.t.{self.target(scope)}", f"{box}.held[0] = {value}",
                 f"{box}.device = {self.of('d', scope)}", f"{box}.net.{self.target(scope, module=True)}"]  # fmt: skip
        forms += [f"{box}.level = {value}", f"Box.level = {value}", f"log.append({box}.level.{self.home_move(scope)})"]
        forms += [f"vars({box})['t'] = {value}", f"{box}.__dict__.update(t={value})"]
        if scope.names.get("m"):
            forms.append(f"{box}.net = {self.of('m', scope)}")
        return [self.pick(*forms)]

    def _method(self, scope: Scope, depth: int) -> list[str]:
        box = self.of("b", scope)
        if self.chance(3):
            return [f"{scope.bind('b', self.name('b'))} = {box}"]
        return [self.pick(f"{box}.reset()", f"with {box}: log.append(1)", f"[act() for act in [{box}.reset]]")]
