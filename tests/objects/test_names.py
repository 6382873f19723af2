"""Refused names: a table, and a search for names that are missed."""

from __future__ import annotations

import unicodedata
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc.errors import InvalidName
from mvc.objects import names
from mvc.objects.names import check_path, check_paths

REFUSED = {
    "empty": "",
    "absolute": "/etc/passwd",
    "absolute twice": "//etc/passwd",
    "dot": ".",
    "dot dot": "..",
    "dot part": "a/./b",
    "dot dot part": "a/../b",
    "leads out": "../b",
    "ends in dot dot": "a/..",
    "empty part": "a//b",
    "ends in a slash": "a/",
    "NUL": "a\0b",
    "line break": "a\nb",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "escape": "a\x1b[31mb",
    "delete": "a\x7fb",
    "C1 control": "a\x9bb",
    "next line": "a\x85b",
    "backslash": "a\\b",
    "backslash way out": "..\\b",
    "not UTF-8": "a\udcffb",
    "lone surrogate": "a\ud800b",
    "git": ".git",
    "git folder": ".git/hooks/post-checkout",
    "git below": "a/.git/config",
    "git upper case": ".GIT/config",
    "git mixed case": "a/.GiT",
    "mvc": ".mvc/config.yaml",
    "mvc upper case": "a/.MVC",
    "git short name": "git~1",
    "git short name upper case": "a/GIT~1/config",
    "mvc short name": "MVC~1/config.yaml",
    "git and a dot": ".git./config",
    "git and a space": ".git /config",
    "git dots and spaces": ".git . ./config",
    "git stream": ".git:x/config",
    "git index stream": ".git::$INDEX_ALLOCATION/config",
    "git ignorable": ".g\u200cit/config",
    "git ignorable first": "\u200d.git/config",
    "git ignorable last": ".git\ufeff",
    "git bidi": ".gi\u202et/config",
    "git symmetric swapping": ".g\u206ait",
    "mvc ignorable": ".m\u200evc/config.yaml",
    "CON": "CON",
    "con with an extension": "con.txt",
    "con with two extensions": "a/con.tar.gz",
    "con, space, extension": "con .txt",
    "con stream": "con:x",
    "PRN below": "a/prn/b",
    "AUX": "Aux.h",
    "NUL device": "nul",
    "COM1": "com1",
    "COM0": "COM0.bin",
    "COM superscript": "com\u00b9",
    "LPT9": "lpt9.txt",
    "LPT superscript": "LPT\u00b3.txt",
    "CONIN$": "conin$",
    "CONOUT$": "CONOUT$.txt",
    "trailing dot": "model.",
    "trailing dots": "a/model...",
    "trailing space": "model ",
    "trailing dot of a folder": "a./b",
    "trailing space of a folder": "a /b",
    "only a space": " ",
    "a part of 256 bytes": "a" * 256,
    "a part of 129 two-byte letters": "\u00e9" * 128,
    "4,097 bytes": "a/" * 2048 + "b",
}

ACCEPTED = {
    "plain": "model.onnx",
    "deep": "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/model.bin",
    "space": "my model (final).onnx",
    "leading space": " model",
    "leading dash": "-rf",
    "leading dashes": "--help/-x",
    "hidden": ".hidden",
    "two dots inside": "a..b",
    "leading dots": "...a",
    "non-ASCII": "modèle/数据.bin",
    "decomposed": "mode\u0300le",
    "emoji": "\N{ROCKET}.bin",
    "like git": ".gitignore",
    "like git too": ".gitattributes",
    "git without its dot": "git",
    "git elsewhere": "x.git",
    "second short name": "git~2",
    "like mvc": ".mvcignore",
    "mvc without its dot": "mvc/store",
    "like a device": "console.log",
    "like a device too": "com10.txt",
    "device inside": "a.con",
    "device and a word": "con troller",
    "quotes": 'it\'s "here"',
    "shell": "$(rm -rf ~);&|<>*?",
    "pattern": "[a-z]*",
    "colon": "a:b",
    "tilde": "model~1",
    "comma and braces": "{a,b}",
    "hash": "#1",
    "exclamation": "!important",
    "percent": "100%",
    "line separator": "a\u2028b",
    "joiner, as scripts need it": "क\u200dष",
    "unassigned": "a\u0378",
    "255 bytes": "a" * 255,
    "4,096 bytes": "a/" * 2047 + "ab",
}

TWINS = {
    "case": ("Model.bin", "model.bin"),
    "case of a folder": ("A/model.bin", "a/model.bin"),
    "case beyond ASCII": ("É", "é"),
    "sharp s": ("straße", "STRASSE"),
    "composed and decomposed": ("\u00e9", "e\u0301"),
    "composed and decomposed, other case": ("\u00c9", "e\u0301"),
    "Kelvin sign": ("\u212a", "k"),
    "the same twice": ("a", "a"),
    "file and directory": ("a", "a/b"),
    "file and directory in another case": ("A", "a/b"),
    "file and directory further up": ("a/b", "a/B/c/d"),
}


@pytest.mark.parametrize("path", REFUSED.values(), ids=REFUSED)
def test_is_refused(path: str) -> None:
    with pytest.raises(InvalidName) as caught:
        check_path(path)
    assert caught.value.message.isprintable()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("path", REFUSED.values(), ids=REFUSED)
def test_is_refused_as_a_part_of_any_path_and_in_any_list(path: str) -> None:
    with pytest.raises(InvalidName):
        check_path(f"models/{path}")
    with pytest.raises(InvalidName):
        check_paths(lambda: ["good", f"models/{path}"])


@pytest.mark.parametrize("path", ACCEPTED.values(), ids=ACCEPTED)
def test_is_accepted_as_it_is(path: str) -> None:
    assert check_path(path) == path
    check_paths(lambda: [path])


@pytest.mark.parametrize("pair", TWINS.values(), ids=TWINS)
def test_two_names_for_one_file_are_refused_in_either_order(pair: tuple[str, str]) -> None:
    for paths in (pair, pair[::-1]):
        with pytest.raises(InvalidName):
            check_paths(partial(list, ["other", *paths]))


def test_names_that_only_resemble_each_other_are_accepted() -> None:
    check_paths(lambda: ["a", "ab", "a.b", "a b", "b/a", "b/ab", "aa/b"])


DEVICES = ["con", "prn", "aux", "nul", "com1", "lpt9", "conin$", "conout$"]
FRAGMENTS = [*DEVICES, ".git", "git~1", ".mvc", "mvc~1", "CON", "Git", "a", "Z", "0", "_", ".", "..", " ", "/", "\\"]
FRAGMENTS += ["~", ":", "\0", "\n", "\x7f", "-", "+", ",", "=", "@", "(", "]", "{", "#", "%", "&", "'", "!", "é"]
FRAGMENTS += ["\u200c", "\u0130", "\ud800", "x" * 98, "x" * 254]

paths = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=3)), max_size=6).map("".join)


@given(paths)
@settings(deadline=None, max_examples=200)
def test_the_quick_look_never_accepts_what_the_close_look_refuses(path: str) -> None:
    if names._PLAIN.fullmatch(path) is not None and len(path) <= names.MAX_PART:
        assert names._objection(path) == ""


@given(paths)
@settings(deadline=None, max_examples=200)
def test_whatever_is_accepted_is_harmless(path: str) -> None:
    try:
        check_path(path)
    except InvalidName:
        return
    parts = path.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert not {".git", ".mvc", "git~1"} & {part.casefold() for part in parts}
    assert not any(char < " " or char in "\x7f\\" for char in path)
    assert not {part.lower().partition(".")[0] for part in parts} & set(DEVICES)
    assert path.encode().decode() == path


@given(st.text(min_size=1, max_size=8))
@settings(deadline=None, max_examples=200)
def test_every_spelling_of_a_name_is_its_twin(name: str) -> None:
    spellings = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    for twin in (*spellings, unicodedata.normalize("NFC", name.casefold())):
        if twin == name:
            continue
        with pytest.raises(InvalidName):
            check_paths(partial(list, [name, twin]))
