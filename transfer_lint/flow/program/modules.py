"""One parsed file: what its names are bound to, its classes and functions."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Protocol, TypeAlias

from transfer_lint.flow.knowledge import Knowledge
from transfer_lint.flow.program.import_choices import chosen_at_import
from transfer_lint.flow.program.special_methods import acts, is_implicit
from transfer_lint.flow.program.star_imports import bound_by_stars
from transfer_lint.flow.program.syntax import attributes_assigned, defaults_of, nodes_of
from transfer_lint.flow.program.unnamed_sets import sets_own
from transfer_lint.flow.program.unshown_bindings import bound_in_class, unshown_bindings

ARRAYS = ("numpy", "pandas", "jax", "tensorflow", "cupy", "polars")
FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """A name bound by an import. `name` is None for `import a.b` (binds a module)."""

    module: str
    level: int
    name: str | None


Binding: TypeAlias = "Import | FunctionInfo | ClassInfo | ast.expr"


@dataclass(eq=False)
class FunctionInfo:
    """A function or method of the tree."""

    module: Module
    node: FunctionNode
    qualname: str
    owner: ClassInfo | None = None

    def __repr__(self) -> str:
        return f"<{self.qualname}>"

    @property
    def name(self) -> str:
        """Its name, without the class."""
        return self.node.name

    @cached_property
    def decorators(self) -> tuple[str, ...]:
        """Dotted names of its decorators, resolved through the imports; "?" for one without a dotted name."""
        return tuple(self.module.dotted(d.func if isinstance(d, ast.Call) else d) for d in self.node.decorator_list)

    @cached_property
    def assigned(self) -> frozenset[str]:
        """The attributes of its first parameter that it assigns or deletes."""
        return attributes_assigned(self.node, self.parameters[0].arg) if self.parameters else frozenset()

    @cached_property
    def assigns_unnamed(self) -> bool:
        """Whether it may assign attributes of its first parameter under names that it does not write out."""
        return bool(self.parameters) and sets_own(self.node, self.parameters[0].arg)

    @property
    def lines(self) -> range:
        """The lines of its definition, without decorators."""
        return range(self.node.lineno, (self.node.end_lineno or self.node.lineno) + 1)

    @cached_property
    def is_generator(self) -> bool:
        """Whether a call only makes a generator. To be safe, a `yield` in a nested function counts, too."""
        if not self.module.holds("yield"):
            return False
        return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes_of(self.node))

    @cached_property
    def parameters(self) -> tuple[ast.arg, ...]:
        """Positional parameters in order, then keyword-only ones, without `*args` and `**kwargs`."""
        arguments = self.node.args
        return (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)

    @cached_property
    def defaults(self) -> dict[str, ast.expr]:
        """Parameter name -> its default."""
        return defaults_of(self.node.args)


@dataclass(eq=False)
class ClassInfo:
    """A class of the tree."""

    module: Module
    node: ast.ClassDef
    name: str
    methods: dict[str, FunctionInfo] = field(default_factory=dict)
    attributes: dict[str, ast.expr] = field(default_factory=dict)  # assigned in the class body
    _heirs: dict[str, set[ClassInfo]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<class {self.name}>"

    @cached_property
    def bases(self) -> tuple[ClassInfo | str, ...]:
        """Base classes: of the tree, or dotted names ("?" where not resolved)."""
        project = self.module.project
        found: list[ClassInfo | str] = []
        for base in self.node.bases:
            target = project.class_named(self.module, base)
            found.append(target if target is not None else self.module.dotted(base))
        return tuple(found)

    @cached_property
    def lineage(self) -> tuple[ClassInfo | str, ...]:
        """The class and all its ancestors, nearest first (depth-first order is enough to find methods)."""
        found: list[ClassInfo | str] = [self]
        seen: set[object] = {self}
        stack = list(reversed(self.bases))
        while stack:
            base = stack.pop()
            if base in seen:
                continue
            seen.add(base)
            found.append(base)
            if isinstance(base, ClassInfo):
                stack.extend(reversed(base.bases))
        return tuple(found)

    def method(self, name: str) -> FunctionInfo | None:
        """The method that a lookup of `name` finds; None if there is none or an unknown base may define its own."""
        for base in self.lineage:
            if isinstance(base, ClassInfo):
                if name in base.methods:
                    return base.methods[name]
            elif not self.module.project.knowledge.is_transparent_base(base):
                return None
        return None

    def class_attribute(self, name: str) -> tuple[Module, ast.expr] | None:
        """The expression that the class body, or that of a base, assigns to `name`, with its module; None if none."""
        for base in self.lineage:
            if isinstance(base, ClassInfo) and name in base.attributes:
                return base.module, base.attributes[name]
        return None

    @cached_property
    def is_module(self) -> bool:
        """Whether it is a torch.nn.Module whose weights all move together: no class overrides `.to` or the like."""
        knowledge = self.module.project.knowledge
        for base in self.lineage:
            if isinstance(base, ClassInfo):
                if base.methods.keys() & {"to", "_apply", "parameters", "buffers"}:
                    return False
            elif knowledge.is_module_class(base):
                return True
        return False

    @cached_property
    def is_dataclass(self) -> bool:
        """Whether it is a dataclass whose `__init__` is generated from its fields."""
        names = (self.module.dotted(d.func if isinstance(d, ast.Call) else d) for d in self.node.decorator_list)
        return "dataclasses.dataclass" in names and self.method("__init__") is None

    @cached_property
    def annotated(self) -> dict[str, tuple[Module, ast.AnnAssign]]:
        """Attributes annotated in its body or that of a base, in the order of a dataclass's fields."""
        found: dict[str, tuple[Module, ast.AnnAssign]] = {}
        for base in reversed(self.lineage):
            for item in base.node.body if isinstance(base, ClassInfo) else ():
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    assert isinstance(base, ClassInfo)
                    if "ClassVar" not in ast.unparse(item.annotation):
                        found[item.target.id] = (base.module, item)
        return found

    @cached_property
    def operates(self) -> bool:
        """Whether an operator, a loop, a test or what makes text of an instance runs code of the tree that acts."""
        methods = (method for base in self.lineage if isinstance(base, ClassInfo) for method in base.methods.values())
        return any((is_implicit(m.name) or m.name == "__getattribute__") and acts(m.node) for m in methods)

    def is_overridden(self, name: str) -> bool:
        """Whether some subclass in the tree, or another base of one, defines or assigns the method or attribute."""
        return self.is_redefined(name) or any(name in cls.assigned for cls in self._beside(name))

    def is_redefined(self, name: str) -> bool:
        """Whether the body of some subclass in the tree has something of that name, such as a property."""
        return any(name in cls.methods or name in cls.attributes for cls in self._beside(name))

    def _beside(self, name: str) -> set[ClassInfo]:
        """The subclasses of the tree that may define, assign or inherit the name, with their other bases. Memoised."""
        if name not in self._heirs:
            ask, near = self.module.project, self.module.path
            modules = [ask.module(path, near) for path in ask.overriding(self.name, name, near)]
            lines = [cls.lineage for module in modules if module is not None for cls in module.classes.values()]
            found = {base for line in lines if self in line for base in line if isinstance(base, ClassInfo)}
            self._heirs[name] = found.difference(self.lineage)
        return self._heirs[name]

    @cached_property
    def assigned(self) -> frozenset[str]:
        """Attributes of `self` that its methods assign."""
        return frozenset(name for method in self.methods.values() for name in method.assigned)

    @cached_property
    def reassigned(self) -> frozenset[str]:
        """Attributes of `self` that methods other than `__init__` assign."""
        methods = (method for name, method in self.methods.items() if name != "__init__")
        return frozenset(name for method in methods for name in method.assigned)

    @cached_property
    def node_function(self) -> str | None:
        """The name of the method that ComfyUI calls, if the class is a node; else None."""
        value = self.class_attribute("FUNCTION")
        has_types = self.class_attribute("RETURN_TYPES") is not None or self.method("INPUT_TYPES") is not None
        if value and has_types and isinstance(value[1], ast.Constant) and isinstance(value[1].value, str):
            return value[1].value
        return None


class Tree(Protocol):
    """What a file needs from the tree that it belongs to; `Project` implements it."""

    knowledge: Knowledge

    def module(self, path: str, near: str) -> Module | None:
        """The module at `path`, for the file `near`; None if there is no such file or it does not parse."""

    def module_for(self, importer: Module, found: Import, name: str | None = None) -> Module | None:
        """The module of the tree that an import names (with `name`: that submodule of it); None if there is none."""

    def star_may_bind(self, importer: Module, star: Import, name: str) -> bool:
        """Whether importing all of a module may bind a name, by the texts that this leads to: none is parsed."""

    def external_name(self, importer: Module, found: Import) -> str:
        """The dotted name of an import, followed through re-exports; `PATH:NAME` for what the tree itself binds."""

    def class_named(self, module: Module, node: ast.expr) -> ClassInfo | None:
        """The class of the tree that an expression names; None if it names none."""

    def overriding(self, name: str, attribute: str, near: str) -> Sequence[str]:
        """The files with a class that seems to inherit from the class `name`, and may define or assign `attribute`."""

    def mentioning(self, text: str, near: str) -> Sequence[str]:
        """The files of the tree around `near` that hold a piece of text."""


class Module:
    """One parsed file. tree: the syntax tree of its text."""

    def __init__(self, project: Tree, path: str, text: str, tree: ast.Module) -> None:
        self.project = project
        self.path = path
        self.text = text
        self.holds = cache(text.__contains__)  # whether the text holds a word, which is asked for each function
        self.tree = tree
        self.bindings: dict[str, list[Binding]] = {}
        self.stars: list[Import] = []
        self.functions: list[FunctionInfo] = []  # of the module and its classes, without nested functions
        self.classes: dict[str, ClassInfo] = {}
        self._choice = cache(lambda name: chosen_at_import(tree.body, name, len(self.bindings[name])))
        self._collect(self.tree.body)

    @cached_property
    def lines(self) -> list[str]:
        """Source lines as `ast` counts them (form feeds do not end a line)."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @cached_property
    def rebound_globals(self) -> frozenset[str]:
        """Names that some function of the module declares `global`, or that are bound with no value that is seen."""
        nodes = nodes_of(self.tree) if self.holds("global ") else ()
        unshown = unshown_bindings(self.tree) | bound_by_stars(self)
        return unshown.union(*(node.names for node in nodes if isinstance(node, ast.Global)))

    @cached_property
    def knows_arrays(self) -> bool:
        """Whether the text names a library whose arrays or tables have methods that tensors have, too."""
        return any(map(self.holds, ARRAYS))

    def column(self, line: int, offset: int) -> int:
        """The 1-based column in characters of a 0-based UTF-8 byte offset."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return offset + 1 if text.isascii() else len(text.encode()[:offset].decode(errors="ignore")) + 1

    def _collect(self, body: Sequence[ast.stmt]) -> None:
        for node in body:
            match node:
                case ast.Import():
                    for alias in node.names:
                        target = alias.name if alias.asname else alias.name.partition(".")[0]
                        self._bind(alias.asname or target, Import(target, 0, None))
                case ast.ImportFrom():
                    for alias in node.names:
                        found = Import(node.module or "", node.level, alias.name)
                        if alias.name == "*":
                            self.stars.append(found)
                        else:
                            self._bind(alias.asname or alias.name, found)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    info = FunctionInfo(self, node, node.name)
                    self.functions.append(info)
                    self._bind(node.name, info)
                case ast.ClassDef():
                    self._collect_class(node)
                case ast.Assign():
                    for target_node in node.targets:
                        self._bind_target(target_node, node.value)
                case ast.AnnAssign(value=ast.expr() as value) | ast.AugAssign(value=value):
                    self._bind_target(node.target, value)
                case ast.Try():
                    self._collect_try(node)
                case ast.If():
                    self._collect(node.body)
                    self._collect(node.orelse)
                case ast.With() | ast.AsyncWith() | ast.For() | ast.While():
                    if isinstance(node, ast.For):
                        self._bind_target(node.target, node.iter)
                    self._collect(node.body)
                    self._collect(getattr(node, "orelse", []))

    def _collect_try(self, node: ast.Try) -> None:
        """`try: import x / except ImportError: x = stand-in` binds `x` to the import."""
        self._collect(node.body)
        bound = dict(self.bindings)
        for handler in node.handlers:
            self._collect(handler.body)
        for name, bindings in bound.items():
            if isinstance(bindings[0], Import):
                self.bindings[name] = bindings[:1]
        self._collect(node.orelse)
        self._collect(node.finalbody)

    def _collect_class(self, node: ast.ClassDef) -> None:
        info = ClassInfo(self, node, node.name)
        for item in node.body:
            for name in bound_in_class(item):
                info.attributes.pop(name, None)
            match item:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    method = FunctionInfo(self, item, f"{node.name}.{item.name}", info)
                    info.methods[item.name] = method
                    self.functions.append(method)
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ):
                    info.attributes[name] = value
        self.classes[node.name] = info
        self._bind(node.name, info)

    def _bind(self, name: str, binding: Binding) -> None:
        self.bindings.setdefault(name, []).append(binding)

    def _bind_target(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                # An item of an unpacked value is not known: bound twice, so that `binding` returns None.
                self._bind_target(item, value)
                self._bind_target(item, value)
        elif isinstance(target, ast.Starred):
            self._bind_target(target.value, value)

    def binding(self, name: str) -> Binding | None:
        """What a module-level name is bound to; None if that is not one value, or one of those that an `if` chooses."""
        found = self.bindings.get(name)
        if found is not None:
            named = [(b.level, f"{b.module}.{b.name}" if b.name else b.module) for b in found if isinstance(b, Import)]
            once = len(found) == 1 or (len(named) == len(found) and len(set(named)) == 1)  # `from a import b` twice
            if name in self.rebound_globals:
                return None
            return found[0] if once else self._choice(name)
        for star in self.stars:
            target = self.project.module_for(self, star) if self.project.star_may_bind(self, star, name) else None
            if target is not None and target is not self and (inner := target.binding(name)) is not None:
                return inner
        return None

    def dotted(self, node: ast.expr) -> str:
        """The dotted name of a name or attribute chain, resolved through the imports; "?" for anything else."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return "?"
        match self.binding(node.id):
            case Import() as found:
                root = self.project.external_name(self, found)
            case None if node.id not in self.bindings:
                root = f"builtins.{node.id}"
            case FunctionInfo() | ClassInfo():
                root = f"{self.path}:{node.id}"
            case _:
                return "?"
        return ".".join((root, *reversed(names)))
