"""Random statements whose effects do not show where they stand."""

from __future__ import annotations

from tests.programs.expressions import Expressions
from tests.programs.heads import SPECIAL
from tests.programs.scope import Scope


class Unseen(Expressions):
    """Writes statements that change values by names, namespaces and callbacks, and ones that raise halfway."""

    def _by_name(self, scope: Scope, depth: int) -> list[str]:
        """An attribute or method whose name no text shows."""
        kind = self.pick(*(kind for kind in ("b", "u", "m", "m", "t") if scope.names.get(kind)))
        owner, value = self.of(kind, scope), self.tensor(scope, 1)
        if kind == "b" or (kind == "u" and self.chance()):
            return [
                self.pick(
                    f"setattr({owner}, word, {value})", f"put({owner}, word, {value})",
                    f"{owner}.__dict__[word] = {value}", f"vars({owner}).update({{word: {value}}})",
                    f"object.__setattr__({owner}, word, {value})", f"put({owner}, {{}}.get('w', word), {value})",
                )
            ]  # fmt: skip
        if kind == "t":
            return [f"{scope.bind('t', self.name('a'))} = getattr({owner}, verb)()"]
        return [self.pick(f"getattr({owner}, verb)()", f"done({owner}, verb)", f"done({owner}, verb)")]

    def _deed(self, scope: Scope, depth: int) -> list[str]:
        """A method of an object runs under a name that no text shows, or from inside another."""
        if not scope.names.get("b"):
            return self._by_name(scope, depth)
        box, other, value = self.of("b", scope), self.of("b", scope), self.tensor(scope, 1)
        if self.special and self.chance():
            return [SPECIAL[self.special][1].format(box=box)]
        return [
            self.pick(
                f"done({box}, 're' + 'set')", f"getattr({box}, 'reset')()", f"log.append({box}.turn({other}.reset))",
                f"log.append({box}.turn(lambda: setattr({other}, 't', {value})))",
                f"log.append({box}.turn(lambda: {other}.turn({box}.reset)))",
                f"log.append({value}.to({box}.choose({self.of('t', scope)})))",
                f"log.append({value}.to({box}.choose({self.of('t', scope)})))", f"{box}.again({value}, count)",
                f"[{box}.again][0]({value}, 1)",
            )
        ]  # fmt: skip

    def _swapped(self, scope: Scope, depth: int) -> list[str]:
        """An object replaces the data of a tensor that it holds."""
        name, home = self.name("b"), self.home_move(scope)
        held = self.assignable(scope)
        lines = [f"{held} = {self.tensor(scope, 1)}.{home}", f"{name} = Swap({self.of('m', scope)}, {held})"]
        run = self.pick(
            f"{name}.swap()", f"swapped({name})", f"getattr({name}, 'swap')()", f"[one.swap() for one in [{name}]]",
            f"{name}.seen", f"{name}.seen = 1", f"{name}.seen_once", f"{name} * 2", f"act({name}.swap)",
            f"functools.partial(swapped, {name})()", f"list(map(swapped, [{name}]))", f"[{name}][0].swap()",
        )  # fmt: skip
        scope.bind("t", held)
        scope.bind("b", name)
        return [*lines, *self.block(scope.copy(), 0, 2), run, f"log.append({held}.{home})"]

    def _elsewhere(self, scope: Scope, depth: int) -> list[str]:
        """Code from outside the tree changes what it has, and what it is given."""
        forms = ["elsewhere.turn()", f"log.append(elsewhere.turn({self.of('t', scope)}))"]
        if scope.names.get("m"):
            forms += [f"elsewhere.put({self.of('m', scope)})"] * 2
            forms += [f"{self.of('m', scope)}.spare = elsewhere.layer"]
        if scope.names.get("u"):
            forms += [f"{self.of('u', scope)}.linear = elsewhere.layer"]
        return [self.pick(*forms)]

    def _handed(self, scope: Scope, depth: int) -> list[str]:
        """Something is handed to code that is not seen."""
        forms = []
        for kind in ("l", "e", "b", "b", "m"):
            if scope.names.get(kind):
                forms.append(f"act({self.of(kind, scope)})")
        if scope.names.get("b"):
            box = self.of("b", scope)
            forms += [f"act(vars({box}))", f"act({box}.__dict__)", f"spoil(vars({box}))", f"spoil({box}.__dict__)",
                      f"act([{box}])", f"[spoil][0](vars({box}))", f"{box}.expose(act)"]  # fmt: skip
        if scope.names.get("e"):
            forms += [f"spoil({self.of('e', scope)})", f"act({{'k': {self.of('e', scope)}}})"]
        if not forms:
            return self._by_name(scope, depth)
        return [self.pick(*forms)]

    def _state(self, scope: Scope, depth: int) -> list[str]:
        """A value that the module keeps, or that a default argument does."""
        value, home = self.tensor(scope, 1), self.home_move(scope)
        name = self.name("a")
        line = self.pick(
            f"keep({value}.{home})", f"STATE['a'] = {value}.{home}", f"log.append(kept().{home})",
            f"log.append(STATE['a'].{home})", f"{name} = kept().{home}", f"{name} = held_over({value}).{home}",
            f"log.append(held_over({value}))",
        )  # fmt: skip
        if line.startswith(name):
            scope.bind("t", name)
        return [line]

    def _starred(self, scope: Scope, depth: int) -> list[str]:
        """Arguments that are unpacked, or have a default."""
        a, b = self.tensor(scope, 1), self.of("t", scope)
        given = [f"*[{a}, {b}]", f"{a}, other={b}", f"**{{'t': {a}}}", f"*({a},), **dict(other={b})"]
        given += [f"*{self.of('l', scope)}"] if scope.names.get("l") else []
        home = self.home_move(scope)
        line = self.pick(
            f"gathered({self.pick(*given)})", f"placed({a})", f"placed(*[{a}])", f"placed(t={a}, at='cpu')"
        )
        return [f"{scope.bind('t', self.name('a'))} = {line}{self.pick('', f'.{home}', f'.{home}')}"]

    def _raising(self, scope: Scope, depth: int) -> list[str]:
        """A function that may raise when half of its work is done."""
        module, home = self.of("m", scope), self.home_move(scope)
        a, inner = self.of("t", scope), scope.copy()
        name = inner.bind("t", self.name("a"))
        first = self.pick(f"{module}.{home}", f"log.append({a}.{home})")
        body = [f"{name} = strict({a}, {self.of('m', scope)})", *self.block(inner, 0, 2)]
        after = self.pick(f"{module}.{home}", f"log.append({a}.{home})")
        handler = self.pick("except ValueError:", "except ValueError:", "finally:")
        lines = ["try:", *(f"    {line}" for line in body), handler, f"    {after}"]
        if handler == "finally:":
            lines = ["with contextlib.suppress(ValueError):", *(f"    {line}" for line in lines)]
        return [first, *lines, *([after] if self.chance() else [])]

    def _view(self, scope: Scope, depth: int) -> list[str]:
        """A part of a value, that is written to."""
        a, b, name = self.of("t", scope), self.of("t", scope), self.name("a")
        view = self.pick("{}[:]", "{}.view(4, 4)", "{}.t()", "{}.detach()", "{}.data", "{}.expand(4, 4)").format(a)
        lines = [f"{name} = {view}"]
        scope.bind("t", name)
        write = self.pick(
            f"{name}[0] = 1", f"{name}[0] = {b}[0].to({name})", f"{name}.copy_({b}.to({name}))", f"{name}.zero_()",
            f"{a}[1:].mul_(2)", f"{name}[{name} > 1] = 0",
            f"{name}.resize_(4, 4).fill_(2)", f"{name}.requires_grad_(False)",
        )  # fmt: skip
        use = f"log.append({self.pick(a, name)}.{self.home_move(scope)})"
        return [*lines, *([use] if self.chance() else []), write, use]

    def _alias(self, scope: Scope, depth: int) -> list[str]:
        """Another name for the same list, dictionary or module, or a shallow copy of an object."""
        kind = self.pick(*(kind for kind in ("l", "e", "m", "b", "b") if scope.names.get(kind)))
        name, value = self.name(kind), self.of(kind, scope)
        if kind == "b":
            value = self.pick(value, f"copy.copy({value})", f"Proxy({value})", f"copy.copy({value})")
        return [f"{scope.bind(kind, name)} = {value}"]

    def _modules(self, scope: Scope, depth: int) -> list[str]:
        """Modules in a list, dictionary or other module; calls that are put off."""
        a, b, device, name = self.of("m", scope), self.of("m", scope), self.device(scope), self.name("f")
        held = self.pick(f"[{a}, {b}]", f"nn.ModuleList([{a}])", f"nn.Sequential({a})", f"{{'m': {a}}}.values()")
        later = [
            f"functools.partial({a}.to, {device})()",
            f"[*map({a}.to, [{device}])]",
            f"max([{device}], key={b}.to)",
            f"[{b}.to, {a}.to][{self.pick('-1', 'count % 2')}]({device})",
            f"{{'n': {a}.to, 'o': {b}.to}}[word[:0] + 'n']({device})",
            f"(lambda part={a}: part.to({device}))()",
            f"def {name}(part={a}): part.to({device})\n{name}()",
            f"@lambda made: {a}.to({device}) and made\ndef {name}(): pass",
        ]
        return self.pick(
            f"for part in {held}: part.to({device})", f"nn.Sequential({a}).to({device})", *later,
            f"all(part.to({device}) for part in {held})", f"{scope.bind('m', self.name('m'))} = copy.copy({a})",
        ).splitlines()  # fmt: skip

    def _flow(self, scope: Scope, depth: int) -> list[str]:
        """A generator that moves what it gives, and goes on when it is asked."""
        name, device, inner = self.name("g"), self.device(scope), scope.copy()
        copies = [f"[*{held}]" for held in scope.names.get("l", [])]  # the loop's body may append to the list
        items = self.pick(f"({self.tensor(scope, 1)}, {self.of('t', scope)})", *copies)
        part = inner.bind("t", "v")
        module = self.of("m", scope)
        use = f"log.append({part}.{self.home_move(scope)})"
        if self.chance():
            return [f"for {part} in moved({items}, {device}):", f"    {use}", *self.nested(inner, 0)]
        between = self.block(scope, 0, 2)
        return [f"{name} = stream({module}, {device})", f"next({name})", *between, f"next({name})",
                f"{module}.{self.home_move(scope)}"]  # fmt: skip
