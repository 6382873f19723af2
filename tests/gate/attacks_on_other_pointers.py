"""Pull requests of teams that stay with DVC or git-lfs: their pointers are judged as those of mvc are."""

from __future__ import annotations

import hashlib
from typing import Any

from gate.histories import FILE, PLAIN, RANKER, SPAM, SYMLINK, History, attack, auc, content, honest, p95, ruled

from mvc.objects import lfs
from mvc.objects.hashing import hash_bytes
from mvc.quality.files import POLICY, SUFFIX
from mvc.quality.reports.report import Metric, Model

KINDS = "pointers: [mvc, dvc, lfs]\n"
JUDGED = PLAIN.replace("rules:", f"{KINDS}rules:")
SCANNED = ruled("formats: {pickle: scan}").replace("rules:", f"{KINDS}rules:")
DVC = f"{RANKER}.dvc"
LOCK = "dvc.lock"
EVIL_STAGE = "stages:\n  s0:\n    cmd: train\n    wdir: ../models\n    outs: [ranker.onnx]\n"
"""Of a pipeline in another directory."""


def md5_of(seed: object) -> str:
    return hashlib.md5(content(seed), usedforsecurity=False).hexdigest()


def pointer_of_lfs(seed: object) -> bytes:
    """Return what git-lfs commits in place of a model."""
    raw = content(seed)
    return lfs.emit(lfs.LfsPointer(hashlib.sha256(raw).hexdigest(), len(raw)))


def file_of_dvc(seed: object, path: str = "ranker.onnx", more: str = "", top: str = "") -> str:
    """Return a `.dvc` file; `more` follows its output, `top` comes first."""
    return f"{top}outs:\n- md5: {md5_of(seed)}\n  size: {len(content(seed))}\n  hash: md5\n  path: {path}\n{more}"


def lock_of(*stages: tuple[str, object]) -> str:
    """Return a `dvc.lock` with a stage for each path and seed."""
    rows = (
        f"  s{number}:\n    cmd: train\n    outs:\n"
        f"    - path: {path}\n      hash: md5\n      md5: {md5_of(seed)}\n      size: 1\n"
        for number, (path, seed) in enumerate(stages)
    )
    return "schema: '2.0'\nstages:\n" + "".join(rows)


def report(pr: History, seed: object, tag: str, *metrics: Metric, path: str = RANKER, **said: Any) -> None:
    """Write a report as `mvc eval record` does it for pointers of DVC and git-lfs."""
    raw = content(seed)
    digests = {"md5": md5_of(seed), "sha256": hashlib.sha256(raw).hexdigest(), **said}
    pr.report(seed, tag, *metrics, path=path, model=Model(*hash_bytes(raw), **digests))


def start_lfs(pr: History, policy: str = JUDGED) -> None:
    """Commit a model that git-lfs stores, with a report."""
    pr.put(POLICY, policy)
    pr.put(RANKER, pointer_of_lfs("base"))
    report(pr, "base", "v1.2.0")
    pr.commit()
    pr.change()


def start_dvc(pr: History, policy: str = JUDGED) -> None:
    """Commit a model that DVC tracks, with a report."""
    pr.put(POLICY, policy)
    pr.put(DVC, file_of_dvc("base"))
    report(pr, "base", "v1.2.0")
    pr.commit()
    pr.change()


def start_lock(pr: History, policy: str = JUDGED) -> None:
    """Commit a model that a pipeline of DVC makes, with a report."""
    pr.put(POLICY, policy)
    pr.put(LOCK, lock_of((RANKER, "base")))
    report(pr, "base", "v1.2.0")
    pr.commit()
    pr.change()


# Honest changes.


@honest()
def better_model_in_lfs(pr: History) -> None:
    """Commit a better model by git-lfs, with its report."""
    start_lfs(pr)
    pr.put(RANKER, pointer_of_lfs("new"))
    report(pr, "new", "v1.3.0", auc(0.94), p95(30))
    pr.commit()


@honest()
def better_model_in_dvc(pr: History) -> None:
    """Commit a better model by DVC, with its report."""
    start_dvc(pr)
    pr.put(DVC, file_of_dvc("new"))
    report(pr, "new", "v1.3.0", auc(0.94), p95(30))
    pr.commit()


@honest()
def better_model_in_a_pipeline(pr: History) -> None:
    """Run a pipeline of DVC again, and record its better model."""
    start_lock(pr)
    pr.put(LOCK, lock_of((RANKER, "new")))
    report(pr, "new", "v1.3.0", auc(0.94), p95(30))
    pr.commit()


@honest()
def model_moves_from_a_pipeline_to_a_file_of_dvc(pr: History) -> None:
    """Take the model out of the pipeline: it is the same content."""
    start_lock(pr)
    pr.put(LOCK, lock_of(("data/other.txt", "x")))
    pr.put(DVC, file_of_dvc("base"))
    pr.commit()


@honest()
def model_moves_from_dvc_to_mvc(pr: History) -> None:
    """Import the model from DVC: its report names both digests."""
    start_dvc(pr)
    pr.remove(DVC)
    pr.point("base")
    pr.commit()


@honest("note MVC120")
def earlier_version_in_dvc_returns(pr: History) -> None:
    """Go back to the version before, pointer and report."""
    start_dvc(pr)
    pr.on("main")
    first = pr.branches["main"]
    pr.put(DVC, file_of_dvc("next"))
    report(pr, "next", "v1.3.0")
    pr.commit()
    pr.on("back")
    pr.take(first, DVC, RANKER + SUFFIX)
    pr.branch = "change"
    pr.branches["change"] = pr.branches["main"]
    pr.commit()


@honest()
def other_files_of_lfs(pr: History) -> None:
    """Commit a picture by git-lfs, where the policy asks for no report."""
    start_lfs(pr)
    pr.put("data/cat.png", pointer_of_lfs("cat"))
    pr.commit()


# Reports of other content, or none.


@attack("MVC101")
def model_in_lfs_without_a_report(pr: History) -> None:
    """Add a model by git-lfs, and do not evaluate it."""
    start_lfs(pr)
    pr.put(SPAM, pointer_of_lfs("spam"))
    pr.commit()


@attack("MVC101")
def model_in_dvc_without_a_report(pr: History) -> None:
    """Add a model by DVC, and do not evaluate it."""
    start_dvc(pr)
    pr.put(f"{SPAM}.dvc", file_of_dvc("spam", "spam.onnx"))
    pr.commit()


@attack("MVC101")
def model_in_a_pipeline_without_a_report(pr: History) -> None:
    """Add a stage that makes a model, and do not evaluate it."""
    start_lock(pr)
    pr.put(LOCK, lock_of((RANKER, "base"), (SPAM, "spam")))
    pr.commit()


@attack("MVC103")
def model_in_lfs_with_the_old_report(pr: History) -> None:
    """Exchange the model, and keep the report."""
    start_lfs(pr)
    pr.put(RANKER, pointer_of_lfs("worse"))
    pr.commit()


@attack("MVC103")
def model_in_dvc_with_the_old_report(pr: History) -> None:
    """Exchange the model, and keep the report."""
    start_dvc(pr)
    pr.put(DVC, file_of_dvc("worse"))
    pr.commit()


@attack("MVC103")
def model_in_a_pipeline_with_the_old_report(pr: History) -> None:
    """Exchange the model, and keep the report."""
    start_lock(pr)
    pr.put(LOCK, lock_of((RANKER, "worse")))
    pr.commit()


@attack("MVC103")
def report_without_the_digest_of_dvc(pr: History) -> None:
    """Name the content by blake3 alone, which no pointer of DVC has."""
    start_dvc(pr)
    pr.put(DVC, file_of_dvc("worse"))
    pr.report("good", "v1.3.0")
    pr.commit()


@attack("MVC103")
def digest_of_text_for_one_of_bytes(pr: History) -> None:
    """Bind a report to DVC 2's digest, which is of text without carriage returns."""
    start_dvc(pr)
    pr.put(DVC, file_of_dvc("base").replace("  hash: md5\n", ""))
    pr.commit()


@attack("MVC101", "MVC106")
def model_in_lfs_moved_without_its_report(pr: History) -> None:
    """Move the pointer, and leave the report."""
    start_lfs(pr)
    pr.move(RANKER, SPAM)
    pr.commit()


# Comparison with earlier versions.


@attack("MVC221")
def worse_model_in_lfs(pr: History) -> None:
    """Commit a worse model, with an honest report."""
    start_lfs(pr)
    pr.put(RANKER, pointer_of_lfs("worse"))
    report(pr, "worse", "v1.3.0", auc(0.85), p95(30))
    pr.commit()


@attack("MVC121", "MVC122")
def tag_of_an_earlier_version_in_dvc(pr: History) -> None:
    """Give a tag again, and claim that it is the same content by its blake3, which nobody can check without it."""
    start_dvc(pr)
    pr.put(DVC, file_of_dvc("other"))
    base, other = (hash_bytes(content(seed)) for seed in ("base", "other"))
    pr.report("other", "v1.2.0", model=Model(base.blake3, "", other.size, md5=md5_of("other")))
    pr.commit()


# Pointers that are not what they seem.


@attack("MVC304")
def two_files_of_dvc_name_one_model(pr: History) -> None:
    """Let another file of DVC name the model as well: DVC takes one of them."""
    start_dvc(pr)
    pr.put("evil.dvc", file_of_dvc("evil", RANKER))
    pr.commit()


@attack("MVC304")
def file_of_dvc_with_another_working_directory(pr: History) -> None:
    """The same, by `wdir`."""
    start_dvc(pr)
    pr.put("x/evil.dvc", file_of_dvc("evil", "ranker.onnx", top="wdir: ../models\n"))
    pr.commit()


@attack("MVC101", "MVC304")
def output_outside_of_the_repository(pr: History) -> None:
    """Let a file of DVC write outside of the repository."""
    start_dvc(pr)
    pr.put("models/evil.dvc", file_of_dvc("evil", "../../evil.onnx"))
    pr.commit()


@attack("MVC304")
def pipeline_that_makes_one_model_twice(pr: History) -> None:
    """Name the model in two stages."""
    start_lock(pr)
    pr.put(LOCK, lock_of((RANKER, "base"), (RANKER, "evil")))
    pr.commit()


@attack("MVC304")
def model_in_dvc_and_lfs(pr: History) -> None:
    """Commit a pointer of git-lfs beside the file of DVC."""
    start_dvc(pr)
    pr.put(RANKER, pointer_of_lfs("evil"))
    pr.commit()


@attack("MVC304")
def model_in_mvc_and_dvc(pr: History) -> None:
    """Let DVC name a model that mvc tracks."""
    pr.start(JUDGED)
    pr.change()
    pr.put(DVC, file_of_dvc("evil"))
    pr.commit()


@attack("MVC101", "MVC106")
def pipeline_moved_by_its_working_directory(pr: History) -> None:
    """Leave the lock as it is, and let its stage write elsewhere."""
    start_lock(pr)
    pr.put("dvc.yaml", f"stages:\n  s0:\n    cmd: train\n    wdir: models/x\n    outs: [{RANKER}]\n")
    pr.commit()


@attack("MVC101", "MVC106", "MVC304")
def pipeline_with_a_variable_working_directory(pr: History) -> None:
    """Let a variable say where a stage writes."""
    start_lock(pr)
    pr.put("dvc.yaml", f"stages:\n  s0:\n    cmd: train\n    wdir: ${{there}}\n    outs: [{RANKER}]\n")
    pr.commit()


@attack("MVC304")
def extension_of_lfs(pr: History) -> None:
    """Let a program of the clone change the content on its way."""
    start_lfs(pr)
    version, *rest = pointer_of_lfs("base").splitlines(keepends=True)
    pr.put(RANKER, b"".join((version, b"ext-0-evil sha256:" + b"0" * 64 + b"\n", *rest)))
    pr.commit()


@attack("MVC304")
def pointer_of_lfs_in_another_form(pr: History) -> None:
    """Write a pointer that git-lfs reads, and others may read otherwise."""
    start_lfs(pr)
    pr.put(RANKER, pointer_of_lfs("base").replace(b"size ", b"size 0"))
    pr.commit()


@attack("MVC101", "MVC304")
def pointer_of_lfs_behind_a_space(pr: History) -> None:
    """Begin a pointer with a space of Unicode, which git-lfs leaves out."""
    start_lfs(pr)
    pr.put("models/new.onnx", "\u3000".encode() + pointer_of_lfs("evil"))
    pr.commit()


@attack("MVC106", "MVC302", "MVC327")
def raw_bytes_instead_of_lfs(pr: History) -> None:
    """Remove the filter, and commit the model itself."""
    start_lfs(pr)
    pr.put(RANKER, content("worse"))
    pr.put(".gitattributes", "")
    pr.commit()


@attack("MVC308")
def raw_bytes_beside_a_file_of_dvc(pr: History) -> None:
    """Commit the model itself beside its pointer."""
    start_dvc(pr)
    pr.put(RANKER, content("worse"))
    pr.commit()


@attack("MVC106")
def output_that_dvc_does_not_keep(pr: History) -> None:
    """Tell DVC to keep nothing of the model: it is deleted, and its report is left."""
    start_dvc(pr)
    pr.put(DVC, file_of_dvc("worse", more="  cache: false\n"))
    pr.commit()


@attack("MVC304")
def import_without_content(pr: History) -> None:
    """Import a model of which nobody has the digest."""
    start_dvc(pr)
    pr.put(DVC, "frozen: true\ndeps:\n- path: m\n  repo: {url: https://example.com/r}\nouts:\n- path: ranker.onnx\n")
    pr.commit()


@attack("MVC304")
def malformed_file_of_dvc(pr: History) -> None:
    """Write a file that DVC reads otherwise than others."""
    start_dvc(pr)
    pr.put(DVC, "outs: &a\n- {md5: x, path: ranker.onnx}\nmore: *a\n")
    pr.commit()


@attack("MVC301", "MVC304")
def huge_file_of_dvc(pr: History) -> None:
    """Write a file that takes long to read."""
    start_dvc(pr)
    pr.put(DVC, file_of_dvc("base") + "# " + "x" * (1 << 20))
    pr.commit()


@attack("MVC101", "MVC106", "MVC304")
def malformed_pipeline(pr: History) -> None:
    """Hide the model in a lock that cannot be read."""
    start_lock(pr)
    pr.put(LOCK, "stages: {s0: [\n")
    pr.commit()


@attack("MVC309")
def symlink_for_a_file_of_dvc(pr: History) -> None:
    """Let the pointer be a symlink."""
    start_dvc(pr)
    pr.put("evil.txt", file_of_dvc("evil"))
    pr.put(DVC, "../evil.txt", SYMLINK)
    pr.commit()


@attack("MVC304")
def symlink_for_the_pipeline_of_a_lock(pr: History) -> None:
    """Let DVC follow a symlink to stages that run elsewhere: the lock seems to name data."""
    start_lock(pr)
    pr.put("data/dvc.lock", lock_of(("ranker.onnx", "evil")))
    pr.put("data/real.yaml", EVIL_STAGE)
    pr.put("data/dvc.yaml", "real.yaml", SYMLINK)
    pr.commit()


@attack("MVC301", "MVC304")
def pipeline_too_large_to_be_read(pr: History) -> None:
    """The same, in a file of which a reader may take only a part."""
    start_lock(pr)
    pr.put("data/dvc.lock", lock_of(("ranker.onnx", "evil")))
    pr.put("data/dvc.yaml", EVIL_STAGE + "# " + "x" * (1 << 20))
    pr.commit()


@attack("MVC304")
def output_behind_a_symlink(pr: History) -> None:
    """Let a symlink lead from where the policy asks for no report."""
    start_dvc(pr)
    pr.put("data/link", "../models", SYMLINK)
    pr.put("data/x.dvc", file_of_dvc("evil", "link/spam.onnx"))
    pr.commit()


@attack("MVC103")
def directory_that_lists_no_files(pr: History) -> None:
    """Say by an empty list that a directory is empty: DVC passes over it, and brings what the md5 names."""
    start_dvc(pr)
    pr.put(f"{SPAM}.dvc", file_of_dvc("evil", "spam.onnx", more="  files: []\n"))
    digest = hashlib.md5(b"[]", usedforsecurity=False).hexdigest()
    pr.report("evil", "v1.0.0", path=SPAM, model=Model("0" * 64, "", 0, md5=f"{digest}.dir"))
    pr.commit()


@attack("MVC101")
def model_in_lfs_named_as_a_file_of_git(pr: History) -> None:
    """Give a model a name that begins as that of a file of Git."""
    start_lfs(pr)
    pr.put("models/.gitranker.onnx", pointer_of_lfs("spam"))
    pr.commit()


@attack("MVC101")
def model_in_lfs_named_as_a_report(pr: History) -> None:
    """Give a model the name of a report of nothing."""
    start_lfs(pr)
    pr.put(f"{SPAM}{SUFFIX}", pointer_of_lfs("spam"))
    pr.commit()


@attack("MVC101")
def model_in_lfs_named_as_a_signature(pr: History) -> None:
    """Give a model the name of the signatures of a report, which nobody demands."""
    start_lfs(pr)
    pr.put(f"{RANKER}{SUFFIX}.sig", pointer_of_lfs("spam"))
    pr.commit()


@attack("MVC101", "MVC304")
def model_in_lfs_among_the_settings(pr: History) -> None:
    """Hide a model in mvc's own directory."""
    start_lfs(pr, JUDGED.replace("models/**", "**"))
    pr.put(".mvc/models/spam.onnx", pointer_of_lfs("spam"))
    pr.commit()


@attack("MVC101")
def model_in_lfs_named_as_a_file_of_dvc(pr: History) -> None:
    """Give models names of DVC's files, which is not judged."""
    start_lfs(pr, JUDGED.replace(KINDS, "pointers: [mvc, lfs]\n"))
    pr.put("models/spam.dvc", pointer_of_lfs("spam"))
    pr.put("models/dvc.yaml", pointer_of_lfs("more spam"))
    pr.commit()


@attack("MVC102")
def report_in_lfs(pr: History) -> None:
    """Let git-lfs keep the report as well: nobody sees what it says."""
    start_lfs(pr)
    pr.put(RANKER, pointer_of_lfs("worse"))
    pr.put(RANKER + SUFFIX, pointer_of_lfs("a report"))
    pr.commit()


@attack("MVC304")
def text_of_a_judged_pointer_in_git(pr: History) -> None:
    """Commit the text that stands for a pointer of DVC while it is judged."""
    start_dvc(pr)
    pr.put(f"{SPAM}.mvc", f'other:["{SPAM}.dvc", "md5:{md5_of("base")}", 0, false, ""]', FILE)
    report(pr, "base", "v1.0.0", path=SPAM)
    pr.commit()


@attack("MVC103", "MVC411")
def policy_that_judges_only_mvc(pr: History) -> None:
    """Take DVC out of the policy, and exchange the model."""
    start_dvc(pr)
    pr.put(POLICY, PLAIN)
    pr.put(DVC, file_of_dvc("worse"))
    pr.commit()


@attack("MVC106", "MVC328", besides={"note MVC412"})
def policy_that_begins_to_judge_dvc(pr: History) -> None:
    """Let the change itself have DVC judged: the target branch's policy does not say so."""
    pr.start(PLAIN)
    pr.change()
    pr.put(POLICY, JUDGED)
    pr.put(f"{SPAM}.dvc", file_of_dvc("spam", "spam.onnx"))
    report(pr, "spam", "v1.0.0", path=SPAM)
    pr.commit()


@attack("MVC304")
def conflict_in_a_file_of_dvc(pr: History) -> None:
    """Commit the marks of a conflict."""
    start_dvc(pr)
    pr.put(DVC, f"<<<<<<< HEAD\n{file_of_dvc('a')}=======\n{file_of_dvc('b')}>>>>>>> other\n")
    pr.commit()


@attack("MVC311")
def model_that_cannot_be_scanned(pr: History) -> None:
    """Add a model that mvc has nowhere to scan."""
    start_dvc(pr, SCANNED)
    pr.put(DVC, file_of_dvc("new"))
    report(pr, "new", "v1.3.0")
    pr.commit()

