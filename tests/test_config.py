"""Settings: precedence, what a committed file cannot set, and edits that leave the rest unchanged."""

from __future__ import annotations

import itertools
import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc import config
from mvc.config import KEYS, Layer, Origin, Setting, edit, environment_layer, file_layer, merge
from mvc.errors import InvalidFormat, UsageError

FROM_WEAKEST: list[Origin] = ["user", "project", "local", "environment", "flag"]
VALUES: dict[Origin, str] = {
    "user": "copy",
    "project": "hardlink",
    "local": "symlink",
    "environment": "reflink",
    "flag": "copy,symlink",
}


def read(text: str | bytes) -> dict[str, str]:
    """Return the settings in a local config with this text."""
    raw = text.encode() if isinstance(text, str) else text
    return dict(file_layer("local", raw, "config.yaml").values)


# Precedence.


@pytest.mark.parametrize(
    "present",
    [set(some) for n in range(6) for some in itertools.combinations(FROM_WEAKEST, n)],
    ids=lambda some: "+".join(sorted(some)) or "none",
)
def test_the_strongest_source_that_is_there_wins(present: set[Origin]) -> None:
    layers = [Layer(origin, {"cache.link": VALUES[origin]}) for origin in FROM_WEAKEST if origin in present]
    won = next((origin for origin in reversed(FROM_WEAKEST) if origin in present), None)
    expected = Setting(VALUES[won], won) if won else Setting("reflink,copy", "default")
    assert merge(layers).values["cache.link"] == expected


def test_keys_are_decided_one_by_one() -> None:
    found = merge([Layer("user", {"cache.dir": "/user"}), Layer("local", {"cache.link": "copy"})])
    assert found.values["cache.dir"] == Setting("/user", "user")
    assert found.values["cache.link"] == Setting("copy", "local")


def test_without_any_source_every_key_has_its_default() -> None:
    found = merge([])
    assert {name: setting.value for name, setting in found.values.items()} == {
        name: key.default for name, key in KEYS.items()
    }
    assert found.warnings == ()


def test_every_default_is_allowed() -> None:
    for name, key in KEYS.items():
        assert config.check_value(name, key.default) is key


# Committed settings.


def test_a_committed_cache_directory_is_ignored_with_a_warning() -> None:
    found = merge(
        [Layer("user", {"cache.dir": "/mine"}), Layer("project", {"cache.dir": "/theirs", "cache.link": "copy"})]
    )
    assert found.values["cache.dir"] == Setting("/mine", "user")
    assert found.values["cache.link"] == Setting("copy", "project")
    assert found.warnings == ("ignored cache.dir in .mvc/config.yaml: a committed config cannot set it",)


@pytest.mark.parametrize("origin", ["user", "local", "environment", "flag"])
def test_a_cache_directory_of_the_user_s_own_counts(origin: Origin) -> None:
    found = merge([Layer("project", {"cache.dir": "/theirs"}), Layer(origin, {"cache.dir": "/mine"})])
    assert found.values["cache.dir"] == Setting("/mine", origin)


def test_a_committed_cache_directory_is_not_even_looked_at() -> None:
    assert len(merge([Layer("project", {"cache.dir": "relative\x1b"})]).warnings) == 1


# Values.


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("cache.link", "", "invalid value ''"),
        ("cache.link", "magic", "invalid value 'magic': expected one of reflink, copy, hardlink, symlink"),
        ("cache.link", "copy,", "invalid value ''"),
        ("cache.link", "copy, reflink", "invalid value ' reflink'"),
        ("cache.link", "COPY", "invalid value 'COPY'"),
        ("cache.dir", "relative", "expected an absolute path"),
        ("cache.dir", "~/cache", "expected an absolute path"),
        ("cache.size", "1", "unknown setting 'cache.size'"),
        ("", "1", "unknown setting ''"),
    ],
)
def test_a_value_that_counts_must_be_allowed(name: str, value: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        config.check_value(name, value)
    assert caught.value.fix.startswith("mvc config ")
    if name in KEYS:
        with pytest.raises(UsageError, match=said):
            merge([Layer("local", {name: value})])


def test_variables_of_the_environment() -> None:
    found = environment_layer({"MVC_CACHE_DIR": "/x", "MVC_CACHE_LINK": "copy", "MVC_OTHER": "1", "CACHE_DIR": "/y"})
    assert found == Layer("environment", {"cache.dir": "/x", "cache.link": "copy"})
    assert environment_layer({}).values == {}


# Files.


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"",
        b"mvc-config: 1\n",
        b"# comment\n\nmvc-config: 1\n  # more\n",
        b"mvc-config: 1",
        b"\r\nmvc-config: 1\r\n",
    ],
)
def test_a_file_that_says_nothing_sets_nothing(raw: bytes | None) -> None:
    assert file_layer("local", raw, "config.yaml") == Layer("local", {})


def test_a_file_s_sections_become_keys() -> None:
    assert read('mvc-config: 1\ncache:\n  dir: "/x"\n  link: copy\n') == {"cache.dir": "/x", "cache.link": "copy"}
    assert read("{cache: {link: copy}}") == {"cache.link": "copy"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mvc-config: 2\n", "format 2, this mvc reads format 1: upgrade mvc"),
        ("mvc-config: x\n", "upgrade mvc"),
        ("- cache\n", "expected keys and values"),
        ("text\n", "expected keys and values"),
        ("cache:\n", "cache: expected keys and values"),
        ("cache: {size: big}\n", r"cache\.size: unknown setting"),
        ("cache: {dir: 5}\n", r"cache\.dir: unknown setting, or not a string"),
        ("cache: {dir: [a]}\n", "not a string"),
        ("other: {dir: /x}\n", r"other\.dir: unknown setting"),
        ("cache: {dir: /x, dir: /y}\n", "duplicate key"),
        ("cache: &a {dir: /x}\n", "anchors"),
        ("cache: !!python/name:os.system {}\n", "tags"),
        ("cache: [\n", "not YAML"),
        ("x" * (config.MAX_BYTES + 1), "at most"),
    ],
)
def test_a_file_that_is_no_config_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidFormat, match=said) as caught:
        read(text)
    assert caught.value.message.startswith("config.yaml: ")
    assert "\n" not in caught.value.message


def test_a_file_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidFormat, match="not UTF-8"):
        read(b"cache: {dir: /\xff}\n")


# Edits.

COMMENTED = """\
# before
mvc-config: 1

# about the cache
cache:  # here
  # about links
  link: "copy"  # why
  dir: "/x"
# after
"""


def test_an_edit_changes_its_line_only_and_keeps_comments() -> None:
    assert edit(COMMENTED, "cache.link", "hardlink") == COMMENTED.replace('"copy"', '"hardlink"')
    assert edit(COMMENTED, "cache.dir", "/y") == COMMENTED.replace("/x", "/y")


def test_taking_a_key_out_takes_its_line_only() -> None:
    assert edit(COMMENTED, "cache.dir", None) == COMMENTED.replace('  dir: "/x"\n', "")


def test_taking_the_last_key_out_takes_its_section_and_keeps_comments() -> None:
    text = edit(edit(COMMENTED, "cache.dir", None), "cache.link", None)
    assert read(text) == {}
    assert [line for line in text.splitlines() if line.lstrip().startswith("#")] == [
        "# before",
        "# about the cache",
        "  # about links",
        "# after",
    ]


def test_taking_out_what_is_not_there_changes_nothing() -> None:
    for text in (COMMENTED.replace('  dir: "/x"\n', ""), "mvc-config: 1\n"):
        assert edit(text, "cache.dir", None) == text


@pytest.mark.parametrize("text", ["", "mvc-config: 1\n", "# only a comment\n", "mvc-config: 1\n# cache:\n#   dir: x\n"])
def test_a_first_key_makes_its_section(text: str) -> None:
    found = edit(text, "cache.dir", "/x")
    assert found.endswith('cache:\n  dir: "/x"\n')
    assert found.startswith(text or "mvc-config: 1\n")
    assert read(found) == {"cache.dir": "/x"}


@pytest.mark.parametrize("row", ["link: copy", "link: 'copy'", 'link:  "copy"', "link: copy  "])
@pytest.mark.parametrize("comment", ["", " # why", "  #", " # 'quoted' \"twice\""])
def test_a_value_is_replaced_however_it_was_written(row: str, comment: str) -> None:
    found = edit(f"cache:\n    {row}{comment}\n", "cache.link", "hardlink")
    assert read(found) == {"cache.link": "hardlink"}
    assert found.rstrip("\n").endswith(comment.strip())


@pytest.mark.parametrize(
    "text",
    [
        "cache: {link: copy}\n",
        "{cache: {link: copy}}\n",
        '"cache":\n  link: copy\n',
        "cache:\n  link: >\n    copy\n",
        "rubbish: [",
    ],
)
def test_a_layout_that_cannot_be_edited_is_refused_rather_than_broken(text: str) -> None:
    with pytest.raises(InvalidFormat):
        edit(text, "cache.link", "hardlink")


absolute = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda text: "/" + text)
texts = st.sampled_from(
    ["", COMMENTED, "mvc-config: 1\n", 'cache:\n  dir: "/old"\n', "cache:\n  link: copy\n", "# é\n"]
)


@given(texts, absolute)
@settings(deadline=None, max_examples=200)
def test_what_was_set_is_read_and_the_rest_stays(text: str, value: str) -> None:
    before = read(text)
    found = edit(text, "cache.dir", value)
    assert read(found) == {**before, "cache.dir": value}
    assert yaml.safe_load(found)["cache"]["dir"] == value
    comments = [line for line in text.split("\n") if line.lstrip().startswith("#")]
    assert [line for line in found.split("\n") if line.lstrip().startswith("#")] == comments
    assert edit(found, "cache.dir", value) == found
    assert read(edit(found, "cache.dir", None)) == {name: old for name, old in before.items() if name != "cache.dir"}


@given(st.text(st.sampled_from("cahe:dirlnk \n#\"'{}[]/-"), max_size=40), absolute)
@settings(deadline=None, max_examples=150)
def test_an_edit_of_any_text_works_or_is_refused(text: str, value: str) -> None:
    try:
        found = edit(text, "cache.dir", value)
    except InvalidFormat:
        return
    assert read(found)["cache.dir"] == value


def test_the_schema_lists_every_key() -> None:
    schema = json.loads(json.dumps(config.json_schema()))
    properties = schema["properties"]
    for name, key in KEYS.items():
        section, _, rest = name.partition(".")
        assert properties[section]["properties"][rest]["description"] == key.meaning
