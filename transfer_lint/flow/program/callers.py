"""Callers: from where in the tree a function is called, directly or through what it is handed to."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from transfer_lint.findings import Heat
from transfer_lint.flow.program.computations import asks_gradient
from transfer_lint.flow.program.modules import ClassInfo, Import, Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.rates import Change, Path, hotter
from transfer_lint.flow.program.routines import CallSite, Reference, Routine, Routines, called_name
from transfer_lint.flow.program.step_code import (
    declared,
    gives_loss,
    handed_to,
    is_at_once,
    is_foreign_forward,
    is_in_test,
    is_step_hook,
    layers,
    steps_its_own,
    steps_optimizer,
    takes_batch,
    walks_gradients,
)
from transfer_lint.flow.program.syntax import spelled
from transfer_lint.flow.program.tensor_uses import ONLY_MODULES_HAVE

_DEPTH = 3  # how often a function may be handed on
_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ALIKE = 6  # files that call a method of a name, each of which may mean any of that name
_FAMILY = 16  # methods of one name, such as the models of a library have
_WORD = 4  # letters of a word that says what something is


class Use(NamedTuple):
    """A place that calls a function: it runs as often as that."""

    routine: Routine
    path: Sequence[Change]


class Callers:
    """The callers of the functions of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._knowledge = project.knowledge
        self._files: dict[Module, Routines] = {}

    @classmethod
    def of_project(cls, project: Project) -> Callers:
        """The callers of a project, found out once."""
        if cls not in project.memo:
            project.memo[cls] = cls(project)
        found: Callers = project.memo[cls]
        return found

    def of_file(self, module: Module) -> Routines:
        """The routines of a file."""
        if module not in self._files:
            self._files[module] = Routines(module)
        return self._files[module]

    def routine(self, module: Module, node: ast.AST) -> Routine | None:
        """The routine of a function."""
        return self.of_file(module).all.get(node)

    def of(self, routine: Routine) -> tuple[Heat, Heat, list[Use]]:
        """The heat that a routine has of its own, the heat that it perhaps has, and the places that call it."""
        if isinstance(routine.node, ast.Module):
            return Heat.ONCE, Heat.ONCE, []
        own = declared(routine, self._knowledge)
        if self._is_remembered(routine):
            return own, own, []
        calls = self.of_file(routine.module).calls
        if own.rank < Heat.STEP.rank and _has(routine, calls.get("step", ()), steps_optimizer):
            own = Heat.STEP  # a call of it is one step of training
        search = _Search(self, routine)
        uses = list(search.uses(own))
        if search.handed.rank >= Heat.STEP.rank:
            own = search.handed  # says more than the signature
        if routine.owner is not None and routine.name == "forward" and routine.owner in self._layers(routine.module):
            own = hotter(own, Heat.LAYER)
        return own, Heat.STEP if self._seems_step(routine) else own, uses

    def _seems_step(self, routine: Routine) -> bool:
        """Whether a call likely is one step: a `forward` or hook, or it takes a batch, goes backward, gives a loss."""
        calls = self.of_file(routine.module).calls
        if is_in_test(routine) or _has(routine, calls.get("step", ()), steps_its_own):
            return False
        if is_foreign_forward(routine) or is_step_hook(routine) or walks_gradients(routine):
            return True
        asking = [site for site in calls.get("grad", ()) if asks_gradient(site.node, routine.module)]
        trains = _has(routine, (*calls.get("backward", ()), *asking), is_at_once)
        return trains or gives_loss(routine, self._knowledge) or _has(routine, calls.get("next", ()), takes_batch)

    def _layers(self, module: Module) -> frozenset[object]:
        found = self.of_file(module).layers
        if found is None:
            found = self.of_file(module).layers = frozenset(layers(module))
        return found

    def _is_remembered(self, routine: Routine) -> bool:
        assert not isinstance(routine.node, ast.Module)
        names = (d.func if isinstance(d, ast.Call) else d for d in routine.node.decorator_list)
        return any(routine.module.dotted(name) in self._knowledge.remembering for name in names)


class _Search:
    """The search for the callers of one routine. handed: the hottest heat of what it is handed to."""

    def __init__(self, callers: Callers, routine: Routine) -> None:
        self._callers = callers
        self._routine = routine
        self.project = callers.project
        self._knowledge = callers._knowledge
        self.handed = Heat.ONCE

    def uses(self, own: Heat) -> Iterator[Use]:
        routine, here = self._routine, self._callers.of_file(self._routine.module)
        if routine.outer is not None:
            yield Use(routine.outer, routine.at.changes)
        yield from self._of_value(here, routine.name, self._is_called_here)
        if routine.owner is not None:
            yield from self._through_class(here)
        if own.rank < Heat.STEP.rank and routine.outer is None:
            yield from self._abroad(own)

    # ---- through names -------------------------------------------------------------------------------------------

    def _of_value(
        self, file: Routines, name: str, accepts: Callable[[Routine, ast.expr], bool], depth: int = 0
    ) -> Iterator[Use]:
        """The calls of what a name of a file stands for, there and wherever it is handed on to."""
        for site in file.calls.get(name, ()):
            if not (accepts(site.routine, site.node.func) and self._takes(site)):
                continue
            yield Use(site.routine, changes_at(site.routine, site.path))
            if self._routine.is_generator and site.node in file.rounds:
                # In each round it runs from one `yield` to the next. What stands outside of its loop runs once.
                yield Use(site.routine, (*changes_at(site.routine, file.rounds[site.node]), Change.UNSURE))
        for reference in file.references.get(name, ()):
            if accepts(reference.routine, reference.node):
                self.handed = hotter(self.handed, handed_to(reference, self._knowledge))
                if depth < _DEPTH:
                    yield from self._handed_on(file, name, reference, depth + 1)

    def _handed_on(self, file: Routines, name: str, reference: Reference, depth: int) -> Iterator[Use]:
        match reference.held_by:
            case ast.Call() as call:
                taker = self._called(file, call.func)
                if taker is None:
                    yield Use(reference.routine, reference.path.changes)  # unknown code may call it at once
                elif (parameter := taker.parameter(call, reference.key)) is not None:
                    there = self._callers.of_file(taker.module)
                    yield from self._of_value(there, parameter, lambda routine, _: taker in routine.around, depth)
            case ast.Assign(targets=targets):
                suffix = "[]" if reference.key == "[]" else ""
                for target in targets:
                    held = called_name(target)
                    if held and held != name:
                        yield from self._of_value(file, held + suffix, lambda *_: True, depth)
            case ast.Return():
                maker = reference.routine
                for other in (file, *self._importers(maker.name, maker.module)):
                    yield from self._of_results(other, maker.name, depth)

    def _of_results(self, file: Routines, name: str, depth: int) -> Iterator[Use]:
        """The calls of what a function, or a class, returns when it is called."""
        yield from self._of_value(file, f"{name}()", lambda *_: True, depth)

    def _called(self, file: Routines, func: ast.expr) -> Routine | None:
        """The routine of the tree that a call runs; None if it is not known."""
        name = called_name(func)
        found = [routine for routine in file.all.values() if routine.name == name]
        if len(found) == 1 and (isinstance(func, ast.Name) or found[0].owner is not None):
            return found[0]
        binding = file.module.binding(func.id) if isinstance(func, ast.Name) else None
        if isinstance(binding, Import):
            target = self.project.module_for(file.module, binding)
            defined = target.binding(binding.name) if target is not None and binding.name is not None else None
            node = getattr(defined, "node", None)
            if target is not None and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                return self._callers.routine(target, node)
        return None

    def _is_called_here(self, caller: Routine, func: ast.expr) -> bool:
        """Whether a name or attribute in the same file can stand for the routine."""
        routine = self._routine
        if routine.owner is None:
            if not isinstance(func, ast.Name):
                return False
            return routine.outer is None or routine.outer in caller.around
        if not isinstance(func, ast.Attribute):
            return False
        if (
            func.attr in ONLY_MODULES_HAVE
            and not routine.owner.is_module
            and spelled(func.value) not in ("self", "cls")
        ):
            return False  # `model.train()` is no call of a trainer's `train`
        match func.value:
            case ast.Name(id="self" | "cls"):
                owner = caller.around[-1].owner
                return owner is None or owner in routine.owner.lineage or routine.owner in owner.lineage
            case ast.Call(func=ast.Name(id="super")):
                owner = caller.around[-1].owner
                return owner is not None and owner is not routine.owner and routine.owner in owner.lineage
            case ast.Name(id=name):
                return not isinstance(caller.module.binding(name), Import)
            case ast.Attribute(value=ast.Name(id="self")):
                return True
        return False

    def _takes(self, site: CallSite) -> bool:
        """Whether a call with so many positional arguments can be a call of the routine.

        There must not be too many, and not zero if the function needs one; other missing ones may be given by keyword.
        """
        node = self._routine.node
        if isinstance(node, ast.Module) or site.called != self._routine.name:
            return True
        arguments, count = node.args, len(site.node.args)
        static = any(isinstance(part, ast.Name) and part.id == "staticmethod" for part in node.decorator_list)
        bound = self._routine.owner is not None and not static
        most = len(arguments.posonlyargs) + len(arguments.args) - bound
        needed = most - len(arguments.defaults)
        many = arguments.vararg is not None or count <= most
        return many and (count > 0 or needed <= 0 or bool(site.node.keywords))

    def _through_class(self, here: Routines) -> Iterator[Use]:
        """The uses of a method because of its class: by the method that it overrides, or of an instance."""
        routine = self._routine
        owner = routine.owner
        assert owner is not None
        if routine.name == "__init__":
            yield from self._of_value(here, owner.name, lambda _, func: isinstance(func, ast.Name))
        elif routine.name in ("__call__", "forward"):
            yield from self._of_results(here, owner.name, 0)
            yield from self._of_namesakes(owner)
        else:
            for base in owner.lineage[1:]:
                method = base.methods.get(routine.name) if not isinstance(base, str) else None
                if method is not None:
                    found = self._callers.routine(method.module, method.node)
                    if found is not None:
                        yield Use(found, ())

    def _of_namesakes(self, owner: ClassInfo) -> Iterator[Use]:
        """The calls of attributes that are called like the class: `self.extra_features(x)` of an `ExtraFeatures`.

        Where the class is imported, also of those whose last words are its name: `self.rpn_matcher(x)` of a `Matcher`.
        """
        name, routine = _CAPITALS.sub("_", owner.name).lower(), self._routine
        if name == owner.name or owner.is_module:
            return
        calling = self.project.calling(name, routine.module.path)
        found = [(path, name) for path in calling if len(calling) <= _ALIKE]
        for file in (self._callers.of_file(routine.module), *self._importers(owner.name, routine.module)):
            found += [(file.module.path, called) for called in file.calls if called.endswith(f"_{name}")]
        for path, called in found:
            other = self.project.module(path, routine.module.path)
            if other is not None:
                for use in self._of_value(self._callers.of_file(other), called, self._is_method_of_unknown, _DEPTH):
                    yield Use(use.routine, (*use.path, Change.UNSURE))

    # ---- across files --------------------------------------------------------------------------------------------

    def _abroad(self, own: Heat) -> Iterator[Use]:
        """The uses in other files: of a function or class by import, of a method by a name that few methods have.

        If it is not the only one of that name, a use is unsure.
        """
        routine, near = self._routine, self._routine.module.path
        if routine.owner is not None and routine.name not in ("__init__", "__call__"):
            count = self._methods_named(routine.name)
            if count > 1 and own is Heat.ONCE:
                return  # its name says more
            calling = self.project.calling(routine.name, near) if 0 < count <= _FAMILY else ()
            if count != 1 and (not count or len(calling) > _ALIKE):
                yield from self._of_instances(routine.owner.name)
                yield from self._of_holders(routine.owner, of_models=not count)
                return
            for path in calling:
                other = self.project.module(path, near) if path != near else None
                if other is not None:
                    file = self._callers.of_file(other)
                    for use in self._of_value(file, routine.name, self._is_method_of_unknown, 1):
                        yield use if count == 1 else Use(use.routine, (*use.path, Change.UNSURE))
            return
        name = routine.name if routine.owner is None else routine.owner.name
        for file in self._importers(name, routine.module):
            if routine.name == "__call__":
                yield from self._of_results(file, name, 1)
            else:
                yield from self._of_value(file, name, self._names_it(name), 1)

    def _of_holders(self, owner: ClassInfo, *, of_models: bool) -> Iterator[Use]:
        """The calls of a module's method, whose name others have, too, of what is called as its class ends.

        `self.bbox_head.predict(x)` of a `CenterHead`. of_models: also of what is called a model, `model.decode(batch)`.
        """
        name, near = self._routine.name, self._routine.module.path
        *_, last = _CAPITALS.sub("_", owner.name).lower().split("_")
        for word in dict.fromkeys((last, *(["model"] if of_models else []))) if owner.is_module else ():
            paths = self.project.mentioning(f"{word}.{name}(", near) if len(word) >= _WORD else ()
            for path in paths if len(paths) <= _FAMILY else ():
                other = self.project.module(path, near) if path != near else None
                if other is not None:
                    accepts = partial(_is_of_holder, word)
                    for use in self._of_value(self._callers.of_file(other), name, accepts, 1):
                        yield Use(use.routine, (*use.path, Change.UNSURE))

    def _of_instances(self, cls: str) -> Iterator[Use]:
        """The uses of a method with a name that many have, of what the calling file makes of the class."""
        routine = self._routine
        for file in self._importers(cls, routine.module):
            made: Collection[str] = file.instances.get(cls, ())

            def accepts(_: Routine, func: ast.expr, made: Collection[str] = made) -> bool:
                return isinstance(func, ast.Attribute) and spelled(func.value) in made

            if made:
                yield from self._of_value(file, routine.name, accepts, 1)

    def _importers(self, name: str, module: Module) -> Iterator[Routines]:
        """The files that import a name from a module, or the module."""
        stem = module.path.rpartition("/")[2].removesuffix(".py")
        importing = self.project.importing
        for path in dict.fromkeys((*importing(name, module.path), *importing(stem, module.path))):
            if path == module.path or not self.project.holds(path, name, module.path):
                continue
            other = self.project.module(path, module.path)
            if other is not None:
                yield self._callers.of_file(other)

    def _is_method_of_unknown(self, caller: Routine, func: ast.expr) -> bool:
        """Whether it is an attribute of something that is no module from outside the tree: not `random.sample`."""
        if not isinstance(func, ast.Attribute):
            return False
        binding = caller.module.binding(func.value.id) if isinstance(func.value, ast.Name) else None
        return not isinstance(binding, Import) or self.project.module_for(caller.module, binding) is not None

    def _names_it(self, name: str) -> Callable[[Routine, ast.expr], bool]:
        path = self._routine.module.path
        wanted, spelled = f"{path}:{name}", f".{path.removesuffix('.py').replace('/', '.')}.{name}"

        def accepts(caller: Routine, func: ast.expr) -> bool:
            called = caller.module.dotted(func)
            # With a folder of the tree on its path, a program imports from there: no file says so.
            if called == wanted or spelled.endswith(f".{called}"):
                return True
            if isinstance(func, ast.Name):
                return func.id not in caller.module.bindings
            return self._names_it_in_module(caller, func)

        return accepts

    def _names_it_in_module(self, caller: Routine, func: ast.expr) -> bool:
        """Whether it is `module.function`, of a module that a package above it may only pass on."""
        owner = func.value if isinstance(func, ast.Attribute) else None
        binding = caller.module.binding(owner.id) if isinstance(owner, ast.Name) else None
        if not isinstance(binding, Import):
            return False
        if self.project.module_for(caller.module, binding, binding.name) is self._routine.module:
            return True
        package, path = self.project.module_for(caller.module, binding), self._routine.module.path
        above = package.path.removesuffix("__init__.py") if package is not None else path
        return path.endswith(f"/{binding.name}.py") and above.endswith("/") and path.startswith(above)

    def _methods_named(self, name: str) -> int:
        """How many methods of the tree have the name; 0 if something of Python or torch has it, too."""
        known = self._knowledge
        if name in known.tensor_same or name in known.tensor_host or name in known.tensor_tuples or name in _OF_PYTHON:
            return 0
        return self.project.definitions(name, self._routine.module.path)


def _is_of_holder(word: str, _: Routine, func: ast.expr) -> bool:
    """Whether it is a method of what is called so."""
    return isinstance(func, ast.Attribute) and spelled(func.value).endswith(word)


def _has(routine: Routine, sites: Iterable[CallSite], test: Callable[[CallSite], bool]) -> bool:
    return any(site.routine is routine and test(site) for site in sites)


_OF_PYTHON = frozenset(name for kind in (str, bytes, list, dict, set, tuple, object) for name in dir(kind))


def changes_at(routine: Routine, path: Path) -> Sequence[Change]:
    """The changes on the way to a place in a routine, which may be beside its loop over steps."""
    return (*path.changes, Change.BESIDE) if routine.is_beside_steps(path) else path.changes
