"""A stream that is compared with its digest once it was read to its end, in order."""

from __future__ import annotations

import io
from contextlib import ExitStack

import pytest

from mvc.errors import CorruptObject
from mvc.objects.hashing import hash_bytes
from mvc.ops.remotes.verified_stream import VerifiedStream

RIGHT, WRONG = b"0123456789", b"012345678x"


def opened(raw: bytes, on_close: ExitStack | None = None) -> VerifiedStream:
    """Return a stream of `raw` that should be `RIGHT`."""
    return VerifiedStream(io.BytesIO(raw), hash_bytes(RIGHT), on_close or ExitStack(), "mvc pull")


def test_the_right_content() -> None:
    stream = opened(RIGHT)
    assert [stream.read(4), stream.read(4), stream.read(4), stream.read(4)] == [b"0123", b"4567", b"89", b""]


@pytest.mark.parametrize("raw", [WRONG, RIGHT[:-1], RIGHT + b"x", b""])
def test_other_content_is_an_error_at_its_end(raw: bytes) -> None:
    with pytest.raises(CorruptObject) as caught:
        io.BufferedReader(opened(raw)).read()
    assert caught.value.fix == "mvc pull"


def test_after_a_seek_nothing_is_checked_until_the_stream_is_read_in_order_again() -> None:
    stream = opened(WRONG)
    stream.seek(5)
    assert stream.read() == WRONG[5:]
    stream.seek(0)
    with pytest.raises(CorruptObject):
        stream.read()


def test_what_it_reads_from_is_closed_with_it() -> None:
    closed: list[bool] = []
    on_close = ExitStack()
    on_close.callback(closed.append, True)
    opened(RIGHT, on_close).close()
    assert closed == [True]
