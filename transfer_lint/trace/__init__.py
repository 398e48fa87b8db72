"""What really moved: the run-time side. The lint path never imports this package.

`transfer_lint.trace()` records the transfers and host waits of what runs inside; it needs torch:

    with transfer_lint.trace() as t:
        model(x)
    print(t.report())

`transfer_lint.trace.simulate` runs a program on an accelerator that is not there.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transfer_lint.trace.session import Tracing


class _Callable(ModuleType):
    """This module, which is also the function `transfer_lint.trace.session.trace`."""

    def __call__(self, *args: Any, **options: Any) -> AbstractContextManager[Tracing]:
        from transfer_lint.trace.session import trace

        return trace(*args, **options)


sys.modules[__name__].__class__ = _Callable
