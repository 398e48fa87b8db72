"""What rules ask about a site: where is this value, who looks at it, and why."""

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
from transfer_lint.flow.program.syntax import nodes_of, span
from transfer_lint.flow.results.examination import Examination
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Request, RequestedHalf, Site
from transfer_lint.flow.values.terms import Known, TermKind, Why, merge_why, role_of
from transfer_lint.flow.values.values import Object, Tensor

_OTHER_CURRENT_DEVICE = ("set_device", "cuda.device(")


@dataclass(frozen=True)
class Invariance:
    """A transfer does the same in every round of the loops around it.

    loops: of how many, counted from the inside. line: where the outermost of these begins. proved: the value and the
    target are proved to stay; else they are only spelled alike. untouched: nothing in the loops may write to a tensor.
    """

    loops: int
    line: int
    proved: bool
    untouched: bool


@dataclass(frozen=True)
class EarlierCopy:
    """A transfer before has moved the same value to the same place.

    line: where. name: the local name that its result still has. untouched: nothing since may have written to a tensor.
    """

    line: int
    name: str | None
    untouched: bool


class Questions:
    """Answers about the sites of one file. A method that begins with `is` says yes only where that is proved."""

    def __init__(self, project: Project, module: Module, examined: Examination) -> None:
        self.module = module
        self.sites = examined.sites
        self.reads = examined.reads
        self._project = project
        self._knowledge = project.knowledge
        self._mutations = examined.mutations
        self._factories = Factories(module, project.knowledge)
        self._by_node: dict[ast.AST, Site] = {site.node: site for site in examined.sites}
        self._links = {site.attribute.value for site in examined.sites}

    # ---- how it is written ---------------------------------------------------------------------------------------

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

    def inner(self, site: Site) -> Site | None:
        """The transfer whose result the site moves on at once: `x.to(a)` of `x.to(a).to(b)`."""
        value = site.attribute.value
        return self._by_node.get(value) if isinstance(value, ast.Call) else None

    def is_inner(self, site: Site) -> bool:
        """Whether another transfer takes the site's result at once."""
        return site.node in self._links

    # ---- where values are, and where they go ---------------------------------------------------------------------

    def _role(self, known: Known | None) -> Role | None:
        """What a device is for; None where that is not known."""
        return role_of(known.term, self._knowledge) if known is not None else None

    def goes_to_accelerator(self, site: Site) -> bool:
        """Whether the target is known to be an accelerator."""
        return site.request.device is not None and self._role(site.request.device.known) is Role.ACCELERATOR

    def goes_to_host(self, site: Site) -> bool:
        """Whether the target is known to be the host."""
        return site.request.device is not None and self._role(site.request.device.known) is Role.HOST

    def is_on_accelerator(self, site: Site) -> bool:
        """Whether the receiver provably is on an accelerator."""
        return self._role(site.device) is Role.ACCELERATOR

    def is_on_host(self, site: Site) -> bool:
        """Whether the receiver is on the host, or where factories make what they are not told a device for."""
        known = site.device
        return known is not None and (known.term.kind is TermKind.DEFAULT_DEVICE or self._role(known) is Role.HOST)

    def is_on_device(self, site: Site) -> bool:
        """Whether the receiver provably is on the device that is asked for; of the dtype nothing is said."""
        return site.request.device is not None and self._same(site.device, site.request.device)

    def is_elsewhere(self, site: Site) -> bool:
        """Whether the receiver provably is on a device of another kind than the one that is asked for."""
        wanted = self._role(site.request.device.known) if site.request.device is not None else None
        return {self._role(site.device), wanted} == {Role.HOST, Role.ACCELERATOR}

    def is_placed_elsewhere(self, site: Site) -> bool:
        """Whether the receiver was put, or computed, somewhere that is not known to be the target: it is taken back."""
        device, request = site.device, site.request.device
        if isinstance(site.receiver, Tensor) and site.receiver.computed:
            return True
        if device is None or request is None or device.term == request.known.term:
            return False
        return device.term.kind is not TermKind.DEVICE_OF

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
        return not self._project.mentioning("autocast", self.module.path)

    def _means_one_device(self, known: Known) -> bool:
        """`cuda` without an index means the current device: the same one only while nobody changes that."""
        term = known.term
        spelled = term.kind is TermKind.CONSTANT and (":" in term.name or term.name == "cpu")
        if spelled or term.kind not in (TermKind.CONSTANT, TermKind.VALUE):
            return True
        paths = [path for word in _OTHER_CURRENT_DEVICE for path in self._project.mentioning(word, self.module.path)]
        # A device of unknown spelling has its index nearly always: only what this file does itself counts.
        return not paths if term.kind is TermKind.CONSTANT else self.module.path not in paths

    def proof(self, site: Site) -> Why:
        """How it is known what the receiver is, and where."""
        return merge_why(site.receiver.why, self.device_proof(site))

    def device_proof(self, site: Site) -> Why:
        """How it is known where the receiver is."""
        return site.device.why if site.device is not None else ()

    def is_pageable(self, site: Site) -> bool:
        """Whether the receiver was made in this function, on the host, and nothing in the file pins memory."""
        device, ident = site.device, site.receiver.ident
        on_host = device is not None and device.term.kind is TermKind.CONSTANT and device.term.name == "cpu"
        return on_host and ident.line > 0 and ident.parent is None and "pin_memory" not in self.module.text

    # ---- what the move is for ------------------------------------------------------------------------------------

    def boundary(self, site: Site) -> bool:
        """Whether the move goes where the program's contract wants the value.

        To the host (numpy, saving, an offload), or onto a node's output, which goes back to where its input was.
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
        """Whether the module surely is moved elsewhere as well whenever this runs; see `onload_offload`."""
        return onload_offload.is_half(site, self.sites, self._knowledge.offload_words)

    def is_put_back(self, site: Site) -> bool:
        """Whether the target is where the function has found the receiver; see `onload_offload`."""
        return onload_offload.is_put_back(site)

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

    def is_operand(self, site: Site) -> bool:
        """Whether an operation takes the moved value that neither keeps it, writes to it, nor returns a part of it."""
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
        """Whether the receiver is a local name whose rebinding nobody can see."""
        return rebindable(site)

    # ---- what has been done already ------------------------------------------------------------------------------

    def invariance(self, site: Site) -> Invariance | None:
        """The loops in which the transfer does the same in every round; None without one."""
        loops = loop_invariance.invariant_loops(site, self._mutations)
        proved = bool(loops) and site.is_tensor
        loops = loops or loop_invariance.invariant_loops(site, self._mutations, proved=False)
        if not loops:
            return None
        first, last = span(loops[-1])
        return Invariance(len(loops), first, proved, not any(on_lines(self._mutations, first, last)))

    def is_loop_invariant(self, site: Site) -> bool:
        """Whether a loop around the site moves the same value to the same place in every round."""
        return bool(loop_invariance.invariant_loops(site, self._mutations))

    def is_memoised(self, site: Site) -> bool:
        """Whether a test around the site asks for what its result is assigned to: it runs once."""
        return loop_invariance.is_memoised(site)

    def earlier_copy(self, site: Site) -> EarlierCopy | None:
        """The copy that a transfer which surely ran before has made of the same value in the same place."""
        first = duplicates.earlier_transfer(site, self.sites, self._mutations)
        if first is None:
            return None
        name = duplicates.name_of_result(first)
        kept = name is not None and not duplicates.is_bound_between(name, first, site)
        untouched = not any(duplicates.mutations_between(first, site, self._mutations))
        return EarlierCopy(first.anchor[0], name if kept else None, untouched)

    def moved_again(self, site: Site) -> Site | None:
        """A later transfer of the same value to the same place whose result is used, where nobody takes this one's."""
        function, node = site.function, site.attribute.value
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
        """The deterministic factory whose result the site moves: at once, or (then not exact) computed with first."""
        return self._factories.moved_by(site, self.is_on_host(site))

    def made_by(self, site: Site) -> ast.Call | None:
        """The call of a factory whose result has a name that the function reads here alone."""
        return self._factories.made_by(site)

    def is_read_one(self, site: Site) -> HostRead | None:
        """The host read that takes one item of what the site brings over: `x.cpu()[0].item()`."""
        return readers.read_of_one_item(site, self.reads)

    def is_read_before_waiting(self, site: Site) -> HostRead | None:
        """The first read of what the site copies to the host before which the function waits for nothing."""
        return readers.read_before_waiting(site, self.reads)

    def brought_by(self, read: HostRead) -> Site | None:
        """The transfer that has just brought what is read over to the host: `x.cpu().item()`, `y = x.cpu()` before."""
        at_once = readers.moved_at_once(read, self._by_node)
        if at_once is not None and self.boundary(at_once):
            return at_once
        return next((site for site in self.sites if site.node in read.tensor.moved_from), None)

    def reads_accelerator(self, read: HostRead) -> bool | None:
        """Whether what is read is on an accelerator, or was until it was brought over; None where that is not known."""
        role = self._role(self._source_of(read))
        return None if role not in (Role.ACCELERATOR, Role.HOST) else role is Role.ACCELERATOR

    def read_proof(self, read: HostRead) -> Why:
        """How it is known what is read, and where that is."""
        device = self._source_of(read)
        return merge_why(read.tensor.why, device.why if device is not None else ())

    def _source_of(self, read: HostRead) -> Known | None:
        brought = self.brought_by(read)
        return read.tensor.device if brought is None else brought.device

    # ---- targets, as rewrites take them --------------------------------------------------------------------------

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


def _half(half: RequestedHalf | None) -> Half | None:
    return Half(half.argument, half.repeatable, half.wrap) if half is not None else None
