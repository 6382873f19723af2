"""The recipes of docs/deploy.md: their scripts run, and their workflows fit the schemas."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import pytest
import yaml
from harness import PROJECT, Begin, Repo
from versions import promoted

PAGE = (PROJECT / "docs/deploy.md").read_text()
SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor"
HUB = "https://git.example.com/hub.git"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def script(name: str) -> str:
    (found,) = (block for block in blocks("sh") if block.startswith(f"# {name} "))
    return found


def workflow(name: str) -> Any:
    (found,) = (block for block in blocks("yaml") if block.startswith(f"# {name}\n"))
    return yaml.load(found, yaml.BaseLoader)  # `on` is a word here


@pytest.fixture
def clone(begin: Begin) -> Repo:
    """Return a clone of a repository with a stage, as a server makes it; its `deploy.sh` is that of the page."""
    repo = begin(promoted)
    top = repo.root.parent
    config = repo.read(".mvc/config.yaml").decode()
    repo.write(".mvc/config.yaml", config.replace("../nas", str(top / "nas")))
    repo.write("deploy.sh", script("deploy.sh"))
    repo.git("add", "deploy.sh")
    repo.git("commit", "-qam", "deploy")
    repo.git("push", "-q")
    repo.git("config", "--global", f"url.file://{top}/.insteadOf", "https://git.example.com/")
    found = Repo(top / "clone", repo.environ)
    repo.git("clone", "-q", HUB, str(found.root))
    return found


@pytest.mark.parametrize(("file", "schema"), [
    (".github/workflows/deploy.yml", "github-workflows"), (".gitlab-ci.yml", "gitlab-ci"),
])
def test_workflows_fit_their_schema(file: str, schema: str) -> None:
    rules = json.loads((SCHEMAS / f"{schema}.json").read_text())
    check = jsonschema.validators.validator_for(rules)(rules)
    text = next(block for block in blocks("yaml") if block.startswith(f"# {file}\n")).replace("\non:", '\n"on":')
    check.validate(yaml.safe_load(text))
    assert not check.is_valid(yaml.safe_load(text.replace("script:", "skript:").replace("runs-on:", "runs_on:")))


def lines_of(file: str) -> list[str]:
    """Return the lines that a workflow types, without those that install."""
    data = workflow(file)
    steps = data["jobs"]["deploy"]["steps"] if "jobs" in data else [{"run": line} for line in data["deploy"]["script"]]
    return [step["run"] for step in steps if "run" in step and "install-mvc.sh" not in step["run"]]


@pytest.mark.parametrize(("file", "variable"), [
    (".github/workflows/deploy.yml", "GITHUB_REF_NAME"), (".gitlab-ci.yml", "CI_COMMIT_TAG"),
])
def test_a_stage_tag_deploys_what_the_stage_holds(clone: Repo, file: str, variable: str) -> None:
    if "github" in file:  # as its checkout leaves it
        clone.git("update-ref", "refs/tags/ranker#prod#2", clone.git("rev-parse", "ranker#prod#2^{commit}"))
        assert clone.run("sh", "deploy.sh", "ranker#prod#2").code
    clone.git("checkout", "-q", "ranker#prod#1^{commit}")
    clone.git("checkout", "-q", "main", "--", "deploy.sh")
    for line in lines_of(file):
        done = clone.run("bash", "-ec", f"{variable}='ranker#prod#1'; {line}")
        assert done.code == 0, done
    assert "ranker#prod  v1.1.0" in done.out
    assert clone.ok("which", "--file", "release/ranker").out.startswith("release/ranker is ranker@v1.1.0")


def test_the_pattern_of_the_workflows_is_a_stage_s() -> None:
    (pattern,) = workflow(".github/workflows/deploy.yml")["on"]["push"]["tags"]
    rule = workflow(".gitlab-ci.yml")["deploy"]["rules"][0]["if"].partition("=~ ")[2].strip("/")
    glob = re.sub(r"\*+", lambda stars: ".*" if stars[0] == "**" else "[^/]*", pattern)  # as GitHub reads it
    for tag in ("ranker#prod#3", "team/ranker#prod#12"):
        assert re.search(rule, tag)
        assert re.fullmatch(glob, tag)
    for tag in ("ranker@v1.0.0", "ranker#dev#1", "ranker@v1.0.0!"):
        assert not re.search(rule, tag)
        assert not re.fullmatch(glob, tag)


def test_an_image_pulls_by_version_and_digest(clone: Repo) -> None:
    clone.write("pull.sh", script("pull.sh"))
    blake3 = clone.ok("which", "ranker", "prod", "--json").json["blake3"]
    done = clone.run("sh", "pull.sh", HUB, "ranker@v1.1.0", blake3, "model.onnx")
    assert done.code == 0, done
    assert clone.ok("which", "--file", "model.onnx").out.startswith("model.onnx is ranker@v1.1.0")
    assert clone.run("sh", "pull.sh", HUB, "ranker@v1.0.0", blake3, "other.onnx").code == 1
    assert clone.run("sh", "pull.sh", HUB, "ranker@v9.0.0", blake3, "none.onnx").code == 2
    (dockerfile,) = blocks("dockerfile")
    assert "COPY install-mvc.sh pull.sh /\n" in dockerfile
    for name in ("REPOSITORY", "VERSION", "BLAKE3"):
        assert f"ARG {name}\n" in dockerfile
        assert f'"${name}"' in dockerfile
        assert any(f"--build-arg {name}=" in block for block in blocks("sh"))


def test_kserve_s_script_pulls_by_uri(clone: Repo) -> None:
    clone.write("storage.sh", script("storage.sh"))
    (clone.root / "mnt").mkdir()
    (uri,) = re.findall(r"storageUri: (\S+)", PAGE)
    assert uri.startswith("mvc://git.example.com/")
    done = clone.run("sh", "storage.sh", uri.replace("/search/", "/hub.git/"), "mnt")
    assert done.code == 0, done
    assert clone.ok("which", "--file", "mnt/model.onnx").out.startswith("mnt/model.onnx is ranker@v1.0.0")


def test_the_volumes_of_the_pod_are_there() -> None:
    (text,) = (block for block in blocks("yaml") if "kind: Deployment" in block)
    pod = yaml.safe_load(text)["spec"]["template"]["spec"]
    mounts = {mount["name"] for part in (*pod["initContainers"], *pod["containers"]) for mount in part["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}
    assert pod["initContainers"][0]["args"][-1].startswith(pod["initContainers"][0]["volumeMounts"][0]["mountPath"])
