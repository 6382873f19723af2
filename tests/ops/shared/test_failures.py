"""Errors about one path, collected so that the others are processed."""

from __future__ import annotations

import errno

import pytest

from mvc.errors import MvcError, UsageError
from mvc.ops.shared.failures import Failure, collecting, resumable


def test_errors_are_collected_with_what_to_type() -> None:
    failed: list[Failure] = []
    for path, error in (
        ("a", UsageError("a is wrong", "mvc add b")),
        ("b", OSError(errno.ENOSPC, "No space left on device", "b")),
    ):
        with collecting(failed, path):
            raise error
    assert failed == [
        Failure("a", "a is wrong", "mvc add b", 2),
        Failure("b", "b: No space left on device", "free some space, then run the command again", 3),
    ]


def test_other_errors_are_not_collected() -> None:
    with pytest.raises(ZeroDivisionError), collecting([], "a"):
        raise ZeroDivisionError


def test_an_interrupted_step_can_be_run_again() -> None:
    with pytest.raises(MvcError) as caught, resumable("not everything was removed"):
        raise OSError(errno.EIO, "Input/output error")
    assert caught.value.message == "not everything was removed: Input/output error"
    assert caught.value.fix == "run the command again"
