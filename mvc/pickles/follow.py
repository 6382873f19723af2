"""What unpickling would import and call, read from the opcodes: nothing is unpickled.

The opcodes are followed on a stack of what is known of each value: names, short strings, small numbers; of all
else nothing. What a name does is not looked at, only whether it is known to be harmless. The machine and its
opcodes: https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

from mvc.pickles.machine import Machine
from mvc.pickles.opcodes import OPCODES
from mvc.pickles.source import Source
from mvc.pickles.values import Found


def follow(source: Source, found: Found, *, arrays: bool = False, doubtful: bool = False) -> None:
    """Follow one pickle to its end, and note in `found` what it does.

    With `arrays`, behind what joblib puts before an array there is that array. One that is `doubtful` may be
    something else altogether: then a name that no module can have ends it.

    Raises:
        Broken: it has no end.

    """
    Machine(OPCODES, source, found, arrays=arrays, doubtful=doubtful).run()
