"""Follow the opcodes of a pickle and note what unpickling would import and call. Nothing is unpickled.

The opcodes run on a stack of what is known of each value: names, short strings, small numbers. mvc does not look at
what a name does, only at whether it is on the list of harmless names. The machine and its opcodes:
https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

from mvc.pickles.machine import Machine
from mvc.pickles.opcodes import OPCODES
from mvc.pickles.source import PickleReader
from mvc.pickles.values import Findings


def follow(reader: PickleReader, findings: Findings, *, arrays: bool = False, uncertain: bool = False) -> None:
    """Follow one pickle, at which `reader` stands, to its STOP, and add what it does to `findings`.

    With `arrays`, joblib's arrays stand in the pickle, each behind its `NumpyArrayWrapper`. If `uncertain`, the bytes
    may be something else: then a name that no module can have is an error.

    Raises:
        MalformedPickle: The bytes are not a pickle, or end before STOP.
    """
    Machine(OPCODES, reader, findings, arrays=arrays, uncertain=uncertain).run()
