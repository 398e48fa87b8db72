"""What a module binds and another file assigns: what it was made as says nothing."""

from __future__ import annotations

import pytest

from tests.programs.world import MAIN, PLACEMENTS, compare, fix

CONFIG = "import torch\n\ndevice = torch.device('cpu')\n"
USER = """import torch
import config


def there_and_back(net: torch.nn.Module):
    net.to("cpu")
    net.to(config.device)
    net.to("cpu")
    return net
"""
ENTRY = """{imported}
from user import there_and_back


def run(net, device):
    {assigned}
    return there_and_back(net)
"""


def texts(imported: str, assigned: str) -> dict[str, str]:
    return {"config.py": CONFIG, "user.py": USER, MAIN: ENTRY.format(imported=imported, assigned=assigned)}


@pytest.mark.parametrize(
    ("imported", "assigned"),
    [
        ("import config", "config.device = device"),
        ("import config as c", "c.device = device"),
        ("import config", "config.device, kind = device, 1"),
        ("import config", "setattr(config, 'dev' + 'ice', device)"),
        ("import config", "vars(config).update(device=device)"),
        ("import config", "config.__dict__['device'] = device"),
    ],
)
def test_a_move_to_one_is_a_move(imported: str, assigned: str) -> None:
    before = texts(imported, assigned)
    settled = fix(before)
    assert settled.texts == before
    assert compare(before, settled.texts, PLACEMENTS).ran == len(PLACEMENTS)


def test_a_function_that_is_replaced_does_anything() -> None:
    config = "import torch\n\n\ndef put(net):\n    net.to('cpu')\n"
    user = USER.replace("net.to(config.device)", "config.put(net)")
    entry = ENTRY.format(imported="import config", assigned="config.put = lambda m: m.to(device)")
    before = {"config.py": config, "user.py": user, MAIN: entry}
    settled = fix(before)
    assert settled.texts == before
    assert compare(before, settled.texts, PLACEMENTS).ran == len(PLACEMENTS)


@pytest.mark.parametrize("owner", ["config.Net", "net"])
def test_a_method_that_is_replaced_does_anything(owner: str) -> None:
    config = """import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 2)

    def back(self):
        self.to("cpu")


def there_and_back(net: Net):
    net.to("cpu")
    net.back()
    net.to("cpu")
    return net
"""
    entry = f"""import config
from config import there_and_back


def run(device):
    net = config.Net()
    {owner}.back = lambda *_: net.to(device)
    return there_and_back(net)
"""
    before = {"config.py": config, MAIN: entry}
    settled = fix(before)
    assert settled.texts == before
    assert compare(before, settled.texts, PLACEMENTS).ran == len(PLACEMENTS)


def test_what_nobody_assigns_is_what_it_was_made_as() -> None:
    settled = fix(texts("import config", "config.other = device"))
    assert settled.texts["user.py"].count('net.to("cpu")') == 1
