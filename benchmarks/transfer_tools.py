"""mvc and its peers with a remote: an S3 bucket, or the directory `remote` beside the repository.

`$BUCKET` and the keys are in the environment. A job ends in ` FILE` or ` DIR` where the tool wants to be told what
is moved: the file `one.bin` or the directory `d`.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.tools import Command, Tool

_MVC = {"add": ("mvc", "add", "{}"), "push": ("mvc", "push", "--json"), "fetch": ("mvc", "fetch"),
        "pull": ("mvc", "pull")}
_DVC = {"add": ("dvc", "add", "-q", "{}"), "push": ("dvc", "push", "-q"), "pull": ("dvc", "pull", "-q")}
_HARD_LINKS = ("mvc", "config", "set", "cache.link", "hardlink")


def _shell(line: str) -> Command:
    return ("sh", "-c", line)


def _bucket(name: str) -> tuple[tuple[str, str], ...]:
    return (("BUCKET", f"bench-{name}"),)


def _library(name: str) -> Tool:
    script = Path(__file__).with_name("libraries.py")
    line = f'exec "$PEER_PYTHON" {script} {name}'
    return Tool(
        name, "python3", (), {
            "push FILE": _shell(f"{line} put one.bin"), "pull FILE": _shell(f"{line} get one.bin"),
            "push DIR": _shell(f"{line} put d"), "pull DIR": _shell(f"{line} get d"),
        }, repository=False, environ=_bucket(name), package=name,
    )


def _rclone(name: str, remote: str) -> Tool:
    return Tool(
        name, "rclone", (), {
            "push FILE": _shell(f"exec rclone -q copyto one.bin {remote}/one.bin"),
            "pull FILE": _shell(f"exec rclone -q copyto {remote}/one.bin one.bin"),
            "push DIR": _shell(f"exec rclone -q copy d {remote}/d"),
            "pull DIR": _shell(f"exec rclone -q copy {remote}/d d"),
        }, repository=False, environ=_bucket(name),
    )


_ON_S3 = _shell('mvc remote add bench "s3://$BUCKET/store" -o endpoint_url="$AWS_ENDPOINT_URL"')
_IN_FOLDER = ("mvc", "remote", "add", "bench", "../remote")
_DVC_S3 = _shell(
    'dvc remote add -q -d bench "s3://$BUCKET/store" && dvc remote modify -q bench endpointurl "$AWS_ENDPOINT_URL"',
)
_LFS = _shell(
    'git lfs install --local && git lfs track "*.bin" && git remote add origin "file://$(realpath -m ../remote)"',
)
_INIT, _INIT_DVC = ("mvc", "init"), ("dvc", "init", "-q")

TRANSFER_TOOLS = (
    Tool("mvc-s3", "mvc", (_INIT, _ON_S3), _MVC, environ=_bucket("mvc")),
    Tool(
        "mvc-s3-hardlink", "mvc", (_INIT, _ON_S3, _HARD_LINKS), {**_MVC, "settle": _HARD_LINKS},
        environ=_bucket("mvc-hardlink"),
    ),
    _rclone("rclone", 'bench:"$BUCKET"'),
    Tool(
        "aws", "aws", (), {
            "push FILE": _shell('exec aws s3 cp --only-show-errors one.bin "s3://$BUCKET/one.bin"'),
            "pull FILE": _shell('exec aws s3 cp --only-show-errors "s3://$BUCKET/one.bin" one.bin'),
            "push DIR": _shell('exec aws s3 sync --only-show-errors d "s3://$BUCKET/d"'),
            "pull DIR": _shell('exec aws s3 sync --only-show-errors "s3://$BUCKET/d" d'),
        }, repository=False, environ=_bucket("aws"),
    ),
    Tool("dvc-s3", "dvc", (_INIT_DVC, _DVC_S3), _DVC, environ=_bucket("dvc"), package="dvc_s3"),
    _library("obstore"),
    _library("s3fs"),
    Tool("mvc-folder", "mvc", (_INIT, _IN_FOLDER), _MVC),
    Tool("mvc-folder-hardlink", "mvc", (_INIT, _IN_FOLDER, _HARD_LINKS), {**_MVC, "settle": _HARD_LINKS}),
    Tool("dvc-folder", "dvc", (_INIT_DVC, _shell("dvc remote add -q -d bench ../remote")), _DVC),
    Tool("git-lfs-folder", "git-lfs", (_LFS,), {
        "add": ("git", "add", "{}"), "push": ("git", "lfs", "push", "--all", "origin"), "pull": ("git", "lfs", "pull"),
        "settle": _shell('git lfs install --local && git remote set-url origin "file://$(realpath -m ../remote)"'),
        "empty": ("git", "init", "-q", "--bare", "../remote"),
    }),
    _rclone("rclone-folder", "../remote"),
)
