"""docs/ci.md: its table, examples and scripts hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml
from ci.test_ci_files import SYSTEMS, component, proposed, validator
from harness import LARGE, PROJECT, Begin, Repo, noise
from versions import released

from mvc.quality.judge.rules.policy_files import is_workflow

PAGE = (PROJECT / "docs/ci.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def example(words: str) -> str:
    (found,) = (text for text in EXAMPLES if words in text)
    return str(found)


def test_the_page_leads_to_every_file_and_the_gate_notices_a_change_to_its_copy() -> None:
    rows = dict(re.findall(r"^\| \w+ \| \[[\w.-]+\]\(\.\./ci/(\S+)\) \| `(\S+)`", PAGE, re.MULTILINE))
    assert rows.keys() == {system.file for system in SYSTEMS.values()} | {"github/gate.yaml"}
    assert all(is_workflow(copy) for copy in rows.values())


def test_the_example_of_gitlab_fits_the_component() -> None:
    include = example("include:")
    validator("gitlab-ci").validate(yaml.safe_load(include))
    (used,) = yaml.safe_load(include)["include"]
    assert {key for key, value in component().items() if "default" not in value} <= used["inputs"].keys()
    assert used["inputs"].keys() <= component().keys()
    assert re.fullmatch(component()["commit"]["regex"], used["inputs"]["commit"])


def test_the_example_of_a_foreign_pull_request_passes_the_linter(tmp_path: Path) -> None:
    """Its line fetches the pull request without checking it out."""
    workflow = tmp_path / ".github/workflows/gate.yaml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(example("pull_request_target:"))
    (tmp_path / ".git").mkdir()
    linter = Path(sys.executable).with_name("actionlint")
    done = subprocess.run([linter, workflow], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    (line,) = re.findall(r"- run: (git fetch .*)", workflow.read_text())
    assert line == 'git fetch origin "pull/$NUMBER/head"'


def test_the_script_installs_mvc_at_a_commit(begin: Begin, tmp_path: Path) -> None:
    hub = begin(proposed)
    tools = Repo(hub.root.parent / "mvc", hub.environ)
    (script,) = re.findall(r"^```sh\n(# install-mvc.sh .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for name, value in {"url": f"file://{tools.root}", "commit": tools.git("rev-parse", "HEAD")}.items():
        script = re.sub(rf"^{name}=.*$", f"{name}={value}", script, flags=re.MULTILINE)
    done = hub.run("sh", "-c", script, "install-mvc.sh", str(tmp_path / "installed"))
    assert done.code == 0, done
    assert hub.run(str(tmp_path / "installed/bin/mvc"), "--version").code == 0


def test_a_cache_that_was_changed_does_no_harm(begin: Begin) -> None:
    """A job restores an old one in which somebody put other content under the name of an object."""
    hub = begin(released)
    hub.write(".mvc/config.yaml", hub.read(".mvc/config.yaml").decode().replace("../nas", str(hub.root.parent / "nas")))
    hub.write("large.bin", noise("large", LARGE))
    hub.ok("add", "large.bin")
    hub.git("add", ".mvc/config.yaml")
    hub.commit("large")
    hub.ok("push")
    cache = {"MVC_CACHE_DIR": str(hub.root.parent / "cache")}
    for name in ("first", "second"):
        hub.git("clone", "-q", ".", f"../{name}")
    first, second = (Repo(hub.root.parent / name, hub.environ | cache) for name in ("first", "second"))
    first.ok("pull")
    changed = hub.root.parent / "cache/objects" / hub.digest("large.bin")[:2] / hub.digest("large.bin")
    changed.chmod(0o644)
    changed.write_bytes(noise("other", LARGE))
    lines = re.findall(r"- run: (mvc .*?)(?: #.*)?$", example("MVC_CACHE_DIR"), re.MULTILINE)
    assert [line.split()[1] for line in lines] == ["verify", "pull"]
    verified, pulled = (second.run("bash", "-ec", line) for line in lines)
    assert (verified.code, pulled.code) == (0, 0), pulled
    assert "moved to quarantine" in verified.err
    assert second.read("large.bin") == noise("large", LARGE)
    assert not list((hub.root.parent / "cache").rglob("*catalog*"))
