"""The options, and what the plugin costs while nobody asks for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.pytest_plugin.conftest import Run
from tests.support.command import environment
from tests.support.devices import GPU
from transfer_lint.problems import install_command

pytest_plugins = ["pytester"]

here = pytest.mark.skipif(GPU, reason="there is a device")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--simulate", "tpu"],
            "argument --simulate: cannot simulate 'tpu': give cuda or xpu, or cuda:N for N devices",
        ),
        (["--simulate", "cuda:"], "'cuda:' names no number of devices"),
        (["--simulate", "cuda:0"], "'0' is no number of devices: give 1 to 64"),
        (["--simulate", "cuda:65"], "'65' is no number of devices: give 1 to 64"),
        (["--simulate", "cuda:two"], "'two' is no number of devices: give 1 to 64"),
        (["--transfers", "out.txt"], "'out.txt' ends in none of .html, .json, .md, which say the format"),
        (["--transfers", "nowhere/out.md"], "there is no folder 'nowhere'"),
        (["--transfer-baseline", "."], "'.' is a folder"),
        (["--write-transfer-baseline"], "--write-transfer-baseline needs --transfer-baseline FILE"),
        (
            ["--simulate", "cuda", "--transfer-baseline", "b.json"],
            "b.json: does not exist; write it with --write-transfer-baseline",
        ),
        (
            ["--simulate", "cuda:2", "--transfer-baseline", "one.json"],
            "one.json was measured on simulated cuda:1, and this run is on simulated cuda:2",
        ),
        (
            ["--simulate", "cuda", "--transfer-baseline", "test_it.py", "--write-transfer-baseline"],
            "test_it.py: is no JSON*",
        ),
        pytest.param(["--transfers", "out.md"], "there is no accelerator here; --simulate cuda stands in*", marks=here),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_values(pytester: pytest.Pytester, run: Run, options: list[str], message: str) -> None:
    pytester.makepyfile(test_it="def test_it(): pass")
    pytester.makefile(".json", one='{"version": 1, "device": "simulated cuda:1", "tests": {}}')
    result = run(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{message.replace('[', '[[]')}*"])
    assert (pytester.path / "test_it.py").read_text(encoding="utf-8") == "def test_it(): pass"


def test_an_accelerator_of_another_kind(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile(
        test_it="""
        import torch

        def test_there():
            assert torch.ones(2).xpu().device == torch.device("xpu", 0) and not torch.cuda.is_available()

        def test_beyond():
            torch.ones(2).to("xpu:2")
    """
    )
    result = run("--simulate", "xpu:2")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines_random(
        ["*--simulate xpu:N gives it N devices, and now there are 2*", "2 tests on simulated xpu:2: *"]
    )


def test_help_and_markers(run: Run) -> None:
    result = run("--help")
    result.stdout.fnmatch_lines(
        ["transfer-lint: device transfers and host waits:", "*--simulate=cuda[[]:N]*", "*--transfers=FILE*"]
    )
    run("--markers").stdout.fnmatch_lines(["@pytest.mark.transfers(waits=N, copies=N, bytes=*"])


def test_it_can_be_switched_off(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = run("-p", "no:transfer_lint.pytest_plugin.plugin", "--simulate", "cuda", plugin=False)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unrecognized arguments: --simulate*"])


def test_nothing_is_imported_until_it_is_asked_for(pytester: pytest.Pytester, run: Run) -> None:
    pytester.makepyfile("""
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.startswith("transfer_lint")}
            assert ours == {
                "transfer_lint", "transfer_lint.version", "transfer_lint.pytest_plugin",
                "transfer_lint.pytest_plugin.options", "transfer_lint.pytest_plugin.plugin",
            }
            assert not {"torch", "libcst", "click", "jinja2"} & set(sys.modules)
    """)
    result = run()
    result.assert_outcomes(passed=1)
    assert "transfer" not in result.stdout.str()


def test_what_is_missing_is_said(pytester: pytest.Pytester, run: Run) -> None:
    code = (
        "import sys, pytest\n"
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == sys.argv[1] else find(name, *a)\n"
        "plugin = ['-p', 'transfer_lint.pytest_plugin.plugin']\n"
        "sys.exit(pytest.main([*plugin, '--simulate', 'cuda', '--transfers', 'o.html']))"
    )
    for name in ("torch", "jinja2"):
        done = subprocess.run(
            [sys.executable, "-c", code, name], capture_output=True, text=True, check=False, cwd=pytester.path,
            env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        )  # fmt: skip
        assert done.returncode == pytest.ExitCode.USAGE_ERROR
        assert f"{name} is not installed: {install_command('pytest')}" in done.stderr
