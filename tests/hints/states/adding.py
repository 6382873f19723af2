"""`mvc add`."""

from __future__ import annotations

from collections.abc import Callable

from harness import Repo
from hints.state import CHANGED, MANY_NEW, MOVED_ON, NEW, NOTHING_TRACKED, PART_CHANGED, empty_cache, state
from hints.states.pointers import CONFLICT
from quality.onnx_files import model, tensor


def write_onnx(*locations: str) -> Callable[[Repo], object]:
    """Return a step that writes an ONNX file with weights at `locations`."""
    return lambda repo: repo.write("n.onnx", model(*map(tensor, locations)))


STATES = [
    state("add_of_onnx_without_its_data", write_onnx("n.data"), "echo w > n.data", "mvc add n.onnx"),
    state(
        "add_of_onnx_with_data_tracked_apart", write_onnx("n.data"), "echo w > n.data", "mvc add n.data",
        "mvc eval record n.onnx --tag v1.0.0 --metric auc=1", "mvc add n.onnx",
    ),
    state(
        "add_of_onnx_with_data_outside", write_onnx("../n.data"), "mvc add n.onnx",
        ends=127, reason="the line is Python's",
    ),
    state(
        "add_of_a_directory_that_lacks_a_shard", "mkdir llm",
        """echo '{"weight_map": {"w": "model-00001-of-00001.safetensors"}}' > llm/model.safetensors.index.json""",
        "mvc add llm",
    ),
    state("add_of_nothing", "rm m.bin", "mvc add m.bin"),
    state("add_of_nothing_without_content", empty_cache, "rm m.bin", "mvc add m.bin"),
    state("add_when_behind", MOVED_ON, "mvc add m.bin"),
    state("add_when_behind_without_content", MOVED_ON, empty_cache, "mvc add m.bin"),
    state("add_when_changed_and_moved_on", MOVED_ON, PART_CHANGED, "mvc add d"),
    state("add_of_git_s_file", "mvc add plain.txt"),
    state("add_of_git_s_changed_file", "echo mine > plain.txt", "mvc add plain.txt"),
    state("add_of_git_s_directory", "mkdir docs", "echo a > docs/a", "git add docs", "mvc add docs"),
    state("add_of_what_never_was", NEW, "mvc add nowhere.bin", PATH="n.bin"),
    state("add_of_everything", NEW, *NOTHING_TRACKED, "mvc add $TOP", PATH="n.bin"),
    state("add_without_paths", CHANGED, NEW, "mvc add", PATH="n.bin"),
    state("add_above_new_files", NEW, "mvc add .", PATH="n.bin"),
    state("add_of_a_part_that_never_was", "mvc add d/nowhere", PATH="d/1"),
    state("add_of_a_directory_as_a_part", "rm m.bin", "mkdir m.bin", "echo in > m.bin/in", "mvc add m.bin/in"),
    state(
        "add_around_a_tracked_path", "mkdir box", "echo in > box/in.bin", "mvc add box/in.bin", "cp d.mvc box.mvc",
        "mvc add box",
    ),
    state("add_of_two_with_a_name", NEW, "mvc add m.bin d --name ranker", PATH="n.bin", NAME="ranker"),
    state("add_with_a_bad_name", NEW, "mvc add m.bin --name a.b", PATH="n.bin"),
    state("add_of_a_repository", "git init -q d/inner", "echo x > d/inner/x", "mvc add d"),
    state("add_outside_of_the_repository", "mvc add /etc/hostname", DIR=".", COMMAND="status"),
    state("add_of_mvc_s_own", "mkdir elsewhere", "mvc add $TOP/.mvc/policy.yaml", DIR="elsewhere"),
    state("add_of_an_empty_file", ": > n.bin", "mvc add n.bin"),
    state("add_of_an_emptied_file", ": > m.bin", "mvc add m.bin"),
    state("add_of_an_emptied_file_without_content", empty_cache, ": > m.bin", "mvc add m.bin"),
    state("add_of_a_name_that_differs_by_case", "echo n > M.BIN", "mvc add M.BIN", NAME="n.bin"),
    state("add_of_a_pointer_of_dvc", NEW, "echo outs: > n.bin.dvc", "mvc add n.bin.dvc"),
    state(
        "add_of_a_pointer_of_lfs", "git lfs install --local --skip-repo", "echo '*.lfs filter=lfs' >> .gitattributes",
        "echo n > n.lfs", "git add n.lfs .gitattributes", "git commit -qm lfs",
        "git cat-file -p HEAD:./n.lfs > $TOP/../stub && cp $TOP/../stub n.lfs", "mvc add n.lfs",
    ),
    state("add_of_a_file_that_vanishes", PART_CHANGED, "mvc add d", meanwhile="rm d/1"),
    state("add_during_a_conflict", *CONFLICT, NEW, "mvc add n.bin"),
    state("add_of_a_change_done", CHANGED, "mvc add m.bin"),
    state("add_without_staging", CHANGED, "mvc add --no-stage m.bin"),
    state("add_of_many_without_staging", MANY_NEW, "mvc add --no-stage n*", PATH="n1"),
]
