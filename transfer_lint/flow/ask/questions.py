"""What rules ask about a site: where its value is, what uses it, and what proves that."""

from __future__ import annotations

import ast

from transfer_lint.findings import Heat
from transfer_lint.flow.ask import (
    caches,
    detours,
    duplicates,
    kept_outside,
    kept_tensors,
    light_moves,
    loop_invariance,
    missing,
    module_moves,
    onload_offload,
    readers,
)
from transfer_lint.flow.ask.duplicates import EarlierCopy
from transfer_lint.flow.ask.explicit_waits import WaitQuestions
from transfer_lint.flow.ask.factories import Factory
from transfer_lint.flow.ask.liveness import LocalQuestions, is_returned, is_used_as_module, rebindable
from transfer_lint.flow.ask.loop_invariance import Invariance
from transfer_lint.flow.ask.mutations import on_lines
from transfer_lint.flow.ask.read_questions import ReadQuestions
from transfer_lint.flow.program import sockets
from transfer_lint.flow.program.plain_objects import holds_plain_object
from transfer_lint.flow.program.syntax import bindings, nodes_of, own_attribute, parents, span, spelled
from transfer_lint.flow.results.constructions import Construction, DeviceComparison
from transfer_lint.flow.results.examination import Place
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.values.values import Object, Tensor


def _unless_none(value: ast.expr) -> ast.expr:
    """`x` of `x if x is not None else None`."""
    match value:
        case ast.IfExp(body=chosen, orelse=ast.Constant(value=None)):
            return chosen
    return value


def _is_thrown_away(value: ast.expr, moved: ast.expr) -> bool:
    """Whether a statement only moves, perhaps with `.eval()` or the like behind it."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value is not moved:
        if value.func.attr not in ("eval", "train", "requires_grad_"):
            return False
        value = value.func.value
    return value is moved


class Questions(ReadQuestions, WaitQuestions, LocalQuestions):
    """Answers about the sites of one file. A method whose name begins with `is` is true only if that is proved."""

    # ---- what the move is for ------------------------------------------------------------------------------------

    def is_in_node_of_pack(self, place: Place) -> bool:
        """Whether the place is in the function of a node, in a tree that ComfyUI loads nodes from."""
        function = place.function
        if function is None or function.owner is None or not sockets.serves_node(function.owner, function):
            return False
        return bool(self._project.mentioning("NODE_CLASS_MAPPINGS", self.module.path))

    def brought_back(self, site: Site, *, kept: bool) -> Site | None:
        """The transfer to the host that what is moved here comes from, by a list (kept) or numpy; proved ones first."""
        left = detours.kept_in_list(site, self._by_node) if kept else detours.brought_through_numpy(site, self._by_node)
        found = [s for s in left if self.goes_to_host(s)]
        return next((s for s in found if self.is_on_accelerator(s)), next(iter(found), None))

    def may_make_batch(self, site: Site) -> bool:
        """Whether what is moved is the result of a call of something that makes batches, by its name."""
        func = site.moved.func if isinstance(site.moved, ast.Call) else None
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        return not self._knowledge.batch_maker_words.exact.isdisjoint(name.lower().split("_"))

    def comes_back(self, site: Site, left: Site) -> bool:
        """Whether a site moves something to where another site has taken it from, wherever that is."""
        wanted = site.request.device
        return wanted is not None and left.device is not None and wanted.known.term == left.device.term

    def is_only_downloaded(self, site: Site) -> bool:
        """Whether what is moved to an accelerator is only brought to the host again; see `detours`."""
        return self.goes_to_accelerator(site) and detours.is_only_downloaded(site)

    def looked_up_on_host(self, site: Site) -> Site | None:
        """The transfer of an index to the host, if what it picks there is moved to where the index was; else None."""
        left = detours.looked_up_on_host(site, self._by_node)
        return left if left is not None and self.goes_to_host(left) else None

    def is_picked_from(self, site: Site) -> bool:
        """Whether a whole table is moved for the items that an index on the target picks; see `detours`."""
        return (detours.may_be_kept(site) or self.is_on_host(site)) and detours.is_picked_from(site)

    def is_half_of_pair(self, site: Site) -> bool:
        """Whether the module is certainly moved elsewhere, too, whenever the site runs; see `onload_offload`."""
        return onload_offload.is_half(site, self.sites, self._knowledge.offload_words)

    def is_reloaded_in_loop(self, site: Site) -> bool:
        """Whether each round of a loop moves the same module here, and then elsewhere; see `onload_offload`."""
        module = site.is_module or self.can_only_be_module(site)
        return module and site.heat is not Heat.ONCE and onload_offload.is_reloaded_in_loop(site, self.sites)

    def is_put_back(self, site: Site) -> bool:
        """Whether the function moves the receiver back to where it was before; see `onload_offload`."""
        return onload_offload.is_put_back(site, self.sites)

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
        if holds_plain_object(site.function, site.moved, self._knowledge):
            return False
        node = site.moved
        holder = parents(statement).get(site.node)
        if isinstance(holder, ast.Call) and holder.func is site.node:
            return True  # it is called at once
        if isinstance(statement, ast.Assign) and _unless_none(statement.value) is site.node and function is not None:
            known = receiver.ident.line == 0 or isinstance(node, ast.Attribute)
            return known and any(is_used_as_module(_scope_of(site), target) for target in (*statement.targets, node))
        if not (isinstance(statement, ast.Expr) and _is_thrown_away(statement.value, site.node)):
            return False
        if receiver.ident.line > 0 and not isinstance(node, ast.Attribute):
            return function is not None and is_used_as_module(function.node, node, self._knowledge.tensor_methods)
        part = receiver.ident.parent is not None and not receiver.ident.name.startswith("[")  # an item may be a batch
        certain = site.request.dtype is not None or part or not isinstance(node, ast.Name)
        if certain and not site.request.ambiguous:
            return True
        return function is not None and is_used_as_module(function.node, node, self._knowledge.tensor_methods)

    def is_worth_a_guard(self, site: Site) -> bool:
        """Whether a module's move costs something, and surely is repeated for nothing.

        It outlives the call, and is no parameter; nothing takes it, or a part of it, away again; no loop below trains.
        """
        function = site.function
        used = site.is_module or is_used_as_module(_scope_of(site), site.moved, self._knowledge.tensor_methods)
        return (
            used
            and (function is None or function.name != "__init__")
            and not light_moves.costs_little(site)
            and module_moves.outlives_call(site)
            and not module_moves.precedes_training(site)
            and (not module_moves.is_given(site) or self.is_in_node_of_pack(site))
            and not module_moves.is_taken_away(site, self.sites)
            and not any(module_moves.is_part_like(site, other) and self.goes_to_host(other) for other in self.sites)
        )

    def is_placed_on_purpose(self, site: Site) -> bool:
        """Whether the code around a module's move says why it is there: see `module_moves`.

        It is only moved, noted, just loaded or picked; or the place is looked up, chosen, or asked for.
        """
        return (
            module_moves.only_moves(site, self.sites)
            or module_moves.is_chosen(site)
            or module_moves.is_noted(site)
            or module_moves.is_looked_up(site)
            or module_moves.is_picked(site)
            or module_moves.is_just_loaded(site)
            or module_moves.is_guarded_by_hand(site)
        )

    def is_plain_attribute(self, site: Site) -> bool:
        """Whether the receiver is `self.x` and nothing can see that it is assigned to itself.

        No class of the lineage defines `__setattr__` or the like, and none of them or of their heirs gives the name a
        property, or any other value in the class body.
        """
        function, name = site.function, own_attribute(site.moved)
        owner = function.owner if function is not None else None
        if owner is None or name is None or owner.is_overridden(name):
            return False
        for cls in owner.lineage:
            if isinstance(cls, str):
                if not self._knowledge.is_transparent_base(cls):
                    return False
            elif {name, "__setattr__", "__getattribute__"} & {*cls.methods, *cls.attributes} or cls.node.decorator_list:
                return False
        return True

    def leaves_itself(self, site: Site) -> bool:
        """Whether without the move a statement would assign an item or attribute to itself, which may be observed."""
        match site.statement:
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript() as target], value=value) if value is site.node:
                return spelled(target) == spelled(site.moved) and not self.is_plain_attribute(site)
        return False

    def is_explained(self, site: Site) -> bool:
        """Whether a comment stands beside the transfer's statement, or on the line above it."""
        last = site.statement.end_lineno or site.statement.lineno
        above = self.module.lines[site.statement.lineno - 2].strip() if site.statement.lineno > 1 else ""
        column = self.module.column(last, site.statement.end_col_offset or 0)
        return above.startswith("#") or self.module.lines[last - 1][column - 1 :].strip().startswith("#")

    def is_knob(self, site: Site) -> bool:
        """Whether a local that names a device, `where = "cpu"`, is the target of several moves of the function."""
        target, function = site.device_argument, site.function
        if function is None or not isinstance(target, ast.Name):
            return False
        named = any(
            isinstance(t, ast.Name) and t.id == target.id
            for t, value in bindings(function.node)
            if isinstance(value, ast.Constant)
        )
        uses = [n for n in nodes_of(function.node) if isinstance(n, ast.Name) and n.id == target.id]
        return named and len([n for n in uses if isinstance(n.ctx, ast.Load)]) > 1

    def is_weight(self, site: Site) -> bool:
        """Whether the receiver is, or may be, an attribute that holds a parameter or buffer."""
        if not isinstance(site.moved, ast.Attribute):
            return False
        known = isinstance(site.receiver, Tensor) and site.receiver.weight
        return known or kept_tensors.is_made_parameter(site.function, site.moved)

    def is_operand(self, site: Site) -> bool:
        """Whether the moved value is an operand of an operation that does not write to it, nor return it or a view."""
        knowledge = self._knowledge
        match parent := parents(site.statement).get(site.node):
            case ast.Compare(ops=ops):
                return not any(isinstance(op, ast.Is | ast.IsNot) for op in ops)
            case ast.BinOp() | ast.UnaryOp():
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

    def replaces_itself(self, site: Site) -> bool:
        """Whether a loop only binds a name to its own moved copy; see `loop_invariance.replaces_itself`."""
        return loop_invariance.replaces_itself(site)

    def is_memoised(self, site: Site) -> bool:
        """Whether the transfer is memoised: an `if` around it tests what its result is assigned to, so it runs once."""
        return loop_invariance.is_memoised(site)

    def fills_cache(self, place: Site | Construction) -> bool:
        """Whether the place runs only where its result is not kept yet; see `caches`."""
        return caches.fills_cache(place)

    def is_unregistered_constant(self, place: Place, node: ast.expr) -> bool:
        """Whether an expression there is a constant that its module keeps on the host; see `kept_tensors`."""
        return kept_tensors.is_unregistered_constant(place.function, node, self._factories, self._knowledge)

    def comes_from_function(self, site: Site) -> bool:
        """Whether what is moved is a local that only results of functions of the tree are assigned to."""
        return kept_tensors.comes_from_function(site)

    def is_kept_outside(self, site: Site) -> bool:
        """Whether the site moves what comes from outside, and is the same at every call; see `kept_outside`."""
        return kept_outside.is_kept_outside(site)

    def kept_for_first_device(self, place: Site | Construction) -> str | None:
        """What keeps the tensor for the first device that is seen, as it is written; see `kept_tensors`."""
        half = place.request.device if isinstance(place, Site) else None
        device = place.tensor.device if isinstance(place, Construction) else half.known if half is not None else None
        kept = kept_tensors.kept_for_first_device(place, device)
        return spelled(kept) if kept is not None else None

    def compares_tensor(self, comparison: DeviceComparison) -> bool:
        """Whether what a device is compared with is a tensor."""
        owner = comparison.function.owner if comparison.function is not None else None
        return comparison.proved or kept_tensors.holds_only_tensors(owner, comparison.tensor, self._factories)

    def earlier_copy(self, site: Site) -> EarlierCopy | None:
        """The copy from a dominating transfer of the same value to the same place; None if there is none."""
        first = duplicates.earlier_transfer(site, self._of_receiver.get(site.receiver.ident, ()), self._mutations)
        if first is None:
            return None
        name = duplicates.name_of_result(first)
        kept = name is not None and not duplicates.is_bound_between(name, first, site)
        untouched = not any(duplicates.mutations_between(first, site, self._mutations))
        return EarlierCopy(first.anchor[0], name if kept else None, untouched)

    def copied_alike(self, site: Site) -> Site | None:
        """A dominating transfer of what is written like the value, to the same place; see `duplicates.alike_before`."""
        return duplicates.alike_before(site, self.sites, self._mutations)

    def moved_again(self, site: Site) -> Site | None:
        """A later transfer of the same value to the same place whose result is used; None if there is none.

        None, too, if the receiver may be a module: its class is known, or it is used as one.
        """
        function, node = site.function, site.moved
        if function is None or (isinstance(site.receiver, Object) and site.receiver.cls is not None):
            return None
        if is_used_as_module(function.node, node):
            return None
        same = self._of_receiver.get(site.receiver.ident, ())
        later = (other for other in same if other.function is function and other.anchor > site.anchor)
        return next(
            (
                other
                for other in later
                if other.yields_copy and not other.inline and duplicates.same_target(site, other)
            ),
            None,
        )

    # ---- what made the value, and who reads it -------------------------------------------------------------------

    def factory(self, site: Site) -> Factory | None:
        """The deterministic factory whose result the site moves; see `Factories.moved_by`. None if there is none."""
        return self._factories.moved_by(site, self.is_on_host(site))

    def made_like(self, site: Site) -> str | None:
        """What the result that the site moves is made like; see `Factories.made_like`."""
        return self._factories.made_like(site)

    def is_made_converted(self, site: Site) -> bool:
        """Whether the site moves what a factory makes, which could take the dtype, too, that the next call asks for."""
        after, made = self._next.get(site.node), self.factory(site)
        if after is None or made is None or not (made.exact and made.any_dtype) or self.boundary(site):
            return False
        one, two = site.request, after.request
        only = one.device is not None and one.dtype is None and two.device is None and two.dtype is not None
        understood = not (one.ambiguous or two.ambiguous or after.in_fstring) and one.plain and two.plain
        return only and understood and site.is_blocking and after.is_blocking

    def made_by(self, site: Site) -> Factory | None:
        """The call of the factory that made the receiver; see `Factories.made_by`. None if there is none."""
        return self._factories.made_by(site)

    def made_if_missing(self, site: Site) -> str | None:
        """What makes the receiver on the host where the function is not given one; see `missing`."""
        return missing.made_if_missing(site, self._factories)

    def computed_from(self, site: Site) -> Factory | None:
        """The factory that the receiver was computed from on the host, most likely; see `Factories.behind`."""
        likely = isinstance(site.receiver, Tensor) and site.receiver.likely_host
        return self._factories.behind(site) if likely or self.is_on_host(site) else None

    def is_returned_to_anyone(self, site: Site) -> bool:
        """Whether a public function returns what the site moves, without having waited for it."""
        function = site.function
        if function is None or function.name.startswith("_") or readers.waits_after(site):
            return False
        return is_returned(function.node, site.statement, site.node)


def _scope_of(site: Site) -> ast.AST:
    """Where the receiver is used: its class for `self.x`, else the function."""
    function, node = site.function, site.moved
    if function is None:
        return site.statement
    own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return function.owner.node if own and function.owner is not None else function.node
