"""Objects: the initial values of attributes, assignment to attributes, and which objects are certainly different."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import cache, partial

from transfer_lint.findings import Assumption
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.names import may_be_tensor_or_module
from transfer_lint.flow.program.modules import ClassInfo, FunctionInfo
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.values.aliasing import Sharing
from transfer_lint.flow.values.memory import LIVE, Memory
from transfer_lint.flow.values.records import Epoch, Record
from transfer_lint.flow.values.state import State
from transfer_lint.flow.values.summary import Template
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import Fact, Known, Term, TermKind
from transfer_lint.flow.values.values import External, Object, Tensor, Value, symbols_of


def entry_state(frame: Frame) -> State:
    """The state at function entry."""
    near, project = frame.module.path, frame.project
    data = cache(partial(project.assigns, "data", near))
    sharing = Sharing(frame.is_module, partial(apart, frame), data, cache(partial(may_assign, frame)))
    sharing.settled = Assumption.STAYS_WHERE_PUT in frame.callees.assumptions
    sharing.new = _initialised(frame)
    sharing.open = Assumption.NO_HIDDEN_CHANGES in frame.callees.assumptions
    return State(frame.symbols, partial(initial_attribute, frame), sharing)


def initial_attribute(frame: Frame, state: Memory, owner: Object, name: str, record: Record) -> Value:
    """The value of an attribute that has no known assignment since the record's epoch began."""
    label = f"{owner.ident.label}{name if name.startswith('[') else f'.{name}'}"
    begin, line = (name, 0) if record.epoch is None else ("", record.epoch.line)
    symbol = frame.symbols.make(("attribute", owner.ident, name, record.epoch), label, line, owner.ident, begin)
    value = frame.callees.attribute(frame, owner, name, symbol)
    moves = _moves(owner.ident, state) if name in LIVE and value == Object(symbol) else ()
    if moves:
        key = ("live", owner.ident, name, record.epoch, moves)
        return Object(frame.symbols.make(key, label, max(move.line for _, move in moves), owner.ident))
    if isinstance(value, Tensor) and value.weight:
        return Tensor(
            value.ident,
            record.device or Known(Term(TermKind.WEIGHTS_DEVICE, symbol=state.anchor(owner.ident, record))),
            None if value.uncast else record.dtype,
            value.scalar,
            weight=True,
            uncast=value.uncast,
            why=value.why,
        )
    if isinstance(value, Object) and frame.is_module(value) and frame.is_module(owner):
        state.sharing.know(value)
        child = state.record(value.ident)
        if value.ident not in state.heap and record.anchor is not None:
            child = replace(child, anchor=record.anchor)
        if record.device or record.dtype or child.anchor is not None:
            state.heap[value.ident] = replace(child, device=record.device, dtype=record.dtype, moved=record.moved)
    return value


def found_method(frame: Frame, owner: Object, name: str, state: State) -> FunctionInfo | None:
    """The method that a lookup on an instance finds; None if there is none or a subclass may override it.

    Nor if the tree assigns such an attribute, on a class or an object. Not under the assumption that no changes are
    hidden.
    """
    if not isinstance(owner.cls, ClassInfo):
        return None
    method = owner.cls.method(name)
    if method is not None and frame.project.assigns(name, owner.cls.module.path) and state.sharing.may_hide():
        return None
    if method is None or not owner.cls.is_overridden(name) or state.record(owner.ident).made:
        return method
    template = frame.templates.get(owner.ident)
    record = template.summary.heap.get(template.symbol) if template is not None else None
    return method if record is not None and record.made else None


def is_described(frame: Frame, cls: ClassInfo, name: str, method: str) -> bool:
    """Whether a descriptor of the tree may stand for an attribute: its method `__get__` or `__set__` runs."""
    module, made = cls.class_attribute(name) or (cls.module, None)
    if not isinstance(made, ast.Call):
        return False
    kind = frame.project.class_named(module, made.func)
    if kind is not None:
        return kind.method(method) is not None
    maker = module.binding(made.func.id) if isinstance(made.func, ast.Name) else None
    return isinstance(maker, FunctionInfo) and frame.project.definitions(method, module.path) > 0


def apart(frame: Frame, one: Symbol, other: Symbol) -> bool:
    """Whether two objects that this function did not make are certainly different, and neither is a part of the other.

    They are if one `__init__` made both and put them into different attributes. In an `__init__`, the object that it
    initialises is new, so it is different from every other object.
    """
    own = _initialised(frame)
    if own is not None and own in (one, other):
        return True
    ancestors = {symbol.parent: symbol for symbol in one.lineage() if symbol.parent is not None}
    for theirs in other.lineage():
        mine = ancestors.get(theirs.parent) if theirs.parent is not None else None
        if mine is not None:
            return mine is not theirs and _made_apart(frame.templates.get(mine), frame.templates.get(theirs))
    return False


def _initialised(frame: Frame) -> Symbol | None:
    function = frame.function
    if function is None or function.name != "__init__" or not function.parameters:
        return None
    return frame.symbols.make(("parameter", name := function.parameters[0].arg), name, 0)


def may_assign(frame: Frame, cls: ClassInfo | str, name: str) -> bool:
    """Whether any code but constructors may assign an attribute of an object of a class while the function runs.

    The function itself only if something in the tree may call it again.
    """
    near = frame.module.path
    if name.startswith("[") or frame.project.assigns(name, near) or _counts(frame, frame.project.sets(name, near)):
        return True
    if isinstance(cls, str):
        return not frame.knowledge.is_module_class(cls)
    kinds = [kind for kind in cls.lineage if isinstance(kind, ClassInfo)]
    known = all(isinstance(kind, ClassInfo) or frame.knowledge.is_transparent_base(kind) for kind in cls.lineage)
    methods = (method for kind in kinds for key, method in kind.methods.items() if key != "__init__")
    return (
        not known
        or cls.is_overridden(name)
        or any(
            _may_run_again(frame, method)
            for method in methods
            if name in method.assigned or _counts(frame, method.assigns_unnamed)
        )
    )


def _may_run_again(frame: Frame, method: FunctionInfo) -> bool:
    """Whether a method may run while the function does: another one; the function itself if something may call it."""
    if method is not frame.function or method.name == "forward" or method.name.startswith("__"):
        return True
    if method.owner is not None and method.owner.node_function == method.name:  # ComfyUI runs it, one at a time
        return bool(frame.project.mentioning(f".{method.name}", method.module.path))
    kept = any(name not in frame.knowledge.transparent_decorators for name in method.decorators)
    return kept or frame.project.names(method.name, method.module.path)


def may_be_set(frame: Frame, cls: ClassInfo, name: str) -> bool:
    """Whether code may assign an attribute of an object under a name that it does not write out.

    Not under the assumption that no changes are hidden.
    """
    kinds = (base for base in cls.lineage if isinstance(base, ClassInfo))
    methods = (method for kind in kinds for key, method in kind.methods.items() if key != "__init__")
    may = frame.project.sets(name, cls.module.path) or any(method.assigns_unnamed for method in methods)
    return _counts(frame, may)


def supposed_same(frame: Frame, owner: Object, name: str, symbol: Symbol) -> tuple[Fact, ...] | None:
    """The facts that an attribute or item is supposed to be what a constructor made; None if it may be another."""
    if not _may_be_replaced(frame, owner, name):
        return ()
    where = frame.function.node if frame.function is not None else frame.module.tree
    fact = frame.assume(Assumption.NO_HIDDEN_CHANGES, where, f"`{symbol.label}` is what it was made as")
    return (fact,) if fact is not None else None


def _may_be_replaced(frame: Frame, owner: Object, name: str) -> bool:
    """Whether an attribute or item of what a constructor has made may be another one by now."""
    if name.startswith("[") or frame.project.assigns(name, frame.module.path):
        return True
    if isinstance(owner.cls, ClassInfo):
        return is_reassigned(frame.project, owner.cls, name) or may_be_set(frame, owner.cls, name)
    return _counts(frame, frame.project.sets(name, frame.module.path))


def is_reassigned(project: Project, cls: ClassInfo, name: str) -> bool:
    """Whether code of the tree that is no constructor of the class assigns an attribute of that name."""
    reassigned = any(isinstance(base, ClassInfo) and name in base.reassigned for base in cls.lineage)
    return reassigned or project.assigns(name, cls.module.path) or cls.is_overridden(name)


def _counts(frame: Frame, hidden: bool) -> bool:
    """Whether a change counts that may be made under a name that is not written out, if there is one."""
    if hidden:
        frame.assumable.add(Assumption.NO_HIDDEN_CHANGES)
    return hidden and Assumption.NO_HIDDEN_CHANGES not in frame.callees.assumptions


def store(frame: Frame, owner: Object, name: str, value: Value, where: ast.AST, state: State) -> None:
    """Assign an attribute or item.

    If a module, parameter or buffer is put into a module, the placement of that module is no longer known, because the
    two placements may differ.
    """
    if name == "__dict__":
        state.havoc(owner, frame.epoch(where), getattr(where, "lineno", 0))
        for same in (value.ident, *state.sharing.twins.get(value.ident, ())) if isinstance(value, Object) else ():
            state.sharing.twin(owner.ident, same)
        return
    if _may_register(frame, owner, name, value, state):
        state.displace(owner, frame.epoch(where), getattr(where, "lineno", 0))
    set_by = False
    if isinstance(owner.cls, ClassInfo):
        setter = owner.cls.method(name)
        set_by = owner.cls.method("__setattr__") is not None or is_described(frame, owner.cls, name, "__set__")
        set_by = set_by or (setter is not None and bool(setter.decorators))
    elif owner.cls is None and not name.startswith("["):
        frame.run_operators((owner,), where, state, f".{name}=")
    if set_by or _may_be_set_by_code(frame, owner, name, state):
        state.run_unseen((owner, value), frame.epoch(where), getattr(where, "lineno", 0))
        state.havoc(owner, frame.epoch(where), getattr(where, "lineno", 0))
        return
    state.write(owner, name, value)


def _may_be_set_by_code(frame: Frame, owner: Object, name: str, state: State) -> bool:
    """Whether a property, a descriptor or a `__setattr__` of a class that is not known may change what is assigned.

    Not under the assumption that no changes are hidden.
    """
    if name.startswith("[") or state.record(owner.ident).made:
        return False
    if isinstance(owner.cls, ClassInfo):
        perhaps = owner.cls.is_redefined(name) or owner.cls.is_overridden("__setattr__")
    else:
        by, near = (name, "__set__", "__setattr__"), frame.module.path
        perhaps = owner.cls is None and any(frame.project.definitions(each, near) for each in by)
    return perhaps and state.sharing.may_hide()


def _may_register(frame: Frame, owner: Object, name: str, value: Value, state: State) -> bool:
    if not frame.is_module(owner):  # if its class is unknown, it may still be one
        return owner.cls is None and (frame.is_module(value) or (isinstance(value, Tensor) and value.weight))
    if isinstance(value, Object):
        return value.cls is None or frame.is_module(value)
    if isinstance(value, External):
        return _may_be_module(value)
    if not isinstance(value, Tensor):
        return False
    before = state.record(owner.ident).attributes.get(name)
    if value.weight or (isinstance(before, Tensor) and before.weight):
        return True
    kinds = owner.cls.lineage if isinstance(owner.cls, ClassInfo) else (owner.cls,)
    return any(
        kind.module.holds("register_buffer")
        if isinstance(kind, ClassInfo)
        else not (kind and frame.knowledge.is_transparent_base(kind))
        for kind in kinds
    )


def _may_be_module(value: External) -> bool:
    """Whether what is imported from outside the tree may be a module with weights, and not a function or class."""
    last = value.name.rpartition(".")[2]
    is_class = last[:1].isupper() and not last.isupper()
    return not is_class and may_be_tensor_or_module(value)


def _moves(symbol: Symbol, state: Memory) -> tuple[tuple[Symbol, Epoch], ...]:
    """The last moves of an object and of the objects that hold it."""
    moves = ((ident, state.record(ident).moved) for ident in symbol.lineage())
    return tuple((ident, moved) for ident, moved in moves if moved is not None)


def _made_apart(one: Template | None, other: Template | None) -> bool:
    """Whether one function made both objects, and neither can be reached from the other."""
    if one is None or other is None or one.summary is not other.summary or one.symbol is other.symbol:
        return False
    heap = one.summary.heap
    made = [heap[symbol].made if symbol in heap else False for symbol in (one.symbol, other.symbol)]
    return all(made) and not (_leads(one, other.symbol) or _leads(other, one.symbol))


def _leads(template: Template, target: Symbol) -> bool:
    seen, stack = {template.symbol}, [template.symbol]
    while stack:
        record = template.summary.heap.get(stack.pop())
        for value in record.attributes.values() if record else ():
            for symbol in symbols_of(value):
                if symbol not in seen:
                    seen.add(symbol)
                    stack.append(symbol)
    return target in seen
