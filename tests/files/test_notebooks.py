"""Notebooks: checked and fixed cell by cell, and not a byte of anything else changes."""

from __future__ import annotations

import difflib
import json
import subprocess
from pathlib import Path

import nbformat
import pytest

from tests.support.command import MENDED, WASTE, lint
from tests.support.notebooks import notebook, sources, written
from transfer_lint.files import magics
from transfer_lint.files.notebook import Notebook, decode, place, shown
from transfer_lint.findings import FixHints
from transfer_lint.fixing.fix import fix_paths, write_fixed
from transfer_lint.problems import Problem
from transfer_lint.settings import Settings

TWICE = "y = x.to('cuda:0')\nz = y.to('cuda:0')"


def fixed(folder: Path, text: str) -> str:
    """What `fix` makes of a notebook; it must be valid, and `fix` run again must change nothing."""
    path = folder / "a.ipynb"
    path.write_bytes(text.encode())
    settings = Settings(root=str(folder), fix_hints=FixHints.ALWAYS)
    assert write_fixed(fix_paths([str(path)], settings), [str(path)], settings).outcome.problems == ()
    now = path.read_bytes().decode()
    nbformat.validate(nbformat.reads(now, as_version=4))
    assert fix_paths([str(path)], settings).files == ()
    return now


def changed_lines(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def test_cells_share_state_in_order(tmp_path: Path) -> None:
    text = notebook("import torch", "x = torch.zeros(3, device='cuda:0')", ("markdown", "# x.to(y)"), TWICE)
    (tmp_path / "a.ipynb").write_text(text, encoding="utf-8")
    out = lint("check", "a.ipynb", cwd=tmp_path, expect=0).out.splitlines()
    assert [line.split(" ")[:3] for line in out] == [
        ["a.ipynb:cell", "4:1:7:", "TL101"],
        ["a.ipynb:cell", "4:2:7:", "TL101"],
    ]
    assert sources(fixed(tmp_path, text))[3] == "y = x\nz = y"
    reordered = notebook("import torch\nx = torch.zeros(3)", TWICE, "x = torch.zeros(3, device='cuda:0')")
    assert sources(fixed(tmp_path, reordered))[1] == "y = x.to('cuda:0')\nz = y"


def test_only_the_changed_lines_change(tmp_path: Path) -> None:
    first, added = "import torch\n\nname = 'ü \\u0041'  # ü", "from itertools import chain\n\n"
    text = notebook(first, "%%time\n" + WASTE, ("raw", "raw.to(x)"), "")
    after = fixed(tmp_path, text)
    assert sources(after)[:2] == [added + first, "%%time\n" + MENDED.removeprefix(added)]
    assert sorted(changed_lines(text, after)) == sorted(
        [
            '+     "from itertools import chain\\n",',
            '+     "\\n",',
            '-     "    y = x.to(\\"cuda:0\\")\\n",',
            '-     "    return y.to(\\"cuda:0\\")  # stays\\n",',
            '+     "    if any(t.device != torch.device(\\"cuda:0\\")'
            ' for t in chain(x.parameters(), x.buffers())):\\n",',
            '+     "        x.to(\\"cuda:0\\")\\n",',
            '+     "    y = x\\n",',
            '+     "    return y  # stays\\n",',
        ]
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(notebook(WASTE, indent=None), id="compact"),
        pytest.param(notebook(WASTE, indent=4), id="four blanks"),
        pytest.param(notebook(WASTE + "# ü").replace("ü", "\\u00fc"), id="escaped"),
        pytest.param(notebook(WASTE).replace("\n", "\r\n"), id="line ends of Windows"),
        pytest.param("\ufeff" + notebook(WASTE), id="with a BOM"),
        pytest.param(notebook(WASTE).removesuffix("\n"), id="without a last line end"),
        pytest.param(
            written([{"source": WASTE, "outputs": [], "cell_type": "code", "metadata": {}, "execution_count": None}]),
            id="the source is one string, and the keys are in another order",
        ),
    ],
)
def test_any_way_to_write_the_json(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(text.encode())
    lint("fix", "a.ipynb", cwd=tmp_path)
    after = path.read_bytes().decode()
    content = json.loads(after.removeprefix("\ufeff"))
    assert "".join(content["cells"][0]["source"]).removesuffix("# ü") == MENDED
    expected = json.loads(text.removeprefix("\ufeff"))
    expected["cells"][0]["source"] = content["cells"][0]["source"]
    assert content == expected
    start, end = text.index("import torch"), text.rindex("# stays")
    assert after.startswith(text[:start])
    assert after.endswith(text[end:])


MAGICS = [
    "%matplotlib inline",
    "!pip install torch",
    "!ls {x} \\\n  -l",
    "x?",
    "?torch.zeros",
    "torch.zeros??",
    "files = !ls {x}",
    "a, b = %sx ls",
    "if True:\n    %timeit y.sum()\n    !echo {y}",
    "%time w = y.sum()",
    "text = '''\n%not a magic\n'''\n%cd ..",
    "v = (7\n  % 2)\n%who",
]


@pytest.mark.parametrize("magic", MAGICS)
def test_magics_survive(magic: str, tmp_path: Path) -> None:
    cell = f"x = torch.zeros(3, device='cuda:0')\n{TWICE}\n{magic}\nlast = 1"
    after = sources(fixed(tmp_path, notebook("import torch", cell)))
    assert after[1] == cell.replace(TWICE, "y = x\nz = y")


@pytest.mark.parametrize(
    ("magic", "known"),
    [
        ("%cd ..", True),
        ("!run", True),
        ("%timeit y = 1", True),
        ("%run other.py", False),
        ("%time y = other()", False),
        ("%time other()", True),
        ("%%capture\npass", True),
        ("%%capture --no-stderr y\npass", False),
        ("%sc y=ls", False),
        ("%%bash\ny=1", True),
        ("%%bash --out y\nls", False),
        ("%%unknown\n", False),
        ("y = = 1", False),
    ],
)
def test_what_a_magic_may_bind_is_not_known_after_it(magic: str, known: bool, tmp_path: Path) -> None:
    text = notebook("import torch", "y = torch.zeros(3, device='cuda:0')", magic, "z = y.to('cuda:0')")
    assert sources(fixed(tmp_path, text))[3] == ("z = y" if known else "z = y.to('cuda:0')")


def test_a_cell_that_does_not_parse_hides_no_other(tmp_path: Path) -> None:
    text = notebook("import torch", "ok = 1\nx = = x.to(y)", WASTE)
    (tmp_path / "a.ipynb").write_text(text, encoding="utf-8")
    ran = lint("check", "--output-format", "full", "a.ipynb", cwd=tmp_path, expect=1)
    assert "error TL902 unparsable-file  a.ipynb:cell 2:2:1" in ran.out
    assert "    2 │ x = = x.to(y)" in ran.out
    assert "TL101 redundant-transfer  a.ipynb:cell 3:6:14" in ran.out
    assert "    6 │ return y.to" in ran.out
    # The guard of the other finding needs `any`, which that cell may bind.
    assert sources(fixed(tmp_path, text))[1:] == ["ok = 1\nx = = x.to(y)", WASTE.replace('y.to("cuda:0")', "y")]


GUARDED = """\
class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = torch.nn.Linear(4, 4)


def run(enc: Encoder):
    enc.to("cuda:0")
    return enc(1)"""


@pytest.mark.parametrize(
    ("cells", "takes"),
    [
        pytest.param(["import torch", GUARDED], 0, id="the first"),
        pytest.param(["import os\nimport torch", GUARDED], 0, id="below the standard library's"),
        pytest.param([("markdown", "# Title"), "import torch", GUARDED], 1, id="the first of code"),
        pytest.param(["%%bash\nls", "import torch", GUARDED], 1, id="not that of a shell"),
        pytest.param(["!ls", "import torch", GUARDED], 0, id="one with a magic"),
        pytest.param(["%%time\nimport torch", GUARDED], 0, id="below its cell magic"),
        pytest.param(["# a comment", "", "import torch", GUARDED], None, id="comments"),
    ],
)
def test_an_import_goes_into_a_cell_of_python(cells: list[str], takes: int | None, tmp_path: Path) -> None:
    before = sources(notebook(*cells))
    after = sources(fixed(tmp_path, notebook(*cells)))
    assert "for t in chain(enc.parameters(), enc.buffers())" in after[-1]
    (where,) = (number for number, cell in enumerate(after) if "from itertools import chain" in cell)
    assert takes in (where, None)
    lines = after[where].splitlines()
    lines.remove("from itertools import chain")
    assert [line for line in lines if line] == [line for line in before[where].splitlines() if line]
    others = [number for number in range(len(cells) - 1) if number != where]
    assert [after[number] for number in others] == [before[number] for number in others]


def test_diff_applies_and_standard_input_works(tmp_path: Path) -> None:
    text = notebook(WASTE)
    (tmp_path / "a.ipynb").write_text(text, encoding="utf-8")
    diff = lint("fix", "--diff", "a.ipynb", cwd=tmp_path, expect=1).out
    (tmp_path / "b.ipynb").write_text(text, encoding="utf-8")
    after = fixed(tmp_path, text)
    subprocess.run(["git", "apply", "-"], input=diff.replace("a.ipynb", "b.ipynb").encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "b.ipynb").read_text(encoding="utf-8") == after
    piped = lint("fix", "-", "--stdin-filename", "c.ipynb", cwd=tmp_path, stdin=text)
    assert piped.out == after


def test_json_tells_the_cell(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(notebook("import torch", WASTE), encoding="utf-8")
    found = json.loads(lint("check", "--output-format", "json", cwd=tmp_path, expect=1).out)["findings"]
    assert [(f["cell"], f["line"], f["end_line"]) for f in found] == [(2, 5, 5), (2, 6, 6)]
    assert {fact["cell"] for f in found for fact in f["evidence"]} == {2}


def test_comments_baselines_and_ignores(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(notebook(WASTE), encoding="utf-8")
    lint("check", "--write-baseline", cwd=tmp_path, expect=0)
    known = ("check", "--baseline", "transfer-lint-baseline.json", "--fail-on", "hint")
    assert lint(*known, cwd=tmp_path, expect=0).out == ""
    path.write_text(notebook(("markdown", "more"), WASTE), encoding="utf-8")
    assert lint(*known, cwd=tmp_path, expect=0).out == ""
    lint("check", "--add-ignores", "--reason", "wanted", cwd=tmp_path, expect=0)
    assert "# transfer-lint: ignore[TL103] wanted" in sources(path.read_text(encoding="utf-8"))[1]
    assert lint("check", "--fail-on", "hint", cwd=tmp_path, expect=0).out == ""
    path.write_text(notebook("# transfer-lint: skip-file", WASTE), encoding="utf-8")
    assert lint("check", cwd=tmp_path, expect=0).out == ""


def test_folders_are_searched_and_checkpoints_left_out(tmp_path: Path) -> None:
    for name in ("a.ipynb", ".ipynb_checkpoints/a-checkpoint.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(notebook(WASTE), encoding="utf-8")
    assert "(1 file, 2 transfers" in lint("check", cwd=tmp_path, expect=1).err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"{x.to(y)", "is no notebook: not JSON", id="no JSON"),
        pytest.param(b"\xff x.to(y)", "is no notebook: not JSON", id="no UTF-8"),
        pytest.param(b'"x.to(y)"', "is no notebook of format 4", id="a string"),
        pytest.param(b'{"worksheets": ["x.to(y)"]}', "is no notebook of format 4", id="an old format"),
        pytest.param(b'{"cells": ["x.to(y)"]}', "a cell has no type", id="no cell"),
        pytest.param(b'{"cells": [{"cell_type": "code", "source": 1, "x": "x.to(y)"}]}', "no source", id="no source"),
        pytest.param(
            b'{"cells": [{"cell_type": "code", "source": "", "source": "x.to(y)"}]}', "or two", id="two sources"
        ),
        pytest.param(b"[" * 100_000 + b"x.to(y)", "is no notebook", id="too deep"),
    ],
)
def test_what_is_no_notebook_is_told(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_bytes(data)
    assert said in lint("check", "a.ipynb", cwd=tmp_path, expect=2).err


def test_other_languages_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(notebook(WASTE, language="julia"), encoding="utf-8")
    assert lint("check", cwd=tmp_path, expect=0).out == ""


def test_the_text_and_what_is_shown_of_it_have_the_same_lines() -> None:
    file = decode("a.ipynb", notebook("!ls\nx = 1\n", "%%bash\na\nb", ("markdown", "m"), "y = = 1\n\n", "z").encode())
    assert isinstance(file, Notebook)
    made, real = file.text.splitlines(), shown(file.document).splitlines()
    assert len(made) == len(real)
    assert real[2] == made[2] == "x = 1"
    assert [place(file.text, number) for number in (2, 3, len(made))] == [(1, 1), (1, 2), (5, 1)]
    assert file.encode(file.text) == decode("a.ipynb", file.document.encode()).encode(file.text)


def test_a_text_that_lost_a_mark_or_a_magic_is_refused() -> None:
    file = decode("a.ipynb", notebook("!ls", "x = 1", "%%bash\nls").encode())
    for lost in ("# transfer-lint-cell: 2\n", "transfer_lint_line", "transfer_lint_line_transfer_lint_cell_3"):
        with pytest.raises(Problem, match="cell by cell"):
            file.encode(file.text.replace(lost, "", 1))
    with pytest.raises(Problem, match="holds a line"):
        decode("a.ipynb", notebook("# transfer-lint-cell: 3").encode())


def test_the_notes_on_magics_are_of_magics() -> None:
    assert not magics.BINDS_NOTHING & (magics.RUNS_ITS_LINE | {"run", "load", "store", "pylab"})
