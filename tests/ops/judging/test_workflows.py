"""The files that CI files name; tests/gate/honest.py has them in a change."""

from __future__ import annotations

from mvc.objects.parsing import patterns
from mvc.ops.judging.workflows import included_by


def test_what_a_ci_file_includes() -> None:
    raw = b"""
include:
  - local: /ci/gate.yml
  - local: 'ci/*/deep.yaml'
  - {local: "**/any.yml"}
include: ci/one.yml
jobs: [{template: steps/build.yml@self}, {uses: ./.github/workflows/x.yml}, ../up.yml, ../../../out.yml]
"""
    names = included_by("azure/a.yml", raw)
    for path in (
        "ci/gate.yml", "ci/a/deep.yaml", "x/y/any.yml", "ci/one.yml", "azure/steps/build.yml", "steps/build.yml",
        ".github/workflows/x.yml", "up.yml",
    ):
        assert patterns.last(names, path), path
    for path in ("ci/deep.yaml", "other.yml", "gate.yml", "out.yml", "x/ci/gate.yml"):
        assert not patterns.last(names, path), path
