"""Onload and offload: two moves of a module that certainly both run, so that each is needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from transfer_lint.flow.knowledge import Names
from transfer_lint.flow.program.idioms import last_name
from transfer_lint.flow.program.syntax import bindings, blocks_of, is_plain, loops_around, nodes_of, spelled
from transfer_lint.flow.results.sites import Site


def is_half(site: Site, sites: Sequence[Site], offload_words: Names) -> bool:
    """Whether the module is certainly moved elsewhere, too, whenever the site runs.

    Also true if every test around the other move is around this one, and if the function passes the module to a
    function that offloads. The module need only be spelled alike: an unknown call in between does not make it another
    module.
    """
    if site.function is None or site.request.device is None:
        return False
    text = spelled(site.moved)
    if _is_handed_to_offloader(site, text, offload_words):
        return True
    return any(
        _goes_elsewhere(other, site) and (_surely_runs(site, other) or _tests_around(other) <= _tests_around(site))
        for other in sites
        if other.function is site.function
        and (other.receiver.ident is site.receiver.ident or spelled(other.moved) == text)
        and not other.in_handler
    )


def is_reloaded_in_loop(site: Site, sites: Sequence[Site]) -> bool:
    """Whether each round of the innermost loop moves the module, and then elsewhere, and it is always the same one.

    Both moves are statements of the loop itself, under no test of their own.
    """
    function, text = site.function, spelled(site.moved)
    loops = loops_around(function.node.body, site.statement) if function is not None else ()
    loop = loops[-1] if loops else None
    if not isinstance(loop, ast.For) or site.statement not in loop.body or not is_plain(site.moved):
        return False
    stores = {spelled(n) for n in nodes_of(loop) if isinstance(getattr(n, "ctx", None), ast.Store)}
    if any(spelled(part) in stores for part in nodes_of(site.moved) if isinstance(part, ast.expr)):
        return False
    return any(
        _goes_elsewhere(other, site)
        for other in sites
        if other.anchor > site.anchor and other.statement in loop.body and spelled(other.moved) == text
    )


def _goes_elsewhere(other: Site, site: Site) -> bool:
    """Whether two sites ask for two devices. What is written alike is taken to be one, whatever may have changed it."""
    asked, half = site.request.device, other.request.device
    if asked is None or half is None or asked.known == half.known:
        return False
    here, there = site.device_argument, other.device_argument
    return here is None or there is None or spelled(here) != spelled(there)


def is_put_back(site: Site, sites: Sequence[Site]) -> bool:
    """Whether the site, or another one of the function, moves the receiver to where it was before.

    The target was read from the receiver (`old = next(m.parameters()).device`), or from a part of it in a loop.
    """
    text = spelled(site.moved)
    return any(
        _goes_back(other, text) for other in sites if other.function is site.function and spelled(other.moved) == text
    )


def _goes_back(site: Site, text: str) -> bool:
    function = site.function
    given = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
    targets = {argument.id for argument in given if isinstance(argument, ast.Name)}
    if function is None or not targets:
        return False
    bound = [(spelled(name), value) for name, value in bindings(function.node) if value is not None]
    parts = {text, *(name for name, value in bound if _mentions(value, text))}
    return any(
        name in targets and any(_mentions(held, part) for held in _devices_in(value) for part in parts)
        for name, value in bound
    )


def _devices_in(value: ast.expr) -> Iterator[ast.expr]:
    """The `x` of every `x.device` in an expression."""
    return (node.value for node in nodes_of(value) if isinstance(node, ast.Attribute) and node.attr == "device")


def _mentions(value: ast.expr, text: str) -> bool:
    return any(isinstance(part, ast.expr) and spelled(part) == text for part in nodes_of(value))


def _is_handed_to_offloader(site: Site, text: str, words: Names) -> bool:
    """Whether the module is passed, from this line on, to a function whose name says that it offloads."""
    assert site.function is not None
    return any(
        any(word in last_name(node.func) for word in words.exact)
        and any(spelled(argument) == text for argument in node.args)
        for node in nodes_of(site.function.node)
        if isinstance(node, ast.Call) and node.lineno >= site.node.lineno
    )


def _surely_runs(first: Site, second: Site) -> bool:
    """Whether the second site's statement runs whenever the first site's does (early exits are ignored)."""
    assert first.function is not None
    return any(
        statement is second.statement
        for block in _blocks_around(first.function.node.body, first.statement)
        for statement in _always(block)
    )


def _tests_around(site: Site) -> frozenset[tuple[str, bool]]:
    """The tests that decide whether the site's statement runs: (the source tree, dumped; the outcome it needs)."""
    assert site.function is not None
    found: set[tuple[str, bool]] = set()
    for block in _blocks_around(site.function.node.body, site.statement):
        for statement in block:
            if isinstance(statement, ast.If):
                for branch, outcome in ((statement.body, True), (statement.orelse, False)):
                    if any(node is site.statement for inner in branch for node in nodes_of(inner)):
                        found.add((ast.dump(statement.test), outcome))
    return frozenset(found)


def _always(block: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run whenever the block does."""
    for statement in block:
        yield statement
        if isinstance(statement, ast.With | ast.AsyncWith | ast.Try):
            yield from _always(statement.body)
        if isinstance(statement, ast.Try):
            yield from _always(statement.finalbody)


def _blocks_around(body: Sequence[ast.stmt], target: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    """The blocks that hold the statement, outermost first."""
    yield body
    for statement in body:
        for block in blocks_of(statement):
            if any(node is target for inner in block for node in nodes_of(inner)):
                yield from _blocks_around(block, target)
