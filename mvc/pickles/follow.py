"""Follow the opcodes of a pickle and note what unpickling would import and call. Nothing is unpickled.

The opcodes run on a stack of partly known values: names, short strings, small numbers, and for others the kinds of
values that they reach. mvc does not analyze imported names, it only checks the list of harmless ones, and that each is
used as the list says. The machine and its opcodes:
https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

from mvc.pickles.machine import Machine
from mvc.pickles.opcodes import OPCODES
from mvc.pickles.source import PickleReader
from mvc.pickles.values import Findings


def follow(reader: PickleReader, findings: Findings, *, arrays: bool = False, uncertain: bool = False) -> None:
    """Follow one pickle from the position of `reader` to STOP, and add its imports and calls to `findings`.

    With `arrays`, joblib's arrays are in the pickle, each after its `NumpyArrayWrapper`. If `uncertain`, the bytes may
    have another format: then an invalid module name is an error.

    Raises:
        MalformedPickle: The bytes are not a pickle, or end before STOP.
        Unreadable: It is too long.
    """
    Machine(OPCODES, reader, findings, arrays=arrays, uncertain=uncertain).run()
