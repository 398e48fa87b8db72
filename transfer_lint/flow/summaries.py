"""What calling a function does, found once per function and carried over to each call.

A function is interpreted with unknown arguments; its summary speaks of symbols that stand for its parameters and for
paths from them (`self.image_proj_model.norm_out`). At a call those are read in the caller's state. Recursive calls
see "unknown".
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace

from transfer_lint.findings import Heat
from transfer_lint.flow import sockets
from transfer_lint.flow.calls import unknown_call
from transfer_lint.flow.heat import heat_of
from transfer_lint.flow.interpreter import Interpreter
from transfer_lint.flow.project import ClassInfo, FunctionInfo, Module, Project
from transfer_lint.flow.state import Record, State
from transfer_lint.flow.values import (
    NONE,
    Constant,
    Fact,
    Function,
    Host,
    Known,
    Object,
    Placed,
    Symbol,
    Symbols,
    Tensor,
    Term,
    TermKind,
    Tuple,
    Value,
    merge_why,
    symbols_of,
)


@dataclass(frozen=True)
class Summary:
    """The effect of one function.

    parameters: name -> its symbol. result: what it returns. heap: objects as they are at its end.
    """

    parameters: Mapping[str, Symbol]
    result: Value
    heap: Mapping[Symbol, Record]

    def rooted(self, symbol: Symbol) -> bool:
        """Whether the symbol is a parameter, or a path from one, as it was at function entry."""
        while symbol.parent is not None:
            if not symbol.name:
                return False
            symbol = symbol.parent
        return symbol in self.parameters.values()


@dataclass(frozen=True)
class Template:
    """How an object looked where it was made: what its attributes are, as far as nobody has assigned them since."""

    summary: Summary
    symbol: Symbol


class Summaries:
    """All summaries of a project, made on demand."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._done: dict[ast.AST, Interpreter] = {}
        self._summaries: dict[ast.AST, Summary | None] = {}
        self._running: set[ast.AST] = set()
        self._globals: dict[tuple[str, str], Value | None] = {}
        self._default_device: dict[str, bool] = {}

    # ---- running -------------------------------------------------------------------------------------------------

    def interpretation(self, info: FunctionInfo) -> Interpreter:
        """The function, interpreted; its sites are in it."""
        if info.node not in self._done:
            interpreter = Interpreter(self, info.module, info, heat_of(info, self.project.knowledge))
            self._running.add(info.node)
            try:
                self.run(interpreter, info, interpreter.new_state())
            finally:
                self._running.discard(info.node)
            self._done[info.node] = interpreter
        return self._done[info.node]

    def run(self, interpreter: Interpreter, info: FunctionInfo, state: State) -> None:
        """Interpret a function's body from a state that binds its parameters to symbols."""
        parameters: dict[str, Symbol] = {}
        for number, argument in enumerate(info.parameters):
            symbol = interpreter.symbols.make(("parameter", argument.arg), argument.arg, 0)
            parameters[argument.arg] = symbol
            state.locals[argument.arg] = self._parameter(interpreter, info, number, argument, symbol)
        for rest in (info.node.args.vararg, info.node.args.kwarg):
            if rest is not None:
                symbol = interpreter.symbols.make(("parameter", rest.arg), rest.arg, 0)
                state.locals[rest.arg] = Object(symbol)
        end = interpreter.block(info.node.body, state)
        if end is not None:
            interpreter.returns.append((NONE, end))
        self._summaries[info.node] = self._summarise(interpreter, info, parameters)

    def _parameter(
        self, interpreter: Interpreter, info: FunctionInfo, number: int, argument: ast.arg, symbol: Symbol
    ) -> Value:
        if info.owner is not None and number == 0 and "builtins.staticmethod" not in info.decorators:
            if "builtins.classmethod" in info.decorators:
                return Object(symbol)
            why = (Fact(info.module, argument, f"`{argument.arg}` is the `{info.owner.name}`"),)
            return Object(symbol, info.owner, why)
        value = sockets.parameter(interpreter, info, argument, symbol)
        if value is None:
            value = self._annotated(info.module, argument, symbol)
        default = info.defaults.get(argument.arg)
        if isinstance(value, Tensor | Object) and isinstance(default, ast.Constant) and default.value is None:
            value = replace(value, optional=True)
        return value

    def _annotated(self, module: Module, argument: ast.arg, symbol: Symbol) -> Value:
        note = argument.annotation
        if isinstance(note, ast.Constant) and isinstance(note.value, str):
            try:
                note = ast.parse(note.value, mode="eval").body
            except (SyntaxError, ValueError):
                return Object(symbol)
        if isinstance(note, ast.BinOp) and isinstance(note.op, ast.BitOr):
            parts = [p for p in (note.left, note.right) if not (isinstance(p, ast.Constant) and p.value is None)]
            note = parts[0] if len(parts) == 1 else None
        if isinstance(note, ast.Subscript) and module.dotted(note.value).rpartition(".")[2] == "Optional":
            note = note.slice
        if note is None:
            return Object(symbol)
        why = (Fact(module, argument, f"`{argument.arg}` is annotated as `{ast.unparse(note)}`"),)
        cls = self.project.class_named(module, note)
        if cls is not None:
            return Object(symbol, cls, why)
        name = module.dotted(note)
        if name in ("torch.Tensor", "torch.FloatTensor", "torch.LongTensor"):
            return Tensor(symbol, why=why)
        if self.project.knowledge.is_module_class(name):
            return Object(symbol, name, why)
        if name in ("torch.device", "torch.dtype"):
            return Placed(Known(Term(TermKind.VALUE, symbol=symbol)), name == "torch.dtype")
        if name in ("builtins.int", "builtins.float", "builtins.bool", "builtins.str"):
            return Host(symbol)
        return Object(symbol)

    def _summarise(self, interpreter: Interpreter, info: FunctionInfo, parameters: dict[str, Symbol]) -> Summary:
        if not interpreter.returns:  # it never returns
            return Summary(parameters, NONE, {})
        result, merged = interpreter.returns[0]
        for number, (value, state) in enumerate(interpreter.returns[1:]):
            key = ("return", id(info.node), number)
            merged = merged.joined(state, key, info.node.lineno)
            result = merged.merge_values(
                result, value, lambda path, key=key: interpreter.symbols.make((*key, path), f"{info.name}()", 0)
            )
        return Summary(parameters, result, merged.heap)

    def nested(self, outer: Interpreter, info: FunctionInfo, state: State) -> None:
        """A function defined inside another is interpreted for its sites, seeing what the outer one knows for good."""
        interpreter = Interpreter(self, info.module, info, max(outer.heat, Heat.CALL, key=lambda h: h.rank))
        interpreter.outer = {name: _lasting(value) for name, value in state.locals.items()} | {
            name: _lasting(value) for name, value in outer.outer.items() if name not in state.locals
        }
        interpreter.watching = outer.watching
        self.run(interpreter, info, interpreter.new_state())
        outer.sites.update(interpreter.sites)
        outer.watch.update(interpreter.watch)

    # ---- calling -------------------------------------------------------------------------------------------------

    def summary(self, info: FunctionInfo) -> Summary | None:
        """What a call of the function does; None where that is not known."""
        if info.node in self._running or not self._is_plain(info):
            return None
        self.interpretation(info)
        return self._summaries.get(info.node)

    def _is_plain(self, info: FunctionInfo) -> bool:
        if isinstance(info.node, ast.AsyncFunctionDef):
            return False
        if any(name not in self.project.knowledge.transparent_decorators for name in info.decorators):
            return False
        return not any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(info.node))

    def call(
        self, caller: Interpreter, info: FunctionInfo, arguments: dict[str, Value], node: ast.expr, state: State
    ) -> Value:
        """Call a function of the tree. `arguments` as `calls.evaluate_arguments` gives them, the receiver under ""."""
        summary = self.summary(info)
        bound = _bind(info, arguments) if summary is not None else None
        if summary is None or bound is None:
            anchor = node if isinstance(node, ast.Call) else ast.copy_location(ast.Call(node, [], []), node)
            return unknown_call(caller, list(arguments.values()), anchor, state, info.name)
        return _Application(self, caller, info, summary, bound, node, state).result()

    # ---- what else functions see ---------------------------------------------------------------------------------

    def attribute(self, interpreter: Interpreter, owner: Object, name: str, symbol: Symbol) -> Value:
        """An attribute as the object's class (or the place where it was made) says it is."""
        template = interpreter.templates.get(owner.ident)
        if template is None and isinstance(owner.cls, ClassInfo) and not name.startswith("["):
            template = self._shape(owner.cls, name)
        if template is not None:
            record = template.summary.heap.get(template.symbol)
            value = record.attributes.get(name) if record else None
            if value is not None:
                return _shaped(interpreter, template.summary, value, symbol)
        return Object(symbol)

    def _shape(self, cls: ClassInfo, name: str) -> Template | None:
        """What `__init__` makes of `self.name`, if nothing else in the class assigns it."""
        initialiser = cls.method("__init__")
        if initialiser is None or initialiser.owner is None:
            return None
        for base in cls.lineage:
            if isinstance(base, ClassInfo) and name in _assigned_elsewhere(base):
                return None
        summary = self.summary(initialiser)
        if summary is None or not initialiser.parameters:
            return None
        return Template(summary, summary.parameters[initialiser.parameters[0].arg])

    def global_value(self, module: Module, name: str, node: ast.expr, symbols: Symbols) -> Value:
        """The value of a module-level variable that is assigned once."""
        key = (module.path, name)
        if key not in self._globals:
            self._globals[key] = None
            self._globals[key] = Interpreter(self, module, None, Heat.ONCE).eval(
                node, Interpreter(self, module, None, Heat.ONCE).new_state()
            )
        value = self._globals[key]
        symbol = symbols.make(("global", module.path, name), name, 0)
        match value:
            case Constant() | Function():
                return value
            case Placed() if value.known.term.symbol is None:
                return value
            case Placed():
                return Placed(Known(Term(TermKind.VALUE, symbol=symbol)), value.is_dtype)
            case Tensor():
                return Tensor(symbol, _spelled(value.device), _spelled(value.dtype), value.scalar, why=value.why)
            case Object():
                return Object(symbol, value.cls, value.why)
            case Host():
                return Host(symbol, value.array)
        return value if value is not None else Object(symbol)

    def sets_default_device(self, module: Module) -> bool:
        """Whether the tree may change where factories put their tensors."""
        folder = module.path.rpartition("/")[0]
        if folder not in self._default_device:
            self._default_device[folder] = any(
                self.project.mentions(word, module.path) for word in ("set_default_device", "set_default_tensor_type")
            )
        return self._default_device[folder]


def _spelled(known: Known | None) -> Known | None:
    """Only what is the same everywhere: constants and stable calls."""
    return known if known is not None and known.term.symbol is None else None


def _lasting(value: Value) -> Value:
    """What a nested function may rely on later: what the value is, not where it was."""
    match value:
        case Tensor():
            return Tensor(value.ident, optional=value.optional, why=value.why)
        case Placed() if value.known.term.symbol is None:
            return value
        case Tuple():
            return Tuple(tuple(_lasting(item) for item in value.items))
    return value


def _assigned_elsewhere(cls: ClassInfo) -> frozenset[str]:
    """Attributes of `self` that methods other than `__init__` assign."""
    cached: frozenset[str] | None = cls.__dict__.get("_assigned_elsewhere")
    if cached is None:
        found = set()
        for name, method in cls.methods.items():
            if name == "__init__" or not method.parameters:
                continue
            own = method.parameters[0].arg
            for node in ast.walk(method.node):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
                    if isinstance(node.value, ast.Name) and node.value.id == own:
                        found.add(node.attr)
        cached = cls.__dict__["_assigned_elsewhere"] = frozenset(found)
    return cached


def _shaped(interpreter: Interpreter, summary: Summary, value: Value, symbol: Symbol) -> Value:
    """A value as `__init__` left it, seen later: its class stays, where it was does not."""
    match value:
        case Tensor():
            device = None if value.weight else _spelled(value.device)
            return Tensor(symbol, device, None, value.scalar, value.optional, value.weight, why=value.why)
        case Object() if not summary.rooted(value.ident):
            interpreter.templates[symbol] = Template(summary, value.ident)
            return Object(symbol, value.cls, value.why, value.optional)
        case Object() if value.cls is not None:
            return Object(symbol, value.cls, value.why, value.optional)
        case Placed() if value.known.term.symbol is None:
            return value
        case Placed():
            return Placed(Known(Term(TermKind.VALUE, symbol=symbol)), value.is_dtype)
        case Constant(value=None):
            return Object(symbol, optional=True)
        case Constant() | Host():
            return Host(symbol)
        case Tuple():
            items = [
                _shaped(interpreter, summary, item, interpreter.symbols.make(("shape", symbol, n), f"{symbol.label}[{n}]", 0, symbol, f"[{n}]"))
                for n, item in enumerate(value.items)
            ]
            return Tuple(tuple(items))
    return Object(symbol)


def _bind(info: FunctionInfo, arguments: dict[str, Value]) -> dict[str, Value] | None:
    """Parameter name -> argument; None where unpacking leaves it open."""
    if any(key.startswith("*") for key in arguments):
        return None
    names = [p.arg for p in (*info.node.args.posonlyargs, *info.node.args.args)]
    bound: dict[str, Value] = {}
    offset = 0
    if "" in arguments:
        if not names:
            return None
        bound[names[0]] = arguments[""]
        offset = 1
    for key, value in arguments.items():
        if key.isdigit():
            position = int(key) + offset
            if position < len(names):
                bound[names[position]] = value
        elif key:
            bound[key] = value
    return bound


class _Application:
    """One call: carries a summary over into the caller's state."""

    def __init__(
        self,
        summaries: Summaries,
        caller: Interpreter,
        info: FunctionInfo,
        summary: Summary,
        arguments: dict[str, Value],
        node: ast.expr,
        state: State,
    ) -> None:
        self.caller = caller
        self.info = info
        self.summary = summary
        self.arguments = arguments
        self.node = node
        self.state = state
        self.roots = {symbol: name for name, symbol in summary.parameters.items()}
        self.found: dict[Symbol, Value] = {}
        self.copied: set[Symbol] = set()
        receiver = arguments.get(info.parameters[0].arg) if info.owner is not None and info.parameters else None
        # How the receiver's class is known is a part of why this function is the one that is called.
        self.here = (
            *(receiver.why if isinstance(receiver, Object) else ()),
            caller.fact(node, f"`{{}}` is the result of `{info.qualname}`"),
        )

    def result(self) -> Value:
        """Apply the effects, give the result."""
        changed = [
            (symbol, record) for symbol, record in self.summary.heap.items()
            if self.summary.rooted(symbol) and _changed(symbol, record)
        ]
        for symbol, record in changed:  # read all that is spoken of before anything changes
            self.lookup(symbol)
            for value in record.attributes.values():
                for spoken in symbols_of(value):
                    self.lookup(spoken)
        for spoken in symbols_of(self.summary.result):
            self.lookup(spoken)
        for symbol, record in changed:
            self._apply(symbol, record)
        return self.carried(self.summary.result)

    def lookup(self, symbol: Symbol) -> Value:
        """What a symbol of the callee is in the caller."""
        if symbol not in self.found:
            self.found[symbol] = self._look(symbol)
        return self.found[symbol]

    def _look(self, symbol: Symbol) -> Value:
        name = self.roots.get(symbol)
        if name is not None:
            if name in self.arguments:
                return self.arguments[name]
            default = self.info.defaults.get(name)
            if isinstance(default, ast.Constant):
                return Constant(default.value)
        elif symbol.parent is not None and symbol.name and self.summary.rooted(symbol):
            owner = self.lookup(symbol.parent)
            if isinstance(owner, Object):
                return self.state.read(owner, symbol.name)
        return Object(
            self.caller.symbols.make(("carried", id(self.node), symbol), symbol.label, self.node.lineno)
        )

    def known(self, known: Known | None) -> Known | None:
        """A placement as the caller sees it."""
        if known is None:
            return None
        outside = known.outside_autocast
        if outside and self.caller.around.autocast:
            return None
        symbol = known.term.symbol
        if symbol is None:
            return replace(known, why=merge_why(self.here, known.why))
        value = self.lookup(symbol)
        own = self._own(known.term.kind, value)
        if own is None:
            kind = known.term.kind
            fresh = value.ident if isinstance(value, Object | Tensor | Host) else self.caller.symbol(self.node, symbol.label)
            own = Known(Term(kind, symbol=fresh))
        return Known(own.term, merge_why(self.here, known.why, own.why), outside or own.outside_autocast)

    def _own(self, kind: TermKind, value: Value) -> Known | None:
        """What the caller knows of the thing that a term speaks of."""
        match kind, value:
            case TermKind.VALUE, _:
                term = self.caller.placed_by(value)
                if isinstance(value, Placed):
                    return value.known
                return Known(term) if term is not None else None
            case TermKind.DEVICE_OF, Tensor():
                return value.device or Known(value.device_term())
            case TermKind.DTYPE_OF, Tensor():
                return value.dtype or Known(value.dtype_term())
            case TermKind.WEIGHTS_DEVICE | TermKind.WEIGHTS_DTYPE, Object():
                record = self.state.record(value.ident)
                known = record.device if kind is TermKind.WEIGHTS_DEVICE else record.dtype
                if known is not None:
                    return replace(known, why=merge_why(value.why, known.why))
                return Known(Term(kind, symbol=record.anchor), value.why)
        return None

    def carried(self, value: Value) -> Value:
        """A value of the callee as the caller sees it."""
        match value:
            case Tensor():
                return self._tensor(value)
            case Object():
                return self._object(value)
            case Placed():
                known = self.known(value.known)
                assert known is not None
                return Placed(known, value.is_dtype)
            case Tuple():
                return Tuple(tuple(self.carried(item) for item in value.items))
            case Host():
                return Host(self.caller.symbols.make(("carried", id(self.node), value.ident), value.ident.label, self.node.lineno), value.array)
            case Function(receiver=receiver) if receiver is not None:
                return Function(value.info, self.carried(receiver))
        return value

    def _tensor(self, value: Tensor) -> Value:
        own = self.lookup(value.ident)
        device, dtype = self.known(value.device), self.known(value.dtype)
        why = merge_why(self.here, value.why)
        if isinstance(own, Tensor) and self.summary.rooted(value.ident):
            return replace(own, device=device or own.device, dtype=dtype or own.dtype)
        ident = own.ident if isinstance(own, Object) else self.caller.symbol(self.node, value.ident.label)
        return Tensor(ident, device, dtype, value.scalar, value.optional, why=why)

    def _object(self, value: Object) -> Value:
        own = self.lookup(value.ident)
        if self.summary.rooted(value.ident):
            if isinstance(own, Object) and own.cls is None and value.cls is not None:
                return Object(own.ident, value.cls, merge_why(self.here, value.why), value.optional)
            return own
        assert isinstance(own, Object)
        result = Object(own.ident, value.cls, merge_why(self.here, value.why), value.optional)
        if value.ident not in self.copied:
            self.copied.add(value.ident)
            record = self.summary.heap.get(value.ident)
            if record is not None:
                attributes = {name: self.carried(held) for name, held in record.attributes.items()}
                self.state.heap[own.ident] = Record(
                    own.ident, attributes, self.known(record.device), self.known(record.dtype),
                    self.caller.epoch(self.node), self.node.lineno, made=record.made,
                )
        return result

    def _apply(self, symbol: Symbol, record: Record) -> None:
        owner = self.lookup(symbol)
        if not isinstance(owner, Object):
            return
        epoch, line = self.caller.epoch(self.node), self.node.lineno
        if record.epoch:
            self.state.havoc(owner, epoch, line)
        for name, value in record.attributes.items():
            if not _is_initial(symbol, name, value):
                self.state.write(owner, name, self.carried(value))
        if record.device is not None or record.dtype is not None:
            moved = self.caller.fact(self.node, f"`{{}}` ({self.info.qualname}) moves it")
            device, dtype = self.known(record.device), self.known(record.dtype)
            self.state.place(
                owner, device.because(moved) if device else None, dtype.because(moved) if dtype else None, epoch, line
            )
        elif record.anchor is not symbol and not record.epoch:
            self.state.displace(owner, epoch, line)


def _changed(symbol: Symbol, record: Record) -> bool:
    if record.epoch or record.device is not None or record.dtype is not None or record.anchor is not symbol:
        return True
    return any(not _is_initial(symbol, name, value) for name, value in record.attributes.items())


def _is_initial(owner: Symbol, name: str, value: Value) -> bool:
    """Whether an attribute is what it was at function entry (it was only read)."""
    match value:
        case Tensor() | Object() | Host():
            return value.ident.parent is owner and value.ident.name == name
        case Placed():
            symbol = value.known.term.symbol
            return symbol is None or (symbol.parent is owner and symbol.name == name)
        case Tuple():
            return all(
                isinstance(item, Tensor | Object | Host) and item.ident.parent is not None and item.ident.parent.parent is owner
                for item in value.items
            )
    return False
