"""The colours of a terminal: of the 256 those that read on black and on white, whatever its theme."""

from __future__ import annotations

ERROR, WARNING, HINT = 160, 130, 31
GOOD, BAD = 28, 160
PLACE, SOFT = 31, 66
