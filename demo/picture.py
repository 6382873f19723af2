"""`make picture`: a picture of what a reviewer sees of a pull request, judged in a new repository.

The verdict that `mvc gate` writes for a comment becomes a page that looks as on GitHub. Chromium takes the picture.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt
from shell import environment

MODEL = "models/ranker.onnx"
POLICY = f"""\
mvc-policy: 1
rules:
  - match: "{MODEL}"
    metrics:
      auc: {{min: 0.9, max_regression: 0.005}}
      p95_ms: {{max: 40}}
  - {{match: "data/**", report: optional}}
"""
COUNTRIES = {"DE": -0.011, "ES": 0.002, "FR": -0.004, "IT": 0.009}
VERSIONS = ((0.902, 38.1), (0.911, 36.4), (0.915, 36.9), (0.921, 35.2), (0.926, 34.8), (0.931, 34.5), (0.917, 31.2))
"""AUC and latency of each version; the last one is the pull request's."""

WIDTH = 880
STYLE = """
body { font: 14px/1.5 "Liberation Sans", Arial, sans-serif; color: #1f2328; margin: 0; padding: 16px;
  border: 1px solid #d1d9e0; border-radius: 6px }
h3 { font-size: 1.25em; margin: 0 0 16px }
h4 { font-size: 1em; margin: 24px 0 12px }
p, ul, table, pre, details { margin: 0 0 12px }
ul { padding-left: 24px; margin-bottom: 0 }
code { font: 12px "DejaVu Sans Mono", monospace; background: #eff1f3; padding: .2em .4em; border-radius: 6px }
pre { background: #f6f8fa; padding: 12px; border-radius: 6px; overflow: hidden }
pre code { background: none; padding: 0 }
table { border-collapse: collapse }
th, td { border: 1px solid #d1d9e0; padding: 5px 11px }
tr:nth-child(2n) { background: #f6f8fa }
"""


def main(target: str) -> None:
    """Write the picture to the file `target`, or with the ending `.html` the page."""
    with tempfile.TemporaryDirectory(prefix="mvc-picture-") as root:
        page = Path(root, "page.html")
        page.write_text(_page(_verdict(Path(root))))
        if target.endswith(".html"):
            Path(target).write_text(page.read_text())
        else:
            _photograph(page, Path(target).resolve())


def _verdict(root: Path) -> str:
    """Return what the gate says of a pull request in a new repository."""
    repo = root / "repository"
    (repo / "data").mkdir(parents=True)
    (repo / "models").mkdir()
    environ = {**environment(root), "GIT_AUTHOR_DATE": "2026-11-30T12:00Z", "GIT_COMMITTER_DATE": "2026-11-30T12:00Z"}

    def run(line: str, code: int = 0) -> str:
        done = subprocess.run(["bash", "-c", line], cwd=repo, env=environ, text=True, check=False, capture_output=True)
        if done.returncode != code:
            sys.exit(f"`{line}` exited with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    run("git init -qb main && git config user.name Ada && git config user.email ada@example.com && mvc init")
    (repo / ".mvc/policy.yaml").write_text(POLICY)
    run("seq 5000 > data/holdout.csv && mvc add data/holdout.csv && git add -A && git commit -qm 'Set mvc up'")
    for number, (auc, latency) in enumerate(VERSIONS):
        run("git switch -qc change" if number == len(VERSIONS) - 1 else "true")
        slices = " ".join(f"--metric 'auc[country={name}]={auc + more:.3f}'" for name, more in COUNTRIES.items())
        metrics = f"--metric auc={auc} --metric p95_ms={latency} {slices} --dataset holdout=data/holdout.csv"
        run(f"seq {number} {300_000 + 9_000 * number} > {MODEL} && mvc add {MODEL}")
        run(f"mvc eval record {MODEL} --tag v1.{number}.0 {metrics}")
        report = repo / f"{MODEL}.eval.yaml"
        report.write_text(re.sub(rf"(value: {auc}.*)}}", r"\1, stderr: 0.003}", report.read_text()))
        run(f"git add -A && git commit -qm 'Version {number}'")
    return run("mvc gate --base main --head change --format md", code=1)


def _page(markdown: str) -> str:
    """Return a page whose title is its height in pixels."""
    body = MarkdownIt("commonmark").enable("table").render(markdown)
    measure = "<script>document.title = Math.ceil(document.body.getBoundingClientRect().height)</script>"
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><body>{body}{measure}'


def _photograph(page: Path, target: Path) -> None:
    browser = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=2"]
    browser.append(f"--user-data-dir={page.parent / 'browser'}")

    def look(height: int, *how: str) -> str:
        command = [*browser, f"--window-size={WIDTH},{height}", *how, page.as_uri()]
        return subprocess.run(command, text=True, check=True, capture_output=True).stdout

    height = look(WIDTH, "--dump-dom").partition("<title>")[2].partition("<")[0]
    look(int(height), f"--screenshot={target}")


if __name__ == "__main__":
    main(sys.argv[1])
