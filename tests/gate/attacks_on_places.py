"""Pull requests that take a model out of mvc's hands, and leave something at its place that nobody judges."""

from __future__ import annotations

from gate.histories import FILE, PLAIN, RANKER, SPAM, SUBMODULE, SYMLINK, History, attack, honest, p95, ruled, waiver

from mvc.quality.files import POLICY, SUFFIX, WAIVERS

BERT = "models/bert"
REPORTED = ruled("report: required")
PROD = "models/prod/r.bin"
ONLY_BIN = ruled("metrics: {auc: {min: 0.8, max_regression: 0.005}}", match="*.bin", defaults="{report: optional}")
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


@attack("MVC327")
def symlink_that_is_called_as_what_does_no_harm(pr: History) -> None:
    """Put a symlink that is called as Git's own files are below the path of a model."""
    _left(pr, f"{BERT}/.gitignore", b"../../scratch", SYMLINK, path=BERT)


@attack("MVC327")
def pointer_of_dvc_that_is_called_as_what_does_no_harm(pr: History) -> None:
    """Have DVC keep what lies below the path of a model, by a pointer that is called as a note is."""
    _left(pr, f"{BERT}/README.dvc", b"outs: [{path: weights}]\n", path=BERT)


@attack("MVC327")
def file_at_the_place_of_a_model_that_is_called_like_a_note(pr: History) -> None:
    """Put a file where a model was that was called as notes are."""
    pr.train("notes", "v1.0.0", path=f"{BERT}/README")
    pr.start(REPORTED)
    pr.change()
    pr.delete(f"{BERT}/README")
    pr.put(f"{BERT}/README", "# Small\n")
    pr.commit()


def _moved_up(pr: History, policy: str, new: str = "models") -> None:
    """Delete a model, and track what lies at another path."""
    pr.put(POLICY, policy)
    pr.train("prod", "v1.0.0", path=PROD)
    pr.commit()
    pr.change()
    pr.delete(PROD)
    pr.point("worse", path=new)


@attack("MVC325")
def directory_in_the_place_of_a_model(pr: History) -> None:
    """Track the directory in which the model lay, where no report is demanded."""
    _moved_up(pr, ONLY_BIN)
    pr.commit()


@attack("MVC325", besides={"note MVC220"})
def directory_in_the_place_of_a_model_that_a_rule_names(pr: History) -> None:
    """The same, with a report that has other metrics, which is all that the defaults ask for."""
    _moved_up(pr, ruled("metrics: {auc: {min: 0.8, max_regression: 0.005}}", match=PROD))
    pr.report("worse", "v1.1.0", p95(20), path="models")
    pr.commit()


@attack("MVC325")
def case_twin_of_a_model_that_goes(pr: History) -> None:
    """Delete the model, and track new bytes at a path that is the same where case does not count."""
    rule = ruled("metrics: {auc: {min: 0.8}}", match="models/prod/**", defaults="{report: optional}")
    _moved_up(pr, rule, "Models/prod/r.bin")
    pr.commit()


@attack("MVC302", "MVC327")
def waiver_for_what_was_in_its_place_before(pr: History) -> None:
    """Put a file in the place of a model under a waiver that was given for another version of it."""
    pr.put(WAIVERS, waiver("MVC327", "older", b""))
    _left(pr, RANKER)


@attack("MVC106", "MVC327")
def waiver_for_a_model_of_which_the_report_is_left(pr: History) -> None:
    """Leave the report of a model that is gone, under waivers for what was there."""
    pr.start()
    raw = pr.read(RANKER + SUFFIX)
    pr.put(WAIVERS, waiver("MVC106", "base", raw))
    pr.commit()
    pr.change()
    pr.remove(f"{RANKER}.mvc")
    pr.put(f"{RANKER}.dvc", b"outs: [{path: ranker.onnx}]\n")
    pr.commit()


@honest("note MVC415")
def migration_taken_back_under_a_waiver(pr: History) -> None:
    """Take a migration from DVC back in one change, for which somebody answers."""
    pr.start()
    pr.put(WAIVERS, waiver("MVC327", "base", pr.read(RANKER + SUFFIX)))
    pr.commit()
    pr.change()
    pr.delete()
    pr.put(f"{RANKER}.dvc", b"outs: [{path: ranker.onnx}]\n")
    pr.commit()


@honest("note MVC415")
def link_left_by_a_move_under_a_waiver(pr: History) -> None:
    """Leave a link to where the model has moved, for which somebody answers."""
    pr.start()
    pr.put(WAIVERS, waiver("MVC327", "base", pr.read(RANKER + SUFFIX)))
    pr.commit()
    pr.change()
    pr.rename(RANKER, SPAM)
    pr.put(RANKER, "spam.onnx", SYMLINK)
    pr.commit()


@honest()
def model_deleted_beside_what_stood_there_before(pr: History) -> None:
    """Delete a model in whose place pointers of DVC's stood already."""
    pr.put("models.dvc", b"outs: [{path: models}]\n")
    pr.put(f"{RANKER}.dvc", b"outs: [{path: ranker.onnx}]\n")
    pr.start()
    pr.change()
    pr.delete()
    pr.commit()


@honest()
def nested_model_deleted(pr: History) -> None:
    """Delete a model that lies in a directory that is tracked itself, with weaker demands."""
    pr.put(POLICY, ONLY_BIN)
    pr.train("prod", "v1.0.0", path=PROD)
    pr.point("all", path="models")
    pr.commit()
    pr.change()
    pr.delete(PROD)
    pr.commit()


@honest()
def model_moved_into_a_directory_of_its_name(pr: History) -> None:
    """Make a directory of a model's path, with the model, notes and Git's own files in it."""
    pr.put(POLICY, REPORTED)
    pr.train("ranker", "v1.0.0", path=BERT, name="bert")
    pr.commit()
    pr.change()
    pr.rename(BERT, f"{BERT}/v1.bin")
    for name in (".gitignore", ".gitattributes", ".gitkeep", "README.md", "docs/README", "LICENSE-MIT"):
        pr.put(f"{BERT}/{name}", "# Notes\n")
    pr.commit()


@honest()
def model_that_never_had_a_report_given_to_git(pr: History) -> None:
    """Have Git keep a file that was tracked by mistake, and never evaluated."""
    pr.start()
    pr.point("labels", path="models/labels.json")
    pr.commit()
    pr.change()
    pr.remove("models/labels.json.mvc")
    pr.put("models/labels.json", "[]\n")
    pr.commit()


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
    """Track a directory as a whole, where one of its files was tracked and the demands are the same."""
    pr.put(POLICY, ruled("report: required", match="models/bert/**", defaults="{report: optional}"))
    pr.train("config", "v1.0.0", path="models/bert/config.bin")
    pr.commit()
    pr.change()
    pr.delete("models/bert/config.bin")
    pr.train("all", "v1.1.0", path="models/bert")
    pr.commit()


@honest()
def unjudged_files_tracked_as_a_directory(pr: History) -> None:
    """Track a directory as a whole, in a place where no report is demanded."""
    pr.start()
    pr.point("rows", path="data/rows/a.csv")
    pr.commit()
    pr.change()
    pr.remove("data/rows/a.csv.mvc")
    pr.point_dir("data/rows", a=1)
    pr.commit()


@honest()
def model_renamed_in_case(pr: History) -> None:
    """Rename a model so that only case differs, under one rule."""
    pr.start(PLAIN)
    pr.change()
    pr.rename(RANKER, "models/Ranker.onnx")
    pr.commit()


@honest()
def data_given_to_git(pr: History) -> None:
    """Have Git keep a small data set, for which the policy demands no report."""
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


def _brought(pr: History, path: str, raw: bytes, policy: str = REPORTED) -> None:
    """Add one file beside a model that stays."""
    pr.start(policy)
    pr.change()
    pr.put(path, raw)
    pr.commit()


@attack("MVC327")
def model_that_dvc_is_given_as_well(pr: History) -> None:
    """Have DVC keep other content for the path of a model that stays."""
    _brought(pr, f"{RANKER}.dvc", b"outs:\n- {md5: a, size: 1, path: ranker.onnx}\n")


@attack("MVC327")
def model_that_a_file_of_dvc_with_another_name_claims(pr: History) -> None:
    """Have a file of DVC's elsewhere claim the path of a model that stays."""
    _brought(pr, "tools/x.dvc", b"wdir: ..\nouts: [{path: models/ranker.onnx}]\n")


@attack("MVC327")
def model_that_a_pipeline_claims_by_an_alias(pr: History) -> None:
    """Have a stage of DVC's write the path, in YAML that is more than plain."""
    _brought(pr, "dvc.yaml", b"x: &r models/ranker.onnx\nstages: {train: {cmd: x, outs: [*r]}}\n")


@attack("MVC327")
def model_that_dvc_gets_by_another_name(pr: History) -> None:
    """Track the model no more, and have a file of DVC's with another name keep it."""
    _left(pr, "models/x.dvc", b"outs: [{path: ranker.onnx}]\n")


@attack("MVC328")
def new_model_that_lfs_keeps(pr: History) -> None:
    """Have Git LFS keep a new model where a rule demands a report."""
    _brought(pr, "models/new.bin", LFS)


@attack("MVC328")
def new_model_that_dvc_keeps(pr: History) -> None:
    """Have DVC keep a new model where a rule demands a report."""
    _brought(pr, "models/new.bin.dvc", b"outs: [{path: new.bin}]\n")


@attack("MVC328")
def new_model_that_lfs_keeps_after_a_move(pr: History) -> None:
    """Move a file of Git LFS to where a rule demands a report."""
    pr.put("assets/new.bin", LFS)
    pr.start(REPORTED)
    pr.change()
    pr.move("assets/new.bin", "models/new.bin")
    pr.commit()


@honest()
def files_of_lfs_and_dvc_where_no_rule_demands_a_report(pr: History) -> None:
    """Have both keep data, a pipeline write what it does not keep, and LFS a picture that is allowed."""
    policy = ruled("report: required", defaults='{git: {allow: ["*.png"]}}')
    pr.put("models/old.bin.dvc", b"outs: [{path: old.bin, md5: a}]\n")
    pr.put("dvc.yaml", b"stages: {old: {cmd: x, outs: [models/older.bin]}}\n")
    pr.start(policy)
    pr.change()
    pr.put("models/old.bin.dvc", b"outs: [{path: old.bin, md5: b}]\n")
    stages = b"{old: {cmd: y, outs: [models/older.bin]}, new: {cmd: x, outs: [models/ranker.onnx: {cache: false}]}}"
    pr.put("dvc.yaml", b"stages: " + stages)
    pr.put("data/rows.csv", LFS)
    pr.put("data/a.dvc", b"outs: [{path: a}]\n")
    pr.put("models/curve.png", LFS)
    pr.commit()
