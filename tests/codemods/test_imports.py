"""A module's guard needs `itertools.chain`: imported once, in its place, never shadowing or shadowed."""

from __future__ import annotations

import pytest

from tests.codemods.marks import Case

EXACT = "any(t.device != d for t in chain(m.parameters(), m.buffers()))"
USE = "m.⟦to|module⟧(d)\n"


def imported(id: str, head: str, new_head: str, chain: str = "chain", tail: str = "") -> Case:
    """A case that guards `m.to(d)` between `head` and `tail`."""
    guard = EXACT.replace("chain", chain)
    return Case(id, f"{head}{USE}{tail}", f"{new_head}if {guard}:\n    m.to(d)\n{tail}")


CHAIN = "from itertools import chain\n"
IMPORTS = [
    imported("nothing there", "", f"{CHAIN}\n"),
    imported("after a docstring", '"""Doc."""\n', f'"""Doc."""\n\n{CHAIN}\n'),
    imported(
        "after docstring and future",
        '"""Doc."""\nfrom __future__ import annotations\n',
        f'"""Doc."""\nfrom __future__ import annotations\n\n{CHAIN}\n',
    ),
    imported(
        "after the standard library",
        "# c\nimport os\nfrom re import sub\n\nimport torch\n",
        f"# c\nimport os\n{CHAIN}from re import sub\n\nimport torch\n",
    ),
    imported(
        "among the standard library, in order",
        "import os\nfrom collections import deque\nfrom typing import Any\n\nimport torch\n",
        f"import os\nfrom collections import deque\n{CHAIN}from typing import Any\n\nimport torch\n",
    ),
    imported(
        "not under what stands above an import",
        "import os\n# for types\nfrom typing import Any\n\nimport torch\n",
        f"import os\n{CHAIN}# for types\nfrom typing import Any\n\nimport torch\n",
    ),
    imported("before others", "a = '''doc'''\n", f"{CHAIN}\na = '''doc'''\n"),
    imported(
        "before third parties",
        '"""Doc."""\n\n# torch\nimport torch\nfrom . import a\n',
        f'"""Doc."""\n\n{CHAIN}\n# torch\nimport torch\nfrom . import a\n',
    ),
    imported("imported", f"import torch\n{CHAIN}", f"import torch\n{CHAIN}"),
    imported(
        "imported with others", "from itertools import chain, product\n", "from itertools import chain, product\n"
    ),
    imported("imported under a name", "from itertools import chain as c\n", "from itertools import chain as c\n", "c"),
    imported("the module imported", "import os, itertools\n", "import os, itertools\n", "itertools.chain"),
    imported("the module under a name", "import itertools as it\n", "import itertools as it\n", "it.chain"),
    imported(
        "used already",
        f"{CHAIN}a = chain(b, chain.from_iterable(c))\n",
        f"{CHAIN}a = chain(b, chain.from_iterable(c))\n",
    ),
    imported(
        "the name is taken",
        "def f(chain): pass\n",
        "from itertools import chain as itertools_chain\n\n\ndef f(chain): pass\n",
        "itertools_chain",
    ),
    imported(
        "the import is shadowed",
        f"{CHAIN}chain, x = 1, 2\n",
        f"{CHAIN}from itertools import chain as itertools_chain\nchain, x = 1, 2\n",
        "itertools_chain",
    ),
    imported(
        "the alias is taken too",
        "chain = itertools_chain = 1\n",
        "from itertools import chain as itertools_chain_2\n\nchain = itertools_chain = 1\n",
        "itertools_chain_2",
    ),
    imported(
        "another's chain",
        "from x import chain\n",
        "from itertools import chain as itertools_chain\n\nfrom x import chain\n",
        "itertools_chain",
    ),
    imported(
        "imported in a function",
        "def f():\n    from itertools import chain\n",
        "from itertools import chain as itertools_chain\n\n\ndef f():\n    from itertools import chain\n",
        "itertools_chain",
    ),
    Case(
        "imported below",
        f"{USE}{CHAIN}",
        f"from itertools import chain as itertools_chain\n\nif {EXACT.replace('chain', 'itertools_chain')}:\n"
        f"    m.to(d)\n{CHAIN}",
    ),
    Case(
        "once for two guards",
        f"{USE}{USE}",
        f"{CHAIN}\nif {EXACT}:\n    m.to(d)\nif {EXACT}:\n    m.to(d)\n",
    ),
]


@pytest.mark.parametrize("case", IMPORTS, ids=lambda case: case.id)
def test_import(case: Case) -> None:
    case.check()
