"""Rules of others: those of docs/your-own-rules.md, as a folder and installed; what goes wrong; what may not run."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import PATIENCE, WASTE, Ran, environment, lint
from tests.support.documents import blocks, read
from tests.support.language_client import editing
from transfer_lint.problems import install_command

RULE, PAGE = (block.text for block in blocks(read("docs/your-own-rules.md")) if block.kind == "file")
USE = """\
import torch


class Head(torch.nn.Module):
    def forward(self, x):
        return self.proj(x.to(self.proj.weight.device))
"""
POINTS = "[transfer_lint.rules]\nacme = acme_rules\n"


def write_rules(folder: Path, rule: str = RULE, page: str = PAGE) -> Path:
    folder.mkdir(parents=True)
    (folder / "transfer_in_forward.py").write_text(rule)
    (folder / "transfer_in_forward.md").write_text(page)
    return folder


def install(place: Path, rule: str = RULE, page: str = PAGE, version: str = "1.0") -> dict[str, str]:
    """A package with the rule, as an installer leaves it. Returns the environment in which it is installed."""
    (write_rules(place / "acme_rules", rule, page) / "__init__.py").touch()
    about = place / f"acme_rules-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-rules\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(POINTS)
    return {"PYTHONPATH": os.pathsep.join([environment()["PYTHONPATH"], str(place)])}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text(USE)
    return folder


def configured(project: Path, text: str = 'plugins = ["acme"]\n') -> Path:
    (project / "transfer-lint.toml").write_text(text)
    return project


def codes(ran: Ran) -> list[str]:
    return [line.split()[1] for line in ran.out.splitlines()]


def test_a_folder_is_named_on_the_command_line_or_in_the_environment(project: Path) -> None:
    write_rules(project / "rules")
    assert codes(lint("check", "a.py", cwd=project, expect=0)) == []
    assert codes(lint("check", "--plugins", "./rules", "a.py", cwd=project, expect=1)) == ["ACM001"]
    assert codes(lint("check", "a.py", cwd=project, expect=1, TRANSFER_LINT_PLUGINS="./rules")) == ["ACM001"]
    assert codes(lint("check", "--isolated", "--plugins", str(project / "rules"), "a.py", cwd=project)) == ["ACM001"]


def test_an_installed_one_is_named_in_the_configuration(project: Path) -> None:
    where = install(project.parent / "site")
    assert codes(lint("check", cwd=project, expect=0, **where)) == []
    configured(project)
    ran = lint("check", "-v", cwd=project, expect=1, **where)
    assert ran.out == "a.py:6:28: ACM001 warning `x` is moved in `forward`: move it before\n"
    assert "plugin: acme 1.0 (ACM001)\n" in ran.err


def test_its_rules_are_selected_and_suppressed_as_others_are(project: Path) -> None:
    where = install(project.parent / "site")
    for text in ('ignore = ["ACM001"]', 'ignore = ["ACM"]', 'ignore = ["transfer-in-forward"]', 'select = ["TL1"]'):
        configured(project, f'{text}\nplugins = ["acme"]\n')
        assert codes(lint("check", cwd=project, expect=0, **where)) == []
    configured(project, 'select = ["ACM001"]\nplugins = ["acme"]\n')
    assert codes(lint("check", cwd=project, expect=1, **where)) == ["ACM001"]
    configured(project)
    (project / "a.py").write_text(USE.replace("device))", "device))  # transfer-lint: ignore[ACM001] here it may"))
    assert codes(lint("check", cwd=project, expect=0, **where)) == []
    # without the plugin nothing is known of what its code hides
    assert codes(lint("check", "--isolated", cwd=project, expect=0, **where)) == []
    wrong = lint("check", "--select", "ACM002", cwd=project, expect=2, **where)
    assert "no rule is called 'ACM002'; did you mean 'ACM001'?" in wrong.err


def test_each_part_of_a_tree_has_the_plugins_of_its_configuration(project: Path) -> None:
    where = install(project.parent / "site")
    configured(project, "")
    inner = configured_folder(project / "inner")
    ran = lint("check", cwd=project, expect=1, **where)
    assert [line.split(":")[0] for line in ran.out.splitlines()] == [f"{inner.name}/a.py"]


def configured_folder(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.py").write_text(USE)
    return configured(folder)


@pytest.mark.parametrize("form", ["full", "json", "sarif", "github", "gitlab", "junit", "html"])
def test_every_format_knows_them(project: Path, form: str) -> None:
    where = install(project.parent / "site")
    assert "ACM001" in lint("check", "--output-format", form, cwd=configured(project), expect=1, **where).out


def test_rules_lists_and_shows_them(project: Path) -> None:
    where = install(project.parent / "site")
    assert "ACM001" not in lint("rules", cwd=project, expect=0, **where).out
    configured(project)
    assert "ACM001  transfer-in-forward" in lint("rules", cwd=project, expect=0, **where).out
    assert "Why is this bad?" in lint("rules", "ACM001", cwd=project, expect=0, **where).out
    write_rules(project / "rules", RULE.replace("ACM001", "ACM002"), PAGE.replace("ACM001", "ACM002"))
    listed = json.loads(lint("rules", "--output-format", "json", "--plugins", "./rules", cwd=project, **where).out)
    assert [rule["code"] for rule in listed][-2:] == ["ACM001", "ACM002"]


SEVERAL = """
import multiprocessing, sys
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv.pop(1))
    from transfer_lint.lint import pool
    pool.MIN_WEIGHT = 0
    from transfer_lint.__main__ import main
    main()
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.parametrize("how", ["installed", "folder"])
def test_workers_have_them_too(project: Path, method: str, how: str) -> None:
    extra = install(project.parent / "site") if how == "installed" else {}
    options = [] if how == "installed" else ["--plugins", str(write_rules(project.parent / "rules"))]
    if how == "installed":
        configured(project)
    (project / "b.py").write_text(USE)
    script = project.parent / "several.py"
    script.write_text(SEVERAL)
    command = [sys.executable, script, method, "check", "--no-cache", "--jobs", "2", *options]
    ran = subprocess.run(
        command, cwd=project, env=environment(**extra), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ran.returncode == 1, ran.stderr
    assert [line.split()[1] for line in ran.stdout.splitlines()] == ["ACM001", "ACM001"]


def test_results_are_kept_under_what_the_plugin_is(project: Path) -> None:
    rules = write_rules(project.parent / "rules")
    kept = {"TRANSFER_LINT_CACHE_DIR": str(project.parent / "kept")}

    def said() -> str:
        return lint("check", "--cache", "--plugins", str(rules), "a.py", cwd=project, **kept).out

    assert "move it before" in said()
    (rules / "transfer_in_forward.py").write_text(RULE.replace("move it before", "let the caller move it"))
    assert "let the caller move it" in said()
    (rules / "words.py").write_text("")  # a module that the rule could import
    (rules / "transfer_in_forward.py").write_text(RULE)
    assert "move it before" in said()
    assert lint("check", "--cache", "a.py", cwd=project, **kept).out == ""


def test_the_server_has_them(project: Path) -> None:
    where = install(project.parent / "site")
    other = write_rules(project.parent / "rules", RULE.replace("ACM001", "ACM002"), PAGE.replace("ACM001", "ACM002"))
    where["TRANSFER_LINT_PLUGINS"] = str(other)
    configured(project)
    with editing(project, **where) as editor:
        buffer = editor.open(project / "a.py", USE)
        assert buffer.codes() == ["ACM001"]
        assert "ACM001 transfer-in-forward" in buffer.hover(5, 27)
    configured(project, "")
    with editing(project, **where) as editor:
        assert editor.open(project / "a.py", USE).codes() == ["ACM002"]


# ---- what may not run ------------------------------------------------------------------------------------------------


def test_a_tree_cannot_bring_a_plugin(project: Path) -> None:
    """Neither by a folder nor by what looks installed, also where Python looks in the current folder first."""
    mark = project / "mark"
    evil = f"open({str(mark)!r}, 'w').close()\n" + RULE
    install(project, evil)
    (project / "acme_rules" / "__init__.py").write_text(evil)
    words = "no installed package offers a plugin of that name"
    for name, said in (("acme", words), ("acme_rules", words), ("./acme_rules", "a folder is taken from --plugins")):
        configured(project, f'plugins = ["{name}"]\n')
        assert said in lint("check", cwd=project, expect=2).err
        assert "error" in lint("rules", cwd=project, expect=2).err
    assert not mark.exists()


def test_what_is_installed_and_not_named_is_not_loaded(project: Path) -> None:
    mark = project.parent / "mark"
    where = install(project.parent / "site", f"open({str(mark)!r}, 'w').close()\n" + RULE)
    lint("check", cwd=project, expect=0, **where)
    assert not mark.exists()
    lint("check", cwd=configured(project), expect=1, **where)
    assert mark.exists()


# ---- mistakes --------------------------------------------------------------------------------------------------------

MISTAKES = {
    "no such plugin": ("acne", RULE, PAGE, "acne: no installed package offers a plugin of that name; did you mean"),
    "no slash": ("rules", RULE, PAGE, "write the folder as ./rules"),
    "no folder": ("./nowhere", RULE, PAGE, "is no folder"),
    "does not parse": ("./rules", "def (", PAGE, "SyntaxError: invalid syntax"),
    "fails": ("./rules", "1 / 0", PAGE, "ZeroDivisionError: division by zero"),
    "no rule": ("./rules", "x = 1", PAGE, "it holds no rule: a rule is NAME.py"),
    "our code": ("./rules", RULE.replace("ACM001", "TL999"), PAGE, "TL999 is no code for a plugin"),
    "a code that is taken": ("./rules", RULE.replace("ACM001", "TL101"), PAGE, "the code of redundant-transfer"),
    "a small code": ("./rules", RULE.replace("ACM001", "acm1"), PAGE, "acm1 is no code for a plugin"),
    "another name": ("./rules", RULE.replace('"transfer-in-forward"', '"moves"'), PAGE, "moves.md"),
    "another page": ("./rules", RULE, PAGE.replace("(ACM001)", "(ACM002)"), "is the page of transfer-in-forward"),
    "a heading less": ("./rules", RULE, PAGE.replace("## Options\n", ""), "the headings of transfer_in_forward.md"),
    "no block": ("./rules", RULE, PAGE.replace("```python", "```"), "has no ```python block"),
    "no annotation": ("./rules", RULE.replace("site: Site", "site"), PAGE, "annotate the first parameter"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "rule", "page", "words"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(project: Path, name: str, rule: str, page: str, words: str) -> None:
    where = install(project.parent / "site")
    write_rules(project / "rules", rule, page)
    ran = lint("check", "--plugins", name, "a.py", cwd=project, expect=2, **where)
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    return 1 / 0\n", "ACM001 of the plugin acme failed at line 6: ZeroDivisionError: division by zero"),
        ("    return True\n", "ACM001 of the plugin acme failed at line 6: it gives a bool, and no Verdict"),
    ],
)
def test_a_rule_that_fails_is_told_as_the_plugins(project: Path, body: str, words: str) -> None:
    head = RULE[: RULE.index("    if site.function")]
    where = install(project.parent / "site", head + body)
    (project / "other.py").write_text(WASTE.replace('y = x.to("cuda:0")', "y = x").replace('.to("cuda:0")', ""))
    ran = lint("check", cwd=configured(project), expect=2, **where)
    assert words in ran.err
    assert "report this as a bug" not in ran.err


# ---- test-rule -------------------------------------------------------------------------------------------------------

FIXING = (
    RULE.replace('fix="", safety=None', 'fix="delete it", safety=Safety.SAFE')
    .replace("import Severity", "import Safety, Severity")
    .replace('move it before")', 'move it before", action=DeleteTransfer(False), title="delete it")')
    .replace(
        "from transfer_lint.findings",
        "from transfer_codemods.actions import DeleteTransfer\nfrom transfer_lint.findings",
    )
)
"""The rule with a fix that is wrong: what is deleted does something."""
DELETED = PAGE.replace(
    "\n\ndef run(x):\n    return Head()(x)\n```\n\n## Fix",
    "\n\ndef run(x):\n    return Head()(x)\n```\nbecomes\n"
    + PAGE[PAGE.index("```python") : PAGE.index("```\n\n## Fix")].replace(
        "x.to(self.scale.device) * self.scale  # ACM001", "x * self.scale"
    )
    + "```\n\n## Fix",
)

ALL_FOUND = (
    PAGE.replace("silent:", "example:")
    .replace("x * 2", "x * 2  # ACM001")
    .replace("(torch.float32)", "(torch.float32)  # ACM001")
)

TRIED = {
    "as its page says": (RULE, PAGE, 0, "ok      input"),
    "not found": (RULE.replace('"forward"', '"backward"'), PAGE, 1, "found nothing, marked ACM001 in line 10"),
    "found too much": (RULE.replace("or site.request.device is None", ""), PAGE, 1, "found ACM001 in line 6, marked"),
    "raises": (RULE, PAGE.replace("return Head()(x)\n", "return Head(1)(x)\n", 1), 1, "raises with every input"),
    "only what is found": (RULE, ALL_FOUND, 1, "it should show what is found (`example:`) and what is left alone"),
    "a fix without an example": (FIXING, PAGE, 1, "its rule should have a fix exactly where an example shows one"),
    "a fix that changes what is computed": (FIXING, DELETED, 1, "does not do the same, fixed: exception"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "page", "code", "words"), TRIED.values(), ids=TRIED)
def test_trying_a_rule(project: Path, rule: str, page: str, code: int, words: str) -> None:
    write_rules(project / "rules", rule, page)
    assert words in lint("test-rule", "rules", cwd=project, expect=code).out


def test_trying_an_installed_plugin_and_a_rule_of_the_tool(project: Path) -> None:
    where = install(project.parent / "site")
    assert "3 examples, 3 of them run, none failed" in lint("test-rule", "acme", cwd=project, expect=0, **where).err
    assert "none of them run, none failed" in lint("test-rule", "--no-run", "tl102", cwd=project, expect=0).err


def test_without_torch_it_says_what_to_do(project: Path) -> None:
    write_rules(project / "rules")
    (project.parent / "without").mkdir()
    (project.parent / "without" / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")
    path = os.pathsep.join([str(project.parent / "without"), environment()["PYTHONPATH"]])
    ran = lint("test-rule", "./rules", cwd=project, expect=2, PYTHONPATH=path)
    assert f"{install_command('trace')}, or leave that out with --no-run" in ran.err
