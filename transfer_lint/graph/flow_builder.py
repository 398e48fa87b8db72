"""Build the graph of a function: a walk over its statements follows names and dotted names from definition to use.

The placements come from the analysis. The edge of a transfer or host read refers to its site or read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from transfer_lint.flow.knowledge import Knowledge, Role
from transfer_lint.flow.program.modules import FunctionInfo
from transfer_lint.flow.results.examination import Interpretation
from transfer_lint.flow.results.reads import Form, HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.terms import Fact, Known, role_of
from transfer_lint.flow.values.values import Object, Tensor, Value
from transfer_lint.graph.code import callee, dotted, request_of, shown
from transfer_lint.graph.flow_graph import Edge, Flow, Kind, Node

Sources = frozenset[Node]
_NOTHING: Sources = frozenset()
_ABOUT = frozenset({"device", "dtype", "shape", "ndim", "size", "dim", "is_cuda", "numel"})
"""Attributes and methods that describe a tensor without passing it on."""
_PLAIN = frozenset({"bool", "int", "float", "str"})
"""Annotations of parameters that cannot hold a tensor."""


def flow_of(
    interpretation: Interpretation,
    sites: Iterable[Site],
    reads: Iterable[HostRead],
    drawn: frozenset[FunctionInfo] = frozenset(),
) -> Flow:
    """The graph of a function, from its interpretation by an analysis with `watching=True`.

    drawn: functions whose calls are nodes, because they have their own graphs.
    """
    assert interpretation.function is not None
    on_host = {read.node: read for read in reads if read.form not in (Form.SIZE, Form.CHECK, Form.ITEMS, Form.UPLOAD)}
    walk = _Walk(interpretation, {site.node: site for site in sites}, on_host, drawn)
    return walk.run(interpretation.function)


class _Walk:
    """One walk over one function."""

    def __init__(
        self,
        interpretation: Interpretation,
        sites: dict[ast.Call, Site],
        reads: dict[ast.expr, HostRead],
        drawn: frozenset[FunctionInfo],
    ) -> None:
        self._interpretation = interpretation
        self._knowledge: Knowledge = interpretation.knowledge
        self._sites = sites
        self._reads = reads
        self._drawn = drawn
        self._nodes: dict[tuple[object, ...], Node] = {}
        self._edges: dict[tuple[Node, Node, str], Edge] = {}
        self._env: dict[str, Sources] = {}
        self._via: dict[ast.AST, str] = {}
        self._guarded: dict[Node, Sources] = {}  # what a guarded transfer makes -> what it moves

    def run(self, function: FunctionInfo) -> Flow:
        arguments = function.node.args
        for argument in (*function.parameters, *filter(None, (arguments.vararg, arguments.kwarg))):
            if isinstance(argument.annotation, ast.Name) and argument.annotation.id in _PLAIN:
                continue
            node = self._node((argument,), Kind.INPUT, argument.arg, function.node.lineno)
            self._env[argument.arg] = frozenset({node})
        self._block(function.node.body)
        return Flow(function, list(self._nodes.values()), list(self._edges.values()))

    # ---- nodes and edges -----------------------------------------------------------------------------------------

    def _node(self, key: tuple[object, ...], kind: Kind, label: str, line: int, value: Value | None = None) -> Node:
        if key not in self._nodes:
            node = Node(len(self._nodes), kind, label, line)
            if isinstance(value, Tensor):
                self._place(node, value.device, value.dtype)
                node.why = (*value.why, *node.why)
            elif isinstance(value, Object) and self._interpretation.is_module(value):
                node.kind = Kind.MODULE if kind is Kind.VALUE else kind
                node.why = value.why
            self._nodes[key] = node
        return self._nodes[key]

    def _place(self, node: Node, device: Known | None, dtype: Known | None) -> None:
        node.place = str(device.term) if device is not None else ""
        node.dtype = str(dtype.term) if dtype is not None else ""
        node.role = role_of(device.term, self._knowledge) if device is not None else None
        node.why = tuple(fact for known in (device, dtype) if known is not None for fact in known.why)

    def _edge(self, sources: Sources, target: Node, label: str = "", at: Site | HostRead | None = None) -> None:
        for source in sorted(sources, key=lambda node: node.number):
            if source is not target:
                self._edges.setdefault((source, target, label), Edge(source, target, label, at))

    # ---- statements ----------------------------------------------------------------------------------------------

    def _block(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self._assign(targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign([target], value)
            case ast.AugAssign(target=target, value=value):
                sources = self._expression(value)
                self._bind(target, sources | self._read(target), value, self._via.get(value, ""))
            case ast.Return(value=ast.expr() as value):
                self._output(node, value)
            case ast.Expr(value=ast.Yield(value=ast.expr() as value)):
                self._output(node, value)
            case ast.Expr(value=value):
                self._expression(value)
                self._changes(value)
            case ast.If(test=test, body=body, orelse=orelse):
                self._expression(test)
                self._branches([body, orelse], present=_tested_for_none(test))
            case (
                ast.For(target=target, iter=iterated, body=body, orelse=orelse)
                | ast.AsyncFor(target=target, iter=iterated, body=body, orelse=orelse)
            ):
                for _ in range(2):  # the second pass adds the flow from one iteration to the next
                    self._unpack(target, self._expression(iterated))
                    self._branches([body, []])
                self._block(orelse)
            case ast.While(test=test, body=body, orelse=orelse):
                for _ in range(2):
                    self._expression(test)
                    self._branches([body, []])
                self._block(orelse)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    sources = self._expression(item.context_expr)
                    if item.optional_vars is not None:
                        self._unpack(item.optional_vars, sources)
                self._block(body)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
                self._branches([[*body, *orelse], *(handler.body for handler in handlers)])
                self._block(finalbody)
            case ast.Match(subject=subject, cases=cases):
                self._expression(subject)
                self._branches([case.body for case in cases])
            case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
                outside = dict(self._env)
                self._block(body)
                self._env = outside
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self._expression(child)

    def _branches(self, bodies: Iterable[Iterable[ast.stmt]], present: str = "") -> None:
        """Walk the branches of a statement. present: a name that has a value in the first one only."""
        before = dict(self._env)
        ends: list[dict[str, Sources]] = []
        for body in bodies:
            self._env = dict(before)
            self._block(body)
            ends.append(self._env)
        names = dict.fromkeys(name for end in ends for name in end)
        joined = {name: frozenset().union(*(end.get(name, _NOTHING) for end in ends)) for name in names}
        if present and ends[0].get(present) != before.get(present):
            joined[present] = ends[0].get(present, _NOTHING)
        self._env = {name: self._settled(sources) for name, sources in joined.items()}

    def _settled(self, sources: Sources) -> Sources:
        """Without what a guarded transfer among them moves: it is where the transfer would put it, on either way."""
        passed = [self._guarded[node] for node in sources if node in self._guarded]
        return sources.difference(*passed)

    def _output(self, node: ast.stmt, value: ast.expr) -> None:
        parts = value.elts if isinstance(value, ast.Tuple) else [value]
        for number, part in enumerate(parts):
            sources = self._expression(part)
            label = shown(part) if len(parts) > 1 or isinstance(part, ast.Name) else "result"
            if sources:
                target = self._node((node, number), Kind.OUTPUT, f"return {label}", node.lineno)
                self._edge(sources, target, self._via.get(part, ""))

    # ---- bindings ------------------------------------------------------------------------------------------------

    def _assign(self, targets: list[ast.expr], value: ast.expr) -> None:
        for target in targets:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
                for part, item in zip(target.elts, value.elts, strict=True):
                    self._assign([part], item)
                continue
            sources = self._expression(value)
            if isinstance(target, ast.Tuple | ast.List):
                self._unpack(target, sources, value)
            else:
                self._bind(target, sources, value, self._via.get(value, ""))

    def _unpack(self, target: ast.expr, sources: Sources, value: ast.expr | None = None) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            known = self._interpretation.values.get(value) if value is not None else None
            items = getattr(known, "items", ())
            for number, part in enumerate(target.elts):
                if isinstance(part, ast.Tuple | ast.List):
                    self._unpack(part, sources)
                    continue
                item = items[number] if isinstance(items, tuple) and number < len(items) else None
                self._define(part, sources, self._via.get(value, "") if value is not None else "", item)
        elif isinstance(target, ast.Starred):
            self._unpack(target.value, sources)
        else:
            self._define(target, sources, "", None)

    def _bind(self, target: ast.expr, sources: Sources, value: ast.expr, via: str) -> None:
        transferred = self._nodes.get((value,))
        name = dotted(target)
        if transferred is not None and name:
            transferred.label = f"{name} = {transferred.label}" if transferred.callee is not None else name
            self._env[name] = sources
        elif isinstance(value, ast.Name | ast.Attribute) and name:
            self._env[name] = sources  # another name for the same value
        else:
            self._define(target, sources, via, self._interpretation.values.get(value))

    def _define(self, target: ast.expr, sources: Sources, via: str, value: Value | None) -> None:
        name = dotted(target)
        if not name:  # an item or the like: the value flows into its container
            base = target
            while isinstance(base, ast.Subscript | ast.Attribute):
                base = base.value
            if isinstance(base, ast.Name):
                self._env[base.id] = self._env.get(base.id, _NOTHING) | sources
            return
        followed = isinstance(value, Tensor) or (isinstance(value, Object) and self._interpretation.is_module(value))
        if not sources and not followed:
            self._env[name] = _NOTHING
            return
        node = self._node((target,), Kind.VALUE, name, target.lineno, value)
        self._edge(sources, node, via)
        self._env[name] = frozenset({node})

    def _changes(self, value: ast.expr) -> None:
        """`entries.append(x)`: the arguments of a method flow into the name that it is called on."""
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value not in self._sites:
            base = dotted(value.func.value)
            if base in self._env:
                handed = [self._expression(argument) for argument in value.args]
                self._env[base] = self._env[base].union(*handed)

    # ---- expressions ---------------------------------------------------------------------------------------------

    def _read(self, node: ast.expr) -> Sources:
        name = dotted(node)
        while name:
            if name in self._env:
                return self._env[name]
            name = name.rpartition(".")[0]
        return _NOTHING

    def _expression(self, node: ast.expr) -> Sources:
        """The nodes that a value comes from. If a call makes the value, `_via` then holds the call's label."""
        if node in self._reads and not isinstance(node, ast.Call):
            return self._test(node, self._reads[node])
        match node:
            case ast.Attribute(attr=attr) if attr in _ABOUT:
                return _NOTHING
            case ast.Name() | ast.Attribute():
                found = self._read(node)
                return found or (self._expression(node.value) if isinstance(node, ast.Attribute) else _NOTHING)
            case ast.Call():
                return self._call(node)
            case ast.Compare():
                self._all(ast.iter_child_nodes(node))
                return _NOTHING
            case ast.Lambda(body=body):
                return self._expression(body)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                outside = dict(self._env)
                for generator in node.generators:
                    for part in ast.walk(generator.target):
                        if isinstance(part, ast.Name):
                            self._env[part.id] = self._expression(generator.iter)
                made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
                sources = self._all(made)
                self._env = outside
                return sources
            case ast.Subscript(value=value, slice=index):
                self._expression(index)
                return self._expression(value)
            case ast.NamedExpr(target=target, value=value):
                sources = self._expression(value)
                self._bind(target, sources, value, self._via.get(value, ""))
                return self._env.get(target.id, sources)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._expression(test)
                return self._settled(self._all([body, orelse]))
        sources = self._all(ast.iter_child_nodes(node))
        inner = [self._via[child] for child in ast.iter_child_nodes(node) if child in self._via]
        if len(inner) == 1:
            self._via[node] = inner[0]
        return sources

    def _test(self, node: ast.expr, read: HostRead) -> Sources:
        """A test on a tensor's value, which is a host read."""
        sources = self._read(node) or self._all(ast.iter_child_nodes(node))
        target = self._node((node,), Kind.HOST, shown(node), node.lineno)
        self._edge(sources, target, "if ...", read)
        return frozenset({target})

    def _all(self, nodes: Iterable[ast.AST]) -> Sources:
        found: Sources = _NOTHING
        for node in nodes:
            if isinstance(node, ast.expr):
                found |= self._expression(node)
            elif isinstance(node, ast.keyword):
                found |= self._expression(node.value)
        return found

    def _call(self, node: ast.Call) -> Sources:
        if node in self._sites:
            return self._transfer(node, self._sites[node])
        receiver = self._expression(node.func.value) if isinstance(node.func, ast.Attribute) else _NOTHING
        if isinstance(node.func, ast.Name):
            receiver = self._read(node.func)
        if node in self._reads:
            read = self._reads[node]
            sources = receiver if isinstance(node.func, ast.Attribute) else self._all(node.args)
            target = self._node((node,), Kind.HOST, shown(node), node.lineno)
            self._edge(sources, target, f".{read.method}()", read)
            return frozenset({target})
        if isinstance(node.func, ast.Attribute) and node.func.attr in _ABOUT:
            return _NOTHING
        sources = receiver | self._all([*node.args, *node.keywords])
        run = callee(self._interpretation, node)
        if run is not None and run in self._drawn:
            called = self._node((node,), Kind.CALL, f"{run.name}()", node.lineno)
            called.callee = run
            self._edge(sources, called)
            return frozenset({called})
        self._via[node] = f"{shown(node.func)}()"
        return sources

    def _transfer(self, node: ast.Call, site: Site) -> Sources:
        held = site.moved
        sources = self._expression(held)
        self._all([*node.args, *node.keywords])
        if not sources:
            made = self._node((held,), Kind.VALUE, shown(held), held.lineno, self._interpretation.values.get(held))
            if not made.place and site.device is not None:
                self._place(made, site.device, site.dtype)
            sources = frozenset({made})
        elif held in self._via:  # computed by a call before the transfer
            made = self._node((held,), Kind.VALUE, self._via[held], held.lineno, self._interpretation.values.get(held))
            self._edge(sources, made)
            sources = frozenset({made})
        name = dotted(held) or shown(held)
        target = self._node((node,), Kind.VALUE, name, node.lineno, self._interpretation.values.get(node))
        device = site.request.device.known if site.request.device else site.device
        dtype = site.request.dtype.known if site.request.dtype else site.dtype
        self._place(target, device, dtype)
        target.kind = Kind.MODULE if site.is_module else Kind.VALUE
        self._edge(sources, target, request_of(site), site)
        found = frozenset({target})
        if site.guarded:
            self._guarded[target] = sources
        if site.is_module and dotted(held):  # a module moves in place, whatever it is called
            self._env.update({other: found for other, origin in self._env.items() if origin == sources})
            self._env[dotted(held)] = found
        for fact in site.round_trip:
            if not isinstance(fact.node, ast.Call):  # a call that brings it back is a transfer of its own
                self._uses(target, fact, site)
        return found

    def _uses(self, moved: Node, fact: Fact, site: Site) -> None:
        """What left the accelerator is brought back by whoever uses it, at every step."""
        used = self._node((fact.module, fact.node), Kind.USE, "GPU work", getattr(fact.node, "lineno", moved.line))
        used.place, used.role, used.why = "at every sampling step", Role.ACCELERATOR, (fact,)
        self._edge(frozenset({moved}), used, "during sampling: back to the GPU", site)


def _tested_for_none(test: ast.expr) -> str:
    """The `x` of `x is not None`, which has a value only where that holds; else ""."""
    match test:
        case ast.Compare(left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return dotted(left)
    return ""
