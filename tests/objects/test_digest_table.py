"""Tables of names and digests: what is added is found, in order, once."""

from __future__ import annotations

from itertools import count, islice

import pytest

from mvc.errors import InvalidName
from mvc.objects.digest import MAX_SIZE, Digest
from mvc.objects.digest_table import DigestTable, NameTable, as_table
from mvc.objects.hashing import hash_bytes

MANY = 1000
"""More than the first slots of a table, several times over."""
DIGESTS = [hash_bytes(b"%d" % number) for number in range(MANY)]
NAMES = [digest.blake3 for digest in DIGESTS]
ABSENT = hash_bytes(b"absent").blake3


def test_names_are_found_in_the_order_in_which_they_were_added() -> None:
    table = NameTable([*NAMES, *NAMES[::-1]])
    assert (len(table), list(table)) == (MANY, NAMES)
    assert [table.position(bytes.fromhex(name)) for name in NAMES] == list(range(MANY))
    assert all(name in table for name in NAMES)
    assert ABSENT not in table
    assert 7 not in table
    assert table.position(bytes.fromhex(ABSENT)) is None


def test_names_whose_hashes_lead_to_one_slot_are_told_apart() -> None:
    slot = hash(bytes.fromhex(ABSENT)) & 63
    keys = (number.to_bytes(32, "big") for number in count())
    same = list(islice((key for key in keys if hash(key) & 63 == slot), 8))
    table = NameTable(map(bytes.hex, same))
    assert list(table.keys()) == same
    assert ABSENT not in table


def test_the_number_of_new_names_is_told() -> None:
    table = NameTable(NAMES[:10])
    assert table.add_rows(bytes.fromhex(name) for name in NAMES[5:20]) == 10
    assert list(table) == NAMES[:20]


def test_digests_are_found_by_name_and_by_position() -> None:
    table = DigestTable(DIGESTS)
    assert list(table.digests()) == DIGESTS
    assert [table[name] for name in NAMES] == DIGESTS
    assert table.at(3) == DIGESTS[3]
    assert list(table.sizes()) == [digest.size for digest in DIGESTS]
    with pytest.raises(KeyError):
        table[ABSENT]


def test_the_first_of_two_digests_of_one_name_stays() -> None:
    first = Digest(ABSENT, "0" * 32, MAX_SIZE)
    table = DigestTable([first, Digest(ABSENT, "1" * 32, 0)])
    assert list(table.digests()) == [first]


@pytest.mark.parametrize("name", ["", "0" * 63, "0" * 65, "A" * 64, " " + "0" * 64, "0" * 62 + " 0"])
def test_what_is_no_name_is_refused(name: str) -> None:
    for fill in (lambda: NameTable([name]), lambda: DigestTable([Digest(name, "0" * 32, 0)])):
        with pytest.raises(InvalidName):
            fill()


def test_a_table_is_used_as_it_is() -> None:
    table = DigestTable(DIGESTS)
    assert as_table(table) is table
    assert list(as_table(iter(NAMES))) == NAMES
