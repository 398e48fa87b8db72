"""What rules ask about a host read: where the value is, what brought it, and whether the host waits for it."""

from __future__ import annotations

import ast

from transfer_lint.findings import Assumption, Heat
from transfer_lint.flow.ask import (
    array_detours,
    caches,
    detours,
    kept_tensors,
    near_waits,
    needed_reads,
    pieces,
    readers,
    reduced_arrays,
)
from transfer_lint.flow.ask.liveness import is_wanted_there
from transfer_lint.flow.ask.pieces import Piece
from transfer_lint.flow.ask.placements import Placements, is_device_of_value
from transfer_lint.flow.ask.trained import is_in_training, is_of_epoch, is_trained_on, names_no_place, values_of
from transfer_lint.flow.knowledge import Role
from transfer_lint.flow.program.syntax import nodes_of, parents, spelled
from transfer_lint.flow.results.constructions import Construction
from transfer_lint.flow.results.reads import Form, HostRead
from transfer_lint.flow.results.sites import Site
from transfer_lint.flow.results.waits import ExplicitWait, WaitKind
from transfer_lint.flow.values.terms import Fact, Known, Term, TermKind, Why, merge_why
from transfer_lint.flow.values.values import Object, Tensor

_DEFAULT_TYPE = r"set_default_tensor_type\([^\n]*cuda"


class ReadQuestions(Placements):
    """Answers about host reads, and about the transfers whose results they read."""

    def read_of_one_item(self, site: Site) -> HostRead | None:
        """The host read of one item of what the site moves: `x.cpu()[0].item()`; None if there is none."""
        return readers.read_of_one_item(site, self.reads)

    def is_made_array(self, site: Site) -> bool:
        """Whether what is moved becomes an array at once: `x.cpu().numpy()` goes on working where `x` moves one day."""
        above = parents(site.statement).get(site.node)
        return isinstance(above, ast.Attribute) and above.attr == "numpy"

    def reduced_on_host(self, site: Site) -> str | None:
        """What a copy on the host is reduced by at once, `max` of `x.cpu().numpy().max()`; None if it is not.

        Of what is of unknown placement once a call, only where it is made an array.
        """
        receiver = site.receiver if isinstance(site.receiver, Tensor) else None
        if self.is_on_host(site) or not self.goes_to_host(site) or not site.is_blocking or not site.request.plain:
            return None
        if site.heat is Heat.ONCE or site.in_handler or (receiver is not None and receiver.scalar):
            return None
        sure = receiver is not None and (self.is_on_accelerator(site) or site.quiet_heat.rank >= Heat.STEP.rank)
        return readers.reduced_at_once(site, self.module, sure=sure)

    def is_read_before(self, read: HostRead) -> bool:
        """Whether the function has read the same locals before, so that there is little left to wait for."""
        return any(
            other.function is read.function and other.anchor < read.anchor and readers.reads_the_same(other, read)
            for other in self.reads
        )

    def is_waited_before(self, read: HostRead) -> bool:
        """Whether the host has waited for the same device before, when all that is read was computed already.

        It has read another value, or brought one, in the same round of every loop: that wait is the one to be spared.
        What is brought beside a loss is taken to come from where the model is trained.
        """
        known, methods = self._source_of(read), self._knowledge.tensor_methods
        if read.elements:
            return False
        if is_trained_on(read):
            before: list[Site | HostRead] = [o for o in self.reads if o is not read and is_trained_on(o)]
            before += [site for site in self.sites if site.is_blocking and self.goes_to_host(site)]
            if any(readers.is_computed_before(read, wait, methods) for wait in before):
                return True
        if known is None:
            return False
        here = self.brought_by(read) or read
        waits: list[tuple[Site | HostRead, Known | None]] = [
            *((site, site.device) for site in self.sites if site.is_blocking and self.goes_to_host(site)),
            *((other, self._source_of(other)) for other in self.reads if self.brought_by(other) is None),
        ]
        return any(
            device is not None and device.term == known.term and readers.is_computed_before(here, wait, methods)
            for wait, device in waits
            if wait is not here
        )

    def is_waited_nearby(self, read: HostRead) -> bool:
        """Whether the host has waited right before, or has to right after to know a size or for a test."""
        methods, here = self._knowledge.tensor_methods, self.brought_by(read)
        others = [o for o in self.reads if o is not read and o.function is read.function and o.form is not Form.UPLOAD]
        others = [other for other in others if self.reads_accelerator(other) is not False]
        moves = (site for site in self.sites if site.function is read.function and site is not here)
        waits: list[Site | HostRead] = [*others]
        waits += (s for s in moves if s.is_blocking and self.goes_to_host(s) and not self.is_on_host(s))
        if any(near_waits.follows_closely(wait, read, self.module, methods) for wait in waits):
            return True
        sizes = [other for other in others if other.form is Form.SIZE]
        needed = sizes if read.form is Form.TEST else [o for o in others if o.form in (Form.SIZE, Form.TEST)]
        if any(near_waits.follows_closely(read, other, self.module, methods) for other in needed):
            return True
        known: list[Site | HostRead | ExplicitWait] = [size for size in sizes if self.reads_accelerator(size)]
        waiting = [w for w in self.waits if w.function is read.function and w.kind is not WaitKind.ANOMALIES]
        known += [wait for wait in waiting if not near_waits.is_beside(wait, read)]
        return not read.elements and any(near_waits.in_same_rounds(wait, read) for wait in known)

    def is_waited_anyway(self, read: HostRead) -> bool:
        """Whether the host waits there for another reason.

        It measures time, selects with the mask that it tests, acts in an environment, or has to know, there or later,
        whether the loop or the optimizer is to step. Or what it reads is little beside the step, or wanted as it is.
        """
        later = (o for o in self.reads if o.function is read.function and o.anchor > read.anchor)
        alike = [read, *(other for other in later if readers.reads_the_same(read, other))]
        beside = readers.is_timed(read) or readers.guards_selection(read, self.reads)
        reasons = (
            needed_reads.ends_loop,
            needed_reads.is_given_to_environment,
            needed_reads.is_of_level,
            needed_reads.is_of_first_call,
            needed_reads.is_chosen,
            is_of_epoch,
        )
        beside = beside or any(reason(read) for reason in reasons)
        return beside or any(map(needed_reads.decides_on_step, alike))

    def is_brought_later(self, read: HostRead) -> bool:
        """Whether the host needs the whole of what is read right after, and waits for that; see `readers`.

        Or it reads a loss, and brings results of the batch in the next statement.
        """
        brought = [site for site in self.sites if site.function is read.function and self.goes_to_host(site)]
        if readers.is_brought_later(read, brought, self.reads):
            return True
        if not self.is_trained_on(read):
            return False
        following, methods = readers.statements_after(read)[:1], self._knowledge.tensor_methods
        return any(
            site.is_blocking
            and any(site.statement is each for each in following)
            and readers.is_computed_before(site, read, methods)
            and not any(other.tensor.scalar and self.is_within(site, other) for other in self.reads)
            for site in brought
        )

    def read_before_waiting(self, site: Site) -> int | None:
        """The line of the first read of what the site copies to the host; None if the function waits before it."""
        return readers.read_before_waiting(site, self.reads, self._copy_reads.first_line(site))

    def is_one_with_another(self, read: HostRead) -> bool:
        """Whether an earlier read is mended with it: one of the statement, or a test of the same local."""
        earlier = (other for other in self.reads if other.order < read.order)
        alike = (readers.has_same_cause, readers.tests_the_same, readers.is_the_same_size)
        return any(is_alike(other, read) for other in earlier for is_alike in alike)

    def selected_before(self, read: HostRead) -> int | None:
        """The line where the function has selected with the same mask; None if there is none."""
        earlier = (o for o in self.reads if o.function is read.function and o.anchor[0] < read.anchor[0])
        return next((o.anchor[0] for o in earlier if readers.selects_with_the_same(o, read)), None)

    def is_agreed_on(self, read: HostRead) -> bool:
        """Whether processes have just agreed on what is read, to go on alike: by `dist.broadcast` or the like."""
        return needed_reads.is_agreed_on(read)

    def is_for_file(self, read: HostRead) -> bool:
        """Whether a file is written in the same statement; see `needed_reads`."""
        return needed_reads.is_for_file(read)

    def is_needed_size(self, read: HostRead) -> bool:
        """Whether a size is read once a call, and used for nothing but sizes; see `needed_reads`."""
        return needed_reads.is_needed_size(read)

    def is_unvalidated(self, read: HostRead) -> bool:
        """Whether it makes a distribution in a tree that turns the tests of their parameters off."""
        return read.is_distribution and bool(self._project.mentioning("set_default_validate_args", self.module.path))

    def uploads_constant(self, made: Construction) -> bool:
        """Whether a tensor of literals, or of what an object keeps unchanged, is made away from the host.

        It must ask for its device; whether that is an accelerator need not be known. Or all tensors are made on one,
        unless they ask for another.
        """
        node, device = made.node, made.tensor.device
        if device is None or self._role(device) is Role.HOST:
            return False
        placed = made.is_by_method or any(k.arg == "device" for k in node.keywords)
        if not (placed and made.name in self._knowledge.from_values) and not self._is_made_away(made, device):
            return False
        given = node.args[:1]
        return any(map(kept_tensors.is_literal_value, given)) or kept_tensors.is_made_of_kept(made)

    def _is_made_away(self, made: Construction, device: Known) -> bool:
        """Whether a tensor of values is made on the default device, and the tree makes that an accelerator."""
        if device.term.kind is not TermKind.DEFAULT_DEVICE:
            return False
        of_values = made.name in self._knowledge.from_values or made.name in self._knowledge.legacy_factories
        return of_values and bool(self._project.matching(_DEFAULT_TYPE, self.module.path))

    def copies_constant(self, read: HostRead) -> bool:
        """Whether the upload is one of a constant, which TL111 reports."""
        made = (made for made in self.constructions if made.node is read.node)
        return any(map(self.uploads_constant, made))

    def is_for_record(self, read: HostRead) -> bool:
        """Whether an array becomes an image of a library that takes one at a time, or a number goes into a record."""
        return needed_reads.is_made_an_image(read) or needed_reads.is_recorded(read)

    def need_not_be_array(self, read: HostRead, brought: Site | None) -> bool:
        """Whether an array is gathered, logged as one of several, reduced to a number, or read inside of a model."""
        gathered = brought is not None and needed_reads.is_gathered(read)
        wanted = gathered or needed_reads.is_logged_as_list(read) or needed_reads.is_in_layer(read)
        return wanted or reduced_arrays.is_reduced(read)

    def is_remembered(self, read: HostRead) -> bool:
        """Whether what is read is remembered for as long as the same object is asked for; see `caches`."""
        return caches.remembers(read)

    def brought_by(self, read: HostRead) -> Site | None:
        """The transfer that moved what is read to the host: in the expression, `x.cpu().item()`, or before it."""
        at_once = readers.moved_at_once(read, self._by_node)
        if at_once is not None and self.boundary(at_once):
            return at_once
        return next((site for site in self.sites if site.node in read.tensor.moved_from), None)

    def piece(self, site: Site) -> Piece | None:
        """What each round of a loop moves a piece of, to the host or, one by one in steps, from there; see `pieces`.

        One by one in steps, too, where a read makes an array of it.
        """
        down = self.goes_to_host(site)
        singly = not down or self.is_read_at_once(site)
        if singly and site.quiet_heat.rank < Heat.STEP.rank:
            return None
        if self.is_on_device(site) or (self.is_on_host(site) if down else self.is_on_accelerator(site)):
            return None
        return pieces.moved_in_pieces(site, single=singly)

    def brought_by_arithmetic(self, site: Site) -> Site | None:
        """The transfer to the host of what only numpy's arithmetic separates from the site; see `detours`."""
        found = detours.brought_through_numpy(site, self._by_node, self._knowledge.tensor_methods)
        return next((left for left in found if self.goes_to_host(left) and not self.is_on_host(left)), None)

    def brought_for_call(self, site: Site) -> Site | None:
        """The transfer to the host of what a call or join makes what is moved here of; see `detours`."""
        found = detours.brought_for_call(site, self._by_node)
        return next((left for left in found if self.goes_to_host(left) and not self.is_on_host(left)), None)

    def kept_elsewhere(self, site: Site) -> Site | None:
        """The transfer that takes what the object keeps, and the site moves, to another place; see `detours`."""
        wanted = site.request.device
        for left in detours.kept_on_object(site, self._by_node):
            there = left.request.device
            if wanted is not None and there is not None and there.known.term != wanted.known.term:
                return left
        return None

    def is_read_at_once(self, site: Site) -> bool:
        """Whether a read is called on what the site moves: `x.cpu().numpy()`."""
        return any(self.is_within(site, read) for read in self.reads if read.statement is site.statement)

    def is_waited_for(self, site: Site) -> bool:
        """Whether the host waits while what seems to be a tensor of the device is copied to it.

        Not if a read is reported in its place, which a read in a loop further in is not.
        """
        receiver = site.receiver
        if not self.says_host(site) or not site.request.plain or not site.is_blocking or self.is_on_host(site):
            return False
        known = site.is_module or (isinstance(receiver, Object) and receiver.cls is not None)
        if site.is_discarded or known or self.is_read_at_once(site):
            return False
        if is_wanted_there(site) and not is_in_training(site, site.statement):
            return False
        if needed_reads.is_for_mps(site):
            return False
        read_here = (read for read in self.reads if site.node in read.tensor.moved_from)
        return all(self.is_read_again(read, site) for read in read_here)

    def is_copied_with_another(self, site: Site) -> bool:
        """Whether the host has waited for the same device right before, by another copy: that one costs."""
        others = (other for other in self.sites if other is not site and self.goes_to_host(other) and other.is_blocking)
        methods = self._knowledge.tensor_methods
        return any(readers.is_computed_before(site, other, methods) for other in others)

    def uploaded_before(self, site: Site) -> Site | None:
        """The transfer to a device that made what the site brings back unchanged; None if there is none."""
        upload = detours.uploaded_unchanged(site, self._by_node) if self.goes_to_host(site) else None
        known = upload is not None and (upload.is_module or self.goes_to_host(upload) or self.is_on_accelerator(upload))
        return None if known else upload

    def uploaded_for_arithmetic(self, site: Site) -> Site | None:
        """The upload of an array of which arithmetic alone makes the array that is brought; see `array_detours`."""
        if not self.goes_to_host(site):
            return None
        found = array_detours.uploaded_for_arithmetic(site, self._by_node, self._knowledge.tensor_methods)
        return None if found is None or found.is_module or self.goes_to_host(found) else found

    def is_within(self, site: Site, read: HostRead) -> bool:
        """Whether the transfer is a part of what is read: `x.cpu().item()`."""
        return any(node is site.node for node in nodes_of(read.node))

    def is_read_again(self, read: HostRead, brought: Site) -> bool:
        """Whether the host has waited for the value when it is read: by the transfer, outside the loop of the read.

        Or by an earlier read of what the same transfer brought.
        """
        return readers.is_read_again(read, brought, self.reads)

    def is_read_of_all(self, read: HostRead) -> bool:
        """Whether `[v.item() for v in x]` is `x.tolist()`: `x` has one dimension."""
        return readers.is_read_of_all(read)

    def is_trained_on(self, read: HostRead) -> bool:
        """Whether a function reads what a model is trained on, in a tree that puts anything on an accelerator."""
        trained = read.function is not None and is_trained_on(read)
        return trained and bool(self._project.mentioning("cuda", self.module.path))

    def reads_accelerator(self, read: HostRead) -> bool | None:
        """Whether what is read is on an accelerator, or was before it was moved to the host; None if not known."""
        known = self._source_of(read)
        if read.tensor.likely_host or (known is not None and known.term.kind is TermKind.DEFAULT_DEVICE):
            return False  # what sets the default may be elsewhere, and without it that is the host
        role = self._role(known)
        if role not in (Role.ACCELERATOR, Role.HOST):
            return True if self._chosen_device(read) else None
        return role is Role.ACCELERATOR

    def read_proof(self, read: HostRead) -> Why:
        """The facts that prove what is read, and where it is."""
        device = self._source_of(read)
        return merge_why(read.tensor.why, device.why if device is not None else (), self._chosen_device(read))

    def _chosen_device(self, read: HostRead) -> Why:
        """The fact that what is read is on the device which the program is given, under that assumption.

        It was put there, or it is what is trained on.
        """
        known = self._source_of(read)
        if self._role(known) in (Role.ACCELERATOR, Role.HOST):
            return ()
        if self._is_computed_on_host(read):
            return ()
        given = known is not None and _is_given(known.term) and not _is_host_by_default(read, known.term)
        if not given and not self.is_trained_on(read):
            return ()
        named = given and known is not None and known.term.kind is TermKind.VALUE
        if not named and names_no_place(self.module):
            return ()
        self.assumable.add(Assumption.RUNS_ON_ACCELERATOR)
        if Assumption.RUNS_ON_ACCELERATOR not in self._assumptions:
            return ()
        place = f"`{known.term}`" if given and known is not None else "where the model is trained"
        text = f"{place} is the device that the program computes on"
        return (Fact(self.module, read.node, text, Assumption.RUNS_ON_ACCELERATOR),)

    def _is_computed_on_host(self, read: HostRead) -> bool:
        """Whether a call gets what is read from something that was brought to the host: `loss = model.loss(host)`."""
        made = values_of(read)
        given = {arg for value in made for call in nodes_of(value) if isinstance(call, ast.Call) for arg in call.args}
        names = {argument.id for argument in given if isinstance(argument, ast.Name)}
        for site in self.sites:
            if site.function is read.function and self.goes_to_host(site):
                targets = site.statement.targets if isinstance(site.statement, ast.Assign) else []
                brought = not names.isdisjoint(name.id for name in targets if isinstance(name, ast.Name))
                if brought or any(node is site.node for argument in given for node in nodes_of(argument)):
                    return True
        return False

    def _source_of(self, read: HostRead) -> Known | None:
        brought = self.brought_by(read)
        return read.tensor.device if brought is None else brought.device


def _is_host_by_default(read: HostRead, term: Term) -> bool:
    """Whether a device is a parameter of the function that is the host unless a caller says another."""
    if read.function is None:
        return False
    default = read.function.defaults.get(str(term))
    return default is not None and "'cpu'" in spelled(default)


def _is_given(term: Term) -> bool:
    """Whether a device is given from outside, as an argument, in an attribute or by where a model was put.

    Not what the code itself may have made the host, as one of several possible devices.
    """
    symbol = term.symbol
    if term.kind is TermKind.VALUE and symbol is not None:
        if is_device_of_value(term):  # perhaps of a tensor, wherever that is
            return False
        return term.role is Role.EITHER or symbol.is_initial() or symbol.parent is not None
    return term.kind is TermKind.WEIGHTS_DEVICE
