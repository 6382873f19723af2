"""The recipes of docs/site.md: they fit their schemas, and their shell blocks build the site of a clone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import check_jsonschema
import jsonschema
import pytest
import yaml
from harness import MVC, PROJECT, Begin, Repo
from versions import promoted

CI = PROJECT / "ci"
SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas/vendor"
FILES = {"github/site.yaml": "github-workflows", "gitlab/site.yml": "gitlab-ci"}


def document(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((CI / name).read_text())
    return found


@pytest.mark.parametrize(("name", "schema"), FILES.items())
def test_recipes_fit_their_schema(name: str, schema: str) -> None:
    rules = json.loads((SCHEMAS / f"{schema}.json").read_text())
    found = document(name)
    errors = jsonschema.validators.validator_for(rules)(rules).iter_errors(
        {"on" if key is True else key: value for key, value in found.items()},
    )
    assert not [error.message for error in errors]


def test_only_the_job_that_publishes_may_and_it_runs_nothing_of_the_repository() -> None:
    workflow = document("github/site.yaml")
    assert workflow["permissions"] == {}
    build, publish = workflow["jobs"]["build"], workflow["jobs"]["publish"]
    assert build["permissions"] == {"contents": "read"}
    assert [step.keys() for step in publish["steps"]] == [{"id", "uses"}]
    used = re.findall(r"uses: (.*)", (CI / "github/site.yaml").read_text())
    assert all(re.fullmatch(r"[\w/.-]+@[0-9a-f]{40} # v[\d.]+", item) for item in used)


def clone_of(hub: Repo) -> Repo:
    """Return a clone as the systems make it: at the tag of a version, with all branches and tags."""
    clone = Repo(hub.root.parent / "clone", hub.environ)
    clone.root.mkdir()
    clone.git("init", "-q")
    clone.git("remote", "add", "origin", f"file://{hub.root.parent}/hub.git")
    clone.git("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    clone.git("checkout", "-q", "--detach", "ranker@v1.0.0^{commit}")
    return clone


def test_gitlab_builds_the_site_of_the_default_branch(begin: Begin) -> None:
    clone = clone_of(begin(promoted))
    bin_ = clone.root.parent / "mvc/bin"
    bin_.mkdir(parents=True)
    (bin_ / "mvc").symlink_to(MVC)
    script = "\n".join(document("gitlab/site.yml")["pages"]["script"])
    variables = {
        "mvc": str(bin_.parent), "CI_DEFAULT_BRANCH": "main", "CI_PAGES_URL": "https://search.pages.example.com/models",
    }
    done = clone.run("bash", "-eo", "pipefail", "-c", script, env=variables)
    assert done.code == 0, done
    page = (clone.root / "public/models/ranker/index.html").read_text()
    assert "https://search.pages.example.com/models/models/ranker/badge-prod.svg" in page
    assert "origin/main" in page


def test_github_builds_the_site(begin: Begin) -> None:
    clone = clone_of(begin(promoted))
    temporary = clone.root.parent / "temporary"
    (temporary / "mvc/bin").mkdir(parents=True)
    (temporary / "mvc/bin/mvc").symlink_to(MVC)
    steps = document("github/site.yaml")["jobs"]["build"]["steps"]
    (script,) = (step["run"] for step in steps if step.get("name") == "Build the site")
    variables = {"RUNNER_TEMP": str(temporary), "SITE": "https://owner.github.io/models/"}
    done = clone.run("bash", "-eo", "pipefail", "-c", script, env=variables)
    assert done.code == 0, done
    page = (temporary / "site/models/ranker/index.html").read_text()
    assert "https://owner.github.io/models/models/ranker/badge.svg" in page
