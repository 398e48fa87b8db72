"""`transfer-lint trace` as its users run it: programs of all kinds, formats, and what the lint says beside it."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.command import TWO_SNAPSHOTS, Ran, environment, lint
from tests.support.devices import outside
from transfer_lint.cli import cli
from transfer_lint.evidence.job import Job
from transfer_lint.evidence.model import Ending, Trace, read
from transfer_lint.problems import install_command
from transfer_lint.tracing import child, scenario

PROGRAM = """\
import torch


def patched(q, k, v, extra_options):
    return extra_options["sigmas"].detach().cpu()[0].item()


def run():
    x = torch.ones(2, 3).to("cuda:0")
    y = x.to("cuda:0")
    for _ in range(3):
        patched(y, y, y, {"sigmas": y[:, 0]})
    z = y.cpu()
    return z


def unused():
    return torch.ones(2).to("cuda:0")


if __name__ == "__main__":
    import sys
    run()
    print("printed", sys.argv[1:])
    sys.stdout.buffer.write(b"\\xff\\x00\\n")
    sys.exit(3)
"""


def start(tmp_path: Path, *arguments: str, program: str = PROGRAM, name: str = "a.py", **more: object) -> Ran:
    (tmp_path / name).write_text(program, encoding="utf-8")
    return lint("trace", *arguments, cwd=tmp_path, **more)  # type: ignore[arg-type]


def test_a_script(tmp_path: Path) -> None:
    ran = start(tmp_path, "--simulate", "cuda", "a.py", "--its-own", "option", expect=3)
    assert ran.out.startswith("5 transfers, 72 B, 5 waits for the device (a.py)")
    assert re.search(r"3 +24 B +3 +a\.py:5 patched +float32\n +from a\.py:12 run < a\.py:23 <module>", ran.out), ran.out
    assert "duplicate transfer       2, 16 B" in ran.out
    assert "round trip               1, 24 B" in ran.out
    assert re.search(r"a\.py:10 +once +run", ran.out)
    assert "printed ['--its-own', 'option']" in ran.err
    assert "a.py: exited with 3" in ran.err
    assert "printed" not in ran.out


def test_an_accelerator_of_another_kind(tmp_path: Path) -> None:
    program = PROGRAM.replace("cuda", "xpu")
    ran = start(tmp_path, "--simulate", "xpu", "--format", "json", "a.py", program=program, expect=3)
    value = json.loads(ran.out)
    assert value["simulated"] == "xpu"
    moved = {(each["source"], each["target"]) for each in value["entries"] if each["kind"] == "transfer"}
    assert moved == {("cpu", "xpu:0"), ("xpu:0", "cpu")}


def test_a_module_and_json(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    ran = start(tmp_path, "--simulate", "cuda", "--format", "json", "-m", "pack.a", name="pack/a.py", expect=3)
    value = json.loads(ran.out)
    assert value["version"] == 1
    assert value["ending"]["how"] == "exited"
    entry = next(entry for entry in value["entries"] if entry["count"] == 3 and entry["kind"] == "transfer")
    assert (entry["source"], entry["target"], entry["nbytes"], entry["waits"], entry["again"]) == (
        "cuda:0", "cpu", 24, 3, 2,
    )  # fmt: skip
    assert [(Path(f["file"]).name, f["line"]) for f in entry["chain"][:2]] == [("a.py", 5), ("a.py", 12)]


OWN = ["-q", "--top", "x", "-m", "--", "y"]


@pytest.mark.parametrize(
    ("arguments", "own"),
    [
        (["-q", "-mpack.a", *OWN], OWN),
        (["--format=json", "-qm", "pack.a", *OWN], OWN),
        (["--devices", "1", "-m", "pack.a", *OWN], OWN),
        (["-m", "pack.a", "--", "--format"], ["--format"]),
        (["--top", "3", "pack/a.py", "-m", "pack.a"], ["-m", "pack.a"]),
    ],
)
def test_what_follows_a_module_is_its_own(
    arguments: list[str], own: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The arguments of the job that would run."""
    jobs: list[Job] = []

    def record(job: Job, timeout: float | None) -> Trace:
        jobs.append(job)
        return Trace(job.target, {}, "", Ending("refused", 2, ""), 0.0, 0.0, "events", 1.0, [])

    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "a.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("transfer_lint.cli.trace.run", record)
    cli.main(["trace", *arguments], standalone_mode=False)
    assert [list(job.arguments) for job in jobs] == [own]


def test_a_module_is_given_what_follows_it(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    tell = "import sys\nprint('given', sys.argv[1:])\n"
    ran = start(tmp_path, "-q", "-m", "pack.a", *OWN, program=tell, name="pack/a.py", expect=0)
    assert ran.err.strip() == f"given {OWN}"


def test_findings_beside_the_run(tmp_path: Path) -> None:
    ran = start(tmp_path, "--simulate", "cuda", "--findings", "--scenario", "a.py", expect=0)
    fates = re.findall(r"^  (confirmed|refuted|never reached|undecided) +a\.py:(\d+):", ran.out, re.MULTILINE)
    assert {line: fate for fate, line in fates} == {
        "5": "confirmed", "9": "confirmed", "10": "confirmed", "18": "never reached",
    }  # fmt: skip
    assert re.search(r"a\.py:10:11 TL101 redundant-transfer: called once, never with anything to do", ran.out)
    assert re.search(r"a\.py:5:\d+ TL302 wide-host-read: the host waited 3 times \(24 B, 3 waits\)", ran.out)
    assert "without a finding\n  a.py:13 run: 1 transfer, 24 B, 1 wait" in ran.out


def test_a_stored_trace_beside_a_check(tmp_path: Path) -> None:
    start(tmp_path, "--simulate", "cuda", "--format", "json", "-o", "t.json", "--scenario", "a.py", expect=0)
    trace = read(str(tmp_path / "t.json"))
    assert trace.transfers == 5
    shown = lint("check", "--trace", "t.json", "a.py", cwd=tmp_path, expect=0).out
    fate = (
        "never reached" if sys.version_info >= (3, 12) else "undecided"
    )  # before, a trace records only lines asked for
    assert shown.startswith(f"findings: 4 confirmed, 1 {fate}\n  confirmed     a.py:5:54 TL303 repeated-host-read")
    assert "1 unsafe fix: 3 waits, 24 B; 1 of them where the run moved data or waited for nothing" in shown
    # the program has changed since: its lint now says something that the run contradicts
    lies = PROGRAM.replace('x = torch.ones(2, 3).to("cuda:0")', 'x = torch.ones(2, 3, device="cuda:0").to("cuda:0")')
    (tmp_path / "a.py").write_text(lies.replace('"cuda:0").to("cuda:0")', '"cuda:0") .to("cuda:0")'), encoding="utf-8")
    value = json.loads((tmp_path / "t.json").read_text())
    for entry in value["entries"]:
        for frame in entry["chain"]:
            frame["end_line"] = frame["end_byte"] = 0  # as Python 3.10 leaves it
    (tmp_path / "t.json").write_text(json.dumps(value))
    shown = lint("check", "--trace", "t.json", "a.py", cwd=tmp_path, expect=1).out
    assert "refuted       a.py:9" in shown
    assert "A refuted finding is a bug in a rule. Please report it" in shown
    assert "transfer-lint explain a.py:9" in shown


def test_only_what_a_run_showed_to_matter_is_fixed(tmp_path: Path) -> None:
    start(tmp_path, "--simulate", "cuda", "--format", "json", "-o", "t.json", "--scenario", "a.py", expect=0)
    lint("fix", "--worth", "t.json", "--unsafe-fixes", "a.py", cwd=tmp_path, expect=0)
    mended = (tmp_path / "a.py").read_text(encoding="utf-8")
    assert "last = _last_sigmas = sigmas, sigmas.detach()[0].item()" in mended  # waits
    assert 'y = x.to("cuda:0")' in mended  # had nothing to do: neither waits nor bytes

    (tmp_path / "a.py").write_text(PROGRAM, encoding="utf-8")
    ran = lint("fix", "--worth", "t.json", "a.py", cwd=tmp_path, expect=1)
    bytes_alone = PROGRAM.replace(".detach().cpu()[0]", ".detach()[0]")
    made_there = bytes_alone.replace('torch.ones(2, 3).to("cuda:0")', 'torch.ones(2, 3, device="cuda:0")')
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == made_there
    assert "not fixed: t.json shows neither waits nor bytes there that a fix can save" in ran.err

    nothing = (tmp_path / "t.json").read_text(encoding="utf-8")
    (tmp_path / "t.json").write_text(json.dumps({**json.loads(nothing), "entries": []}), encoding="utf-8")
    before = (tmp_path / "a.py").read_text(encoding="utf-8")
    lint("fix", "--worth", "t.json", "--unsafe-fixes", "a.py", cwd=tmp_path, expect=1)
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == before


def test_after_other_fixes_a_finding_is_judged_by_the_lines_that_ran(tmp_path: Path) -> None:
    """Unsafe fixes come first, so the safe ones are found in another text than the one that ran."""
    pads = "".join(f"def pad{n}(n):\n    return torch.zeros(n).to('cuda:0')\n\n\n" for n in (1, 2))
    program = PROGRAM.replace("def run():", f"{pads}def run():").replace("z = y.cpu()", "z = pad2(3).cpu()")
    start(tmp_path, "--simulate", "cuda", "--format", "json", "-o", "t.json", "--scenario", "a.py", program=program,
          expect=0)  # fmt: skip
    lint("fix", "--worth", "t.json", "--unsafe-fixes", "a.py", cwd=tmp_path)
    mended = (tmp_path / "a.py").read_text(encoding="utf-8")
    assert "_read_sigmas(extra_options" in mended
    assert "def pad1(n):\n    return torch.zeros(n).to('cuda:0')\n" in mended
    assert "def pad2(n):\n    return torch.zeros(n, device='cuda:0')\n" in mended


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(text: str) -> Page:
    page = Page()
    page.feed(text)
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object"), tag
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:"), attributes
    assert "url(" not in text
    return page


def test_html_is_one_page_in_which_all_is_escaped(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    program = PROGRAM.replace(
        "def patched(q, k, v, extra_options):", f"# {evil}\ndef patched(q, k, v, extra_options):"
    ).replace("    return", f"    text = '{evil}'\n    return")
    program = program.replace("    z = y.cpu()", f"    z = y.cpu()  # {evil}\n    raise ValueError('{evil}')")
    ran = start(tmp_path, "--simulate", "cuda", "--findings", "--format", "html", "--scenario", "a.py",
                program=program, expect=1)  # fmt: skip
    assert evil not in ran.out
    page = page_of(ran.out)
    assert f"ValueError: {evil}" in page.text
    assert f"z = y.cpu()  # {evil}" in page.text
    assert [tag for tag, _ in page.tags].count("svg") == 1
    assert "redundant-transfer" in page.text


BAD = {
    "raises": ("def run():\n    raise ValueError('boom')\n", 1, ["bad.py:7 in run", "bad.py: ValueError: boom"]),
    "leaves by a side door": ("def run():\n    import os\n    os._exit(7)\n", 7, ["bad.py: exited with 7"]),
    "crashes": (
        TWO_SNAPSHOTS + "def run():\n    import os\n    two_snapshots()\n    os.kill(os.getpid(), 11)\n",
        139, ["bad.py: was killed by SIGSEGV"],
    ),
    "forks": (
        "def run():\n    import os\n    if os.fork() == 0:\n        x.cpu()\n        return\n    os.wait()\n", 0, [],
    ),
    "never ends, whatever it is told": (
        "def run():\n    import signal, time\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    time.sleep(600)\n",
        124, ["did not end within {limit} seconds (--timeout)"],
    ),
    "asks for a second GPU": ("def run():\n    x.to('cuda:1')\n", 1, ["invalid device ordinal", "--devices"]),
}  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="signals and forks are POSIX's")
@pytest.mark.parametrize("name", BAD)
def test_bad_programs(tmp_path: Path, name: str) -> None:
    """What was measured until the end is written, whatever the end."""
    body, code, said = BAD[name]
    head = "import torch\n\nx = torch.ones(3).to('cuda')\n\n\n"
    program = head + body
    for limit in ["6", "48", "384"] if code == 124 else ["600"]:  # a busy machine may not get to the move at once
        ran = start(tmp_path, "--simulate", "cuda", "--timeout", limit, "--format", "json", "--scenario", "bad.py",
                    program=program, name="bad.py", expect=code)  # fmt: skip
        value = json.loads(ran.out)
        if value["entries"]:
            break
    for text in said:
        assert text.format(limit=limit) in ran.err
    assert sum(entry["nbytes"] for entry in value["entries"]) == 12
    if name == "forks":
        assert any("forked once:" in note for note in value["notes"])


@pytest.mark.parametrize(
    ("error", "code", "how", "said"),
    [
        (SystemExit("enough"), 1, "exited", "enough"),
        (SystemExit(None), 0, "exited", ""),
        (KeyboardInterrupt(), 130, "raised", "was interrupted"),
        (child.OutOfTime(), 124, "timeout", "ran out of time"),
        (ModuleNotFoundError("No module named 'x'"), 1, "raised", "install what it needs there"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), 1, "raised", "too little memory"),
        (RuntimeError("CUDA error: invalid device ordinal"), 1, "raised", "--devices 2 stands in for two"),
        pytest.param(
            AssertionError("Torch not compiled with CUDA enabled"),
            1,
            "raised",
            "--simulate cuda stands in for one",
            marks=outside,
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_endings(error: BaseException, code: int, how: str, said: str) -> None:
    ending = child.ending_of(error)
    assert (ending.code, ending.how) == (code, how)
    assert said in ending.text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def go(): pass", "has neither a function run nor functions test_..."),
        ("def run(program): pass", "run needs arguments: in trace it gets none"),
        ("async def test_it(): pass", "test_it is async"),
    ],
)
def test_scenarios_that_cannot_be_run(source: str, said: str) -> None:
    module = ModuleType("made")
    exec(source, vars(module))
    with pytest.raises(scenario.Refused, match=re.escape(said)):
        scenario.functions(module, "made.py")


def test_functions_of_a_scenario() -> None:
    module = ModuleType("made")
    exec("def test_b(program): return program\ndef test_a(x=1): return x\ndef other(): pass", vars(module))
    found = scenario.functions(module, "made.py", takes=1)
    assert [scenario.call(function, "it") for function in found.values()] == ["it", 1]
    assert list(found) == ["test_b", "test_a"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no.py"], 2, "no.py: is no file"),
        ([], 2, "give a script, -m MODULE, --scenario FILE or --workflow"),
        (["--scenario", "y", "-m", "x"], 2, "choose one"),
        (["--simulate", "tpu", "a.py"], 2, "'tpu' is not one of 'cuda', 'xpu'"),
        (["--devices", "0", "a.py"], 2, "0 is not in the range"),
    ],
)
def test_bad_arguments(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    ran = lint("trace", *arguments, cwd=tmp_path, expect=code)
    assert said in ran.err


def test_without_a_gpu_it_is_said_so(tmp_path: Path) -> None:
    ran = start(tmp_path, "--scenario", "a.py")
    from tests.support.devices import GPU

    if GPU:
        pytest.skip("there is a GPU")
    assert ran.code == 1
    assert "there is no GPU here: --simulate cuda stands in for one" in ran.err
    assert "there is no accelerator here, so nothing can move" in ran.out


def test_without_torch_it_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    (tmp_path / "a.py").write_text(PROGRAM, encoding="utf-8")
    path = f"{tmp_path}:{environment()['PYTHONPATH']}"
    ran = lint("trace", "a.py", cwd=tmp_path, expect=2, PYTHONPATH=path)
    assert f"torch is not installed for this Python: {install_command('trace')}" in ran.err
    assert ran.out == ""
    ran = lint("verify", "a.py", "a.py", "--scenario", "a.py", "--name", "b", cwd=tmp_path, expect=2, PYTHONPATH=path)
    assert "torch is not installed" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is no JSON"), ("[]", "is no trace of this version"), ('{"version": 1}', "is no trace: KeyError")],
)
def test_bad_traces(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.json").write_text(text)
    (tmp_path / "a.py").write_text("")
    assert said in lint("check", "--trace", "t.json", "a.py", cwd=tmp_path, expect=2).err
    assert "cannot be read" in lint("check", "--trace", "no.json", "a.py", cwd=tmp_path, expect=2).err
