"""What ruff's import sorter, pyflakes and formatter find clean is clean after a fix, under the project's settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import transfer_lint.rules
from tests.support.ruff import complaints, tidy
from transfer_codemods.style import Style, longest_line
from transfer_lint.findings import FixHints
from transfer_lint.fixing.examples import fix as fix_example
from transfer_lint.fixing.fix import fix_paths
from transfer_lint.fixing.layout import laid_out
from transfer_lint.fixing.styles import nearest_style
from transfer_lint.rules.pages import Example, read_page
from transfer_lint.settings import Settings

PAGES = sorted(Path(transfer_lint.rules.__file__).parent.glob("*.md"))


def examples() -> Iterator[tuple[str, Example]]:
    for path in PAGES:
        page = read_page(path)
        for example in page.examples:
            if example.after is not None:
                yield f"{page.code}_{example.name}.py", example


def test_the_examples_of_the_rules_stay_clean(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").touch()
    every = dict(examples())
    for name, example in every.items():
        (tmp_path / name).write_text(example.before)
    tidy(tmp_path)
    files = sorted(tmp_path.glob("*.py"))
    assert len(files) > 30
    for path in files:
        example = every[path.name]
        before = path.read_text()
        path.write_text(fix_example(example, before, unsafe=example.unsafe))
        assert path.read_text() != before
    assert complaints(tmp_path) == ""


HEADS = {
    "torch alone": "import torch",
    "straight and from": "import os\nimport sys\nfrom collections import deque\nfrom typing import Any\n\nimport torch",
    "typing alone": "from typing import Any\n\nimport torch",
    "future": '"""Doc."""\n\nfrom __future__ import annotations\n\nfrom typing import Any\n\nimport torch',
    "future and others": "from __future__ import annotations\n\nimport torch",
    "only earlier ones": "import abc\nfrom abc import ABC\n\nimport torch",
    "only straight ones": "import zlib\n\nimport torch",
    "from the same": "from itertools import product, repeat\nfrom typing import Any\n\nimport torch",
    "from the same, over lines": (
        "from itertools import (\n    accumulate,\n    combinations_with_replacement,\n    permutations,\n"
        "    zip_longest,\n)\n\nimport torch"
    ),
    "comments": "# licence\n\n# about types\nfrom typing import Any  # any\n\n# torch\nimport torch",
    "comment of a later one": "import os\n\n# about types\nfrom typing import Any\n\nimport torch",
    "local": "import json\n\nimport torch\n\nfrom . import other\nfrom .some import thing",
    "two blocks": "import os\n\nos.environ['A'] = '1'\n\nimport json\n\nimport torch",
    "the name is taken": "from x import chain\n\nimport torch",
    "digits and case": "from ctypes import c_int\nfrom xml.dom import Node\n\nimport torch\nfrom PIL import Image",
    "from the same, with alias": "from itertools import chain as c\nfrom itertools import product\n\nimport torch",
    "a package": "from concurrent.futures import Future\nfrom json.decoder import JSONDecoder\n\nimport torch",
    "after a function": "import torch\n\n\ndef before() -> None:\n    import json\n\n    json.dumps(1)",
}
BODY = """


class Node:
    def __init__(self) -> None:
        self.model = torch.nn.Linear(3, 3)

    def run(self, image: torch.Tensor) -> torch.nn.Module:
        self.model.to(image.device)
        return self.model
"""
SETTINGS = {
    "default": "",
    "long lines": "line-length = 120\n",
    "short lines": "line-length = 60\n",
    "force-single-line": "[lint.isort]\nforce-single-line = true\n",
    "force-sort-within-sections": "[lint.isort]\nforce-sort-within-sections = true\n",
    "from-first": "[lint.isort]\nfrom-first = true\n",
    "no-sections": "[lint.isort]\nno-sections = true\n",
    "both": "[lint.isort]\nfrom-first = true\nforce-sort-within-sections = true\n",
    "lines between and after": "[lint.isort]\nlines-after-imports = 2\nlines-between-types = 1\n",
    "combine-as": "[lint.isort]\ncombine-as-imports = true\n",
}


def uses(head: str) -> str:
    """Uses all names of a head, so that pyflakes has nothing to say."""
    scope: list[str] = []
    for line in head.replace("(", "").replace(")", "").replace(",\n   ", ",").splitlines():
        words = line.partition("#")[0].strip().rstrip(",")
        if words.startswith(("import ", "from ")) and "__future__" not in words and not line.startswith(" "):
            names = words.partition("import ")[2].split(",")
            scope += [name.strip().rpartition(" ")[2] for name in names if name.strip()]
    return f"\n\nUSED = [{', '.join(scope)}]\n"


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_new_import_stands_where_it_is_sorted(settings: str, tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text(settings)
    for name, head in HEADS.items():
        (tmp_path / f"{name.replace(' ', '_')}.py").write_text(head + uses(head) + BODY)
    tidy(tmp_path)
    files = sorted(map(str, tmp_path.glob("*.py")))
    assert len(files) == len(HEADS)
    fixed = fix_paths(files, Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS))
    assert len(fixed.files) == len(HEADS)
    for file in fixed.files:
        Path(file.path).write_bytes(file.new)
    assert complaints(tmp_path) == ""


READS = """def patched(q, k, v, extra_options):
    sigma = extra_options["sigmas"][0].item()
    return q * sigma
"""


@pytest.mark.parametrize(
    "settings", ["", "[lint.isort]\nlines-after-imports = 2\n"], ids=["default", "two lines after"]
)
def test_a_new_function_stands_where_a_formatter_has_it(settings: str, tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text(settings)
    heads = ["", '"""Doc."""\n', "import math\n", '"""Doc."""\n\nimport math\n', "import math\n\nVALUE = math.pi\n"]
    for number, head in enumerate(heads):
        text = head + READS.replace("q * sigma", "q * sigma * math.pi" if "math" in head else "q * sigma")
        (tmp_path / f"n{number}.py").write_text(text)
    tidy(tmp_path)
    files = sorted(map(str, tmp_path.glob("*.py")))
    fixed = fix_paths(files, Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS, unsafe_fixes=True))
    assert len(fixed.files) == len(heads)
    for file in fixed.files:
        assert "def _read_sigmas" in file.text
        Path(file.path).write_bytes(file.new)
    assert complaints(tmp_path) == ""


CALLS = {
    "fits": ("x = f(\n    a.to(device_of_it), b\n)\n", "x = f(\n    a, b\n)\n", "x = f(a, b)\n"),
    "does not fit": (
        "x = f(\n    a.to(d), b\n)\n",
        "x = f(\n    aaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbb\n)\n",
        "x = f(\n    aaaaaaaaaaaaaaaaaa,\n    bbbbbbbbbbbbbbbb,\n)\n",
    ),
    "never fits": (
        "x = f(\n    a.to(d), b\n)\n",
        "x = f(\n    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, b\n)\n",
        None,
    ),
    "an item does not fit": (
        "x = [\n    a,  # one\n    b.to(dd),  # two\n]\n",
        "x = [\n    a,  # one\n    bbbbbbbbbbb.ccc(ddd, device=e),  # two\n]\n",
        "x = [\n    a,  # one\n    bbbbbbbbbbb.ccc(\n        ddd, device=e\n    ),  # two\n]\n",
    ),
    "an item of one line": (
        "x = f(\n    [a, b.to(dd)], c\n)\n",
        "x = f(\n    [a, bb.cc(ddd, device=e)], c\n)\n",
        "x = f(\n    [a, bb.cc(ddd, device=e)],\n    c,\n)\n",
    ),
    "a list in a line": (
        "x = f(\n    [a, b.to(dd)], c\n)\n",
        "x = f(\n    [aaaaaaaaa, bb.cc(ddd, dd=e)], c\n)\n",
        "x = f(\n    [\n        aaaaaaaaa,\n        bb.cc(ddd, dd=e),\n    ],\n    c,\n)\n",
    ),
    "a subscript and a sum": (
        "x = f(\n    a[b.to(dd)] +\n    c\n)\n",
        "x = f(\n    aaaaaaaaaaaaaaaaaaaaa[bbbbbb] +\n    c\n)\n",
        None,
    ),
    "a value in brackets": (
        "x = (\n    aaaaaaaaaaaaaa.to(dd) + (b.to(dd))\n)\n",
        "x = (\n    aaaaaaaaaaaaaaaaaaaa + (bbbbbbb)\n)\n",
        None,
    ),
    "a generator inside": (
        "x = f(\n    a.to(dd) for a in b\n)\n",
        "x = f(\n    aaaaaaaaaaaaaaaaaaaa for a in b\n)\n",
        "x = f(\n    aaaaaaaaaaaaaaaaaaaa\n    for a in b\n)\n",
    ),
    "a comma that keeps lines": ("x = f(\n    a.to(d),\n    b,\n)\n", "x = f(\n    a,\n    b,\n)\n", None),
    "a comment": ("x = f(\n    a.to(d), b  # so\n)\n", "x = f(\n    a, b  # so\n)\n", None),
    "a text": ('x = f(\n    a.to(d), """\n"""\n)\n', 'x = f(\n    a, """\n"""\n)\n', None),
    "laid out by hand": ("x = f(a.to(d),\n      b)\n", "x = f(a,\n      b)\n", None),
    "the statement is as it was": ("x = f(\n    a, b\n)\n", "x = f(\n    a, b\n)\n", None),
    "around all": ("x = (\n    a.b.to(d)\n)\n", "x = (\n    a.b\n)\n", "x = a.b\n"),
    "on one line inside": (
        "xxxxxxxx = f(\n    aaaaa.to(d), bbbbbbbbb\n)\n",
        "xxxxxxxx = f(\n    aaaaa,\n    bbbbbbbbb, d=ddd\n)\n",
        "xxxxxxxx = f(\n    aaaaa, bbbbbbbbb, d=ddd\n)\n",
    ),
    "a tuple": ("x = (\n    a.to(d), b\n)\n", "x = (\n    a, b\n)\n", "x = (a, b)\n"),
    "inside": (
        "x = f(\n    g(\n        a.to(d), b\n    ),\n    c,\n)\n",
        "x = f(\n    g(\n        a, b\n    ),\n    c,\n)\n",
        "x = f(\n    g(a, b),\n    c,\n)\n",
    ),
    "brackets inside": (
        "x = f(\n    g(\n        a\n    )\n    .to(d),\n    [\n        b\n    ],\n)\n",
        "x = f(\n    g(\n        a\n    )\n    .h(), [\n        b\n    ]\n)\n",
        "x = f(g(a).h(), [b])\n",
    ),
    "a number that begins with a dot": (
        "x = f(\n    a.to(d) +\n    .5\n)\n",
        "x = f(\n    a +\n    .5\n)\n",
        "x = f(a + .5)\n",
    ),
    "the head of a block": (
        "if f(\n    a.to(d)\n):\n    pass\n",
        "if f(\n    a\n):\n    pass\n",
        "if f(a):\n    pass\n",
    ),
    "windows": ("x = f(\r\n    a.to(d), b\r\n)\r\n", "x = f(\r\n    a, b\r\n)\r\n", "x = f(a, b)\r\n"),
}


@pytest.mark.parametrize(("before", "after", "wanted"), CALLS.values(), ids=CALLS)
def test_what_has_become_shorter(before: str, after: str, wanted: str | None) -> None:
    assert laid_out(before, after, 30, "    ") == (wanted or after)


GROWN = {
    "on one line": ("x = f(aaaaaaaaaaaaa, bbbbbbbbbbb)\n", "x = f(\n    aaaaaaaaaaaaa, bbbbbbbbbbb\n)\n"),
    "on one each": (
        "    return self.f(aaaaaaaaaaaaa, g(b, bbbbbbbb))\n",
        "    return self.f(\n        aaaaaaaaaaaaa,\n        g(b, bbbbbbbb),\n    )\n",
    ),
    "a statement": (
        "f(aaaaaaaaaaaaa, bbbbb=bbbbbbbbbbb)\r\n",
        "f(\r\n    aaaaaaaaaaaaa,\r\n    bbbbb=bbbbbbbbbbb,\r\n)\r\n",
    ),
    "it fits": ("x = f(aaaaaaaaaaaaa, bbbbbbbb)\n", None),
    "it never fits": ("x = f(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, b)\n", None),
    "a call of a call": ("x = f(aaaaaaaaaaaaa).g(bbbbbbbbbbb)\n", "x = f(aaaaaaaaaaaaa).g(\n    bbbbbbbbbbb\n)\n"),
    "a long call in front": (
        "x = f(aaaaaaaaaaaaa, bbbbbbbbb) * c\n",
        "x = f(\n    aaaaaaaaaaaaa, bbbbbbbbb\n) * c\n",
    ),
    "a sum": ("x = aaaaaaaaaaaaa + f(bbbbbbbbbbb)\n", "x = aaaaaaaaaaaaa + f(\n    bbbbbbbbbbb\n)\n"),
    "a choice": (
        "x = aaaaaaaaaaaa if f(bbbbbbbb) else f(c)\n",
        "x = (\n    aaaaaaaaaaaa\n    if f(bbbbbbbb)\n    else f(c)\n)\n",
    ),
    "a generator": (
        "x = f(aaaaaaaaa for bb in bbbbbbbb)\n",
        "x = f(\n    aaaaaaaaa\n    for bb in bbbbbbbb\n)\n",
    ),
    "a lambda": ("x = f(lambda aaaaaaa, bbbb: bbbbbb)\n", None),
    "a chain": ("xxxxx = aaa.f(bbb).g(cc).hhh(d)\n", "xxxxx = (\n    aaa.f(bbb).g(cc).hhh(d)\n)\n"),
    "a long chain": (
        "x = aaaaaaaaa.f(bbbbb).g(cc).h(ddd)\n",
        "x = (\n    aaaaaaaaa.f(bbbbb)\n    .g(cc)\n    .h(ddd)\n)\n",
    ),
    "a comment": ("x = f(aaaaaaaaaaaaa)  # bbbbbbbbb\n", "x = f(\n    aaaaaaaaaaaaa\n)  # bbbbbbbbb\n"),
    "nothing inside": ("x = ffffffffffffffffffffffffffffff()\n", None),
}


@pytest.mark.parametrize(("after", "wanted"), GROWN.values(), ids=GROWN)
def test_what_has_become_longer(after: str, wanted: str | None) -> None:
    assert laid_out("x = a\n", after, 30, "    ") == (wanted or after)
    assert laid_out(f"x = {'a' * 60}\n", after, 30, "    ") == after, "nobody keeps that width there"


def test_a_comment_stays_behind_its_line_where_no_formatter_counts_it() -> None:
    before = "x = f(a).to(d)  # a comment\ny = f(\n    b\n)  # another comment\n"
    after = "x = f(a, device=d)  # a comment\ny = f(b, device=d)  # another comment\n"
    parted = "y = f(\n    b, device=d\n)  # another comment\n"
    assert laid_out(before, after, 24, "    ") == "x = f(\n    a, device=d\n)  # a comment\n" + parted
    assert laid_out(before, after, 24, "    ", formatted=False) == "x = f(a, device=d)  # a comment\n" + parted


def test_what_stands_by_hand_stays_so() -> None:
    before = "x = f([\n    a,\n    b.to(d)\n], -1)\n"
    assert laid_out(before, before.replace(".to(d)", ""), 40, "    ") == "x = f([\n    a,\n    b\n], -1)\n"


def test_what_was_as_long_before_stays_on_its_line() -> None:
    long = "xx = ffffffffffff(aaaaaaaaaaaaa, bbbb)\n"
    assert laid_out("xx = ffffffffffff(aaaaaaaaaaaaa.to(d))\n", long, 30, "    ") == long
    comment = "#" * 60 + "\n"
    grown = laid_out(comment + "xx = ffffffffffff(aaaaa.to(d))\n", comment + long, 30, "    ")
    assert grown == comment + "xx = ffffffffffff(\n    aaaaaaaaaaaaa, bbbb\n)\n"


def test_what_was_over_the_width_may_grow_where_no_formatter_keeps_it() -> None:
    short, name = "x = 1\n" * 60, "a" * 74  # each has no comma: no formatter could part it
    before, after = f"{short}xxxxx = ffff({name}).to(d)\n", f"{short}xxxxx = ffff({name}, device=d)\n"
    parted = f"{short}xxxxx = ffff(\n    {name}, device=d\n)\n"
    assert laid_out(before, after, 88, "    ", formatted=False) == after
    assert laid_out(before, after, 88, "    ") == parted
    commented = f"{short}xxxxx = ffff({name})  # {'a' * 80}\n"
    assert laid_out(commented, after, 88, "    ", formatted=False) == parted
    several = f"{short}xxxxx = ffff({name[:-9]}).to(\n    d\n)\n"
    grown = f"{short}xxxxx = ffff({name}, device=d)\n"
    assert laid_out(several, grown, 88, "    ", formatted=False) == parted


def test_a_line_that_grows_over_the_width_is_parted(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text("line-length = 60\n")
    text = "import torch\n\n\ndef run(width, height, device):\n"
    for name in ("x", "x" * 10, "x" * 12, "x" * 16, "x" * 24):
        text += f"    {name} = torch.zeros(width, height).to(device)\n    print({name})\n"
    (tmp_path / "a.py").write_text(text)
    tidy(tmp_path)
    fixed = fix_paths([str(tmp_path / "a.py")], Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS))
    (tmp_path / "a.py").write_bytes(fixed.files[0].new)
    assert (tmp_path / "a.py").read_text().count("zeros(\n") >= 2
    assert complaints(tmp_path) == ""


def test_a_line_that_was_several_is_broken_at_a_comma() -> None:
    before = "xx = a.b() * f(g([h(c).to(\n    dd).e(), 1 - ii], -1), -1)[0] * b\n"
    after = "xx = a.b() * f(g([h(c, d=dd).e(), 1 - ii], -1), -1)[0] * b\n"
    assert laid_out(before, after, 36, "    ") == "xx = a.b() * f(g([h(c, d=dd).e(),\n    1 - ii], -1), -1)[0] * b\n"
    assert laid_out(before, after, 44, "    ") == "xx = a.b() * f(g([h(c, d=dd).e(), 1 - ii],\n    -1), -1)[0] * b\n"
    assert laid_out(after.replace(", d=dd", ".to(d)"), after, 44, "    ") == after


@pytest.mark.parametrize(("longest", "parted"), [(79, True), (80, False)])
def test_a_file_of_many_lines_keeps_to_those_of_pep_8(longest: int, parted: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    usual = f"    x = x + {'1' * (longest - 12)}\n" + "    x = x + 1\n" * 100
    call = f"    return {'x' * 20}.expand({'y' * 20}).type_as(x)%s.clone().detach()\n"
    head = f"def run(x: torch.Tensor, {'x' * 20}, {'y' * 20}):\n"
    path.write_text("import torch\n\n\n" + head + usual + call % ".to(\n        x.device)")
    fixed = fix_paths([str(path)], Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS))
    new = fixed.files[0].new.decode()
    assert ".to(" not in new
    assert (call % "" not in new) is parted, "its line has 84 columns"


def test_a_few_long_lines_are_not_the_width_of_a_file() -> None:
    usual, long = ["x = 1\n"] * 100, [f"x = {'a' * 100}\n"]
    assert longest_line("".join(usual)) == 5
    assert longest_line("".join(usual + long)) == 88
    assert longest_line("".join(usual + long * 5)) == 104
    assert longest_line("".join([*usual, *long[:1], "# " + "a" * 200])) == 88
    assert longest_line("".join([*usual, f"x = f({'a' * 50}, {'b' * 40})\n"])) == 99, "a formatter would part it"


def test_the_lines_of_texts_are_not_the_width_of_a_file() -> None:
    prose = f'def f():\n    """Text.\n\n{("    " + "a" * 96 + chr(10)) * 9}    """\n    return 1\n'
    assert longest_line(prose) == 12
    assert longest_line(f'x = f"""{{y}}\n{"a" * 99}\n"""\nx = 1\n') == 5
    assert longest_line("x = (\n" + f"    {'a' * 90},\n" * 9) == 95, "a part of a file"


CONFIGURED = {
    "pyproject.toml": ("[tool.ruff]\nline-length = 99\n", Style(99)),
    "ruff.toml": ("line-length = 99\n[lint.isort]\nfrom-first = true\n", Style(99, from_first=True)),
    ".ruff.toml": ("[isort]\nforce-single-line = true\n", Style(88, force_single_line=True)),
    "setup.cfg": ("[isort]\nline_length = 99\nforce_single_line = True\n", Style(force_single_line=True)),
    ".isort.cfg": ("[settings]\nno_sections = true\n", Style(no_sections=True)),
    ".pre-commit-config.yaml": ("repos:\n- repo: x\n  hooks:\n  - id: black\n", Style(88)),
}


@pytest.mark.parametrize(("name", "text", "style"), [(n, *rest) for n, rest in CONFIGURED.items()], ids=CONFIGURED)
def test_where_the_style_is_from(name: str, text: str, style: Style, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "deep").mkdir()
    assert nearest_style(str(tmp_path / "deep" / "a.py")) == style


HOOKS = {
    "black, as it is": ("  - id: black\n    language_version: python3\n", 88),
    "black, told": ("  - id: black\n    args: [--line-length=99, --quiet]\n", 99),
    "a list of lines": ('  - id: black\n    args:\n      - -l\n      # - "60"\n      - "99"\n', 99),
    "ruff": ("  - id: ruff\n    args: [--fix]\n  - id: ruff-format\n", 88),
    "flake8": ("  - id: flake8\n    args:\n    - --max-line-length=99\n", 99),
    "flake8, by a file": ("  - id: flake8\n    args: ['--config=.flake8']\n", None),
    "black and usort": ("  - id: ufmt\n    additional_dependencies: [black == 24.4.2]\n", 88),
    "yapf": ("  - id: yapf\n    args: ['--style={based_on_style: pep8, column_limit: 99}', '-i']\n", 99),
    "autopep8": ("  - id: autopep8\n    args: ['-i', '--max-line-length', '99']\n", 99),
    "the formatter's": ("  - id: flake8\n    args: [--max-line-length=120]\n  - id: black\n", 88),
    "another hook's": ("  - id: clang-format\n    args: [-l 99]\n", None),
    "not YAML": ("\t: ][", None),
}


@pytest.mark.parametrize(("hooks", "width"), HOOKS.values(), ids=HOOKS)
def test_the_width_that_hooks_keep_to(hooks: str, width: int | None, tmp_path: Path) -> None:
    (tmp_path / ".pre-commit-config.yaml").write_text(f"repos:\n- repo: x\n  rev: 1.0\n  hooks:\n{hooks}")
    assert nearest_style(str(tmp_path / "a.py")) == Style(width)


def test_hooks_say_what_the_settings_leave_open(tmp_path: Path) -> None:
    (tmp_path / ".pre-commit-config.yaml").write_text("repos:\n- repo: x\n  hooks:\n  - id: black\n")
    (tmp_path / ".isort.cfg").write_text("[settings]\nno_sections = true\n")
    assert nearest_style(str(tmp_path / "a.py")) == Style(88, no_sections=True)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "pyproject.toml").write_text("[tool.black]\nline-length = 99\n")
    assert nearest_style(str(tmp_path / "deep" / "a.py")) == Style(99)


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("[tool.black]\ntarget-version = ['py310']\n", Style(88)),
        ("[tool.black]\nline-length = 99\n[tool.isort]\nfrom_first = true\n", Style(99, from_first=True)),
        ("[tool.ufmt]\nformatter = 'ruff-api'\n", Style(88)),
        ("[tool.isort]\nprofile = 'google'\n", Style(None, force_single_line=True, force_sort_within_sections=True)),
        (
            "[tool.ruff]\nextend = 'base.toml'\n[tool.ruff.lint.isort]\nno-sections = true\n",
            Style(77, no_sections=True),
        ),
        ("[tool.ruff]\nextend = 'pyproject.toml'\n", Style(88)),  # a circle
        ("[tool.ruff]\nextend = 'missing.toml'\n", Style()),
        ("[tool.ruff]\nline-length = 'long'\n", Style()),
        ("[tool.ruff\n", Style()),
        ("[project]\nname = 'x'\n", Style()),
    ],
)
def test_what_a_pyproject_says(text: str, style: Style, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "base.toml").write_text("line-length = 77\n")
    assert nearest_style(str(tmp_path / "a.py")) == style


@pytest.mark.parametrize("asked", ["image.device", "device=image.device, dtype=image.dtype"])
@pytest.mark.parametrize("length", [120, 88, 80, 72, 66, 60])
def test_the_width_of_a_guard_is_the_projects(tmp_path: Path, length: int, asked: str) -> None:
    """What fits the project's line is one line, and what does not is laid out as its formatter does it."""
    (tmp_path / "ruff.toml").write_text(f"line-length = {length}\n")
    (tmp_path / "a.py").write_text("import torch" + BODY.replace("image.device", asked))
    tidy(tmp_path)
    fixed = fix_paths([str(tmp_path / "a.py")], Settings(root=str(tmp_path), fix_hints=FixHints.ALWAYS))
    (tmp_path / "a.py").write_bytes(fixed.files[0].new)
    assert complaints(tmp_path) == ""
    assert ("        if any(\n" in (tmp_path / "a.py").read_text()) == (length < 120 or "dtype" in asked)


@pytest.mark.parametrize("length", [120, 100, 88, 72, 60])
def test_a_constant_of_several_lines_becomes_a_buffer(tmp_path: Path, length: int) -> None:
    """The call that registers it goes around what stood on several lines."""
    text = """
class Net(torch.nn.Module):
    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.start_token = torch.tensor([first, second, first + second, second * second], dtype=torch.long)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.start_token.to(x.device)
"""
    (tmp_path / "ruff.toml").write_text(f"line-length = {length}\n")
    (tmp_path / "a.py").write_text("import torch\n\n" + text)
    tidy(tmp_path)
    fixed = fix_paths([str(tmp_path / "a.py")], Settings(root=str(tmp_path), unsafe_fixes=True))
    (tmp_path / "a.py").write_bytes(fixed.files[0].new)
    assert "self.register_buffer(" in (tmp_path / "a.py").read_text()
    assert complaints(tmp_path) == ""
