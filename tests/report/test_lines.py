"""What is printed on a terminal fits it, at every width, whatever stands in a linted file."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.report.test_full import EVIDENCE, ONE, shown
from tests.support.command import ROOT, environment
from transfer_lint.cli.common import Bar, remaining, shows_links
from transfer_lint.findings import Evidence, Finding, Severity
from transfer_lint.lint.outcome import Outcome, Summary
from transfer_lint.report import View, colours, report
from transfer_lint.report.lines import cut, cut_before, shortened, width, wrap
from transfer_lint.report.terminal import printed, styled


def columns(line: str) -> int:
    """The columns that a terminal shows: counted here in another way than in the report."""
    plain = re.sub(r"\x1b\]8;;[^\x07]*\x07|\x1b\[[0-9;]*m", "", line)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in plain)
    marks = sum(unicodedata.category(char) in ("Mn", "Me") for char in plain)
    jamo = sum("\u1160" <= char <= "\u11ff" for char in plain)
    return len(plain) + wide - marks - jamo


LETTERS = "abcXYZ_019 .,()[]/:='`\"#-" + "名前界ｗ🙂" + "e\u0301\u0ac1\u20dd" + "\x1b\u202e\x07\t"
WORDS = st.text(LETTERS, max_size=14)
TEXTS = st.lists(WORDS, max_size=25).map(" ".join)
PATHS = st.lists(st.text("abcXYZ_-. 名é", min_size=1, max_size=14), min_size=1, max_size=6).map("/".join)
SEVERITIES = st.sampled_from(list(Severity))


@st.composite
def findings(draw: st.DrawFn) -> tuple[Finding, str]:
    """A finding, and the text that it is about."""
    code = draw(st.lists(TEXTS.map(lambda text: text.replace("\n", "")), min_size=1, max_size=4))
    last = draw(st.integers(1, len(code)))
    start = draw(st.integers(0, len(code[0])))
    end = draw(st.integers(start if last == 1 else 0, len(code[last - 1])))
    evidence = [
        Evidence(path, line, 1, text)
        for path, line, text in draw(st.lists(st.tuples(PATHS, st.integers(1, 99999), TEXTS), max_size=5))
    ]
    found = replace(
        ONE,
        path=draw(PATHS),
        line=1,
        column=start + 1,
        end_line=last,
        end_column=end + 1,
        severity=draw(SEVERITIES),
        message=draw(TEXTS),
        function=draw(st.text("abc_.", max_size=40)),
        evidence=tuple(evidence),
        fix=draw(st.sampled_from([None, ONE.fix])),
    )
    return found, "\n".join(code) + "\n"


@settings(max_examples=300, deadline=None)
@given(found=findings(), room=st.integers(40, 200), colour=st.booleans(), fancy=st.booleans())
def test_no_line_is_wider_than_the_terminal(found: tuple[Finding, str], room: int, colour: bool, fancy: bool) -> None:
    finding, text = found
    twin = replace(finding, column=finding.column, message=finding.message + " again")
    outcome = Outcome((finding, twin), (), Summary(1, 1, 0, 1, 0, 0, 0.0), {finding.path: text})
    view = View(colour=colour, links=colour, fancy=fancy, width=room)
    for line in map(printed, report("full")(outcome, view)):
        unbreakable = max(map(columns, re.split(r" |[,(\[/.=:](?=[^\W_])", line)))
        assert columns(line) <= room or unbreakable > 24, line


@given(text=TEXTS, room=st.integers(20, 60), hanging=st.sampled_from(["", "    "]))
def test_wrapping_loses_nothing_and_breaks_no_word_that_fits(text: str, room: int, hanging: str) -> None:
    lines = wrap(text, room, hanging)
    assert "".join("".join(lines).split(" ")) == "".join(text.split(" "))
    joined = " ".join(lines)
    for word in filter(None, text.split(" ")):
        assert width(word) > room - len(hanging) or word in joined
    for line in lines:
        assert columns(printed(line)) <= room or max(map(width, line.split(" "))) > room - 4 - len(hanging)


def test_wide_and_combining_characters_are_counted() -> None:
    texts = ("名前", "e\u0301", "🙂", "\u1112\u1161\u11ab", "\uff57", styled("ab", bold=True))
    assert [width(text) for text in texts] == [4, 1, 2, 2, 2, 2]
    assert wrap("名前 名前 名前", 9) == ["名前 名前", "名前"]
    assert cut("名前名前", 5) == "名..."
    assert cut_before("e\u0301e\u0301e\u0301e\u0301e\u0301", 4) == "...e\u0301"
    assert wrap("comfy.model_management.get_torch_device()", 24) == ["comfy.model_management.", "get_torch_device()"]


@pytest.mark.parametrize(
    ("room", "short"),
    [
        (60, "packs/instantid/nodes/apply_instantid.py:12"),
        (40, "packs/…/nodes/apply_instantid.py:12"),
        (30, "…/nodes/apply_instantid.py:12"),
        (24, "…/apply_instantid.py:12"),
        (20, "apply_in…antid.py:12"),
        (6, "a…y:12"),
    ],
)
def test_a_place_is_shortened_in_the_middle(room: int, short: str) -> None:
    found = shortened("packs/instantid/nodes/apply_instantid.py:12", room)
    assert found == short
    assert width(found) <= room


def twins(*own: Evidence) -> list[str]:
    """The lines about a second finding whose proof is that of the first, and `own`."""
    shared = (*EVIDENCE, *(Evidence("pack/model.py", number, 1, f"step {number}") for number in range(5)))
    first = replace(ONE, evidence=shared)
    second = replace(ONE, line=3, end_line=3, evidence=(*shared, *own))
    outcome = Outcome(
        (first, second), (), Summary(1, 2, 0, 2, 0, 0, 0.0), {ONE.path: "a\nb\n    m.to(d)\n    y.to(d)\n"}
    )
    lines = list(report("full")(outcome, View()))
    return lines[lines.index("", 1) :]


def test_a_proof_that_two_values_share_is_printed_once() -> None:
    assert [line for line in twins() if re.search(r"step \d", line)] == []
    assert " why  ╰╴ as for line 4, above" in twins()
    lines = twins(Evidence("pack/model.py", 9, 1, "own"))
    at = lines.index(" why  ├╴ as for line 4, above, in 7 of 8 steps; the other:")
    assert lines[at + 1] == "      ╰╴ pack/model.py:9  own"


def test_a_hint_wraps() -> None:
    hint = replace(ONE, severity=Severity.HINT, message="word " * 20)
    lines = shown(hint, width=50)
    assert len(lines) == 3
    assert all(line.startswith("    word") for line in lines[1:])
    assert lines[-1].endswith("[*]")


def luminance(number: int) -> float:
    """Relative luminance, as WCAG defines it, of one of the 216 colours of a terminal's cube."""
    steps = (0, 95, 135, 175, 215, 255)
    parts = [steps[(number - 16) // 36], steps[(number - 16) // 6 % 6], steps[(number - 16) % 6]]
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_no_other_colours_are_used() -> None:
    """A theme may make blue, green or yellow of any shade; all colours are named in one place."""
    for path in (ROOT / "transfer_lint").rglob("*.py"):
        assert not re.search(
            r"""fg=["'\d]|"(green|red|blue|cyan|yellow|magenta)\"""", path.read_text(encoding="utf-8")
        ), path


@pytest.mark.parametrize("number", sorted({v for v in vars(colours).values() if isinstance(v, int)}))
def test_colours_read_on_black_and_on_white(number: int) -> None:
    """At least the contrast that WCAG asks of large text and of marks, on both."""
    assert (luminance(number) + 0.05) / 0.05 > 3.8
    assert 1.05 / (luminance(number) + 0.05) > 3.8


def sent_to(columns_: int, **extra: str) -> list[str]:
    """The lines that a terminal of that width is sent."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns_, 0, 0))
    known = {k: v for k, v in environment(TERM="xterm-256color", **extra).items() if k not in ("COLUMNS", "CI")}
    command = [sys.executable, "-m", "transfer_lint", "check", "fixtures/instantid_original"]
    with subprocess.Popen(command, cwd=ROOT, env=known, stdout=follower, stderr=follower, stdin=subprocess.DEVNULL):
        os.close(follower)
        data = b""
        try:
            while part := os.read(leader, 65536):
                data += part
        except OSError:  # the other end has gone
            pass
    os.close(leader)
    return [line.rpartition("\r\x1b[K")[2] for line in data.decode().split("\r\n")]


@pytest.mark.parametrize("room", [60, 80, 120, 200])
def test_the_pack_on_a_terminal(room: int) -> None:
    lines = sent_to(room)
    assert len(lines) > 100
    assert [line for line in lines if columns(line) > room] == []
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    assert any("as for line 137, above, in 8 of 10" in line for line in plain)
    assert "can be fixed: transfer-lint fix" in " ".join(plain)


def test_places_and_rules_are_links_where_the_terminal_shows_them() -> None:
    lines = "\n".join(sent_to(100, FORCE_HYPERLINK="1"))
    page = (ROOT / "transfer_lint/rules/unguarded_module_move.md").as_uri()
    apply = (ROOT / "fixtures/instantid_original/nodes_apply.py").as_uri()
    assert f"\x1b]8;;{page}\x07unguarded-module-move\x1b]8;;\x07" in lines
    assert f"\x1b]8;;{apply}#106\x07" in lines  # of the finding
    assert f"\x1b]8;;{apply}#91\x07" in lines  # of a step
    assert f"\x1b]8;;{apply}#102\x07" in lines  # of a hint
    assert "\x1b]8" not in "\n".join(sent_to(100, FORCE_HYPERLINK="0"))


@pytest.mark.parametrize(
    ("environ", "shown_"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode", "CI": "1"}, False),
        ({"TERM": "dumb", "VTE_VERSION": "7600"}, False),
        ({"TERM": "dumb", "FORCE_HYPERLINK": "1"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600", "FORCE_HYPERLINK": "0"}, False),
    ],
)
def test_which_terminals_show_links(environ: dict[str, str], shown_: bool) -> None:
    assert shows_links(environ) is shown_


@pytest.mark.parametrize(
    ("elapsed", "done", "said"),
    [(1, 50, ""), (10, 0, ""), (10, 100, ""), (10, 25, "about 30 s left"), (60, 10, "about 9 min left")],
)
def test_how_long_a_run_may_still_take(elapsed: float, done: int, said: str) -> None:
    assert remaining(elapsed, done, 100) == said


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_the_bar_says_how_long_the_rest_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    clock = [100.0]
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with Bar("checking", quiet=False) as bar:
        clock[0] += 10
        bar(25, 100, "nodes.py")
    assert "25/100 about 30 s left nodes.py" in screen.getvalue()
