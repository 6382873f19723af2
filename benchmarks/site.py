"""Measure `mvc site` on 200 models by 50 versions: the first build, and the next one after one new version.

`python -m benchmarks.site [--models N] [--versions N] [--rounds N] [--folder DIR]`. The limits are 20 s and 2 s of wall
time on two quiet cores, and 300 kB for each page.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.against_calls import material
from mvc.objects.digest import Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.pointer import Notes, emit, file_pointer
from mvc.quality.reports.report import Code, Dataset, Environment, Evaluator, Metric, Model, Report, Train, Used
from mvc.quality.reports.report_document import emit as emit_report
from mvc.registry.event import Trailers, message_of

LIMITS = {"first build": 20.0, "after one version": 2.0}
PAGE = 300_000
_START = 1_700_000_000
_WHO = "Bench <bench@example.com>"
_POLICY = b"""\
mvc-policy: 1
rules: [{match: "models/**", max_age: 3650d, metrics: {auc: {min: 0.5, max_regression: 0.01}, p95_ms: {max: 80}}}]
"""
_DATA = "d" * 64
_COUNTRIES = ("DE", "ES", "FR", "IT", "PL", "UK")


def main() -> int:
    """Print wall time and CPU seconds of both builds; exit 1 when a limit was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site")
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--versions", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="keep material here")
    options = parser.parse_args()
    with material(options.folder) as folder:
        return _report(folder, options.models, options.versions, options.rounds)


def _report(folder: Path, models: int, versions: int, rounds: int) -> int:
    repository, site = folder / "repository", folder / "site"
    repository.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=repository, check=True)
    (repository / ".git/mvc").mkdir()
    _commit(repository, [(model, version) for version in range(versions) for model in range(models)])
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in LIMITS}
    for number in range(rounds):
        shutil.rmtree(site, ignore_errors=True)
        found["first build"].append(_built(repository, site))
        _commit(repository, [(0, versions + number)])
        found["after one version"].append(_built(repository, site))
    largest = max(path.stat().st_size for path in site.rglob("*.html"))
    for name, times in found.items():
        wall, used = (median(part) for part in zip(*times, strict=True))
        print(f"{name}: {wall:.2f} s ({used:.2f} CPU seconds), limit {LIMITS[name]:g} s")
    print(f"largest page: {largest:,} bytes, limit {PAGE:,}")
    missed = [name for name, times in found.items() if median(wall for wall, _ in times) > LIMITS[name]]
    return 1 if missed or largest > PAGE else 0


def _built(repository: Path, site: Path) -> tuple[float, float]:
    """Build the site; return seconds of wall time, and of the processors with all processes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environ = {**os.environ, "HOME": str(repository.parent)}
    command = [str(Path(sys.executable).parent / "mvc"), "site", "-q", "-o", str(site)]
    subprocess.run(command, cwd=repository, env=environ, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# The repository.


def _commit(repository: Path, versions: list[tuple[int, int]]) -> None:
    """Commit and register versions of models, a commit for each."""
    command = ["git", "fast-import", "--quiet", "--date-format=raw"]
    with subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE) as process:
        process.stdin.writelines(_stream(versions, exists=(repository / ".mvc").exists()))  # type: ignore[union-attr]
    if process.returncode:
        raise RuntimeError("git fast-import failed")
    for line in ("git reset -q --hard", "git pack-refs --all"):
        subprocess.run(line.split(), cwd=repository, check=True)


def _stream(versions: list[tuple[int, int]], *, exists: bool) -> Iterator[bytes]:
    """Yield commits and tags as `git fast-import` reads them."""
    if exists:
        yield b"reset refs/heads/main\nfrom refs/heads/main^0\n\n"
    else:
        yield _commit_of(_START, [(".mvc/policy.yaml", _POLICY), (".mvc/config.yaml", b"mvc-config: 1\n")])
    for model, version in versions:
        name, moment = f"model-{model:03}", _START + 60 * (1000 * version + model)
        path, digest = f"models/{name}/model.onnx", hash_bytes(f"{model} {version}".encode())
        report = emit_report(_report_of(name, version, digest))
        pointer = emit(file_pointer(digest, notes=Notes(name=name, desc="ranks documents")))
        yield _commit_of(moment, [(f"{path}.mvc", pointer), (f"{path}.eval.yaml", report)])
        trailers = Trailers(digest.blake3, hash_bytes(report).blake3, f"{path}.mvc")
        tags = [f"{name}@v1.{version}.0", *([f"{name}#prod#{version}"] if version % 10 == 0 else [])]
        for tag in tags:
            message = message_of(tag, "", trailers).encode()
            head = f"tag {tag}\nfrom refs/heads/main\ntagger {_WHO} {moment} +0000\ndata {len(message)}\n"
            yield head.encode() + message


def _commit_of(moment: int, files: list[tuple[str, bytes]]) -> bytes:
    head = f"commit refs/heads/main\ncommitter {_WHO} {moment} +0000\ndata 4\nwork\n".encode()
    return head + b"".join(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(raw), raw) for path, raw in files)


def _report_of(name: str, version: int, digest: Digest) -> Report:
    auc = 0.7 + version / 250
    sliced = [Metric("auc", auc - at / 100, True, "holdout", slice={"country": country}, n=600)  # noqa: FBT003
              for at, country in enumerate(_COUNTRIES)]
    whole = [Metric("auc", auc, True, "holdout", 0.004), Metric("p95_ms", 60 - version / 2, False, "holdout"),  # noqa: FBT003
             Metric("log_loss", 1 - auc, False, "holdout")]  # noqa: FBT003
    return Report(
        1, Model(digest.blake3, digest.xxh128, digest.size, name), f"v1.{version}.0", task="text-ranking",
        created_at="2026-01-01T10:00:00Z", evaluator=Evaluator("ci@example.com"), params={"seed": 42, "lr": 0.1},
        code=Code("c" * 40, dirty=False, command="python eval.py"), metrics=[*whole, *sliced],
        environment=Environment("3.11.7", "Linux", {"scikit-learn": "1.9.1", "numpy": "2.3.1"}),
        train=Train([Used("data/train.csv", _DATA)]),
        datasets=[Dataset("holdout", _DATA, path="data/holdout.csv", split="test", n=5000)],
    )


if __name__ == "__main__":
    sys.exit(main())
