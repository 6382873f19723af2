"""What `.dvc` files, `dvc.lock` and `dvc.yaml` of several versions of DVC say."""

from __future__ import annotations

import pytest

from mvc.objects.dvc.digest import DvcDigest
from mvc.objects.dvc.outs import Out, Pipeline, read_dvc_file, read_lock, read_pipeline
from mvc.objects.dvc.settings import SettingsFile, read_settings

MD5 = "0123456789abcdef0123456789abcdef"


def labels(out: Out) -> dict[str, str]:
    return dict(out.notes.labels)


@pytest.mark.parametrize(("text", "expected"), [
    (f"outs:\n- md5: {MD5}\n  path: x\n", DvcDigest(MD5, text=True)),
    (f"outs:\n- md5: {MD5}\n  hash: md5\n  path: x\n", DvcDigest(MD5)),
    (f"outs:\n- md5: {MD5}.dir\n  path: x\n", DvcDigest(MD5, is_dir=True, text=True)),
    (f"outs:\n- md5: {MD5}.dir\n  hash: md5\n  nfiles: 1\n  path: x\nwdir: ../d\n", DvcDigest(MD5, is_dir=True)),
    (f"outs:\n- md5: {MD5}\n  path: x\n  cache: true\n  metric: false\n  persist: false\n", DvcDigest(MD5, text=True)),
])
def test_digests_of_each_version(text: str, expected: DvcDigest) -> None:
    (out,) = read_dvc_file("d/x.dvc", text.encode())
    assert (out.path, out.digest, out.problem) == ("d/x", expected, "")


def test_where_content_was_imported_from() -> None:
    text = (
        "frozen: true\ndeps:\n- path: data.xml\n  repo:\n    url: https://ada:secret@example.com/registry\n"
        f"    rev: v1\n    rev_lock: {MD5}\nouts:\n- md5: {MD5}\n  path: x\n"
    )
    (out,) = read_dvc_file("x.dvc", text.encode())
    assert labels(out) == {
        "dvc.source": "data.xml", "dvc.repo": "https://example.com/registry", "dvc.rev": MD5,
    }


def test_a_lock_of_dvc_1() -> None:
    text = f"train:\n  cmd: python train.py\n  outs:\n  - path: m\n    md5: {MD5}\n"
    (out,) = read_lock("d/dvc.lock", text.encode(), Pipeline())
    assert (out.path, out.digest, out.stage) == ("d/m", DvcDigest(MD5, text=True), "train")


def test_a_directory_on_a_remote_with_versions() -> None:
    text = f"outs:\n- path: d\n  hash: md5\n  files:\n  - relpath: a\n    md5: {MD5}\n    cloud: {{r: {{etag: e}}}}\n"
    (out,) = read_dvc_file("d.dvc", text.encode())
    assert out.digest is not None
    assert out.digest.is_dir
    assert [(file.path, file.digest) for file in out.files] == [("a", DvcDigest(MD5))]


def test_stages_with_variables() -> None:
    pipeline = read_pipeline("dvc.yaml", (
        b"stages:\n  each:\n    foreach: [1, 2]\n    do:\n      cmd: a\n      wdir: w\n      outs:\n      - out\n"
        b"  late:\n    wdir: ${x}\n    cmd: a\n    outs: [b: {desc: no}]\n"
    ))
    out = f"    outs:\n    - path: out\n      hash: md5\n      md5: {MD5}\n"
    lock = "schema: '2.0'\nstages:\n" + "".join(f"  {name}:\n{out}" for name in ("each@1", "late", "gone"))
    each, late = read_lock("dvc.lock", lock.encode(), pipeline)
    assert (each.path, each.problem) == ("w/out", "")
    assert late.digest == DvcDigest(MD5)
    assert "has variables" in late.problem


def test_a_committed_file_does_not_say_where_credentials_are() -> None:
    title = "['remote \"r\"']\n"
    text = f"{title}url = s3://b\ncredentialpath = evil\nregion = x\n"
    committed = SettingsFile("config", text, "/r/.dvc", committed=True)
    local = SettingsFile("config.local", f"{title}secret_access_key = s\n", "/r/.dvc")
    assert read_settings([committed, local], "").remotes["r"].options == {"region": "x", "secret_access_key": "s"}
    own = local._replace(text=f"{title}credentialpath = mine\n")
    assert read_settings([committed, own], "").remotes["r"].options == {"region": "x", "credentials_file": "mine"}
