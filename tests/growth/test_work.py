"""Work that is not done: how often functions, expressions, loops and texts are looked at. Counted, never timed."""

from __future__ import annotations

import ast
import gc
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import libcst as cst
import pytest

from tests.programs.world import Files
from tests.support.command import WASTE
from transfer_codemods import Rewriter, held
from transfer_codemods.actions import Anchor, DeleteTransfer, UnreadImport
from transfer_lint.flow import analysis
from transfer_lint.flow.interpret.frame import Frame
from transfer_lint.flow.interpret.summaries import Summaries
from transfer_lint.flow.program import tree_texts
from transfer_lint.flow.program.project import Project
from transfer_lint.flow.program.repetition import Repetition
from transfer_lint.flow.program.syntax import nodes_of
from transfer_lint.flow.program.text_facts import TextFacts
from transfer_lint.flow.results.mutations import Mutation
from transfer_lint.flow.values.state import State
from transfer_lint.graph.before_after import before_after_for
from transfer_lint.lint.check import check_paths
from transfer_lint.lint.check_text import examine, project_over
from transfer_lint.lint.deep_stack import deep
from transfer_lint.settings import ANALYSIS_BUDGET, Settings


def check(texts: Mapping[str, str], budget: int = ANALYSIS_BUDGET) -> None:
    """Check `main.py` of a tree."""
    settings = Settings(".", analysis_budget=budget)
    project = project_over(Files(dict(texts)), settings)
    deep(examine, "main.py", texts["main.py"], project, settings)


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each function is interpreted."""
    counts: Counter[str] = Counter()
    run = Summaries.run

    def counted(self: Summaries, frame: Frame, info: Any, *rest: Any) -> Any:
        counts[info.name] += 1
        return run(self, frame, info, *rest)

    monkeypatch.setattr(Summaries, "run", counted)
    return counts


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each expression is evaluated, by its text."""
    counts: Counter[str] = Counter()
    run = Frame.eval

    def counted(self: Frame, node: ast.expr, state: Any) -> Any:
        counts[ast.unparse(node)] += 1
        return run(self, node, state)

    monkeypatch.setattr(Frame, "eval", counted)
    return counts


def test_a_function_without_a_verdict_is_interpreted_once(interpreted: Counter[str]) -> None:
    text = "import torch\ndef f(x: torch.Tensor):\n    return x.cpu().numpy()\ndef g(x):\n    return f(x).copy()\n"
    check({"main.py": text})
    assert interpreted == {"f": 1}


def test_a_verdict_is_proved_without_assumptions(interpreted: Counter[str]) -> None:
    moved = "def f(x: torch.Tensor, y: torch.Tensor):\n    return (x.cuda() + y).to('cuda')\n"
    other = "def g(x: torch.Tensor):\n    return x.cpu().numpy()\n"
    check({"main.py": f"import torch\n{moved}{other}"})
    assert interpreted == {"f": 2, "g": 1}


def test_what_is_loud_and_names_what_it_assumes_is_not_proved(interpreted: Counter[str]) -> None:
    body = "        loss = model(batch.cuda()).mean()\n        loss.backward()\n        optimizer.step()\n"
    text = f"def train(model, loader, optimizer):\n    model.to('cuda')\n    for batch in loader:\n{body}"
    check({"main.py": f"import torch\n{text}        print(loss.item())\n"})
    assert interpreted == {"train": 1}


def test_what_takes_too_many_steps_is_not_tried_again(interpreted: Counter[str]) -> None:
    check({"main.py": "import torch\ndef f(n):\n    x = torch.zeros(n).to('cuda')\n    return x, n\n"}, budget=6)
    assert interpreted == {"f": 1}


def test_a_method_that_moves_a_module_is_proved_with_those_that_may_take_it_away(interpreted: Counter[str]) -> None:
    kept = "    def keep(self, x: torch.Tensor):\n        self.x = x.cuda()\n"
    used = "    def use(self, y: torch.Tensor):\n        return (y.cuda() + self.x).to('cuda')\n"
    check({"main.py": f"import torch\nclass Kept:\n{kept}{used}    def free(self, n):\n        return n\n"})
    assert interpreted == {"keep": 1, "use": 2}  # a tensor is not taken away
    interpreted.clear()
    made = "    def __init__(self):\n        super().__init__()\n        self.net = torch.nn.Linear(4, 4)\n"
    kept = "    def keep(self):\n        self.net.cpu()\n"
    used = "    def use(self, y: torch.Tensor):\n        return self.net.to('cuda')(y)\n"
    check({"main.py": f"import torch\nclass Kept(torch.nn.Module):\n{made}{kept}{used}"})
    assert interpreted["keep"] == interpreted["use"] == 2


def test_what_only_hands_a_device_on_is_not_followed(interpreted: Counter[str]) -> None:
    handed = "def hand(device):\n    return Net(device=device)\n"
    made = "def make(device):\n    return torch.zeros(3, device=device)\n"
    made += "def fill(device):\n    return z(3, device=device)\n"
    check({"main.py": f"import torch\nfrom torch import ones as z\n{handed}{made}"})
    assert set(interpreted) == {"make", "fill"}


def test_what_a_loop_goes_over_is_evaluated_once(evaluated: Counter[str]) -> None:
    check({"main.py": "def f(xs, d):\n    for x in g(xs):\n        x.to(d)\n    return [y.to(d) for y in h(xs)]\n"})
    assert evaluated["g(xs)"] == evaluated["h(xs)"] == 1


def test_what_unseen_code_may_do_to_tensors_is_noted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    replaced: list[int] = []
    replace = State.replace_data

    def counted(self: State, epoch: str, line: int, *rest: Any, **named: Any) -> None:
        replaced.append(line)
        replace(self, epoch, line, *rest, **named)

    monkeypatch.setattr(State, "replace_data", counted)
    acts = "class Row:\n    def __getitem__(self, key):\n        self.x.data = key\n"
    asks = "def f(row, t: torch.Tensor):\n    t = t.to('cuda')\n    y = row[t]\n    return t.to('cuda'), y\n"
    check({"main.py": f"import torch\n{acts}{asks}"})
    assert replaced.count(7) == 1


def test_a_text_is_searched_once(monkeypatch: pytest.MonkeyPatch, interpreted: Counter[str]) -> None:
    searched: list[str] = []
    lines_of = analysis._lines_of
    monkeypatch.setattr(analysis, "_lines_of", lambda *given: searched.append(given[0]) or lines_of(*given))
    text = "import torch\ndef f(x: torch.Tensor, y: torch.Tensor):\n    return (x.cuda() + y).to('cuda')\n"
    check({"main.py": text})
    assert interpreted == {"f": 2}
    assert len(searched) == len(set(searched))


def test_only_what_a_star_import_leads_to_is_searched_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    may_bind = tree_texts._may_bind
    monkeypatch.setattr(tree_texts, "_may_bind", lambda text, name: searched.append(text) or may_bind(text, name))
    texts = {"main.py": "from a import *\ndef f(x):\n    return g(x.cuda()).cpu()\n", "a.py": "y = 1\n"}
    check(texts | {f"other_{number}.py": f"g = {number}\n" for number in range(5)})
    assert set(searched) == {texts["a.py"]}


def test_the_end_of_an_iteration_assigns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write = State.write
    monkeypatch.setattr(State, "write", lambda self, *given: written.append(given[1]) or write(self, *given))
    check({"main.py": "def f(x, ys):\n    for y in ys:\n        g(x)\n        print(x.held.cuda(), y)\n"})
    assert written == []


def test_loops_that_no_question_leads_to_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    loop = Repetition.loop

    def counted(self: Repetition, node: ast.stmt) -> Any:
        looked_at.append(node.lineno)
        return loop(self, node)

    monkeypatch.setattr(Repetition, "loop", counted)
    others = "".join(f"def g{n}(xs):\n    for x in xs:\n        print(x)\n" for n in range(50))
    caller = "from main import f\ndef train(xs):\n    for x in xs:\n        f(x)\n"
    check({"main.py": "def f(x):\n    return x.to('cuda')\n", "other.py": f"{caller}{others}"})
    assert set(looked_at) == {3}


@pytest.mark.parametrize(
    "text",
    [
        "x = [a.b + -c[0] for a in d if not (a and a is not None or a < 2 < 3)]\n",
        "def f(a, *b, c=1, **d: int) -> str:\n    global g\n    x: int = await_(lambda y=2: y)\n    x += {**d, 1: 2}\n",
        "try:\n    import a.b as c\nexcept E as e:\n    raise X from e\nfinally:\n    with a as b:\n        del b[1]\n",
        "match x:\n    case {'a': [1, *_], **k} if k:\n        print(f'{x!r:>{y}}')\n    case A(b=1) as z:\n        0",
        "@d(1)\nclass A(B, metaclass=C):\n    for x in y:\n        break\n    else:\n        (z := 3)\n",
    ],
)
def test_walks_leave_out_nothing_but_contexts_and_operators(text: str) -> None:
    tree = ast.parse(text)
    left_out = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
    assert list(nodes_of(tree)) == [node for node in ast.walk(tree) if not isinstance(node, left_out)]


def test_what_a_loop_has_met_is_freed_at_once() -> None:
    def states() -> int:
        return sum(type(found) is State for found in gc.get_objects())

    text = "def f(xs, m, n):\n    for x in xs:\n        y = m(x).cuda(), n\n        n.data = y[0]\n    return y\n"
    gc.collect()
    gc.disable()
    try:
        before = states()
        check({"main.py": f"import torch\n{text}"})
        assert states() == before
    finally:
        gc.enable()


def test_mutations_are_looked_at_where_they_are_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: Counter[str] = Counter()
    position = Mutation.position.fget
    assert position is not None

    def counted(self: Mutation) -> tuple[int, int]:
        counts["position"] += 1
        return position(self)

    monkeypatch.setattr(Mutation, "position", property(counted))
    one = "def f{}(x: torch.Tensor):\n    y = x.cuda()\n    y.add_(1)\n    return y + x.cuda()\n"
    found = []
    for size in (20, 80):
        counts.clear()
        check({"main.py": "import torch\n" + "".join(one.format(number) for number in range(size))})
        found.append(counts["position"])
    assert found[1] < 8 * found[0]


def test_a_plan_is_carried_out_by_looking_at_what_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: Counter[str] = Counter()
    children = held.children

    def counted(node: cst.CSTNode) -> list[cst.CSTNode]:
        counts["nodes"] += 1
        return children(node)

    monkeypatch.setattr(held, "children", counted)
    found = []
    for size in (20, 80):
        counts.clear()
        text = "import torch\n" + "def f(x):\n    return x.to(torch.float16)\n" * size
        rewriter = Rewriter(cst.parse_module(text))
        plans = [{Anchor(1, 8): UnreadImport(False), Anchor(3 + 2 * n, 14): DeleteTransfer()} for n in range(size)]
        assert not any(rewriter.rewrite(plan).refused for plan in plans)
        found.append(counts["nodes"])
    assert found[1] < 8 * found[0]


def test_pictures_are_drawn_of_trees_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.py").write_text(WASTE)
    settings, facts = Settings(".", cache=False), TextFacts()
    outcome = check_paths(["main.py"], settings, facts=facts)
    (pair,) = before_after_for(outcome, settings, facts)
    assert [arrow.code for arrow in pair.after[0].arrows] != [arrow.code for arrow in pair.before[0].arrows]
    assert facts.parsed == 2  # the text, and the one that the fixes make of it


def test_pictures_are_drawn_of_what_the_check_has_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interpreted: Counter[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.py").write_text(WASTE)
    settings, watched = Settings(".", cache=False), list[Project]()
    plain = before_after_for(check_paths(["main.py"], settings), settings)
    anew = Counter(interpreted)
    interpreted.clear()
    outcome = check_paths(["main.py"], settings, watched=watched)
    assert before_after_for(outcome, settings, watched=watched) == plain
    assert interpreted.total() < anew.total()
    (tmp_path / "main.py").write_text(f"{WASTE}\nx = 1\n")
    assert before_after_for(outcome, settings, watched=watched) == plain  # also if the file is another one by now


def test_nodes_of_one_type_are_followed_until_two_differ(interpreted: Counter[str]) -> None:
    node = (
        "class Node{0}:\n    RETURN_TYPES = ('THING',)\n    FUNCTION = 'make{0}'\n"
        "    INPUT_TYPES = classmethod(lambda cls: {{}})\n"
        "    def make{0}(self, thing):\n        return (thing,)\n"
    )
    used = (
        "import torch\nclass Used:\n    FUNCTION = 'use'\n    RETURN_TYPES = ()\n    @classmethod\n"
        "    def INPUT_TYPES(cls):\n        return {'required': {'thing': ('THING',)}}\n"
        "    def use(self, thing, x: torch.Tensor):\n        return x.to(thing.device)\n"
    )
    check({"main.py": used + "".join(map(node.format, range(40)))})
    assert sum(count for name, count in interpreted.items() if name.startswith("make")) <= 4


def test_the_end_of_a_command_looks_at_nothing_that_the_run_held(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(WASTE)
    told = "import atexit, gc; atexit.register(lambda: print(len(gc.get_objects())))"
    run = "from transfer_lint.__main__ import main; main()"
    command = [sys.executable, "-c", f"{told}; {run}", "check", "--no-cache", "--output-format", "json", "-q", "."]
    out = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=False).stdout
    assert int(out.splitlines()[-1]) < 1_000
