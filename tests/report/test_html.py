"""The HTML report, in a real browser."""

from __future__ import annotations

import re
import time
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

ROWS = ".findings tbody:not([hidden])"


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
    assert page.inner_text(f"[id='{target}'] .n") == number
    assert more.locator(".diff .removed").count() >= 1
    picture = more.locator("a:text('picture')")
    picture.click()
    page.wait_for_selector("details[open] svg.flow g.needless")
    seen.calm()
    page.close()


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
    started = time.perf_counter()
    seen = Seen(browser, tmp_path / "r.html")
    loaded = time.perf_counter() - started
    assert seen.page.locator(ROWS).count() == 1000
    filtered = seen.page.evaluate(
        """() => { const box = document.querySelector('[name=search]'); const start = performance.now();
        box.value = 'm07.py'; box.dispatchEvent(new Event('input', {bubbles: true}));
        document.body.offsetHeight; return performance.now() - start }"""
    )
    assert seen.page.locator(ROWS).count() == 20
    seen.calm()
    print(f"1000 findings: {size / 1e6:.2f} MB, loaded in {loaded:.2f} s, filtered in {filtered:.0f} ms")
    assert size < 12e6


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
