"""Evaluation files that are damaged, or made to harm: one clear error each, and bounded work."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st
from readers.test_files import FILES

from mvc.errors import InvalidFormat, UsageError
from mvc.quality.reports import metric_files
from mvc.quality.reports.metric_files import MAX_BYTES, read_file, read_metrics
from mvc.quality.reports.readers import eval_file
from mvc.quality.reports.report import Dataset, Model, Report
from mvc.quality.reports.report_document import emit

LOG = (FILES / "inspect.json").read_bytes()
REAL = (FILES / "inspect.eval").read_bytes()


def refused(raw: bytes) -> str:
    """Return why a file is refused."""
    with pytest.raises(InvalidFormat) as caught:
        read_metrics(read_file(io.BytesIO(raw), "f"), "f")
    assert caught.value.message.startswith("f: ")
    assert "\n" not in caught.value.message
    assert caught.value.fix
    return caught.value.message.removeprefix("f: ")


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        for name, content in members:
            opened.writestr(name, content)
    return file.getvalue()


def by_hand(packed: bytes, size: int, crc: int, method: int = 93, flags: int = 0, position: int = 0) -> bytes:
    """Return a zip with `header.json` and what its directory says of it."""
    sizes = struct.pack("<III", crc, len(packed), size)
    local = b"PK\3\4" + struct.pack("<HHHI", 45, flags, method, 0) + sizes + struct.pack("<HH", 11, 0) + b"header.json"
    entry = (
        b"PK\1\2" + struct.pack("<HHHHI", 45, 45, flags, method, 0) + sizes
        + struct.pack("<HHHHHII", 11, 0, 0, 0, 0, 0, position) + b"header.json"
    )
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local) + len(packed), 0)
    return local + packed + entry + end


BOMB = zstd.compress(b" " * (100 << 20))
FRAME_OF_2_GIB = b"\x28\xb5\x2f\xfd\x00" + bytes([(31 - 10) << 3]) + b"\x01\x00\x00"
"""A zstd frame that asks for a window of 2 GiB."""


@pytest.mark.parametrize(("raw", "reason"), [
    (REAL[:-30], "the zip is damaged"),
    (REAL[:5000], "the zip is damaged"),
    (b"PK\x03\x04", "the zip is damaged"),
    (REAL + b"more", "the zip is damaged"),
    (b"#!/bin/sh\n" + REAL, "not JSON"),
    (zipped(("model.bin", b"")), "a zip that is no .eval file"),
    (zipped(), "a zip that is no .eval file"),
    (zipped(("../../header.json", LOG)), "a zip that is no .eval file"),
    (zipped(("HEADER.JSON", LOG)), "a zip that is no .eval file"),
    (zipped(("header.json/", b"")), "a zip that is no .eval file"),
    (zipped(("_journal/start.json", b"{}")), "the log of an unfinished evaluation"),
    (zipped(("header.json", b" " * (MAX_BYTES + 1))), "header.json has 16,777,217 bytes, expected at most 16,777,216"),
    (zipped(("header.json", LOG), method=zipfile.ZIP_BZIP2), "header.json is compressed by method 12, expected"),
    (zipped(("header.json", zipped(("header.json", LOG)))), "not JSON"),
    (zipped(("header.json", b"[" * 100_000)), "not JSON: nested too deep"),
    (zipped(("header.json", b"")), "not JSON"),
    (by_hand(BOMB, 100 << 20, 0), "header.json has 104,857,600 bytes"),
    (by_hand(BOMB, 1000, 0), "the zip is damaged"),
    (by_hand(FRAME_OF_2_GIB, 1000, 0), "the zip is damaged"),
    (by_hand(b"rubbish", 7, 0), "the zip is damaged"),
    (by_hand(zstd.compress(LOG), len(LOG), 1), "the zip is damaged"),
    (by_hand(zstd.compress(LOG)[:-9], len(LOG), zlib.crc32(LOG)), "the zip is damaged"),
    (by_hand(b"rubbish", 7, 0, method=8), "the zip is damaged"),
    (by_hand(LOG, len(LOG), zlib.crc32(LOG), method=0, flags=1), "header.json is encrypted"),
    (by_hand(LOG, len(LOG), zlib.crc32(LOG), method=0, position=1 << 31), "the zip is damaged"),
    (by_hand(LOG, len(LOG), zlib.crc32(LOG), method=0, position=0xFFFFFFFF), "the zip is damaged"),
])
def test_a_zip_that_is_no_log(raw: bytes, reason: str) -> None:
    assert refused(raw).startswith(reason)


def test_two_headers() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        raw = zipped(("header.json", LOG), ("header.json", LOG))
    assert refused(raw) == "header.json is twice in the zip"


@pytest.mark.parametrize("raw", [
    zipped(("header.json", LOG)), zipped(("header.json", LOG), method=zipfile.ZIP_STORED),
    by_hand(zstd.compress(LOG), len(LOG), zlib.crc32(LOG)),
    zipped(("x" * 60_000, b""), ("\u202e/../..", b""), ("header.json", LOG)),
])
def test_odd_names_and_other_methods_are_no_problem(raw: bytes) -> None:
    assert read_file(io.BytesIO(raw), "f") == LOG


def test_a_log_of_more_than_4_gib(tmp_path: Path) -> None:
    path = tmp_path / "long.eval"
    with open(path, "wb") as file:
        file.seek(5 << 30)  # a hole
        with zipfile.ZipFile(file, "w") as opened:
            opened.writestr("header.json", LOG)
        raw = path.stat().st_size
    with open(path, "r+b") as file:  # what begins the file is no zip
        file.write(b"PK\3\4")
        file.seek(0)
        assert raw > 5 << 30
        assert read_file(file, "f") == LOG


def test_many_members_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = b"PK\1\2" + struct.pack("<HHHHIIIIHHHHHII", 45, 45, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    directory = entry * 50_000
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, len(directory), 4, 0)
    raw = b"PK\3\4" + directory + end
    tracemalloc.start()
    assert refused(raw) == "a zip that is no .eval file"
    assert tracemalloc.get_traced_memory()[1] < 2 * len(raw)
    tracemalloc.stop()
    monkeypatch.setattr(eval_file, "_MAX_DIRECTORY", len(directory) - 1)
    assert refused(raw).startswith("the zip is damaged")


@given(st.data())
def test_a_damaged_log_is_read_or_refused(data: st.DataObject) -> None:
    raw = bytearray(REAL)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InvalidFormat):
        assert json.loads(read_file(io.BytesIO(bytes(raw)), "f"))


def test_what_is_missing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eval_file, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"an \.eval file needs the package backports-zstd") as caught:
        read_file(io.BytesIO(REAL), "f")
    assert caught.value.fix.startswith("pip install ")
    assert read_file(io.BytesIO(zipped(("header.json", LOG))), "f") == LOG


# XML.

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuite><testcase name="&b;"/></testsuite>"""
OUTSIDE = b"""<!DOCTYPE testsuite SYSTEM "http://127.0.0.1:9/x.dtd"><testsuite><testcase name="a"/></testsuite>"""
FILE = b"""<!DOCTYPE t [<!ENTITY e SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&e;"/></testsuite>"""
DOCTYPE = "the XML has a document type"


@pytest.mark.parametrize(("raw", "reason"), [
    (LAUGHS, DOCTYPE), (OUTSIDE, DOCTYPE), (FILE, DOCTYPE),
    (b"<testsuite><testcase name='&e;'/></testsuite>", "not XML: undefined entity"),
    (b"<testsuite>" * 40, "nested deeper than 32"),
    (b"<testsuite><testcase name='a'/>", "not XML: no element found"),
    (b"<testsuite><testcase name='\xff'/></testsuite>", "not XML: not well-formed"),
    (b"<?xml version='1.0' encoding='nonsense'?><testsuite/>", "not XML: unknown encoding"),
    (b"<?xml version='1.0' encoding='utf-7'?><testsuite/>", "not XML: "),
    (b"<html/>", "not JUnit XML: its root is 'html', expected 'testsuites'"),
    (b"<testsuites/>", "no test ran"),
    (b"<testsuite><testcase name='a'><skipped/></testcase></testsuite>", "no test ran"),
    (b"<testsuite><testcase name='a' status='notrun'/></testsuite>", "no test ran"),
    ("<testsuite/>".encode("utf-16"), "no test ran"),
])
def test_xml_that_is_no_junit(raw: bytes, reason: str) -> None:
    assert refused(raw).startswith(reason)


def test_many_failures_are_counted_and_some_are_named() -> None:
    cases = "".join(f"<testcase name='{'x' * 300}{n}'><failure/><error/></testcase>" for n in range(150))
    found = read_metrics(f"<testsuite>{cases}<testcase name='good'/></testsuite>".encode(), "f")
    assert (found.metrics[0].n, len(found.params["failed"])) == (151, 100)
    assert found.left_out == ("the names of 50 more tests that failed",)
    suites = "".join(f"<testsuite name='s{n}'><testcase name='a'/></testsuite>" for n in range(101))
    assert len(read_metrics(f"<testsuites>{suites}</testsuites>".encode(), "f").metrics) == 1


# JSON and YAML.


@pytest.mark.parametrize(("raw", "reason"), [
    (b'{"auc": NaN}', "auc is nan, expected a finite number"),
    (b'{"auc": 1e999}', "auc is inf, expected a finite number"),
    (b'{"auc": 1, "auc": 2}', "duplicate key 'auc'"),
    (LOG[: len(LOG) // 2], "not JSON: "),
    (b"[" * 100_000, "not JSON: nested too deep"),
    (b'{"a":' * 100_000, "not JSON: nested too deep"),
    (b"auc: .nan\n", "auc is '.nan', expected a number"),
    (b"auc: 1\nauc: 2\n", "line 2: duplicate key 'auc'"),
    (b"a: &a [1]\nb: *a\n", "line 1: anchors and aliases are not supported"),
    (b"a: !!python/object:os.system x\n", "line 1: tags are not supported"),
    (b"- dataset: {id: a/b}\n  value: [" + b"[" * 30, "line 2: nested deeper than 16"),
    (b"---\nlicense: mit\n---\n# A model without results\n", "no metrics found in an object with 'license'"),
    (b"---\nauc: 1\n---\nauc: 2\n", "auc"),
    (b"\xff\xfea\x00", "not JSON: "),
    (b"auc: \xff\n", "not UTF-8"),
    (b"", "not JSON: "),
    (b" " * MAX_BYTES, "not JSON: "),
    (b"# \n" * (MAX_BYTES // 3), "not JSON: "),
    (b"\n#" * 20_000 + b"auc", "not JSON: "),
    (b"a: [" + b"1, " * (1 << 20) + b"1]\n", "3145735 bytes, expected at most 1048576"),
])
def test_text_that_has_no_metrics(raw: bytes, reason: str) -> None:
    if reason == "auc":  # a card ends where its text begins
        assert [metric.value for metric in read_metrics(raw, "f").metrics] == [1]
    else:
        assert refused(raw).startswith(reason)


def test_duplicate_keys_among_many_are_found_at_once() -> None:
    raw = json.dumps({f"key {n}": n for n in range(200_000)})[:-1] + ', "key 199999": 1}'
    assert refused(raw.encode()) == "duplicate key 'key 199999'"


@pytest.mark.parametrize("begin", [b'{"auc": 1', b"<testsuite>", b"---\n"])
def test_of_a_huge_file_no_more_is_read_than_the_limit(tmp_path: Path, begin: bytes) -> None:
    path = tmp_path / "huge"
    path.write_bytes(begin)
    os.truncate(path, 10 << 30)
    with open(path, "rb") as file:
        raw = read_file(file, "f")
    assert len(raw) == MAX_BYTES + 1
    with pytest.raises(InvalidFormat, match="more than 16,777,216 bytes"):
        read_metrics(raw, "f")


def test_a_zip_needs_a_file_that_can_seek() -> None:
    reader, writer = os.pipe()
    os.write(writer, REAL[:1000])
    os.close(writer)
    with os.fdopen(reader, "rb") as file, pytest.raises(InvalidFormat, match="a zip in a pipe, expected a file"):
        read_file(file, "f")


@pytest.mark.parametrize("loaded", ["zstd", "expat", "metric_files", "eval_file"])
def test_without_a_file_no_reader_is_loaded(loaded: str) -> None:
    program = "import sys, mvc.ops.reports.record, mvc.api; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.split() if loaded in name] == []


def mutants(change: Callable[[bytes], bytes]) -> list[bytes]:
    """Return all real files, changed."""
    return [change(path.read_bytes()) for path in sorted(FILES.iterdir())]


@pytest.mark.parametrize("raw", mutants(lambda raw: raw[: len(raw) * 2 // 3]))
def test_a_file_that_is_cut_off_is_refused_or_whole_yaml(raw: bytes) -> None:
    try:
        found = read_metrics(read_file(io.BytesIO(raw), "f"), "f")
    except InvalidFormat:
        return
    assert raw.startswith((b"- ", b"---")), metric_files
    assert found.metrics


VALUES = st.sampled_from([None, True, -1, 2**70, 1e400, "", "much", "[a=b]@c", "\ud800", [], [1], {}, {"a": 1}])
"""What no program writes in most places."""


@given(st.data())
def test_a_file_with_a_strange_value_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(data.draw(st.sampled_from(JSON_FILES)))
    inner, path = document, []
    while inner and isinstance(inner, dict | list) and (not path or data.draw(st.booleans())):
        keys = [*inner] if isinstance(inner, dict) else [*range(len(inner))]
        path.append((inner, data.draw(st.sampled_from(keys))))
        inner = inner[path[-1][1]]
    owner, key = path[-1]
    owner[key] = data.draw(VALUES)
    with suppress(UsageError):
        found = read_metrics(json.dumps(document).encode(), "f", ["sums", "holdout"])
        assert all(metric.name for metric in found.metrics)
        emit(Report(2, Model("a" * 64), params=dict(found.params), datasets=DATA, metrics=[*found.metrics]))


JSON_FILES = [read_file(io.BytesIO(path.read_bytes()), "f") for path in sorted(FILES.glob("*.[je][sv]*"))]
DATA = [Dataset(name, "a" * 64) for name in ("sums", "holdout")]
