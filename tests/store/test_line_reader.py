"""Lines of a text on a remote, wherever its parts end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvc.errors import InvalidFormat
from mvc.store.buckets.directory import DirectoryBucket
from mvc.store.remote import line_reader as subject


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> DirectoryBucket:
    return DirectoryBucket(str(tmp_path_factory.mktemp("remote")))


def lines_of(bucket: DirectoryBucket, data: bytes, part: int, longest: int) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "PART", part)
        patch.setattr(subject, "_LONGEST", longest)
        (Path(bucket.url) / "text").write_bytes(data)
        item = bucket.head("text")
        assert item
        return list(subject.read_lines(bucket, item))


@given(st.lists(st.text("abé", max_size=6)), st.integers(1, 20), st.integers(1, 20))
def test_lines_are_the_same_with_parts_of_any_size(
    bucket: DirectoryBucket, lines: list[str], part: int, longest: int,
) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    if max((len(line.encode()) for line in lines), default=0) > longest:
        with pytest.raises(InvalidFormat, match="too large"):
            lines_of(bucket, data, part, longest)
    else:
        assert lines_of(bucket, data, part, longest) == lines


@given(st.text("ab", min_size=1, max_size=6), st.integers(1, 20))
def test_a_last_line_without_an_end_is_refused(bucket: DirectoryBucket, last: str, part: int) -> None:
    with pytest.raises(InvalidFormat, match="cut off"):
        lines_of(bucket, b"first\n" + last.encode(), part, 9)
