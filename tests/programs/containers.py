"""Random statements about lists and dictionaries of tensors."""

from __future__ import annotations

from tests.programs.expressions import Expressions
from tests.programs.scope import Scope


class Containers(Expressions):
    """Writes statements about what holds several values."""

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

    def _list(self, scope: Scope, depth: int) -> list[str]:
        name = self.pick(*scope.names.get("l", []), self.name("l"))
        one, other = self.tensor(scope, 1), self.tensor(scope, 1)
        held = scope.names.get("l", [])
        made = self.pick(
            f"[{one}, {other}]", f"[{one}, {other}]", f"[{one}] * 2", f"[{one}] + [{other}]",
            *(f"{each} + [{one}]" for each in held[:1]), *(f"[{one}] * len({each})" for each in held[:1]),
        )  # fmt: skip
        scope.bind("l", name)
        return [f"{name} = {made}"]

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
        if scope.names.get("l") and self.chance():
            return self._filled(scope)
        if scope.names.get("l"):
            return [f"{self.of('l', scope)}[{self.pick('0', '-1')}] = {value}"]
        return self._dict(scope, depth)

    def _filled(self, scope: Scope) -> list[str]:
        """A loop that fills a list by index, and one over the rows of a tensor."""
        name, inner = self.of("l", scope), scope.copy()
        inner.loop = True
        value = self.tensor(inner, 1)
        row = self.pick("row", "row * 2", f"row.{self.home}")
        return self.pick(
            ["for i in range(2):", f"    {name}[i] = {value}"],
            [f"for i, part in enumerate({name}):", f"    {name}[i] = {self.pick(f'part.{self.home}', value)}"],
            [f"for i, row in enumerate(({value})[:2]):", f"    {name}[i] = ({row}).expand(4, 4)"],
            [f"*rest, last = {value}", f"{name}[0] = torch.stack([*rest, last]).{self.home}"],
        )
