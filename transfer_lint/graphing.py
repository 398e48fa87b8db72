"""`transfer-lint graph`: a file's functions, drawn as they are and as the fixes make them."""

from __future__ import annotations

import difflib

from transfer_lint import engine, source
from transfer_lint.config import Settings, shown_path
from transfer_lint.drawing import Drawer, named
from transfer_lint.files import DiskSources
from transfer_lint.outcome import Problem, unparsable_as
from transfer_lint.picture import Drawing, Picture
from transfer_lint.pool import deep
from transfer_lint.rules.options import RuleOptions
from transfer_lint.runner import nesting, project_over


def picture_of(path: str, function: str | None, settings: Settings) -> Picture:
    """The device flow of a function and of those that it calls; without one, of all functions of a file that hold a
    transfer. Notebooks are one text; what is not in a function is not drawn.

    function: qualified name, or the end of one. settings: what it says of unsafe fixes decides what is drawn as after.

    Raises:
        Problem: the file cannot be read or parsed, or holds no such function, or none with a transfer.
    """
    shown = shown_path(path)
    text = source.decode(shown, source.read(shown)).text
    before = deep(_drawn, shown, function, {shown: text}, settings)
    paths = sorted({drawing.path for drawing in before})
    fixed = engine.fix_paths(paths, settings, in_place=False)
    texts = {**{shown: text}, **fixed.outcome.texts}
    after = deep(_drawn, shown, function, texts, settings)
    return Picture(f"{shown}::{function}" if function else shown, before, after)


def _drawn(
    path: str, function: str | None, texts: dict[str, str], settings: Settings
) -> tuple[Drawing, ...]:
    try:
        with nesting(path):
            project = project_over(DiskSources(texts), settings)
            module = project.add(path, texts[path])
            drawer = Drawer(project, RuleOptions(module_guard=settings.module_guard))
            if function is None:
                functions = drawer.holding(module)
                if not functions:
                    raise Problem(path, "no function of it holds a transfer", "name one: PATH::FUNCTION")
                return drawer.draw(functions)
            found = named(module.functions, function)
            if not found:
                raise _unknown(path, function, drawer.names(module))
            return drawer.draw(drawer.with_callees(found))
    except SyntaxError as error:
        raise Problem(path, f"{unparsable_as(error)} (line {error.lineno})", "mend it") from None


def _unknown(path: str, function: str, names: list[str]) -> Problem:
    ends = {name.rpartition(".")[2]: name for name in names}
    nearest = difflib.get_close_matches(function, [*names, *ends], n=1)
    hint = f"did you mean {ends.get(nearest[0], nearest[0])!r}?" if nearest else f"it has {', '.join(names[:8])}"
    return Problem(path, f"has no function {function!r}", hint if names else "name another file")
