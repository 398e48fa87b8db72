"""Random statements that move one value, once or again."""

from __future__ import annotations

from tests.programs.expressions import Expressions
from tests.programs.scope import Scope


class Moves(Expressions):
    """Writes statements about one value."""

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

    def _unpacked(self, scope: Scope, depth: int) -> list[str]:
        """What says where a value goes is unpacked: a mapping, or a list. It may hold more, and change before."""
        device, dtype, given = self.device(scope), self.dtype(scope), self.name("q")
        if self.chance(4):
            made = self.pick(f"[{device}]", f"[{device}, {dtype}]", f"[{dtype}]", f"({self.of('t', scope)},)")
            move = f"to(*{given})"
        else:
            both = f"device={device}, dtype={dtype}"
            made = self.pick(
                f"dict(device={device})", f"dict({both})", f"dict({both}, copy=True)", f"dict(dtype={dtype})"
            )
            move = f"to(**{given})"
        lines = [f"{given} = {made}"]
        if move == f"to(**{given})" and self.chance(3):
            change = self.pick(
                f"{given}['device'] = {self.device(scope)}", f"{given}.update(copy=True)", f"{given}.clear()"
            )
            lines += [f"if {self.test(scope)}:", f"    {change}"] if self.chance() else [change]
        name, home = self.name("a"), self.home_move(scope)
        value = self.pick(
            self.of("t", scope), f"{self.of('t', scope)}.{home}", "torch.ones(4, 4)", "(torch.eye(4) * 2)"
        )
        lines += [f"{name} = {value}.{move}", *(self.block(scope, 0, 1) if self.chance(3) else [])]
        scope.bind("t", name)
        return [*lines, f"log.append({name}.{self.pick(home, home, move)})"]

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

    def _augmented(self, scope: Scope, depth: int) -> list[str]:
        name, other = self.of("t", scope), self.of("t", scope)
        if self.chance(4):
            return [f"torch.mul({name}, 2, out={name})"]
        return [f"{name} {self.pick('+=', '*=')} {self.pick('1', f'{other}.to({name})')}"]

    def _data(self, scope: Scope, depth: int) -> list[str]:
        if self.chance(3):
            return self._assign(scope, depth)
        return [f"{self.of('t', scope)}.data = {self.tensor(scope, 1)}.detach()"]

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
