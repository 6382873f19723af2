"""Untrusted YAML: plain, shallow data of limited size, or an error of one line."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from mvc.errors import InvalidFormat
from mvc.objects.parsing import strict_yaml
from mvc.objects.parsing.conversion import convert
from mvc.objects.parsing.strict_yaml import MAX_DEPTH, load

LIMIT = 1 << 20


def read(text: str | bytes) -> object:
    """Return the data in a file with this text."""
    return load(text.encode() if isinstance(text, str) else text, what="x.yaml", max_bytes=LIMIT)


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

REFUSED = {
    "aliases that double": (BOMB, "line 1: anchors and aliases"),
    "anchor": ("a: &x 1", "anchors and aliases"),
    "anchor of a mapping": ("a: &x {b: 1}", "anchors and aliases"),
    "alias": ("a: 1\nb: *x", "line 2: anchors and aliases"),
    "alias of itself": ("&a [*a]", "anchors and aliases"),
    "tag": ("a: !!str 1", "line 1: tags"),
    "tag that runs code": ("!!python/object/apply:os.system [echo]", "tags"),
    "tag of a mapping": ("a: !!omap {}", "tags"),
    "tag directive": ("%TAG ! tag:x,2000:\n--- !y a", "tags"),
    "merge key": ("<<: {a: 1}", "merge keys"),
    "merge key further down": ("a:\n  - {<<: {b: 1}}", "line 2: merge keys"),
    "quoted merge key": ('"<<": {a: 1}', "merge keys"),
    "duplicate key": ("a: 1\nb: 2\na: 3", "line 3: duplicate key 'a'"),
    "duplicate key in a flow": ("x: {a: 1, a: 1}", "duplicate key 'a'"),
    "duplicate key, quoted": ('a: 1\n"a": 2', "duplicate key 'a'"),
    "duplicate key, in a list": ("- {a: 1}\n- {b: 1, b: 2}", "line 2: duplicate key 'b'"),
    "key that is a list": ("? [a]\n: 1", "a key is not a string"),
    "key that is a mapping": ("{{a: 1}: 2}", "a key is not a string"),
    "two documents": ("a: 1\n---\nb: 2", "line 2: more than one document"),
    "5,000 digits": ("size: " + "9" * 5000, "integer with more than 19 digits"),
    "20 digits": ("size: " + "1" * 20, "integer with more than 19 digits"),
    "20 digits below zero": ("size: -" + "1" * 20, "integer with more than 19 digits"),
    "20 zeros": ("size: " + "0" * 20, "integer with more than 19 digits"),
    "float beyond all bounds": ("a: 1e999", "the number is too large"),
    "float beyond all bounds, below zero": ("a: [-1.5e400]", "the number is too large"),
    "100,000 open brackets": ("[" * 100_000, "nested deeper than 8"),
    "100,000 nested lists": ("[" * 100_000 + "]" * 100_000, "nested deeper than 8"),
    "100,000 open braces": ("{a: " * 100_000, "nested deeper than 8"),
    "100,000 dashes": ("- " * 100_000, "nested deeper than 8"),
    "100,000 question marks": ("? " * 100_000, "a key is not a string"),
    "not UTF-8": (b"a: \xff", "not UTF-8"),
    "UTF-16": ("a: 1".encode("utf-16"), "not UTF-8"),
    "overlong": (b"a: \xc0\xae", "not UTF-8"),
    "encoded surrogate": (b"a: \xed\xa0\x80", "not UTF-8"),
    "NUL": ("a: \0", "not YAML"),
    "escape character": ("a: \x1b[31m", "not YAML"),
    "open quote": ('a: "b', "not YAML: line"),
    "tab as indentation": ("a:\n\tb: 1", "not YAML: line 2"),
    "stray bracket": ("a: ]", "not YAML: line 1"),
    "surrogate in an escape": ('a: "\\uD800"', "not YAML"),
}

VALUES = {
    "1e-05 is a float": ("1e-05", 1e-05),
    "1E5 is a float": ("1E5", 1e5),
    "1.5": ("1.5", 1.5),
    "negative float": ("-0.25", -0.25),
    "float that starts with its dot": (".5", 0.5),
    "integer": ("42", 42),
    "negative integer": ("-42", -42),
    "zero": ("0", 0),
    "19 digits": ("9" * 19, int("9" * 19)),
    "no stays a string": ("no", "no"),
    "yes stays a string": ("Yes", "Yes"),
    "on stays a string": ("on", "on"),
    "off stays a string": ("OFF", "OFF"),
    "y stays a string": ("y", "y"),
    "n stays a string": ("n", "n"),
    "True stays a string": ("True", "True"),
    "NULL stays a string": ("NULL", "NULL"),
    "true": ("true", True),
    "false": ("false", False),
    "null": ("null", None),
    "tilde": ("~", None),
    "nothing": ("", None),
    "sexagesimal stays a string": ("1:30", "1:30"),
    "sexagesimal float stays a string": ("1:30.5", "1:30.5"),
    "date stays a string": ("2026-11-21", "2026-11-21"),
    "time stays a string": ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
    "hexadecimal stays a string": ("0x10", "0x10"),
    "binary stays a string": ("0b1", "0b1"),
    "underscores stay a string": ("1_000", "1_000"),
    "infinity stays a string": (".inf", ".inf"),
    "not a number stays a string": (".nan", ".nan"),
    "version stays a string": ("1.2.0", "1.2.0"),
    "quoted number": ('"1"', "1"),
    "quoted null": ("'null'", "null"),
    "5,000 quoted digits": ('"' + "9" * 5000 + '"', "9" * 5000),
    "equals sign": ("=", "="),
    "non-ASCII": ("数据", "数据"),
    "beyond the BMP": ("\N{ROCKET}", "\N{ROCKET}"),
    "escaped line break": ('"a\\nb"', "a\nb"),
    "list": ("[1, b]", [1, "b"]),
    "mapping": ("{b: 1}", {"b": 1}),
    "equal keys in different mappings": ("[{b: 1}, {b: 2}]", [{"b": 1}, {"b": 2}]),
    "equal key and value": ("{b: b, c: b}", {"b": "b", "c": "b"}),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_is_refused_in_one_line_that_names_the_file(text: str | bytes, message: str) -> None:
    with pytest.raises(InvalidFormat) as caught:
        read(text)
    assert caught.value.message.startswith("x.yaml: ")
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES)
def test_is_read_as(text: str, value: object) -> None:
    found = read(f"a: {text}\n")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)  # type: ignore[index]


def test_the_size_cap_counts_bytes_and_is_exact() -> None:
    raw = "é: 1".encode()
    assert load(raw, what="x", max_bytes=len(raw)) == {"é": 1}
    with pytest.raises(InvalidFormat, match="5 bytes, expected at most 4"):
        load(raw, what="x", max_bytes=len(raw) - 1)


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_the_depth_limit_is_exact(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    read(opening * MAX_DEPTH + closing * MAX_DEPTH)
    with pytest.raises(InvalidFormat, match="nested deeper"):
        read(opening * (MAX_DEPTH + 1) + closing * (MAX_DEPTH + 1))


def test_nothing_at_all_is_null() -> None:
    assert read("") is None
    assert read("# only a comment\n") is None


class Model(Struct, forbid_unknown_fields=True):
    """A typed document."""

    tag: str
    size: int = 0


def decode_model(text: str) -> Model:
    """Return `text` as a `Model`."""
    return convert(load(text.encode(), what="m.yaml", max_bytes=LIMIT), Model, what="m.yaml")


def test_decoding_gives_a_typed_value() -> None:
    assert decode_model('tag: "1.10"\nsize: 3') == Model("1.10", 3)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("tag: 1.10", id="number for a string"),
        pytest.param("tag: no\nsize: no", id="string for a number"),
        pytest.param("tag: a\nsize: true", id="boolean for a number"),
        pytest.param("tag: a\nsize: 1.5", id="float for an integer"),
        pytest.param("tag: ~", id="null"),
        pytest.param("tag: [a]", id="list"),
        pytest.param("tag: a\nsise: 1", id="unknown key"),
        pytest.param("size: 1", id="missing key"),
        pytest.param("tag: a\n1: 2", id="key that is a number"),
        pytest.param("[tag, a]", id="not a mapping"),
        pytest.param("", id="nothing"),
    ],
)
def test_decoding_refuses_what_is_not_of_the_type(text: str) -> None:
    with pytest.raises(InvalidFormat, match=r"^m\.yaml: "):
        decode_model(text)


scalars = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
plain = st.recursive(
    scalars | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=10,
)


def depth(value: object) -> int:
    """Return how deep `value` is nested."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


class Dumper(yaml.SafeDumper):
    """Writes every string in double quotes, and shares nothing."""

    def ignore_aliases(self, data: object) -> bool:
        """Write equal values twice."""
        return True


Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@given(plain.filter(lambda value: depth(value) <= MAX_DEPTH))
@settings(deadline=None, max_examples=150)
def test_plain_data_that_pyyaml_wrote_comes_back(value: object) -> None:
    assert read(yaml.dump(value, Dumper=Dumper, allow_unicode=True)) == value


@given(st.text(st.sampled_from("ab[]{},:-?&*!|>'\"%#~ \n\t<0123456789.e+\\x"), max_size=60) | st.binary(max_size=40))
@settings(deadline=None, max_examples=200)
def test_nothing_but_invalid_format_and_plain_data_comes_out(text: str | bytes) -> None:
    try:
        value = read(text)
    except InvalidFormat:
        return
    assert depth(value) <= MAX_DEPTH
    check_plain(value)


def check_plain(value: object) -> None:
    """Make sure that `value` is plain data with finite numbers."""
    if isinstance(value, dict):
        for key, inner in value.items():
            check_plain(key)
            check_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            check_plain(inner)
    else:
        assert value is None or type(value) in (str, int, float, bool)
        assert not isinstance(value, float) or math.isfinite(value)


def test_the_loader_leaves_pyyaml_itself_as_it_was() -> None:
    assert strict_yaml._Loader.yaml_implicit_resolvers is not yaml.SafeLoader.yaml_implicit_resolvers
    assert yaml.safe_load("a: no\nb: 2026-11-21\nc: .inf")["a"] is False
    assert math.isinf(yaml.safe_load("c: .inf")["c"])
