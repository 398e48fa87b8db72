"""Placements: how a site is written, where its value is, where it goes, and what proves that."""

from __future__ import annotations

import ast

from transfer_codemods.actions import Half, Target
from transfer_lint.findings import Assumption, Change
from transfer_lint.flow.ask import detours, kept_tensors, module_moves
from transfer_lint.flow.ask.asides import Asides
from transfer_lint.flow.ask.constant_arrays import constant_array
from transfer_lint.flow.ask.copy_reads import CopyReads
from transfer_lint.flow.ask.factories import Factories
from transfer_lint.flow.ask.idle import Idle, left_out
from transfer_lint.flow.ask.liveness import computed_on, is_returned
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.program import sockets
from transfer_lint.flow.program.defaults import HOLDERS
from transfer_lint.flow.program.modules import Module
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.step_code import is_in_test
from transfer_lint.flow.program.syntax import bindings, loops_around, names_in, nodes_of, span, spelled, written
from transfer_lint.flow.results.constructions import Construction, DeviceComparison, ImplicitUpload
from transfer_lint.flow.results.examination import Examination, Place
from transfer_lint.flow.results.reads import HostRead
from transfer_lint.flow.results.sites import Request, RequestedHalf, Site
from transfer_lint.flow.values.symbols import Symbol
from transfer_lint.flow.values.terms import RESULT_OF, Known, Term, TermKind, Why, merge_why, role_of
from transfer_lint.flow.values.values import Tensor

_SETTINGS = HOLDERS | {"self"}
"""What attributes called `device` are of that say where the program computes."""

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OTHER_CURRENT_DEVICE = ("set_device", "cuda.device(")


class Placements(Asides):
    """Answers about the sites of one file. A method whose name begins with `is` is true only if that is proved.

    assumptions: those that are made. assumable: those that would tell more about the file.
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        examined: Examination,
        assumptions: frozenset[Assumption] = frozenset(),
    ) -> None:
        super().__init__(module, project)
        self.sites = examined.sites
        self.reads = examined.reads
        self.constructions = examined.constructions
        self.waits = examined.waits
        self._uploads = examined.uploads
        self.places: tuple[Place, ...] = (
            *examined.sites,
            *examined.reads,
            *examined.constructions,
            *examined.comparisons,
            *examined.uploads,
            *examined.waits,
        )
        self.assumable = set(examined.assumable)
        self._assumptions = assumptions
        self._knowledge = project.knowledge
        self._mutations = examined.mutations
        self._factories = Factories(module, project.knowledge, examined.sites)
        self._copy_reads = CopyReads(module, project.knowledge)
        self._by_node: dict[ast.AST, Site] = {site.node: site for site in examined.sites}
        self._of_receiver: dict[Symbol, list[Site]] = {}
        for site in examined.sites:
            self._of_receiver.setdefault(site.receiver.ident, []).append(site)
        self._next: dict[ast.AST, Site] = {site.moved: site for site in examined.sites}

    # ---- how it is written ---------------------------------------------------------------------------------------

    def receiver(self, site: Site) -> str:
        """How the receiver is written."""
        return written(site.moved)

    def construction(self, made: Construction) -> str:
        """How the call of a factory is written."""
        return written(made.node)

    def operand(self, comparison: DeviceComparison) -> str:
        """How the tensor is written that is compared with a device."""
        return written(comparison.tensor)

    def read(self, read: HostRead) -> str:
        """How a host read is written."""
        return written(read.node)

    def filled(self, read: HostRead) -> str:
        """How the tensor of the host is written of which what is read becomes items."""
        return written(read.shown.value if isinstance(read.shown, ast.Subscript) else read.shown)

    def indexed(self, upload: ImplicitUpload) -> str:
        """How the tensor is written that is indexed, or of which items are assigned."""
        return written(upload.node.value)

    def brought(self, upload: ImplicitUpload) -> str:
        """How what is copied to it is written."""
        return written(upload.brought)

    def wanted(self, site: Site) -> str:
        """The target as the call spells it: "`self.device` with dtype `torch.float16`"."""
        nodes = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
        device, dtype = site.request.device, site.request.dtype
        half = device or dtype
        if site.request.unpacked and half is not None and half.argument is not None:
            return f"`**{written(nodes[half.argument])}`"
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
        return site.node in self._next

    # ---- where values are, and where they go ---------------------------------------------------------------------

    def _role(self, known: Known | None) -> Role | None:
        """The role of a device; None if not known."""
        return role_of(known.term, self._knowledge) if known is not None else None

    def goes_to_accelerator(self, site: Site) -> bool:
        """Whether the target is known to be an accelerator."""
        return site.request.device is not None and self._role(site.request.device.known) is Role.ACCELERATOR

    def is_uploaded_before(self, upload: ImplicitUpload) -> bool:
        """Whether the same thing is copied further up, or another one in its statement: one cause."""
        return any(
            other.statement is upload.statement or upload.has_cause_of(other)
            for other in self._uploads
            if other.anchor < upload.anchor
        )

    def regrouped(self, site: Site) -> Site | None:
        """The transfer to the host of what lists and numpy put together anew for the site; see `detours`."""
        return detours.regrouped(site, self._by_node, self._knowledge.tensor_methods)

    def constant_array(self, site: Site) -> str | None:
        """How the tensor of an array of literals is written that the site moves; see `constant_arrays`."""
        return constant_array(site)

    def is_just_loaded(self, site: Site) -> bool:
        """Whether what is moved has just been loaded; see `module_moves`."""
        return module_moves.is_just_loaded(site)

    def is_for_accelerator(self, upload: ImplicitUpload) -> bool:
        """Whether what is indexed is proved to be on an accelerator."""
        return self._role(upload.tensor.device) is Role.ACCELERATOR

    def goes_to_host(self, site: Site) -> bool:
        """Whether the target is known to be the host."""
        return site.request.device is not None and self._role(site.request.device.known) is Role.HOST

    def says_host(self, site: Site) -> bool:
        """Whether the call itself says that it moves to the host: `.cpu()`, `.to("cpu")`."""
        given = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
        written = any(isinstance(part, ast.Constant) and part.value == "cpu" for arg in given for part in nodes_of(arg))
        return self.goes_to_host(site) and (written or site.method == "cpu")

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

    def has_dtype(self, site: Site) -> Why | None:
        """The proof that a tensor has the dtype that a transfer asks for, which names no device; None if there is none.

        Not under autocast, and not where a view of another dtype may be meant.
        """
        request = site.request
        if request.device is not None or request.dtype is None or not request.plain or not site.is_tensor:
            return None
        if not self._same(site.dtype, request.dtype) or not self._holds_here(site, site.dtype):
            return None
        return merge_why(site.receiver.why, site.dtype.why if site.dtype else ())

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
        why = merge_why(site.receiver.why, site.supposed, site.device.why if site.device else ())
        if request.dtype is not None:
            if not self._same(site.dtype, request.dtype) or not self._holds_here(site, site.dtype):
                return None
            why = merge_why(why, site.dtype.why if site.dtype else ())
        return why

    @staticmethod
    def _same(known: Known | None, half: RequestedHalf) -> bool:
        if known is None:
            return False
        term, asked = known.term, half.known.term
        # `x.device`, read while it was not known that `x` is a tensor
        own = asked.symbol is not None and asked.symbol.name == "device" and asked.symbol.parent is term.symbol
        return term == asked or (term.kind is TermKind.DEVICE_OF and asked.kind is TermKind.VALUE and own)

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

    def is_pageable(self, site: Site) -> bool:
        """Whether the receiver was made on the host in this function, and nothing in the file pins memory."""
        device, ident = site.device, site.receiver.ident
        on_host = device is not None and device.term.kind is TermKind.CONSTANT and device.term.name == "cpu"
        return on_host and ident.line > 0 and ident.parent is None and not self.module.holds("pin_memory")

    # ---- what surrounds it ---------------------------------------------------------------------------------------

    def is_in_test(self, place: Place) -> bool:
        """Whether the place stands where pytest looks for tests."""
        return is_in_test(place.module)

    def is_moved_again_in_loop(self, site: Site) -> bool:
        """Whether a loop of the function holds the site, and moves the same value in each of its rounds.

        Not where what is moved is picked by what the loop goes through: `for name in names: layers[name].cuda()`.
        """
        return any(not _is_picked_by(loop, site.moved) for loop in loops_around(site.scope.body, site.statement))

    def computed_on(self, site: Site) -> int | None:
        """The line that computes what the site moves with a number, as no module can be; None if there is none."""
        return computed_on(site.function.node, site.moved) if site.function is not None else None

    def computed_before(self, site: Site) -> int | None:
        """The line above that computes what the site moves with an operator; None if there is none."""
        known = isinstance(site.moved, ast.Name) and site.function is not None
        value = detours.last_assigned(site, spelled(site.moved)) if known else None
        return value.lineno if isinstance(value, ast.BinOp) else None

    def refilled(self, site: Site) -> str | None:
        """The attribute whose items the site moves, in their own places; see `kept_tensors`."""
        return kept_tensors.refilled(site)

    def is_decided_elsewhere(self, site: Site) -> bool:
        """Whether a fact that proves where the receiver is stands in another function, or is about one.

        Not if a transfer in this function is one of the facts.
        """
        own = span(site.function.node) if site.function is not None else (0, 0)
        others = [span(node) for node in self.module.tree.body if isinstance(node, _DEFINITIONS)]
        facts = merge_why(site.supposed, self.device_proof(site))
        moves = (self._by_node.get(fact.node) for fact in facts)
        if any(move is not None and move.function is site.function for move in moves):
            return False
        for fact in facts:
            line = span(fact.node)[0]
            if fact.module is not self.module or fact.text.startswith(RESULT_OF):
                return True
            if not own[0] <= line <= own[1] and any(first <= line <= last for first, last in others):
                return True
        return False

    # ---- targets, as rewrites take them --------------------------------------------------------------------------

    def follows_tensor(self, site: Site) -> bool:
        """Whether the target is where a tensor is, or what seems to be one: `y.device`, not `self.device`."""
        device = site.request.device
        term = device.known.term if device is not None else None
        return term is not None and (term.kind is TermKind.DEVICE_OF or is_device_of_value(term))

    def target(self, site: Site) -> Target | None:
        """The target as rewrites take it; None if no test tells exactly when the move does nothing."""
        request = site.request
        halves = [half for half in (request.device, request.dtype) if half is not None]
        if not request.plain or request.ambiguous or not halves or not all(half.comparable for half in halves):
            return None
        return Target(_half(request.device), _half(request.dtype))

    def asks_for_placement_of(self, request: Request) -> bool:
        """Whether a transfer asks for both halves of another tensor's placement, by that tensor alone: `.to(other)`."""
        device, dtype = request.device, request.dtype
        return (
            device is not None
            and dtype is not None
            and device.argument is not None
            and device.argument == dtype.argument
        )

    def spelled_target(self, request: Request) -> Target:
        """The target for a rewrite that writes the device and the dtype again."""
        halves = (request.device, request.dtype)
        device, dtype = (Half(h.argument, h.repeatable, h.spelling) if h is not None else None for h in halves)
        return Target(device, dtype)

    def loses_effect(self, site: Site, action: Change | None) -> bool:
        """Whether an action leaves out arguments of which it is not shown that they only give a value."""
        idle = Idle.of_project(self._project)
        return any(not idle.is_idle(site.module, argument) for argument in left_out(site, action))


def _half(half: RequestedHalf | None) -> Half | None:
    return Half(half.argument, half.repeatable, half.wrap) if half is not None else None


def is_device_of_value(term: Term) -> bool:
    """Whether the term is the attribute `device` of something that may be a tensor."""
    symbol = term.symbol
    if term.kind is not TermKind.VALUE or symbol is None or symbol.parent is None:
        return False
    return symbol.label.endswith(".device") and symbol.parent.label.rpartition(".")[2] not in _SETTINGS


def _is_picked_by(loop: ast.stmt, moved: ast.expr) -> bool:
    """Whether the value is an element of what a loop goes through, or is got from one."""
    if not isinstance(loop, ast.For | ast.AsyncFor):
        return False
    picked = names_in(loop.target)
    for target, value in bindings(loop):
        if value is not None and names_in(value) & picked:
            picked |= names_in(target)
    return bool(names_in(moved) & picked)
