"""Make a graph readable: leave out what is not connected to a transfer, and fold long computations into one node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from transfer_lint.graph.flow_graph import Edge, Flow, Kind, Node

MOST_NODES = 28
"""A graph with more nodes is folded."""


def simplified(flow: Flow, most: int = MOST_NODES) -> Flow:
    """The part of a graph that leads to or comes from a transfer, host read or call; folded if over `most` nodes."""
    anchors = {node for edge in flow.edges if edge.at is not None for node in (edge.source, edge.target)}
    anchors.update(node for node in flow.nodes if node.callee is not None)
    kept = _reached(anchors, flow.edges, lambda edge: (edge.source, edge.target))
    kept |= _reached(anchors, flow.edges, lambda edge: (edge.target, edge.source))
    nodes = [node for node in flow.nodes if node in kept]
    edges = [edge for edge in flow.edges if edge.source in kept and edge.target in kept]
    found = Flow(flow.function, nodes, edges)
    return _folded(found, anchors) if len(nodes) > most else found


def _reached(start: Iterable[Node], edges: Iterable[Edge], ends: Callable[[Edge], tuple[Node, Node]]) -> set[Node]:
    leads: dict[Node, list[Node]] = {}
    for edge in edges:
        source, target = ends(edge)
        leads.setdefault(source, []).append(target)
    found = set(start)
    stack = list(found)
    while stack:
        for node in leads.get(stack.pop(), ()):
            if node not in found:
                found.add(node)
                stack.append(node)
    return found


def _folded(flow: Flow, anchors: set[Node]) -> Flow:
    """Fold each connected group of nodes without transfer, host read or call into one node, inputs and outputs too."""
    groups = _groups([node for node in flow.nodes if node not in anchors], flow.edges)
    into: dict[Node, Node] = {}
    folds: list[Node] = []
    for group in groups:
        if len(group) == 1:
            continue
        fold = Node(group[0].number, Kind.FOLD, f"{len(group)} values", group[0].line)
        fold.hidden = tuple(dict.fromkeys(node.label for node in group))
        folds.append(fold)
        into.update(dict.fromkeys(group, fold))
    edges: dict[tuple[Node, Node, str], Edge] = {}
    for edge in flow.edges:
        source, target = into.get(edge.source, edge.source), into.get(edge.target, edge.target)
        label = edge.label if source is edge.source and target is edge.target else ""
        if source is not target:
            edges.setdefault((source, target, label), Edge(source, target, label, edge.at))
    return Flow(flow.function, [*(node for node in flow.nodes if node not in into), *folds], list(edges.values()))


def _groups(nodes: list[Node], edges: Iterable[Edge]) -> list[list[Node]]:
    """The connected groups of `nodes`; edges to other nodes do not count."""
    leader: dict[Node, Node] = {node: node for node in nodes}
    for edge in edges:
        if edge.source in leader and edge.target in leader:
            one, other = _leader(leader, edge.source), _leader(leader, edge.target)
            leader[other] = one
    found: dict[Node, list[Node]] = {}
    for node in nodes:
        found.setdefault(_leader(leader, node), []).append(node)
    return list(found.values())


def _leader(leader: Mapping[Node, Node], node: Node) -> Node:
    while leader[node] is not node:
        node = leader[node]
    return node
