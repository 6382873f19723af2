"""`mvc remote`: setting remotes up, in the right file, with no secret where others read it."""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from docs.test_docs import COMMANDS, CONFIG, section, shape
from harness import LARGE, PROJECT, Repo, Result
from s3 import READER, S3Server
from test_layers import SLOW, modules_of

from mvc.config import OPTIONS
from mvc.ops.remotes.try_remote import try_out
from mvc.project import Project
from mvc.store.buckets.s3.bucket import S3Bucket
from mvc.surroundings import surroundings

SECRET = "hunter2/qux7"


def committed(repo: Repo) -> Any:
    """Return the remotes in the index: what a commit would have."""
    return yaml.safe_load(repo.git("show", ":.mvc/config.yaml")).get("remotes")


def own(repo: Repo) -> Any:
    """Return the remotes in the clone's own config."""
    return yaml.safe_load((repo.store / "config.yaml").read_text())["remotes"]


def listed(repo: Repo) -> dict[str, Any]:
    """Return the remotes by name."""
    return {remote["name"]: remote for remote in repo.ok("remote", "list", "--json").json}


def checks(result: Result) -> dict[str, str]:
    """Return what works, by name."""
    return {check["name"]: check["works"] for check in result.json["checks"]}


# add.


def test_the_first_remote_is_committed_and_the_default(repo: Repo) -> None:
    said = repo.ok("remote", "add", "prod", "s3://models//team-a/", "-o", "region=eu-central-1", "-o", "anon=true").out
    assert "It is the default remote." in said
    assert committed(repo) == {
        "default": "prod", "prod": {"url": "s3://models/team-a", "region": "eu-central-1", "anon": "true"},
    }
    assert repo.git("status", "--porcelain") == "M  .mvc/config.yaml"
    assert repo.ok("remote", "default").out == "prod\n"
    assert "default" not in repo.ok("remote", "add", "nas", "../store").out
    assert repo.ok("remote", "default").out == "prod\n"


def test_a_clone_has_the_remotes_and_the_default(repo: Repo, tmp_path: Path) -> None:
    repo.ok("remote", "add", "other", "/srv/other")
    repo.ok("remote", "add", "prod", "/srv/models", "--default")
    repo.commit()
    clone = repo.clone(tmp_path / "clone")
    assert clone.ok("remote", "default").out == "prod\n"
    assert [(name, remote["url"]) for name, remote in listed(clone).items()] == [
        ("other", "/srv/other"), ("prod", "/srv/models"),
    ]


def test_a_local_remote_stays_in_the_clone(repo: Repo) -> None:
    repo.ok("remote", "add", "prod", "/srv/models", "--local", "--default")
    assert own(repo) == {"default": "prod", "prod": {"url": "/srv/models"}}
    assert repo.git("status", "--porcelain") == ""
    assert listed(repo)["prod"]["origin"] == "local"


@pytest.mark.parametrize(
    ("folder", "typed", "stored"),
    [
        (".", "../store", "../store"),
        ("models/deep", "../../../store", "../store"),
        ("models", "{parent}/store/", "{parent}/store"),
        ("models", "file://{parent}/store", "{parent}/store"),
        (".", "~/store", "{home}/store"),
        (".", "../a b/store", "../a b/store"),
    ],
)
def test_a_directory_is_stored_so_that_it_means_the_same_everywhere(
    repo: Repo, folder: str, typed: str, stored: str,
) -> None:
    repo.path("models/deep").mkdir(parents=True)
    places = {"parent": str(repo.root.parent), "home": repo.environ["HOME"]}
    repo.ok("remote", "add", "nas", typed.format(**places), cwd=folder)
    assert listed(repo)["nas"]["url"] == stored.format(**places)


def test_a_relative_directory_is_the_same_from_every_worktree(repo: Repo, tmp_path: Path) -> None:
    repo.ok("remote", "add", "nas", "../store")
    repo.commit()
    (tmp_path / "far/away").mkdir(parents=True)
    repo.git("worktree", "add", "-q", str(tmp_path / "far/away/tree"))
    tree = Repo(tmp_path / "far/away/tree", repo.environ)
    url = str(tmp_path / "store")
    assert tree.ok("remote", "test", "--json").json["url"] == url
    assert repo.ok("remote", "test", "--json").json["url"] == url
    tree.ok("remote", "set", "nas", "../../../store")
    assert committed(tree)["nas"]["url"] == "../store"


@pytest.mark.parametrize("place", [".", "models", "{root}", "{root}/models", ".git/hooks", "{git}/mvc", "link/x"])
def test_a_directory_in_the_repository_is_refused(repo: Repo, tmp_path: Path, place: str) -> None:
    (tmp_path / "link").symlink_to(repo.root)
    place = place.format(root=repo.root, git=repo.store.parent).replace("link", str(tmp_path / "link"))
    assert "inside the" in repo.fails(2, "remote", "add", "nas", place).errors[0]
    assert committed(repo) is None


def test_a_directory_with_other_things_in_it_is_refused_and_the_line_to_type_works(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "my share/letters").mkdir(parents=True)
    result = repo.fails(2, "remote", "add", "nas", "../my share")
    assert "letters" in result.errors[0]
    assert repo.shell(result.fixes[0]).code == 0
    assert listed(repo)["nas"]["url"] == str(tmp_path / "my share/mvc")


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "default", "/srv/x"],
        ["add", "a/b", "/srv/x"],
        ["add", "", "/srv/x"],
        ["add", "prod", ""],
        ["add", "prod", "memory://x"],
        ["add", "prod", "ftp://host/x"],
        ["add", "prod", "s3://models", "-o", "region"],
        ["add", "prod", "s3://models", "-o", "regoin=x"],
        ["add", "prod", "s3://models", "-o", "url=s3://other"],
        ["add", "prod", "s3://models", "-o", "anon=maybe"],
        ["add", "prod", "s3://models", "-o", "region=a b"],
        ["add", "prod", "s3://models", "-o", "region=-x"],
        ["add", "prod", "s3://models", "-o", "region=2024"],
        ["add", "prod", "/srv/models", "-o", "region=x"],
        ["set", "prod", "/srv/models"],
        ["remove", "prod"],
        ["default", "prod"],
        ["test"],
        ["test", "prod"],
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(repo: Repo, arguments: list[str]) -> None:
    result = repo.fails(2, "remote", *arguments)
    assert len(result.errors) == len(result.fixes) == 1
    assert repo.git("status", "--porcelain") == ""
    assert not (repo.store / "config.yaml").exists()


@pytest.mark.parametrize("scope", ["project", "local"])
@pytest.mark.parametrize("command", ["push", "pull", "status --pushed"])
def test_a_secret_in_a_url_that_is_set_is_answered_with_the_line_without_it(
    repo: Repo, scope: str, command: str,
) -> None:
    repo.added("m.bin", b"1")
    config = repo.root / ".mvc" if scope == "project" else repo.store
    (config / "config.yaml").write_text('mvc-config: 1\nremotes:\n  prod:\n    url: "s3://AKIA:s3cret@models/x"\n')
    result = repo.fails(2, *command.split())
    assert result.errors == ["s3://***@models/x: credentials are not allowed in a URL"]
    flag = "" if scope == "project" else " --local"
    keys = "mvc remote set prod --local -o access_key_id=VALUE -o secret_access_key=VALUE"
    assert result.fixes[0].startswith(f"mvc remote set prod s3://models/x{flag} && {keys}")
    assert ("Git's history" in result.fixes[0]) is (scope == "project")
    assert "s3cret" not in result.err
    assert repo.shell(result.fixes[0]).code == 0
    remote = repo.ok("remote", "list", "--json").json[0]
    assert (remote["url"], remote["problem"]) == ("s3://models/x", "")


def test_a_name_that_is_taken(repo: Repo) -> None:
    repo.ok("remote", "add", "prod", "/srv/models")
    result = repo.fails(2, "remote", "add", "prod", "/srv/other")
    assert repo.shell(result.fixes[0]).code == 0
    assert listed(repo)["prod"]["url"] == "/srv/other"


@pytest.mark.parametrize("flags", [(), ("--local",)], ids=["project", "local"])
def test_the_same_line_again_finishes_what_was_killed(repo: Repo, flags: tuple[str, ...]) -> None:
    line = ("remote", "add", "store", "s3://bucket/models", "-o", "region=eu-west-1", *flags)
    repo.ok(*line)
    staged = repo.git("diff", "--cached", "--name-only")
    repo.git("reset", "-q")
    repo.ok(*line)
    assert repo.git("diff", "--cached", "--name-only") == staged
    repo.fails(2, *line[:-1 - len(flags)], "region=eu-west-2", *flags)
    repo.fails(2, "remote", "add", "store", "s3://bucket/others", *flags)
    repo.ok("remote", "add", "store", "s3://bucket/models", *flags)
    assert listed(repo)["store"]["options"][0]["value"] == "eu-west-1"


UNSUPPORTED = "ftp:// is not supported: expected a directory, or a URL with s3://, gs://, az://, ssh:// or https://"


@pytest.mark.parametrize("flags", [(), ("--local",)], ids=["project", "local"])
def test_an_unsupported_protocol_is_refused_with_those_that_are_supported(repo: Repo, flags: tuple[str, ...]) -> None:
    result = repo.fails(2, "remote", "add", "prod", "ftp://ada:s3cret@host/x", *flags)
    assert result.errors == [UNSUPPORTED]
    assert result.fixes == ["mvc remote add prod URL  # mvc help remotes lists them"]
    repo.fails(2, "config", "set", *flags, "remotes.prod.url", "ftp://host/x")
    assert listed(repo) == {}


@pytest.mark.parametrize(("scope", "flag"), [("project", ""), ("local", " --local")])
def test_an_unsupported_protocol_in_a_config_can_be_replaced(repo: Repo, scope: str, flag: str) -> None:
    repo.added("m.bin", b"1")
    config = repo.root / ".mvc" if scope == "project" else repo.store
    (config / "config.yaml").write_text('mvc-config: 1\nremotes:\n  prod:\n    url: "ftp://host/x"\n')
    for command in (["push"], ["remote", "test"], ["remote", "test", "prod"]):
        result = repo.fails(2, *command)
        assert result.errors == [UNSUPPORTED]
        assert result.fixes == [f"mvc remote set prod{flag} URL  # mvc help remotes lists them"]
    assert listed(repo)["prod"]["problem"] == UNSUPPORTED
    problems = repo.mvc("doctor", "--json").json["problems"]
    assert [one["message"] for one in problems if one["name"] == "remote-settings"] == [UNSUPPORTED]
    repo.fails(2, "remote", "set", "prod", "ftp://host/y", *flag.split())
    assert repo.shell(result.fixes[0].replace("URL", "/srv/models", 1)).code == 0
    assert listed(repo)["prod"]["problem"] == ""


# Secrets.


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        (f"s3://AKIA:{SECRET}@models/team-a", "s3://models/team-a"),
        (f"s3://models/team-a?aws_secret={SECRET}", "s3://models/team-a"),
        (f"https://ada:{SECRET}@example.com/x", "https://example.com/x"),
    ],
)
def test_a_secret_in_a_url_is_refused_with_a_line_to_type(repo: Repo, url: str, clean: str) -> None:
    result = repo.fails(2, "remote", "add", "prod", url)
    assert "hunter2" not in result.err
    assert "qux7" not in result.err
    assert repo.shell(result.fixes[0]).code == 0
    assert listed(repo)["prod"]["url"] == clean
    result = repo.fails(2, "remote", "set", "prod", url, "--local")
    assert "hunter2" not in result.err
    result = repo.fails(2, "config", "set", "--local", "remotes.prod.url", url)
    assert "hunter2" not in result.err


@pytest.mark.parametrize("option", ["access_key_id", "secret_access_key", "session_token", "profile", "ca_bundle"])
def test_what_is_one_s_own_is_not_committed_and_the_line_to_type_works(repo: Repo, option: str) -> None:
    given = ["-o", "region=eu-central-1", "-o", f"{option}=/hunter2"]
    result = repo.fails(2, "remote", "add", "prod", "s3://models", *given)
    assert f"{option} cannot be committed" in result.errors[0]
    assert repo.git("status", "--porcelain") == ""
    assert repo.shell(result.fixes[0]).code == 0
    assert committed(repo)["prod"] == {"url": "s3://models", "region": "eu-central-1"}
    assert list(own(repo)["prod"]) == [option]
    result = repo.fails(2, "remote", "set", "prod", "-o", f"{option}=/hunter2")
    assert repo.shell(result.fixes[0]).code == 0
    repo.fails(2, "config", "set", "--project", f"remotes.prod.{option}", "/hunter2")
    assert list(committed(repo)["prod"]) == ["url", "region"]


def test_a_secret_is_never_shown(repo: Repo) -> None:
    repo.ok("remote", "add", "prod", "s3://models")
    names = ("access_key_id", "secret_access_key", "session_token")
    said = repo.ok("remote", "set", "prod", "--local", *(f"-o{name}={SECRET}" for name in names)).out
    said += repo.ok("config", "set", "remotes.prod.session_token", SECRET).out
    for arguments in (
        ["remote", "list"], ["remote", "list", "--json"], ["config", "list"], ["config", "list", "--local"],
        ["config", "list", "--json", "--show-origin"], ["config", "get", "remotes.prod.session_token"],
    ):
        said += repo.ok(*arguments).out
    assert "hunter2" not in said
    assert said.count("***") == 3 * 5 + 2
    assert own(repo)["prod"] == dict.fromkeys(names, SECRET)


def test_a_file_with_a_secret_is_its_owner_s(repo: Repo) -> None:
    repo.ok("config", "set", "cache.link", "copy")
    path = repo.store / "config.yaml"
    assert path.stat().st_mode & 0o044
    repo.ok("remote", "add", "prod", "s3://models")
    repo.ok("remote", "set", "prod", "--local", "-o", f"session_token={SECRET}")
    assert path.stat().st_mode & 0o777 == 0o600
    repo.ok("config", "set", "cache.link", "reflink,copy")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_committed_secret_is_not_used_and_the_line_to_type_takes_it_out(repo: Repo) -> None:
    repo.write(".mvc/config.yaml", f'remotes:\n  prod:\n    url: "s3://models"\n    secret_access_key: "{SECRET}"\n')
    repo.git("add", ".mvc")
    status = repo.ok("status")
    assert "ignored remotes.prod.secret_access_key" in status.err
    result = repo.fails(2, "remote", "test")
    listing = repo.ok("remote", "list")
    assert "remove it there" in listing.err
    assert "hunter2" not in status.err + result.err + listing.out + listing.err
    assert "hunter2" not in repo.ok("config", "list", "--project").out
    assert repo.shell(result.fixes[0]).code == 0
    assert committed(repo) == {"prod": {"url": "s3://models"}}
    assert own(repo) == {"prod": {"secret_access_key": "VALUE"}}


def test_a_committed_profile_or_bundle_is_ignored(repo: Repo) -> None:
    options = '    profile: "admin"\n    ca_bundle: "/dev/zero"\n'
    repo.write(".mvc/config.yaml", f'remotes:\n  prod:\n    url: "/srv/x"\n{options}')
    assert listed(repo)["prod"]["options"] == []
    assert repo.ok("remote", "list").err.count("a committed config cannot set it") == 2


@pytest.mark.parametrize("command", [["remote", "test"], ["doctor"], ["push"]])
def test_a_committed_directory_that_holds_other_things_is_not_written_to(
    repo: Repo, tmp_path: Path, command: list[str],
) -> None:
    repo.added("m.bin", b"1")
    (tmp_path / "autostart").mkdir()
    (tmp_path / "autostart/run").write_text("mine")
    for place in (tmp_path / "autostart", repo.store.parent / "hooks"):
        before = sorted(place.rglob("*"))
        repo.write(".mvc/config.yaml", f'remotes:\n  evil:\n    url: "{place}"\n')
        result = repo.mvc(*command)
        assert result.code in (1, 2), result
        assert result.errors
        assert sorted(place.rglob("*")) == before


# set, remove, default, list.


def test_set_changes_one_thing_at_a_time(repo: Repo) -> None:
    repo.ok("remote", "add", "prod", "s3://models", "-o", "region=eu-central-1", "-o", "acl=private")
    repo.ok("remote", "set", "prod", "s3://other/x")
    repo.ok("remote", "set", "prod", "-o", "region=us-east-1", "-o", "acl=")
    assert committed(repo)["prod"] == {"url": "s3://other/x", "region": "us-east-1"}
    repo.ok("remote", "set", "prod", "--local", "-o", "endpoint_url=http://127.0.0.1:9000", "-o", "region=eu-west-1")
    found = listed(repo)["prod"]
    assert found["url"] == "s3://other/x"
    assert {option["name"]: (option["value"], option["origin"]) for option in found["options"]} == {
        "region": ("eu-west-1", "local"), "endpoint_url": ("http://127.0.0.1:9000", "local"),
    }
    repo.fails(2, "remote", "set", "prod")


def test_taking_an_option_out_of_the_wrong_file_is_told(repo: Repo) -> None:
    repo.ok("remote", "add", "prod", "s3://models")
    repo.ok("remote", "set", "prod", "--local", "-o", "region=eu-west-1")
    result = repo.fails(2, "remote", "set", "prod", "-o", "region=")
    assert repo.shell(result.fixes[0]).code == 0
    assert listed(repo)["prod"]["options"] == []
    assert repo.fails(2, "remote", "set", "prod", "-o", "region=").fixes == ["mvc config list --show-origin"]


def test_a_part_of_a_local_remote_is_not_committed(repo: Repo) -> None:
    repo.ok("remote", "add", "prod", "s3://models")
    repo.ok("remote", "add", "mine", "s3://mine", "--local")
    for arguments in (["set", "mine", "-o", "region=x"], ["set", "mine", "s3://other"], ["default", "mine"]):
        result = repo.fails(2, "remote", *arguments)
        assert "only set for this clone" in result.errors[0]
        assert repo.shell(result.fixes[0]).code == 0
    assert committed(repo) == {"default": "prod", "prod": {"url": "s3://models"}}
    assert own(repo) == {"default": "mine", "mine": {"url": "s3://other", "region": "x"}}
    assert repo.ok("remote", "default").out == "mine\n"


def test_remove_takes_it_out_of_both_files_and_touches_nothing_else(repo: Repo) -> None:
    repo.ok("remote", "add", "prod", "s3://models")
    repo.ok("remote", "add", "nas", "/srv/nas")
    repo.ok("remote", "set", "prod", "--local", "-o", "profile=ml")
    before = repo.path(".mvc/config.yaml").read_text()
    repo.ok("remote", "remove", "prod")
    assert committed(repo) == {"nas": {"url": "/srv/nas"}}
    assert (repo.store / "config.yaml").read_text() == "mvc-config: 1\n"
    assert repo.ok("remote", "default").out == "nas\n"  # the only one
    repo.ok("remote", "remove", "nas")
    assert committed(repo) is None
    assert repo.path(".mvc/config.yaml").read_text() == before[: before.index("remotes:")]
    assert repo.mvc("remote", "default").code == 1


def test_remove_of_a_user_s_remote_names_the_line(repo: Repo) -> None:
    repo.ok("config", "set", "--user", "remotes.mine.url", "/srv/mine")
    result = repo.fails(2, "remote", "remove", "mine")
    assert repo.shell(result.fixes[0]).code == 0
    assert listed(repo) == {}


def test_an_unknown_remote_is_told_with_those_like_it(repo: Repo) -> None:
    repo.ok("remote", "add", "prod", "/srv/models")
    for arguments in (["set", "prdo", "/x"], ["remove", "prdo"], ["default", "prdo"], ["test", "prdo"]):
        assert "did you mean prod?" in repo.fails(2, "remote", *arguments).errors[0]


def test_several_and_no_default(repo: Repo) -> None:
    repo.write(".mvc/config.yaml", 'remotes:\n  a:\n    url: "/srv/a"\n  b:\n    url: "/srv/b"\n')
    result = repo.fails(2, "remote", "test")
    assert "no default: a, b" in result.errors[0]
    assert repo.shell(result.fixes[0]).code == 0
    assert repo.ok("remote", "default").out == "a\n"
    variable = {"MVC_REMOTES_DEFAULT": "b"}
    assert repo.ok("remote", "default", env=variable).out == "b\n"


def test_flat_keys(repo: Repo) -> None:
    repo.ok("config", "set", "--project", "remotes.prod.url", "s3://models")
    repo.ok("config", "set", "remotes.prod.region", "eu-central-1")
    assert repo.ok("config", "get", "remotes.prod.region").out == "eu-central-1\n"
    assert repo.mvc("config", "get", "remotes.prod.acl").code == 1
    assert "project\tremotes.prod.url=s3://models" in repo.ok("config", "list", "--show-origin").out
    repo.ok("config", "unset", "remotes.prod.region")
    assert committed(repo) == {"prod": {"url": "s3://models"}}


def test_comments_stay(repo: Repo) -> None:
    text = '# ours\nremotes:  # all\n  prod:\n    url: "/srv/x"  # the NAS\n'
    repo.write(".mvc/config.yaml", text)
    repo.ok("remote", "set", "prod", "/srv/y")
    assert repo.path(".mvc/config.yaml").read_text() == text.replace("/srv/x", "/srv/y")


def test_a_wrong_value_in_a_file_is_mended_by_the_line_to_type(repo: Repo) -> None:
    repo.write(".mvc/config.yaml", "remotes:\n  prod:\n    url: /srv/x\n    acl: all\n")
    result = repo.fails(2, "status")
    assert repo.shell(result.fixes[0]).code == 0
    repo.ok("status")


@pytest.mark.parametrize("text", [b"# \x80\n", b"remotes: {a: {url: /\x80}}\n"])
def test_a_file_that_is_not_utf_8_is_left_alone(repo: Repo, text: bytes) -> None:
    repo.write(".mvc/config.yaml", text)
    key = ["remotes.prod.url", "/srv/x"]
    for arguments in (["remote", "add", "prod", "/srv/x"], ["config", "set", "--project", *key]):
        assert "not UTF-8" in repo.fails(2, *arguments).errors[0]
    assert repo.read(".mvc/config.yaml") == text


def test_names_of_remotes_drive_no_terminal(repo: Repo) -> None:
    repo.write(".mvc/config.yaml", 'remotes:\n  prod:\n    url: "/srv/\\x1b[2J"\n')
    for arguments in (["status"], ["remote", "list"], ["remote", "test"], ["doctor"]):
        result = repo.mvc(*arguments)
        assert "\x1b" not in result.out + result.err
        assert result.errors
    result = repo.fails(2, "remote", "add", "\x1b[2J", "/srv/x")
    assert "\x1b" not in result.err


# test.


def test_a_round_trip_leaves_nothing_behind(repo: Repo, tmp_path: Path) -> None:
    repo.ok("remote", "add", "nas", "../store")
    result = repo.ok("remote", "test", "--json")
    assert set(checks(result).values()) == {"yes"}
    assert list(checks(result)) == ["reach", "write", "read", "list", "conditional", "delete", "clock"]
    assert not (tmp_path / "store").exists()
    (tmp_path / "store").mkdir()
    text = repo.ok("remote", "test", "nas").out
    assert text.count("works") == 6
    assert list((tmp_path / "store").iterdir()) == []


def test_a_directory_that_is_not_mounted(repo: Repo, tmp_path: Path) -> None:
    repo.ok("remote", "add", "nas", "../mnt/nas/store")
    result = repo.mvc("remote", "test", "--json")
    assert result.code == 3
    assert checks(result) == {
        "reach": "no", **dict.fromkeys(["write", "read", "list", "conditional", "delete", "clock"], "untried"),
    }
    failed = repo.fails(3, "remote", "test")
    assert failed.errors[0].startswith("reach: ")
    assert failed.fixes


def test_a_remote_that_can_only_be_read(repo: Repo, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "mvc-remote.yaml").write_text('mvc-remote: 1\nid: "x"\nfeatures: {read: [], write: []}\n')
    repo.ok("remote", "add", "nas", "../store")
    store.chmod(0o555)
    result = repo.run("setpriv", "--bounding-set=-all", "--inh-caps=-all", "mvc", "remote", "test", "--json")
    assert result.code == 1, result
    assert checks(result) == {
        "reach": "yes", "write": "no", "read": "yes", "list": "yes", "conditional": "untried", "delete": "untried",
        "clock": "untried",
    }


@pytest.mark.parametrize(
    "marker", ["garbage", "#" * 5000, 'mvc-remote: 1\nid: "x"\nfeatures: {read: [zstd], write: []}\n'],
)
def test_a_remote_of_another_format_does_not_work(repo: Repo, tmp_path: Path, marker: str) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store/mvc-remote.yaml").write_text(marker)
    repo.ok("remote", "add", "nas", "../store")
    repo.added("m.bin", "content")
    assert checks(repo.mvc("remote", "test", "--json"))["reach"] == "no"
    failed = repo.fails(3, "remote", "test")
    pushed = repo.fails(2, "push")
    assert failed.errors[0].removeprefix("reach: ") == pushed.errors[0]
    assert failed.fixes[0] == pushed.fixes[0]
    assert len(list((tmp_path / "store").iterdir())) == 1


def test_a_share_that_is_not_mounted_any_more_is_no_new_remote(repo: Repo, tmp_path: Path) -> None:
    nas = tmp_path / "store"
    nas.mkdir()
    repo.ok("remote", "add", "nas", "../store")
    repo.added("m.bin", "content")
    repo.ok("push")
    nas.rename(tmp_path / "unmounted")
    nas.mkdir()
    failed = repo.fails(3, "push")
    assert "is empty now: is it mounted?" in failed.errors[0]
    assert list(nas.iterdir()) == []
    nas.rmdir()
    (tmp_path / "unmounted").rename(nas)
    assert repo.ok("push", "--json").json["transferred"] == 0
    shutil.rmtree(nas)
    nas.mkdir()
    failed = repo.fails(3, "push")
    assert repo.shell(failed.fixes[0]).code == 0
    assert repo.ok("push", "--json").json["transferred"] == 1


def test_a_marker_that_was_deleted_where_the_rest_is_comes_back(repo: Repo, tmp_path: Path) -> None:
    repo.ok("remote", "add", "nas", "../store")
    repo.added("m.bin", "content")
    repo.ok("push")
    (tmp_path / "store/mvc-remote.yaml").unlink()
    repo.ok("push")
    assert (tmp_path / "store/mvc-remote.yaml").exists()


def test_a_clock_that_is_wrong_is_told(repo: Repo) -> None:
    import time

    repo.ok("remote", "add", "nas", "../store")
    with Project.find(surroundings(repo.root)) as project:
        result = try_out(project, None, lambda: time.time() - 3600)
    (clock,) = [check for check in result.checks if check.name == "clock"]
    assert clock.works == "no"
    assert "60 minutes" in clock.message
    assert result.clock == pytest.approx(3600, abs=60)
    assert not result.works
    assert result.can_pull


def test_a_directory_knows_the_user_and_the_group_that_shares_it(repo: Repo, tmp_path: Path) -> None:
    repo.ok("remote", "add", "nas", "../store")
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert f"you are      {user}\n" in repo.ok("remote", "test").out
    (tmp_path / "store").mkdir()
    assert repo.ok("remote", "test", "--json").json["identity"] == user
    (tmp_path / "store").chmod(0o2775)
    group = grp.getgrgid((tmp_path / "store").stat().st_gid).gr_name
    assert repo.ok("remote", "test", "--json").json["identity"] == (
        f"{user}; the directory is shared with the group {group}"
    )


def test_a_directory_of_a_group_stays_the_group_s_whatever_the_umask(repo: Repo, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    store.chmod(0o2775)
    repo.added("m.bin", b"1" * LARGE)
    repo.added("small.bin", b"1")
    repo.ok("remote", "add", "shared", "../store")
    assert repo.shell("umask 077; mvc push").code == 0
    found = [path for path in store.rglob("*") if path.parent != store / "tmp"]
    assert {path.stat().st_mode & 0o7777 for path in found if path.is_dir()} == {0o2775}
    assert {path.stat().st_mode & 0o7777 for path in found if path.is_file()} == {0o444}


# A real S3 server.


def make_bucket(server: S3Server, url: str) -> None:
    """Make the bucket: the server does with the first object that is put there."""
    with closing(S3Bucket(url, server.options)) as bucket:
        bucket.write("other", b"")
        bucket.delete(["other"])


def s3_remote(repo: Repo, server: S3Server, url: str, key: str, secret: str) -> None:
    """Set the remote `prod` up, its credentials in the clone."""
    repo.ok("remote", "add", "prod", url, "-o", f"endpoint_url={server.endpoint}", "-o", "region=us-east-1")
    repo.ok("remote", "set", "prod", "--local", f"-oaccess_key_id={key}", f"-osecret_access_key={secret}")


def test_a_round_trip_to_s3(repo: Repo, s3_server: S3Server, s3_url: str) -> None:
    make_bucket(s3_server, s3_url)
    s3_remote(repo, s3_server, s3_url, s3_server.access_key, s3_server.secret_key)
    for _ in range(2):
        result = repo.ok("remote", "test", "--json")
        assert set(checks(result).values()) == {"yes"}
        assert abs(result.json["clock"]) < 5
        assert result.json["identity"] == "access key mvc-…-key from the option access_key_id (local config)"
    assert repo.ok("doctor", "--json").json["problems"] == []


def test_a_wrong_secret(repo: Repo, s3_server: S3Server, s3_url: str) -> None:
    s3_remote(repo, s3_server, s3_url, s3_server.access_key, SECRET)
    result = repo.fails(3, "remote", "test")
    assert "hunter2" not in result.out + result.err
    assert result.fixes
    assert [problem["name"] for problem in repo.mvc("doctor", "--json").json["problems"]] == ["remote-unreachable"]


def test_credentials_that_may_only_read(repo: Repo, s3_server: S3Server, s3_url: str) -> None:
    make_bucket(s3_server, s3_url)
    s3_remote(repo, s3_server, s3_url, s3_server.access_key, s3_server.secret_key)
    repo.added("m.bin", b"1")
    repo.ok("push")
    repo.ok("remote", "set", "prod", "--local", f"-oaccess_key_id={READER}", f"-osecret_access_key={READER}")
    result = repo.mvc("remote", "test", "--json")
    assert result.code == 1
    assert result.json["checks"][1]["fix"] == "mvc help remotes"
    works = checks(result)
    assert (works["reach"], works["read"], works["list"], works["write"]) == ("yes", "yes", "yes", "no")


def test_nobody_listens(repo: Repo, s3_server: S3Server, s3_url: str) -> None:
    s3_remote(repo, s3_server._replace(endpoint="http://127.0.0.1:9"), s3_url, "key", SECRET)
    result = repo.fails(3, "remote", "test")
    assert "hunter2" not in result.out + result.err


# doctor and completion.


def test_doctor_names_remotes_that_do_not_answer(repo: Repo, tmp_path: Path) -> None:
    repo.ok("remote", "add", "nas", "../store")
    assert repo.ok("doctor", "--json").json["problems"] == []
    repo.ok("remote", "add", "gone", "../mnt/nas/store")
    repo.ok("remote", "add", "odd", "../odd")
    (tmp_path / "odd/letters").mkdir(parents=True)
    result = repo.mvc("doctor", "--json")
    assert result.code == 1
    found = {problem["name"]: problem for problem in result.json["problems"]}
    assert set(found) == {"remote-unreachable", "remote-settings"}
    assert "gone" in found["remote-unreachable"]["message"]
    assert "letters" in found["remote-settings"]["message"]


def test_doctor_names_a_secret_that_others_can_read(repo: Repo) -> None:
    repo.ok("remote", "add", "nas", "../store")
    repo.ok("config", "set", "remotes.nas.session_token", SECRET)
    repo.ok("config", "unset", "remotes.nas.session_token")
    repo.ok("config", "set", "remotes.other.session_token", SECRET)
    (repo.store / "config.yaml").chmod(0o644)
    (problem,) = repo.mvc("doctor", "--json").json["problems"]
    assert problem["name"] == "secret-readable"
    assert repo.shell(problem["fix"]).code == 0
    assert repo.ok("doctor", "--json").json["problems"] == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["remote", "set", "p"], ["prod", "public"]),
        (["remote", "remove", "pr"], ["prod"]),
        (["remote", "default", ""], ["nas", "prod", "public"]),
        (["remote", "test", "n"], ["nas"]),
        (["push", "-r", "pu"], ["public"]),
        (["status", "-r", "pu"], ["public"]),
        (["add", "--name", "p"], []),
        (["remote", "add", "p"], []),
        (["config", "set", "remotes.default", "pr"], ["prod"]),
        (["config", "get", "remotes.d"], ["remotes.default"]),
        (["remote", "add", "x", "-o", "c"], []),
    ],
)
def test_names_are_completed(repo: Repo, words: list[str], expected: list[str]) -> None:
    for name in ("prod", "public", "nas"):
        repo.ok("remote", "add", name, f"/srv/{name}")
    assert repo.ok("__complete", "zsh", *words).out.split() == expected


def test_the_listing_is_one_line_for_each(repo: Repo) -> None:
    assert "mvc remote add" in repo.ok("remote", "list").err
    repo.ok("remote", "add", "prod", "s3://models", "-o", "region=eu-central-1")
    repo.ok("remote", "add", "nas", "/srv/x", "--local")
    lines = [re.sub(" +", " ", line).strip() for line in repo.ok("remote", "list").out.splitlines()]
    assert lines == ["nas /srv/x local", "prod s3://models project default region=eu-central-1"]
    assert os.path.isabs(listed(repo)["nas"]["url"])


def test_no_backend_is_loaded_that_is_not_used(repo: Repo) -> None:
    repo.ok("remote", "add", "prod", "s3://models")
    assert not modules_of(repo.root, "remote", "list") & SLOW
    repo.ok("remote", "add", "nas", "../store")
    loaded = modules_of(repo.root, "remote", "test", "nas")
    assert "mvc.store.buckets.directory" in loaded
    assert not loaded & (SLOW | {"mvc.store.buckets.s3.bucket", "mvc.store.buckets.session"})


# The pages.


def test_the_pages_have_every_option_and_the_json(repo: Repo) -> None:
    page = (PROJECT / "docs/remotes.md").read_text()
    table = {row[0].strip("`"): row for row in rows_of(section(page, "Options"))}
    assert list(table) == list(OPTIONS)
    for name, key in OPTIONS.items():
        assert table[name][2] == ("yes" if key.committed else "no")
        assert key.default in table[name][1]
        assert re.search(rf"[`.]{name}`", section(CONFIG, "remotes.NAME.OPTION"))
    repo.ok("remote", "add", "prod", str(repo.root.parent / "store"))
    repo.ok("config", "set", "--project", "remotes.prod.region", "eu-central-1")
    blocks = re.findall(r"^```json\n(.*?)^```$", section(COMMANDS, "mvc remote"), re.MULTILINE | re.DOTALL)
    listing, tested = (shape(json.loads(block)) for block in blocks)
    assert shape(repo.ok("remote", "list", "--json").json) == listing
    repo.ok("config", "unset", "--project", "remotes.prod.region")
    assert shape(repo.ok("remote", "test", "--json").json) == tested


def rows_of(text: str) -> list[list[str]]:
    """Return the rows of the tables in `text`."""
    return [row.strip("| ").split(" | ") for row in text.splitlines() if row.startswith("| `")]
