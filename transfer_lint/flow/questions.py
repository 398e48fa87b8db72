"""What rules ask about a site: where is this value, who looks at it, and why."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from transfer_codemods.actions import Half, Target
from transfer_lint.flow import pairs, repeats, sockets
from transfer_lint.flow.analysis import Examination
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.liveness import is_returned, is_used_as_module, rebindable
from transfer_lint.flow.modules import Module
from transfer_lint.flow.project import Project
from transfer_lint.flow.reads import HostRead
from transfer_lint.flow.sites import Request, RequestedHalf, Site
from transfer_lint.flow.values import Known, Object, Tensor, TermKind, Why, merge_why
from transfer_lint.flow.walking import nodes_of

_OTHER_CURRENT_DEVICE = ("set_device", "cuda.device(")


@dataclass(frozen=True)
class Factory:
    """A call that makes a tensor on the host.

    exact: making it on the target device gives the same bits. any_dtype: and so does making it in the target dtype.
    """

    exact: bool
    any_dtype: bool


# Arguments of a factory that its device changes the meaning of, or that say the device already.
_BINDING = frozenset({"device", "out", "requires_grad", "pin_memory", None})


class Questions:
    """Answers about the sites of one file."""

    def __init__(self, project: Project, module: Module, examined: Examination) -> None:
        self.project = project
        self.module = module
        self.sites = sites = examined.sites
        self.reads = examined.reads
        self.changes = examined.changes
        self._by_node = {site.node: site for site in sites}
        self._links = {site.attribute.value for site in sites}

    def source(self, node: ast.AST, limit: int = 60) -> str:
        """How an expression is written, on one line, shortened to `limit` characters."""
        text = " ".join(ast.unparse(node).split())
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def wanted(self, site: Site) -> str:
        """The target as the call spells it: "`self.device` with dtype `torch.float16`"."""
        nodes = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
        device, dtype = site.request.device, site.request.dtype
        parts: list[str] = []
        if device is not None:
            parts.append(f"`{device.known.term if device.argument is None else self.source(nodes[device.argument])}`")
        if dtype is not None and dtype.argument is not None and (device is None or dtype.argument != device.argument):
            parts.append(f"`{self.source(nodes[dtype.argument])}`")
        return " with dtype ".join(parts)

    def factory(self, site: Site) -> Factory | None:
        """The deterministic factory whose result the site moves: at once, or (then not exact) computed with first."""
        call = site.attribute.value
        direct = self._makes_tensor(call)
        if not direct and not (isinstance(call, ast.Call | ast.BinOp) and self._is_made_here(site, call)):
            return None
        if not direct or not isinstance(call, ast.Call):
            return Factory(exact=False, any_dtype=False)
        keywords = {keyword.arg for keyword in call.keywords}
        if "device" in keywords:
            return None
        name = self.module.dotted(call.func)
        knowledge = self.project.knowledge
        exact = not keywords & _BINDING and (name in knowledge.exact_factories or self._is_integral(call))
        return Factory(exact, name in knowledge.exact_in_any_dtype and "dtype" not in keywords)

    def _makes_tensor(self, node: ast.AST) -> bool:
        """Whether a node is the call of a deterministic factory."""
        if not isinstance(node, ast.Call):
            return False
        name, knowledge = self.module.dotted(node.func), self.project.knowledge
        return name in knowledge.exact_factories or name in knowledge.inexact_factories

    def _is_made_here(self, site: Site, computed: ast.expr) -> bool:
        """Whether a value on the host is computed, within the expression, from what a factory makes."""
        made = any(self._makes_tensor(node) for node in nodes_of(computed))
        return made and (self.is_on_host(site) or self._is_reshaped(computed))

    def is_on_host(self, site: Site) -> bool:
        """Whether the receiver is on the host, or where factories make what they are not told a device for."""
        known = site.device
        return known is not None and (known.term.kind is TermKind.DEFAULT_DEVICE or self.role(known) is Role.HOST)

    def _is_reshaped(self, node: ast.expr) -> bool:
        """`torch.tensor(v).view(...)`: only methods that keep the placement stand between."""
        while isinstance(node, ast.Call) and not self._makes_tensor(node):
            if not isinstance(node.func, ast.Attribute) or node.func.attr not in self.project.knowledge.tensor_same:
                return False
            node = node.func.value
        return self._makes_tensor(node)

    def _is_integral(self, call: ast.Call) -> bool:
        """Whether `arange(...)` counts in integers: then it gives the same on every device."""
        dtype = next((k.value for k in call.keywords if k.arg == "dtype"), None)
        if dtype is not None:
            return self.module.dotted(dtype) in ("torch.long", "torch.int", "torch.int64", "torch.int32")
        return self.module.dotted(call.func) in self.project.knowledge.exact_if_whole and all(
            isinstance(part, ast.Constant) and isinstance(part.value, int) for part in call.args
        )

    def inner(self, site: Site) -> Site | None:
        """The transfer whose result the site moves on at once: `x.to(a)` of `x.to(a).to(b)`."""
        value = site.attribute.value
        return self._by_node.get(value) if isinstance(value, ast.Call) else None

    def is_inner(self, site: Site) -> bool:
        """Whether another transfer takes the site's result at once."""
        return site.node in self._links

    def role(self, known: Known | None) -> Role | None:
        """What a device is for; None where that is not known."""
        return self.project.knowledge.role(known.term) if known is not None else None

    def boundary(self, site: Site) -> bool:
        """Whether the move goes where the program's contract wants the value.

        To the host (numpy, saving, an offload), or onto a node's output, which goes back to where its input was.
        """
        if site.request.device is None:
            return False
        if self.role(site.request.device.known) is Role.HOST:
            return True
        function = site.function
        if function is None or function.owner is None or not sockets.serves_node(function.owner, function):
            return False
        return is_returned(function.node, site.statement, site.node)

    def is_placed_elsewhere(self, site: Site) -> bool:
        """Whether the receiver was put, or computed, somewhere that is not known to be the target: it is taken back."""
        device, request = site.device, site.request.device
        if isinstance(site.receiver, Tensor) and site.receiver.computed:
            return True
        if device is None or request is None or device.term == request.known.term:
            return False
        return device.term.kind is not TermKind.DEVICE_OF

    def is_elsewhere(self, site: Site) -> bool:
        """Whether the receiver provably is on a device of another kind than the one that is asked for."""
        wanted = self.role(site.request.device.known) if site.request.device is not None else None
        return {self.role(site.device), wanted} == {Role.HOST, Role.ACCELERATOR}

    def is_operand(self, site: Site) -> bool:
        """Whether an operation takes the moved value that neither keeps it, writes to it, nor returns a part of it."""
        knowledge = self.project.knowledge
        parent = next(
            (node for node in nodes_of(site.statement) if any(c is site.node for c in ast.iter_child_nodes(node))), None
        )
        match parent:
            case ast.BinOp() | ast.Compare() | ast.UnaryOp():
                return True
            case ast.Call(func=func, args=args) if any(argument is site.node for argument in args):
                name = self.module.dotted(func)
                kept = knowledge.function_views, knowledge.function_changes, knowledge.function_itself
                given = [str(n) for n in range(len(args))] + [keyword.arg or "**" for keyword in parent.keywords]
                return (
                    name in knowledge.combine
                    and not any(name in names for names in kept)
                    and knowledge.function(name, given) is not None
                    and "out" not in given
                    and name not in knowledge.function_changes_with
                )
            case ast.Attribute(attr=name):
                kept = knowledge.tensor_views, knowledge.tensor_changes, knowledge.tensor_itself
                return (
                    name in knowledge.tensor_same
                    and not any(name in names for names in kept)
                    and name not in knowledge.tensor_changes_with
                )
        return False

    def is_there(self, site: Site) -> Why | None:
        """The proof that the receiver already has the target placement; None without one."""
        request = site.request
        if (
            request.device is None
            or request.ambiguous
            or not request.plain
            or not site.proved
            or not self._same(site.device, request.device)
        ):
            return None
        if not self._means_one_device(request.device.known):
            return None
        why = merge_why(site.receiver.why, site.device.why if site.device else ())
        if request.dtype is not None:
            if not self._same(site.dtype, request.dtype) or not self._holds_here(site, site.dtype):
                return None
            why = merge_why(why, site.dtype.why if site.dtype else ())
        return why

    @staticmethod
    def _same(known: Known | None, half: RequestedHalf) -> bool:
        return known is not None and known.term == half.known.term

    def _holds_here(self, site: Site, known: Known | None) -> bool:
        """A layer's result has its weights' dtype unless an autocast region surrounds the call of this function."""
        if known is None or not known.outside_autocast:
            return True
        function = site.function
        if function is not None and function.owner is not None and sockets.serves_node(function.owner, function):
            return True
        return not self.project.mentioning("autocast", self.module.path)

    def _means_one_device(self, known: Known) -> bool:
        """`cuda` without an index means the current device: the same one only while nobody changes that."""
        term = known.term
        spelled = term.kind is TermKind.CONSTANT and (":" in term.name or term.name == "cpu")
        if spelled or term.kind not in (TermKind.CONSTANT, TermKind.VALUE):
            return True
        paths = [path for word in _OTHER_CURRENT_DEVICE for path in self.project.mentioning(word, self.module.path)]
        # A device of unknown spelling has its index nearly always: only what this file does itself counts.
        return not paths if term.kind is TermKind.CONSTANT else self.module.path not in paths

    def target(self, site: Site) -> Target | None:
        """The target as the rewrites take it; None where no test says exactly when the move does nothing."""
        request = site.request
        halves = [half for half in (request.device, request.dtype) if half is not None]
        if not request.plain or request.ambiguous or not halves or not all(half.comparable for half in halves):
            return None
        return Target(_half(request.device), _half(request.dtype))

    def spelled_target(self, request: Request) -> Target:
        """The target as a rewrite takes it that writes its halves anew."""
        halves = (request.device, request.dtype)
        device, dtype = (Half(h.argument, h.repeatable, h.spelling) if h is not None else None for h in halves)
        return Target(device, dtype)

    def is_rebindable(self, site: Site) -> bool:
        """Whether the receiver is a local name whose rebinding nobody can see."""
        return rebindable(site)

    def is_read_one(self, site: Site) -> HostRead | None:
        """The host read that takes one item of what the site brings over: `x.cpu()[0].item()`."""
        for read in self.reads:
            func = read.node.func if isinstance(read.node, ast.Call) else None
            held = func.value if isinstance(func, ast.Attribute) and func.attr == "item" else None
            if isinstance(held, ast.Subscript) and held.value is site.node and _is_constant_index(held.slice):
                return read
        return None

    def is_read_before_waiting(self, site: Site) -> HostRead | None:
        """The first read of what the site copies to the host before which the function waits for nothing."""
        if site.function is None:
            return None
        waits = [
            node.lineno
            for node in nodes_of(site.function.node)
            if isinstance(node, ast.Attribute) and node.attr in ("synchronize", "wait", "wait_stream", "wait_event")
        ]
        begin = site.node.lineno
        for read in self.reads:
            line = read.node.lineno
            if site.node in read.tensor.moved_from and read.function is site.function and line >= begin:
                return None if any(begin <= wait <= line for wait in waits) else read
        return None

    def is_pageable(self, site: Site) -> bool:
        """Whether the receiver was made in this function, on the host, and nothing in the file pins memory."""
        device, ident = site.device, site.receiver.ident
        on_host = device is not None and device.term.kind is TermKind.CONSTANT and device.term.name == "cpu"
        return on_host and ident.line > 0 and ident.parent is None and "pin_memory" not in self.module.text

    def moved_again(self, site: Site) -> Site | None:
        """A later transfer of the same value to the same place whose result is used, where nobody takes this one's."""
        function, node = site.function, site.attribute.value
        if function is None or is_used_as_module(function.node, node):
            return None
        later = (other for other in self.sites if other.function is function and other.anchor > site.anchor)
        return next(
            (
                other
                for other in later
                if other.receiver.ident is site.receiver.ident
                and repeats.is_value(other)
                and not other.inline
                and repeats.same_target(site, other)
            ),
            None,
        )

    def made_by(self, site: Site) -> ast.Call | None:
        """The call of a deterministic factory that the receiver goes back to: a name, or what methods make of one, that
        the function reads here alone."""
        name, receiver = _root(site.attribute.value), site.receiver
        function = site.function
        if name is None or function is None or not isinstance(receiver, Tensor) or receiver.made is None:
            return None
        if not self._makes_tensor(receiver.made):
            return None
        same = [node for node in nodes_of(function.node) if isinstance(node, ast.Name) and node.id == name.id]
        stores = sorted(node.lineno for node in same if isinstance(node.ctx, ast.Store) and node.lineno < name.lineno)
        rebound = any(isinstance(node.ctx, ast.Store) and node.lineno == site.statement.lineno for node in same)
        end = site.statement.end_lineno if rebound else None  # what is read below is the moved value
        reads = [
            node
            for node in same
            if isinstance(node.ctx, ast.Load)
            and stores
            and stores[-1] < node.lineno
            and (not end or node.lineno <= end)
        ]
        return receiver.made if stores and reads == [name] else None

    def is_read_at_once(self, read: HostRead) -> Site | None:
        """The transfer that has just brought what is read over to the host: `x.cpu().item()`, `y = x.cpu()` before."""
        held: ast.AST | None = read.node
        while isinstance(held, ast.Call | ast.Attribute | ast.Subscript) and held not in self._by_node:
            held = held.func if isinstance(held, ast.Call) else held.value
        at_once = self._by_node.get(held) if isinstance(held, ast.Call) and held is not read.node else None
        if at_once is not None and isinstance(at_once.receiver, Tensor) and self.boundary(at_once):
            return at_once
        return next((site for site in self.sites if site.node in read.tensor.moved_from), None)

    def can_only_be_module(self, site: Site) -> bool:
        """Whether a receiver of unknown class is a module by the way it is used.

        The call stands alone, so it moves in place: a module, or a batch of inputs. It is a module if it is a part of
        something that comes from outside the function, if it is an attribute, or if the function calls it or asks for
        its weights. So it is if the result is assigned, and the function does that with what it is assigned to.
        """
        receiver, statement, function = site.receiver, site.statement, site.function
        if site.proved or not isinstance(receiver, Object) or receiver.cls is not None:
            return False
        node = site.attribute.value
        if receiver.ident.line > 0 and not isinstance(node, ast.Attribute):
            return False
        if isinstance(statement, ast.Assign) and statement.value is site.node and function is not None:
            own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
            where = function.owner.node if own and function.owner is not None else function.node
            return any(is_used_as_module(where, target) for target in (*statement.targets, node))
        if not (isinstance(statement, ast.Expr) and statement.value is site.node):
            return False
        if site.request.dtype is not None or receiver.ident.parent is not None or not isinstance(node, ast.Name):
            return True
        return function is not None and is_used_as_module(function.node, node)

    def is_half_of_pair(self, site: Site) -> bool:
        """Whether the module surely is moved elsewhere as well whenever this runs; see `pairs`."""
        return pairs.is_half(site, self.sites, self.project.knowledge.offload_words)

    def is_put_back(self, site: Site) -> bool:
        """Whether the target is where the function has found the receiver; see `pairs`."""
        return pairs.is_put_back(site)

    def is_on_device(self, site: Site) -> bool:
        """Whether the receiver provably is on the device that is asked for; of the dtype nothing is said."""
        return site.request.device is not None and self._same(site.device, site.request.device)


def _root(node: ast.expr) -> ast.Name | None:
    """`x` of `x`, `x.unsqueeze(0)`, `x.view(-1).t()`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return node if isinstance(node, ast.Name) else None


def _half(half: RequestedHalf | None) -> Half | None:
    return Half(half.argument, half.repeatable, half.wrap) if half is not None else None


def _is_constant_index(node: ast.expr) -> bool:
    """Integers only: indexing by another tensor may need it on the same device."""
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    return all(
        isinstance(item.operand if isinstance(item, ast.UnaryOp) else item, ast.Constant)
        and not isinstance(getattr(item, "value", 0), str)
        for item in items
    )
