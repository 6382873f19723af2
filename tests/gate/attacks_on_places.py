"""Pull requests that take a model out of mvc's hands, and leave something at its place that nobody judges."""

from __future__ import annotations

from gate.histories import (
    FILE,
    RANKER,
    SPAM,
    SUBMODULE,
    SYMLINK,
    History,
    attack,
    honest,
    ruled,
)

from mvc.quality.files import POLICY, SUFFIX

BERT = "models/bert"
REPORTED = ruled("report: required")
OID = b"1" * 40
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"1" * 64 + b"\nsize 5\n"


def _left(pr: History, file: str, raw: bytes = b"small", mode: str = FILE, path: str = RANKER) -> None:
    """Delete a model, and have Git get a file."""
    pr.start()
    pr.train("bert", "v1.0.0", path=BERT)
    pr.commit()
    pr.change()
    pr.delete(path)
    pr.put(file, raw, mode)
    pr.commit()


@attack("MVC302", "MVC327", shows="deleted")
def model_given_to_git(pr: History) -> None:
    """Track the model no more, and commit it as a file of Git's."""
    _left(pr, RANKER)


@attack("MVC327")
def model_given_to_lfs(pr: History) -> None:
    """Have Git LFS keep the model."""
    _left(pr, RANKER, LFS)


@attack("MVC327")
def model_given_to_dvc(pr: History) -> None:
    """Have DVC keep the model."""
    _left(pr, f"{RANKER}.dvc", b"outs: [{path: ranker.onnx}]\n")


@attack("MVC327")
def models_given_to_dvc(pr: History) -> None:
    """Have DVC keep the directory in which the model lies."""
    _left(pr, "models.dvc", b"outs: [{path: models}]\n")


@attack("MVC327")
def submodule_in_the_place_of_a_model(pr: History) -> None:
    """Put a submodule where the model was."""
    _left(pr, RANKER, OID, SUBMODULE)


@attack("MVC327")
def symlink_in_the_place_of_a_model(pr: History) -> None:
    """Let the model's path lead to where no reports are asked for."""
    _left(pr, RANKER, b"../data/worse.onnx", SYMLINK)


@attack("MVC327")
def symlink_in_the_place_of_the_directory(pr: History) -> None:
    """Let the model's directory lead to where no reports are asked for."""
    _left(pr, "models", b"data", SYMLINK)


@attack("MVC327")
def file_below_the_place_of_a_model(pr: History) -> None:
    """Put files below the path of a model, as if it had been a directory."""
    _left(pr, f"{BERT}/part-1/weights.bin", path=BERT)


@attack("MVC327")
def file_of_which_the_case_differs(pr: History) -> None:
    """Put a file where the model was, spelled otherwise: where case does not count, it is the same path."""
    _left(pr, "Models/Ranker.ONNX", OID, SUBMODULE)


@attack("MVC327")
def symlink_in_the_place_of_a_model_that_moved(pr: History) -> None:
    """Move the model, and let its path lead to where no reports are asked for."""
    pr.start()
    pr.change()
    pr.rename(RANKER, SPAM)
    pr.put(RANKER, b"../data/worse.onnx", SYMLINK)
    pr.commit()


@attack("MVC327")
def report_of_nothing_below_the_place_of_a_model(pr: History) -> None:
    """Put a file below the model's path that is called as mvc's are, and belongs to no model."""
    _left(pr, f"{BERT}/weights{SUFFIX}", b"cases: []\n", path=BERT)


@honest()
def place_left_empty(pr: History) -> None:
    """Delete a model; what only begins like its path stays."""
    pr.put("models/ranker.onnx-notes/README.md", "# The ranker\n")
    pr.put("models/ranker.md", "# The ranker\n")
    pr.start()
    pr.change()
    pr.delete()
    pr.put("models/.gitignore", "*.tmp\n")
    pr.put("models/README.md", "# Models\n")
    pr.commit()


@honest("note MVC220")
def directory_tracked_file_by_file(pr: History) -> None:
    """Track the files of a directory that was tracked as a whole, with signed reports and ignore lines."""
    pr.trust("ada")
    pr.put(POLICY, REPORTED)
    pr.point_dir("models/bert", config=1, weights=2)
    pr.commit()
    pr.change()
    pr.remove("models/bert.mvc")
    pr.put("models/bert/.gitignore", "/config.bin\n/weights.bin\n")
    for name in ("config.bin", "weights.bin"):
        pr.train(name, "v1.0.0", path=f"models/bert/{name}")
        pr.sign("ada", path=f"models/bert/{name}")
    pr.commit()


@honest()
def files_tracked_as_a_directory(pr: History) -> None:
    """Track a directory as a whole of which one file was tracked."""
    pr.put(POLICY, ruled("report: required", match="models/bert/config.bin", defaults="{report: optional}"))
    pr.train("config", "v1.0.0", path="models/bert/config.bin")
    pr.commit()
    pr.change()
    pr.delete("models/bert/config.bin")
    pr.point_dir("models/bert", config=1)
    pr.commit()


@honest()
def data_given_to_git(pr: History) -> None:
    """Have Git keep a small data set, of which the policy asks no report."""
    pr.start()
    pr.point("rows", path="data/rows.csv")
    pr.commit()
    pr.change()
    pr.remove("data/rows.csv.mvc")
    pr.put("data/rows.csv", b"1,2\n")
    pr.commit()


@honest()
def place_taken_in_a_change_of_its_own(pr: History) -> None:
    """Put a file where a model was, which an earlier change has deleted."""
    pr.start()
    pr.train("bert", "v1.0.0", path=BERT)
    pr.commit()
    pr.delete(BERT)
    pr.commit()
    pr.change()
    pr.put(f"{BERT}/README.md", "# What it was\n")
    pr.commit()
