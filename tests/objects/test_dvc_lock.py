"""A plain `dvc.lock` is read stage by stage, and says the same as when it is read at once."""

from __future__ import annotations

import pytest

from mvc.errors import InvalidFormat
from mvc.objects.dvc import outs

START = "schema: '2.0'\nstages:\n"


def stage(name: str, seed: int = 0, path: str = "m.bin") -> str:
    return (
        f"  {name}:\n    cmd: train {seed}\n    outs:\n"
        f"    - path: {path}\n      hash: md5\n      md5: a{seed:031x}\n      size: 1\n"
    )


LOCKS = {
    "plain": START + stage("a") + stage("b", 1, "n.bin"),
    "quoted names": START + stage("'a@1'") + stage('"b: c"', 1),
    "none": START,
    "twice": START + stage("a") + stage("a", 1),
    "text over several lines": START + '  a:\n    cmd: "x\n      y"\n' + stage("b"),
    "text that holds a stage": START + '  a:\n    cmd: "x\n' + stage("b") + '    c: "\n' + stage("c"),
    "text that ends in a stage": START + "  a: 'x\n" + stage("b") + "  c': 1\n",
    "block": START + "  a: |\n" + stage("b"),
    "block in a stage": START + "  a:\n    cmd: |-\n      x\n      y\n" + stage("b"),
    "brackets around stages": START + "  a: [x,\n" + stage("b") + "  c: d]\n",
    "anchors": START + "  a: &x\n    cmd: y\n  b: *x\n",
    "key of a question": START + "  ? a\n  : b\n",
    "list": START + "  - a\n  - b\n",
    "comment": START + "  # a comment\n" + stage("a"),
    "comment after": START + stage("a") + "# the end\n",
    "another document": START + stage("a") + "---\n" + START,
    "carriage returns": (START + stage("a") + stage("b")).replace("\n", "\r\n"),
    "a carriage return": START + stage("a").rstrip("\n") + "\r" + stage("b"),
    "no end of line": START + stage("a").rstrip("\n"),
    "deeper": START + stage("a").replace("\n", "\n ").rstrip(" "),
    "numbers as names": START + stage("1") + stage("b"),
    "merge key": START + stage("<<"),
    "not ASCII": START + stage("ä"),
    "more keys": "schema: '2.0'\nmeta: 1\nstages:\n" + stage("a"),
    "old": stage("a").replace("\n  ", "\n")[2:],
}


def test_a_plain_lock_is_read_stage_by_stage() -> None:
    assert [*outs._known_stages(LOCKS["plain"].encode())] == ["a", "b"]


@pytest.mark.parametrize("name", LOCKS)
def test_stages_are_those_of_the_whole(name: str) -> None:
    raw = LOCKS[name].encode()
    try:
        expected = outs._all_stages("dvc.lock", raw)
    except InvalidFormat:
        assert not outs._known_stages(raw)
    else:
        assert outs._known_stages(raw) in ({}, expected)


def test_a_version_costs_the_stages_that_it_changes() -> None:
    def versions(count: int) -> int:
        before = outs._stage_in.cache_info().misses
        for number in range(count):
            lock = START + "".join(stage(f"s{at}", 7 + (number if at == number % 50 else 0)) for at in range(50))
            assert len(outs.read_lock("dvc.lock", lock.encode(), outs.Pipeline())) == 50
        return outs._stage_in.cache_info().misses - before

    assert versions(100) <= 50 + 100
