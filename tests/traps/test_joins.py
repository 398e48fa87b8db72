"""Where more than two paths meet, what one of them does not know is not known."""

from __future__ import annotations

import pytest

from transfer_lint.fixing.examples import find
from transfer_lint.rules.pages import Example

BRANCHES = {
    "moved again": "            ext(model)\n            model.to('cuda:0')\n",
    "handed over": "            ext(model)\n",
    "untouched": "            pass\n",
}


def program(*names: str) -> str:
    cases = "".join(f"        case {number}:\n{BRANCHES[name]}" for number, name in enumerate(names))
    return (
        "import torch\n\n\ndef run(model: torch.nn.Linear, x: torch.Tensor, k, ext):\n    model.to('cuda:0')\n"
        f"    match k:\n{cases}    model.to('cuda:0')\n    return model(x)\n"
    )


@pytest.mark.parametrize(
    ("names", "there"),
    [
        (("moved again", "handed over"), False),
        (("handed over", "moved again"), False),
        (("moved again", "moved again", "handed over"), False),
        (("untouched", "moved again", "handed over", "untouched"), False),
        (("moved again", "untouched", "moved again"), True),
    ],
)
def test_a_model_is_there_only_if_it_is_on_every_path(names: tuple[str, ...], there: bool) -> None:
    text = program(*names)
    last = text[: text.rindex("model.to(")].count("\n") + 1
    found = find(Example("join", text, None, (), None, False, False, {}, 1, {}), text)
    assert (("TL101", last) in {(finding.code, finding.line) for finding in found}) is there
