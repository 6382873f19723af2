"""Remotes in the settings: where they may be, who may say what, and edits of the nested keys."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc import config
from mvc.config import OPTIONS, Layer, edit, file_layer, merge
from mvc.errors import InvalidFormat, UsageError
from mvc.objects.pointer import REMOTE
from mvc.store.buckets.address import Location, RemoteSettings, default_name, hidden, instead, parse, unknown_remote
from mvc.store.buckets.open import open_bucket

SECRET = "hunter2/qux7+zap9=vim4@wox3"
TOKEN = "hunter2"


def read(text: str) -> dict[str, str]:
    """Return what a local config with this text sets."""
    return dict(file_layer("local", text.encode(), "config.yaml").values)


# Where.


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("/srv/models", Location("file", "/srv/models")),
        ("//srv//models/", Location("file", "/srv/models")),
        ("/srv/x/../models/.", Location("file", "/srv/models")),
        ("file:///srv/models/", Location("file", "/srv/models")),
        ("FILE:///srv", Location("file", "/srv")),
        ("../store", Location("file", "../store")),
        ("../../a/../store/", Location("file", "../../store")),
        ("/srv/50% off, really #1", Location("file", "/srv/50% off, really #1")),
        ("s3://models", Location("s3", "models")),
        ("S3://models//team-a/", Location("s3", "models/team-a")),
        ("s3://models/a b/ü", Location("s3", "models/a b/ü")),
        ("gs://models/x", Location("gs", "models/x")),
        ("az://container/x", Location("az", "container/x")),
        ("abfs://box@account.dfs.core.windows.net/x", Location("abfs", "box@account.dfs.core.windows.net/x")),
        ("ssh://ada@host.example:2222/srv/models", Location("ssh", "ada@host.example:2222/srv/models")),
        ("https://example.com:8443/models", Location("https", "example.com:8443/models")),
        ("https://[2001:db8::1]:8443/models", Location("https", "[2001:db8::1]:8443/models")),
        ("/srv/nas@home/models", Location("file", "/srv/nas@home/models")),
        ("file:///srv/ada:x@home", Location("file", "/srv/ada:x@home")),
        ("../nas@home:2", Location("file", "../nas@home:2")),
        ("s3://models/ada@example.com/llm", Location("s3", "models/ada@example.com/llm")),
        ("s3://models/ada:x@example.com", Location("s3", "models/ada:x@example.com")),
        ("gs://models/ada@example.com", Location("gs", "models/ada@example.com")),
        ("az://container/ada@example.com", Location("az", "container/ada@example.com")),
        ("abfs://box@account.dfs.core.windows.net/a:b@c", Location("abfs", "box@account.dfs.core.windows.net/a:b@c")),
        ("ssh://ada@host.example:2222/srv/a:b@c", Location("ssh", "ada@host.example:2222/srv/a:b@c")),
        ("ssh://host.example/srv/a:b@c", Location("ssh", "host.example/srv/a:b@c")),
        ("https://example.com/@scope/team-a", Location("https", "example.com/@scope/team-a")),
        ("https://example.com:8443/x:y@z", Location("https", "example.com:8443/x:y@z")),
        ("https://[2001:db8::1]/x@z", Location("https", "[2001:db8::1]/x@z")),
    ],
)
def test_a_place_has_one_spelling(text: str, location: Location) -> None:
    found = parse(text)
    assert found == location
    assert parse(found.url) == found
    assert hidden(found.url) == found.url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a directory or URL"),
        ("/srv/\x1b[2J", "is not a directory or URL"),
        ("/srv\n/x", "is not a directory or URL"),
        ("models", "inside the worktree"),
        (".", "inside the worktree"),
        ("~/models", "write the full path of the directory"),
        ("~ada/models", "write the full path of the directory"),
        ("s3:/models", "is not a URL"),
        ("host:models", "is not a URL"),
        ("file://host/models", "another host"),
        ("file://models", "another host"),
        ("s3://", "invalid bucket or host"),
        ("s3:///models", "invalid bucket or host"),
        ("s3://m", "invalid bucket or host"),
        ("s3://-x-/y", "invalid bucket or host"),
        ("s3://models/../x", "its path contains '.' or '..'"),
        ("ssh://-oProxyCommand=x/y", "invalid bucket or host"),
        ("simplecache::s3://models", "chained"),
        ("s3://models/x::http://elsewhere", "chained"),
        ("memory://models", "memory:// is not supported: expected a directory, or a URL with s3://, gs://, az://"),
        ("local:///srv", "local:// is not supported"),
        ("reference://models", "reference:// is not supported"),
        ("WebDAV+x://host/models", "webdav+x:// is not supported"),
        ("ftp://ada:lovelace@host/x", "ftp:// is not supported: expected a directory"),
    ],
)
def test_what_is_no_place_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        parse(text)
    assert "\n" not in caught.value.message
    assert caught.value.fix


@pytest.mark.parametrize(
    "text",
    [
        f"s3://AKIA:{SECRET}@models/team-a",
        f"s3://{TOKEN}@models",
        f"s3://{TOKEN}@models/ada@example.com",
        f"s3://AKIA:{SECRET}@models/ada@example.com",
        f"s3://AKIA:123/{SECRET}@models",
        f"https://{TOKEN}@example.com/@scope/x",
        f"HTTPS://ada:{TOKEN}@example.com/@scope/x",
        f"https://ada:{SECRET}@[2001:db8::1]/x",
        f"ada:{SECRET}@host:models",
        f"s3://models/team-a?secret={SECRET}",
        f"s3://models/team-a#{SECRET}",
        f"https://ada:{SECRET}@example.com/x",
        f"https://example.com/x?token={SECRET}",
        f"ssh://ada:{SECRET}@host/x",
        f"az://container/x?sig={SECRET}",
        f"gs://{TOKEN}@models",
        f"simplecache::s3://AKIA:{SECRET}@models",
        f"s3:AKIA:{SECRET}@models",
        f"s3://AKIA:{SECRET}@models\x07",
    ],
)
def test_a_secret_in_a_url_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    told = caught.value.message + caught.value.fix
    shown = hidden(text) + instead("add", "prod", text)
    assert not any(part in told + shown for part in re.split(r"\W", SECRET)), told + shown


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("s3://AKIA:s3cret@models/x", "s3://models/x"),
        ("s3://AKIA:s3/cret@models/x", "s3://models/x"),
        ("https://token@example.com/@scope/x", "https://example.com/@scope/x"),
        ("s3://AKIA:s3cret@models/ada@example.com", ""),
        ("s3://models/ada@example.com", ""),
        ("/srv/nas@home", ""),
    ],
)
def test_the_line_without_the_secret_names_the_same_place_or_there_is_none(text: str, address: str) -> None:
    line = instead("add", "prod", text)
    assert (line.split(" && ")[0] == f"mvc remote add prod {address}") if address else not line


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_place_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except UsageError:
        return
    assert parse(found.url) == found
    assert found.protocol != "file" or found.path.startswith(("/", ".."))


def test_settings_show_no_secret() -> None:
    assert SECRET not in repr(RemoteSettings("prod", "s3://models", {"secret_access_key": SECRET}))


def test_which_remote_is_meant_when_none_is_named() -> None:
    assert default_name(["only"], "") == "only"
    assert default_name(["a", "b"], "b") == "b"
    with pytest.raises(UsageError, match="no remote is configured") as caught:
        default_name([], "")
    assert caught.value.fix == "mvc remote add NAME URL"
    with pytest.raises(UsageError, match="several remotes and no default: a, b") as caught:
        default_name(["a", "b"], "")
    assert caught.value.fix == "mvc remote default a"


def test_an_unknown_remote_is_told_with_those_like_it() -> None:
    assert unknown_remote("prdo", ["prod", "nas"]).message == "no remote is called 'prdo'; did you mean prod?"
    assert unknown_remote("x", ["prod", "nas"]).message == "no remote is called 'x'; there are: prod, nas"
    assert unknown_remote("x", []).fix == "mvc remote add NAME URL"


# Who may say what.


def test_layers_add_up_option_by_option() -> None:
    found = merge([
        Layer("user", {"remotes.prod.region": "us-east-1", "remotes.mine.url": "/mine"}),
        Layer("project", {"remotes.default": "prod", "remotes.prod.url": "s3://models"}),
        Layer("local", {"remotes.prod.region": "eu-central-1", "remotes.prod.access_key_id": "AKIA"}),
    ])
    assert list(found.remotes()) == ["mine", "prod"]
    assert {name: tuple(setting) for name, setting in found.remotes()["prod"].items()} == {
        "region": ("eu-central-1", "local"),
        "url": ("s3://models", "project"),
        "access_key_id": ("AKIA", "local"),
    }
    assert found.value("remotes.default") == "prod"


PRIVATE = [name for name, key in OPTIONS.items() if not key.committed]


def test_what_a_committed_config_cannot_set() -> None:
    assert PRIVATE == ["profile", "ca_bundle", "access_key_id", "secret_access_key", "session_token"]
    assert [name for name, key in OPTIONS.items() if key.secret] == PRIVATE[2:]


@pytest.mark.parametrize("option", PRIVATE)
def test_such_a_key_is_ignored_with_a_warning_that_does_not_repeat_it(option: str) -> None:
    name = f"remotes.prod.{option}"
    found = merge([Layer("local", {name: "/mine"}), Layer("project", {name: SECRET})])
    assert found.values[name].value == "/mine"
    assert found.ignored == (name,)
    assert found.warnings == (f"ignored {name} in .mvc/config.yaml: a committed config cannot set it",)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("remotes.default", "a/b", "invalid remote name"),
        ("remotes.default", "default", "invalid remote name"),
        ("remotes.prod.url", "", "one line"),
        ("remotes.prod.anon", "yes", "invalid value 'yes': expected one of true, false"),
        ("remotes.prod.anon", "True", "expected one of true, false"),
        ("remotes.prod.acl", "public", "expected one of private, public-read"),
        ("remotes.prod.addressing_style", "dns", "expected one of auto, path, virtual"),
        ("remotes.prod.checksums", "never", "expected one of when_supported, when_required"),
        ("remotes.prod.ca_bundle", "certs/ca.pem", "expected an absolute path"),
        ("remotes.prod.endpoint_url", "host:9000", "expected https://"),
        ("remotes.prod.endpoint_url", f"https://ada:{SECRET}@host", "expected https://"),
        ("remotes.prod.endpoint_url", "https://host/?x", "expected https://"),
        ("remotes.prod.endpoint_url", "file:///etc/passwd", "expected https://"),
        ("remotes.prod.secret_access_key", "a\nb", "one line"),
        ("remotes.prod.regoin", "x", "unknown option 'regoin' of a remote: did you mean region?"),
        ("remotes.prod.xyz", "x", "expected one of url, endpoint_url"),
        ("remotes.a/b.url", "/x", "invalid remote name"),
        ("remotes.default.url", "/x", "invalid remote name"),
        ("remotes..url", "/x", "unknown setting"),
        ("remotes.url", "/x", "unknown setting"),
        ("remotes.", "/x", "unknown setting"),
    ],
)
def test_a_value_must_be_allowed(name: str, value: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        config.check_value(name, value)
    assert "hunter2" not in caught.value.message + caught.value.fix
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("url", ["https://s3.example.com", "http://127.0.0.1:9000", "https://[::1]:9000/s3/", "http://minio"])
def test_endpoints(url: str) -> None:
    config.check_value("remotes.prod.endpoint_url", url)


def test_a_wrong_value_comes_with_the_line_that_takes_it_out() -> None:
    with pytest.raises(UsageError) as caught:
        merge([Layer("project", {"remotes.prod.acl": "all"})])
    assert caught.value.fix == "mvc config unset --project remotes.prod.acl"


# Files.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("remotes:\n", "remotes: expected keys and values"),
        ("remotes: {prod: x}\n", r"remotes\.prod: expected a name"),
        ("remotes: {prod: {}}\n", r"remotes\.prod: expected a name"),
        ("remotes: {1: {url: /x}}\n", "key '1' is not a string: quote it"),
        ("remotes: {1.0: {url: /x}}\n", "key '1.0' is not a string: quote it"),
        ("remotes: {prod.url: /x}\n", r"remotes\.prod\.url: expected"),
        ("remotes: {default: {url: /x}}\n", r"remotes\.default: unknown setting, or not a string"),
        ("remotes: {prod: {urll: /x}}\n", r"did you mean url\?"),
        ("remotes: {prod: {anon: true}}\n", r"remotes\.prod\.anon: unknown setting, or not a string: quote it"),
        ("remotes: {prod: {url: {a: b}}}\n", "not a string"),
        ("remotes: {a: {b: {url: /x}}}\n", r"unknown option 'b' of a remote"),
        ("remotes: {a/b: {url: /x}}\n", "invalid remote name"),
        ("remotes.prod.url: /x\n", "expected keys and values"),
        ("remotes: {prod: {url: /x}, prod: {url: /y}}\n", "duplicate key"),
    ],
)
def test_a_file_that_is_no_config_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidFormat, match=said) as caught:
        read(text)
    assert caught.value.message.startswith("config.yaml: ")
    assert "\n" not in caught.value.message


def test_a_name_with_dots_and_one_that_is_a_number() -> None:
    text = 'remotes:\n  "1.0":\n    url: /one\n  a.b.c:\n    url: /abc\n'
    assert read(text) == {"remotes.1.0.url": "/one", "remotes.a.b.c.url": "/abc"}
    assert list(merge([Layer("local", read(text))]).remotes()) == ["1.0", "a.b.c"]


# Edits.

COMMENTED = """\
mvc-config: 1
cache:
    link: "copy"
# about remotes
remotes:  # here
    # the default
    default: "prod"  # why
    prod:
      # where
      url: "s3://models"  # bucket

      region: "eu-central-1"
    nas:
      url: /srv/models
# after
"""


def test_an_edit_changes_its_line_only() -> None:
    assert edit(COMMENTED, "remotes.prod.url", "/x") == COMMENTED.replace('"s3://models"', '"/x"')
    assert edit(COMMENTED, "remotes.default", "nas") == COMMENTED.replace('"prod"', '"nas"')
    assert edit(COMMENTED, "remotes.nas.url", "/y") == COMMENTED.replace("/srv/models", '"/y"')


def test_an_option_is_added_at_the_end_of_its_remote_as_deep_as_the_others() -> None:
    found = edit(COMMENTED, "remotes.prod.acl", "private")
    assert found == COMMENTED.replace('"eu-central-1"\n', '"eu-central-1"\n      acl: "private"\n')
    found = edit(COMMENTED, "remotes.new.url", "/new")
    assert found == COMMENTED.replace("/srv/models\n", '/srv/models\n    new:\n      url: "/new"\n')
    found = edit(COMMENTED, "cache.dir", "/c")
    assert found == COMMENTED.replace('"copy"\n', '"copy"\n    dir: "/c"\n')


def test_the_first_remote_makes_its_section() -> None:
    text = edit(edit("", "remotes.default", "prod"), "remotes.prod.url", "s3://models")
    assert text == 'mvc-config: 1\nremotes:\n  default: "prod"\n  prod:\n    url: "s3://models"\n'


def test_taking_the_last_option_out_takes_the_remote_and_at_last_the_section() -> None:
    text = COMMENTED
    for name in ("remotes.nas.url", "remotes.prod.region", "remotes.prod.url"):
        text = edit(text, name, None)
    assert "nas:" not in text
    assert "prod:" not in text
    text = edit(text, "remotes.default", None)
    assert read(text) == {"cache.link": "copy"}
    assert [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")] == [
        "# about remotes", "# the default", "# where", "# after",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "remotes: {prod: {url: /x}}\n",
        "remotes:\n  prod: {url: /x}\n",
        '"remotes":\n  prod:\n    url: /x\n',
        "remotes:\n  'prod':\n    url: /x\n",
    ],
)
def test_a_layout_that_cannot_be_edited_is_refused_rather_than_broken(text: str) -> None:
    with pytest.raises(InvalidFormat):
        edit(text, "remotes.prod.region", "eu-central-1")


names = st.from_regex(REMOTE, fullmatch=True).filter(lambda name: name != "default") | st.sampled_from(
    ["1", "1.0", "1e5", "true", "null", "no", "y", "0x1F", "a.b", "A", "x-y"]
)
values = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
changes = st.lists(
    st.tuples(names, st.sampled_from(["url", "region", "kms_key_id"]), st.none() | values), min_size=1, max_size=8
)


@given(st.sampled_from(["", COMMENTED, "mvc-config: 1\n", "remotes:\n  default: x\n"]), changes)
@settings(deadline=None, max_examples=200)
def test_what_was_set_is_read_and_the_rest_stays(text: str, steps: list[tuple[str, str, str | None]]) -> None:
    expected = read(text)
    for name, option, value in steps:
        key = f"remotes.{name}.{option}"
        text = edit(text, key, value)
        expected = {other: old for other, old in {**expected, key: value}.items() if old is not None}
        assert read(text) == expected
        assert value is None or yaml.safe_load(text)["remotes"][name][option] == value
        jsonschema.Draft202012Validator(config.json_schema()).validate(yaml.safe_load(text))


def test_the_schema_is_as_strict_as_the_reader() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(json.dumps(config.json_schema())))
    schema.validate({"remotes": {"default": "prod", "prod": dict.fromkeys(OPTIONS, "x")}})
    for remotes in (
        {"default": {"url": "/x"}}, {"prod": "x"}, {"prod": {}}, {"prod": {"urll": "x"}}, {"a/b": {"url": "/x"}},
        {"prod": {"anon": True}},
    ):
        assert not schema.is_valid({"remotes": remotes}), remotes


# What lies there.


def test_a_directory_that_holds_something_else_is_no_remote(tmp_path: Path) -> None:
    folder = tmp_path / "home of ada"
    (folder / "letters").mkdir(parents=True)
    with pytest.raises(UsageError, match="contains 'letters' and is not a remote") as caught:
        open_bucket(RemoteSettings("nas", str(folder), {}))
    assert caught.value.fix == f"mvc remote set nas '{folder}/mvc'"
    (folder / "mvc-remote.yaml").write_text("")
    open_bucket(RemoteSettings("nas", str(folder), {}))


@pytest.mark.parametrize("names", [[], ["lost+found"], [".snapshot"], ["objects", "packs", "tmp"], ["mvc-test-1"]])
def test_an_empty_directory_may_become_one(tmp_path: Path, names: list[str]) -> None:
    for name in ("", *names):
        (tmp_path / "store" / name).mkdir()
    open_bucket(RemoteSettings("nas", f"{tmp_path}/store", {}))
