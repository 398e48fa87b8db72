"""What rules ask about a site: where its value is, what uses it, and what proves that."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from transfer_codemods.actions import Half, Target
from transfer_lint.flow.ask import duplicates, loop_invariance, onload_offload, readers
from transfer_lint.flow.ask.factories import Factories, Factory
from transfer_lint.flow.ask.liveness import is_returned, is_used_as_module, rebindable
from transfer_lint.flow.ask.mutations import on_lines
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.program import sockets
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.syntax import nodes_of, span, written
from transfer_lint.flow.results.examination import Examination
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Request, RequestedHalf, Site
from transfer_lint.flow.values.terms import Known, TermKind, Why, merge_why, role_of
from transfer_lint.flow.values.values import Object, Tensor

_OTHER_CURRENT_DEVICE = ("set_device", "cuda.device(")


@dataclass(frozen=True)
class Invariance:
    """A transfer that is loop-invariant: it does the same in every iteration of the loops around it.

    loops: the number of these loops, counted from the innermost.
    line: the first line of the outermost of them.
    proved: the value and the target are proved to stay the same; else they are only spelled alike.
    untouched: nothing in the loops may write to a tensor.
    """

    loops: int
    line: int
    proved: bool
    untouched: bool


@dataclass(frozen=True)
class EarlierCopy:
    """The copy from an earlier transfer of the same value to the same place.

    line: the line of that transfer.
    name: the local name that still holds the copy; None if there is none.
    untouched: nothing may have written to a tensor since.
    """

    line: int
    name: str | None
    untouched: bool


class Questions:
    """Answers about the sites of one file. A method whose name begins with `is` is true only if that is proved."""

    def __init__(self, project: Project, module: Module, examined: Examination) -> None:
        self.module = module
        self.sites = examined.sites
        self.reads = examined.reads
        self._project = project
        self._knowledge = project.knowledge
        self._mutations = examined.mutations
        self._factories = Factories(module, project.knowledge)
        self._by_node: dict[ast.AST, Site] = {site.node: site for site in examined.sites}
        self._links = {site.moved for site in examined.sites}

    # ---- how it is written ---------------------------------------------------------------------------------------

    def receiver(self, site: Site) -> str:
        """How the receiver is written."""
        return written(site.moved)

    def read(self, read: HostRead) -> str:
        """How a host read is written."""
        return written(read.node)

    def wanted(self, site: Site) -> str:
        """The target as the call spells it: "`self.device` with dtype `torch.float16`"."""
        nodes = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
        device, dtype = site.request.device, site.request.dtype
        parts: list[str] = []
        if device is not None:
            parts.append(f"`{device.known.term if device.argument is None else written(nodes[device.argument])}`")
        if dtype is not None and dtype.argument is not None and (device is None or dtype.argument != device.argument):
            parts.append(f"`{written(nodes[dtype.argument])}`")
        return " with dtype ".join(parts)

    def inner(self, site: Site) -> Site | None:
        """The transfer whose result the site moves directly: `x.to(a)` of `x.to(a).to(b)`; None if there is none."""
        value = site.moved
        return self._by_node.get(value) if isinstance(value, ast.Call) else None

    def is_inner(self, site: Site) -> bool:
        """Whether another transfer moves the site's result directly."""
        return site.node in self._links

    # ---- where values are, and where they go ---------------------------------------------------------------------

    def _role(self, known: Known | None) -> Role | None:
        """The role of a device; None if not known."""
        return role_of(known.term, self._knowledge) if known is not None else None

    def goes_to_accelerator(self, site: Site) -> bool:
        """Whether the target is known to be an accelerator."""
        return site.request.device is not None and self._role(site.request.device.known) is Role.ACCELERATOR

    def goes_to_host(self, site: Site) -> bool:
        """Whether the target is known to be the host."""
        return site.request.device is not None and self._role(site.request.device.known) is Role.HOST

    def is_on_accelerator(self, site: Site) -> bool:
        """Whether the receiver is proved to be on an accelerator."""
        return self._role(site.device) is Role.ACCELERATOR

    def is_on_host(self, site: Site) -> bool:
        """Whether the receiver is on the host, or on the default device of factories."""
        known = site.device
        return known is not None and (known.term.kind is TermKind.DEFAULT_DEVICE or self._role(known) is Role.HOST)

    def is_on_device(self, site: Site) -> bool:
        """Whether the receiver is proved to be on the requested device. The dtype is not compared."""
        return site.request.device is not None and self._same(site.device, site.request.device)

    def is_elsewhere(self, site: Site) -> bool:
        """Whether one of the receiver and the target is proved to be on the host, the other on an accelerator."""
        wanted = self._role(site.request.device.known) if site.request.device is not None else None
        return {self._role(site.device), wanted} == {Role.HOST, Role.ACCELERATOR}

    def is_placed_elsewhere(self, site: Site) -> bool:
        """Whether the receiver was moved to, or computed in, a place that is not known to be the target."""
        device, request = site.device, site.request.device
        if isinstance(site.receiver, Tensor) and site.receiver.computed:
            return True
        if device is None or request is None or device.term == request.known.term:
            return False
        return device.term.kind is not TermKind.DEVICE_OF

    def is_there(self, site: Site) -> Why | None:
        """The proof that the receiver already has the target placement; None if there is none."""
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
        """Whether a placement that holds only outside autocast holds here.

        A layer's result has the dtype of its weights, unless an autocast region surrounds the call of this function.
        """
        if known is None or not known.outside_autocast:
            return True
        function = site.function
        if function is not None and function.owner is not None and sockets.serves_node(function.owner, function):
            return True
        return not self._project.mentioning("autocast", self.module.path)

    def _means_one_device(self, known: Known) -> bool:
        """Whether a term always means the same device: `cuda` without an index is the current one, which can change."""
        term = known.term
        spelled = term.kind is TermKind.CONSTANT and (":" in term.name or term.name == "cpu")
        if spelled or term.kind not in (TermKind.CONSTANT, TermKind.VALUE):
            return True
        paths = [path for word in _OTHER_CURRENT_DEVICE for path in self._project.mentioning(word, self.module.path)]
        # A device of unknown spelling nearly always has an index: only changes in this file count.
        return not paths if term.kind is TermKind.CONSTANT else self.module.path not in paths

    def proof(self, site: Site) -> Why:
        """The facts that prove what the receiver is, and where it is."""
        return merge_why(site.receiver.why, self.device_proof(site))

    def device_proof(self, site: Site) -> Why:
        """The facts that prove where the receiver is."""
        return site.device.why if site.device is not None else ()

    def is_pageable(self, site: Site) -> bool:
        """Whether the receiver was made on the host in this function, and nothing in the file pins memory."""
        device, ident = site.device, site.receiver.ident
        on_host = device is not None and device.term.kind is TermKind.CONSTANT and device.term.name == "cpu"
        return on_host and ident.line > 0 and ident.parent is None and "pin_memory" not in self.module.text

    # ---- what the move is for ------------------------------------------------------------------------------------

    def boundary(self, site: Site) -> bool:
        """Whether the move takes the value to a boundary of the program, where it has to be.

        It moves to the host (for numpy, saving or an offload), or it makes an output of a node, which has to go back to
        the place of its input.
        """
        if site.request.device is None:
            return False
        if self._role(site.request.device.known) is Role.HOST:
            return True
        function = site.function
        if function is None or function.owner is None or not sockets.serves_node(function.owner, function):
            return False
        return is_returned(function.node, site.statement, site.node)

    def is_half_of_pair(self, site: Site) -> bool:
        """Whether the module is certainly moved elsewhere, too, whenever the site runs; see `onload_offload`."""
        return onload_offload.is_half(site, self.sites, self._knowledge.offload_words)

    def is_put_back(self, site: Site) -> bool:
        """Whether the target is the placement that the receiver had before; see `onload_offload`."""
        return onload_offload.is_put_back(site)

    def can_only_be_module(self, site: Site) -> bool:
        """Whether the way that a receiver of unknown class is used shows that it is a module.

        If the call is a statement of its own, it moves in place, so the receiver is a module or a batch of inputs. It
        is a module if the call asks for a dtype, if it is an attribute, if it is a part of something from outside the
        function, or if the function calls it or uses a member that only modules have. If the result is assigned, the
        function (for `self.x`, the class) must use the receiver, or what gets the result, in that last way.
        """
        receiver, statement, function = site.receiver, site.statement, site.function
        if site.proved or not isinstance(receiver, Object) or receiver.cls is not None:
            return False
        node = site.moved
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

    def is_operand(self, site: Site) -> bool:
        """Whether the moved value is an operand of an operation that does not write to it, nor return it or a view."""
        knowledge = self._knowledge
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

    def is_rebindable(self, site: Site) -> bool:
        """Whether the receiver is a local name that can be rebound without other effects; see `liveness`."""
        return rebindable(site)

    # ---- what has been done already ------------------------------------------------------------------------------

    def invariance(self, site: Site) -> Invariance | None:
        """The loops in which the transfer is loop-invariant; None if there are none."""
        loops = loop_invariance.invariant_loops(site, self._mutations)
        proved = bool(loops) and site.is_tensor
        loops = loops or loop_invariance.invariant_loops(site, self._mutations, proved=False)
        if not loops:
            return None
        first, last = span(loops[-1])
        return Invariance(len(loops), first, proved, not any(on_lines(self._mutations, first, last)))

    def is_loop_invariant(self, site: Site) -> bool:
        """Whether the site is proved to be loop-invariant in a loop around it."""
        return bool(loop_invariance.invariant_loops(site, self._mutations))

    def is_memoised(self, site: Site) -> bool:
        """Whether the transfer is memoised: an `if` around it tests what its result is assigned to, so it runs once."""
        return loop_invariance.is_memoised(site)

    def earlier_copy(self, site: Site) -> EarlierCopy | None:
        """The copy from a dominating transfer of the same value to the same place; None if there is none."""
        first = duplicates.earlier_transfer(site, self.sites, self._mutations)
        if first is None:
            return None
        name = duplicates.name_of_result(first)
        kept = name is not None and not duplicates.is_bound_between(name, first, site)
        untouched = not any(duplicates.mutations_between(first, site, self._mutations))
        return EarlierCopy(first.anchor[0], name if kept else None, untouched)

    def moved_again(self, site: Site) -> Site | None:
        """A later transfer of the same value to the same place whose result is used; None if there is none.

        None, too, if the receiver may be a module: its class is known, or it is used as one.
        """
        function, node = site.function, site.moved
        if function is None or (isinstance(site.receiver, Object) and site.receiver.cls is not None):
            return None
        if is_used_as_module(function.node, node):
            return None
        later = (other for other in self.sites if other.function is function and other.anchor > site.anchor)
        return next(
            (
                other
                for other in later
                if other.receiver.ident is site.receiver.ident
                and other.yields_copy
                and not other.inline
                and duplicates.same_target(site, other)
            ),
            None,
        )

    # ---- what made the value, and who reads it -------------------------------------------------------------------

    def factory(self, site: Site) -> Factory | None:
        """The deterministic factory whose result the site moves; see `Factories.moved_by`. None if there is none."""
        return self._factories.moved_by(site, self.is_on_host(site))

    def made_by(self, site: Site) -> Factory | None:
        """The call of the factory that made the receiver; see `Factories.made_by`. None if there is none."""
        return self._factories.made_by(site)

    def read_of_one_item(self, site: Site) -> HostRead | None:
        """The host read of one item of what the site moves: `x.cpu()[0].item()`; None if there is none."""
        return readers.read_of_one_item(site, self.reads)

    def read_before_waiting(self, site: Site) -> HostRead | None:
        """The first host read of what the site copies to the host, unless the function waits before it; else None."""
        return readers.read_before_waiting(site, self.reads)

    def brought_by(self, read: HostRead) -> Site | None:
        """The transfer that moved what is read to the host: in the expression, `x.cpu().item()`, or before it."""
        at_once = readers.moved_at_once(read, self._by_node)
        if at_once is not None and self.boundary(at_once):
            return at_once
        return next((site for site in self.sites if site.node in read.tensor.moved_from), None)

    def is_read_again(self, read: HostRead, brought: Site) -> bool:
        """Whether the host has waited for the value when it is read: by the transfer, outside the loop of the read.

        Or by an earlier read of what the same transfer brought.
        """
        return readers.is_read_again(read, brought, self.reads)

    def reads_accelerator(self, read: HostRead) -> bool | None:
        """Whether what is read is on an accelerator, or was before it was moved to the host; None if not known."""
        role = self._role(self._source_of(read))
        return None if role not in (Role.ACCELERATOR, Role.HOST) else role is Role.ACCELERATOR

    def read_proof(self, read: HostRead) -> Why:
        """The facts that prove what is read, and where it is."""
        device = self._source_of(read)
        return merge_why(read.tensor.why, device.why if device is not None else ())

    def _source_of(self, read: HostRead) -> Known | None:
        brought = self.brought_by(read)
        return read.tensor.device if brought is None else brought.device

    # ---- targets, as rewrites take them --------------------------------------------------------------------------

    def target(self, site: Site) -> Target | None:
        """The target as rewrites take it; None if no test tells exactly when the move does nothing."""
        request = site.request
        halves = [half for half in (request.device, request.dtype) if half is not None]
        if not request.plain or request.ambiguous or not halves or not all(half.comparable for half in halves):
            return None
        return Target(_half(request.device), _half(request.dtype))

    def spelled_target(self, request: Request) -> Target:
        """The target for a rewrite that writes the device and the dtype again."""
        halves = (request.device, request.dtype)
        device, dtype = (Half(h.argument, h.repeatable, h.spelling) if h is not None else None for h in halves)
        return Target(device, dtype)


def _half(half: RequestedHalf | None) -> Half | None:
    return Half(half.argument, half.repeatable, half.wrap) if half is not None else None
