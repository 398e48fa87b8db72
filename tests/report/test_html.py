"""The HTML report, in a real browser."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.report.test_full import EVIDENCE, ONE, TEXT
from tests.support.browser import DESKTOP, PHONE, Seen
from tests.support.command import CLEAN, ROOT, WASTE, lint
from tests.support.notebooks import notebook
from transfer_lint.findings import Edit, Evidence, Safety, Severity
from transfer_lint.lint.outcome import Outcome, Summary
from transfer_lint.problems import Problem
from transfer_lint.report import View, html, report
from transfer_lint.version import __version__

ROWS = ".findings tbody.finding:not([hidden])"


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the node pack."""
    file = tmp_path_factory.mktemp("html") / "report.html"
    lint("check", "--output-format", "html", "--output-file", file, "fixtures/instantid_original", cwd=ROOT, expect=1)
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_loads_fits_and_is_accessible(size: tuple[int, int], scheme: str, browser: Browser, pack: Path) -> None:
    seen = Seen(browser, pack, size, scheme)
    seen.fits()
    seen.accessible()
    seen.page.click("#all")
    seen.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    seen.fits()
    if scheme == "light":
        seen.accessible()
    seen.calm()
    seen.page.close()


def test_filters_sorts_and_tells(browser: Browser, pack: Path) -> None:
    seen = Seen(browser, pack)
    page = seen.page
    total = page.locator(ROWS).count()
    page.select_option("[name=severity]", "hint")
    hints = page.locator(ROWS).count()
    assert 0 < hints < total
    assert page.inner_text("#said") == f"{hints} of {total} findings shown"
    page.fill("[name=search]", "no such thing")
    assert page.locator(ROWS).count() == 0
    assert page.is_visible("#empty")
    page.click("button[type=reset]")
    page.wait_for_function(f"document.querySelectorAll('{ROWS}').length === {total}")
    page.fill("[name=search]", "NODES_APPLY tl101")
    assert {row.get_attribute("data-rule") for row in page.locator(ROWS).all()} == {"TL101"}
    page.fill("[name=search]", "")
    page.uncheck("[name=grouped]")
    for key, numeric in (("rule", False), ("weight", True)):
        for order in ("ascending", "descending"):
            page.click(f"[data-key={key}]")
            assert page.get_attribute(f"th:has([data-key={key}])", "aria-sort") == order
            values = [row.get_attribute(f"data-{key}") for row in page.locator(ROWS).all()]
            wanted = sorted(values, key=int if numeric else str, reverse=order == "descending")  # type: ignore[arg-type]
            assert values == wanted
    seen.calm()
    page.close()


def test_a_finding_opens_by_keyboard_and_shows_its_proof(browser: Browser, pack: Path) -> None:
    seen = Seen(browser, pack)
    page = seen.page
    button = page.locator("tbody[data-rule=TL101] .open").first
    more = page.locator(f"#{button.get_attribute('aria-controls')}")
    assert not more.is_visible()
    button.focus()
    page.keyboard.press("Enter")
    assert more.is_visible()
    assert button.get_attribute("aria-expanded") == "true"
    assert "image_prompt_embeds" in more.locator("mark").first.inner_text() or more.locator("mark").count()
    link = more.locator(".why a").first
    target = (link.get_attribute("href") or "")[1:]
    link.click()
    assert page.evaluate("location.hash") == f"#{target}"
    number = (link.inner_text()).rpartition(":")[2]
    assert page.inner_text(f"[id='{target}'] span.n") == number
    assert more.locator(".diff .removed").count() >= 1
    picture = more.locator("a:text('picture')")
    picture.click()
    page.wait_for_selector("details[open] svg.flow g.needless")
    seen.calm()
    page.close()


def test_every_step_of_a_proof_is_shown_and_linked(browser: Browser, tmp_path: Path) -> None:
    """Also the steps in a file that has no transfer itself."""
    (tmp_path / "helper.py").write_text(
        "import torch\n\n\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.proj = torch.nn.Linear(4, 4)\n\n    def forward(self, x):\n        return self.proj(x)\n"
    )
    (tmp_path / "main.py").write_text(
        "import torch\n\nfrom helper import Net\n\n\ndef run(x: torch.Tensor):\n    net = Net()\n"
        "    net.to('cuda:0')\n    y = net(x.to('cuda:0'))\n    return y.to('cuda:0')\n"
    )
    lint("check", "--output-format", "html", "--output-file", "r.html", cwd=tmp_path, expect=0)
    seen = Seen(browser, tmp_path / "r.html")
    page = seen.page
    body = page.locator("tbody[data-rule=TL101]").first
    body.locator(".open").click()
    steps = body.locator(".why li")
    assert "helper.py:10" in body.locator(".why").inner_text()
    for number, step in enumerate(steps.all(), start=1):
        target = (step.locator("a").get_attribute("href") or "")[1:]
        step.locator("a").click()
        line = page.locator(f"[id='{target}']")
        assert line.is_visible()
        assert str(number) in [mark.get_attribute("data-step") for mark in line.locator("[data-step]").all()]
    seen.calm()
    page.close()


def test_marks_are_no_part_of_the_code(browser: Browser, pack: Path) -> None:
    """Neither steps nor colours change what stands there: copied, it is the code."""
    seen = Seen(browser, pack)
    seen.page.click("#all")
    lines = (ROOT / "fixtures/instantid_original/nodes_apply.py").read_text().splitlines()
    frame = seen.page.locator("tbody[data-rule=TL101] .frame").first
    rows = frame.locator("code").all()
    assert len(rows) >= 5
    texts = []
    for row in rows:
        number = int(row.locator("span.n").inner_text())
        text = (row.text_content() or "").rstrip("\n").removeprefix(str(number))
        assert text == lines[number - 1][len(lines[number - 1]) - len(text) :]
        texts.append((text, lines[number - 1]))
    assert len({len(whole) - len(text) for text, whole in texts if whole.strip()}) == 1  # what all are indented by
    assert frame.locator("[data-step]").count() >= 3
    assert frame.locator("i.k").count() >= 1
    seen.page.close()


def test_findings_stand_by_file(browser: Browser, pack: Path) -> None:
    seen = Seen(browser, pack)
    page = seen.page
    heads = page.locator(".findings tbody.file:not([hidden])")
    paths = [head.get_attribute("data-path") for head in heads.all()]
    assert len(paths) == len(set(paths)) >= 3
    rows = page.locator(".findings tbody:not([hidden])").all()
    under = None
    for row in rows:
        if "file" in (row.get_attribute("class") or ""):
            under = row.get_attribute("data-path")
        assert row.get_attribute("data-path") == under
    page.fill("[name=search]", "attention_patch")
    assert heads.count() == 1
    page.fill("[name=search]", "")
    page.click("[data-key=weight]")  # sorted inside each file
    assert [head.get_attribute("data-path") for head in heads.all()] == paths
    page.uncheck("[name=grouped]")
    assert not heads.first.is_visible()
    weights = [row.get_attribute("data-weight") for row in page.locator(ROWS).all()]
    assert weights == sorted(weights, key=str)
    seen.calm()
    page.close()


def test_paths_do_not_break(browser: Browser, pack: Path) -> None:
    for size in (DESKTOP, PHONE):
        seen = Seen(browser, pack, size)
        seen.page.click("#all")
        tall = seen.page.evaluate(
            """() => [...document.querySelectorAll('.file .path, .why .code, .detail h3')].map(one => {
            const range = document.createRange(); range.selectNodeContents(one);
            return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size })"""
        )
        assert max(tall) == 1
        assert seen.page.locator("wbr").count() == 0
        seen.fits()
        seen.page.close()


def test_it_says_when_by_what_and_how_it_was_made(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "a b.py").write_text(WASTE)
    command = ("check", "--output-format", "html", "--output-file", "r.html", "a b.py")
    lint(*command, cwd=tmp_path, expect=1, hints=False, SOURCE_DATE_EPOCH="1700000000")
    first = (tmp_path / "r.html").read_bytes()
    seen = Seen(browser, tmp_path / "r.html")
    said = seen.page.inner_text("header")
    assert "2023-11-14 22:13 UTC" in said
    assert f"transfer-lint {__version__}" in said
    assert "transfer-lint check --output-format html --output-file r.html 'a b.py'" in said
    lint(*command, cwd=tmp_path, expect=1, hints=False, SOURCE_DATE_EPOCH="1700000000")
    assert (tmp_path / "r.html").read_bytes() == first
    seen.page.close()


def test_the_visible_rows_as_csv(browser: Browser, tmp_path: Path) -> None:
    evil = replace(ONE, message='=HYPERLINK("x"), "y"', line=3, end_line=3)
    hint = replace(ONE, severity=Severity.HINT, message="a, b")
    found = (evil, hint, ONE)
    outcome = Outcome(found, (), Summary.of(found, 1, 3, 0, 0.0), {ONE.path: TEXT})
    (tmp_path / "r.html").write_text("\n".join(report("html")(outcome, View())), encoding="utf-8")
    seen = Seen(browser, tmp_path / "r.html")
    seen.page.select_option("[name=severity]", "warning")
    with seen.page.expect_download() as download:
        seen.page.click("#csv")
    assert download.value.suggested_filename == "transfers.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["what"] for row in rows] == ['\'=HYPERLINK("x"), "y"', ONE.message]
    assert (rows[1]["rule"], rows[1]["path"], rows[1]["place"]) == ("TL101", "nodes.py", "4:11")
    assert (rows[1]["severity"], rows[1]["fix"], rows[1]["heat"]) == ("warning", "safe", "runs at every step")
    seen.page.close()


def test_what_is_printed(browser: Browser, pack: Path) -> None:
    seen = Seen(browser, pack)
    seen.page.emulate_media(media="print")
    assert not seen.page.is_visible(".tools")
    assert seen.page.is_visible("tbody[data-rule=TL101]")
    seen.page.close()


EVIL = (
    "</td></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>{{7*7}}\x00\x1b\u202e"
)


def test_nothing_in_a_linted_file_runs(browser: Browser, tmp_path: Path) -> None:
    """Not in text, path, function, message, evidence, edit or problem; not in attributes; not in pictures."""
    text = f"x = '''{EVIL}'''\n    y.to(d) # {EVIL}\n"
    path = f"{EVIL}.py"
    evidence = (*EVIDENCE, Evidence(path, 1, 1, EVIL), Evidence(f"other{EVIL}", 1, 1, EVIL))
    finding = replace(ONE, path=path, function=EVIL, message=EVIL, line=2, end_line=2, evidence=evidence)
    edits = {finding: (Edit(2, 1, 3, 1, EVIL + "\n"),)}
    summary = Summary.of((finding,), 1, 1, 0, 0.0)
    outcome = Outcome((finding,), (Problem(EVIL, EVIL, EVIL),), summary, {path: text}, edits)
    file = tmp_path / "evil.html"
    file.write_text("\n".join(report("html")(outcome, View())), encoding="utf-8")
    seen = Seen(browser, file)
    seen.page.click("#all")
    seen.page.fill("[name=search]", "alert(")
    seen.page.wait_for_timeout(200)
    assert seen.page.locator("script").count() == 1
    assert seen.page.locator("img").count() == 0
    shown = EVIL.replace("\x00", "\\x00").replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert seen.page.inner_text(".findings .open") == shown
    assert shown in seen.page.inner_text(".diff .added")
    seen.calm()
    seen.page.close()


def test_a_hostile_file_from_end_to_end(browser: Browser, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    (tmp_path / "a&<b>.py").write_text(
        "import torch\n\n\ndef f(x: torch.Tensor):\n    y = x.to('cuda:0')\n"
        f"    a = torch.zeros_like(y, out='{evil}')\n"
        f"    return y.to('cuda:0')  # {evil}\n"
    )
    lint("check", "--output-format", "html", "--output-file", "report.html", cwd=tmp_path)
    lint("graph", "a&<b>.py", "--format", "html", "--output-file", "graph.html", cwd=tmp_path, expect=0)
    for name in ("report.html", "graph.html"):
        seen = Seen(browser, tmp_path / name)
        seen.page.wait_for_timeout(100)
        seen.calm()
        seen.page.close()


def test_empty_broken_and_notebooks(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "clean.py").write_text(CLEAN)
    (tmp_path / "broken.py").write_text("x.to(d\n")
    (tmp_path / "a.ipynb").write_text(notebook("import torch", "!ls\n" + WASTE), encoding="utf-8")
    out = lint("check", "--output-format", "html", "clean.py", cwd=tmp_path, expect=0).out
    (tmp_path / "clean.html").write_text(out, encoding="utf-8")
    seen = Seen(browser, tmp_path / "clean.html")
    assert "Nothing was found." in seen.page.inner_text("main")
    seen.accessible()
    seen.calm()
    lint("check", "--output-format", "html", "--output-file", "all.html", cwd=tmp_path, expect=1)
    seen = Seen(browser, tmp_path / "all.html")
    places = [row.locator("[data-name=Where]").inner_text() for row in seen.page.locator(ROWS).all()]
    assert places == ["cell 2:6:11", "cell 2:7:14", "1:5"]
    seen.page.uncheck("[name=grouped]")
    places = [row.locator("[data-name=Where]").inner_text() for row in seen.page.locator(ROWS).all()]
    assert places == ["a.ipynb:cell 2:6:11", "a.ipynb:cell 2:7:14", "broken.py:1:5"]
    seen.page.click("#all")
    assert "y = x" in seen.page.inner_text(".diff >> nth=0")
    seen.calm()


def test_a_thousand_findings_stay_usable(browser: Browser, tmp_path: Path) -> None:
    text = TEXT + "".join(f"# line {number}\n" for number in range(100))
    findings = tuple(replace(ONE, path=f"m{number // 20:02}.py", column=11 + number % 20) for number in range(1000))
    edits = {finding: (Edit(4, 1, 5, 1, "    y = m(x)\n"),) for finding in findings}
    outcome = Outcome(
        findings, (), Summary.of(findings, 50, 1000, 0, 1.0), {finding.path: text for finding in findings}, edits
    )
    (tmp_path / "r.html").write_text("\n".join(report("html")(outcome, View())), encoding="utf-8")
    size = (tmp_path / "r.html").stat().st_size
    seen = Seen(browser, tmp_path / "r.html")
    assert seen.page.locator(ROWS).count() == 1000
    seen.page.fill("[name=search]", "m07.py")
    assert seen.page.locator(ROWS).count() == 20
    seen.calm()
    assert size < 12e6


def test_saves_is_left_out_where_nothing_was_run(browser: Browser, pack: Path) -> None:
    seen = Seen(browser, pack)
    assert "Saves" not in seen.page.inner_text(".findings thead")
    assert "not measured" not in seen.page.content()
    seen.page.close()


def test_what_a_run_measured_is_told() -> None:
    other = replace(ONE, line=5, end_line=5)
    summary = Summary.of((ONE, other), 1, 2, 0, 0.0)
    outcome = Outcome((ONE, other), (), summary, {})
    text = "".join(html.report(outcome, View(), measured={ONE: "2 transfers, 8 KB"}))
    assert re.findall(r'<td data-name="Saves">(.*?)</td>', text) == ["2 transfers, 8 KB", "not measured"]


def test_every_severity_and_safety() -> None:
    assert ONE.fix is not None
    for severity in Severity:
        for fix in (None, *(replace(ONE.fix, safety=safety) for safety in Safety)):
            finding = replace(ONE, severity=severity, fix=fix)
            summary = Summary.of((finding,), 1, 1, 0, 0.0)
            assert "TL101" in "".join(report("html")(Outcome((finding,), (), summary), View()))
