"""Models that DVC or git-lfs keeps."""

from __future__ import annotations

from hints.state import NEW, state

RECORD = "mvc eval record {} --tag v1.0.0 --metric auc=0.9"
LFS = (
    "git lfs install --local --skip-repo", "echo 'pointers: [mvc, lfs]' >> $TOP/.mvc/policy.yaml",
    "echo '*.lfs filter=lfs' >> .gitattributes", "echo n > n.lfs",
    "git add n.lfs .gitattributes $TOP/.mvc/policy.yaml", "git commit -qm lfs",
)
"""git-lfs keeps n.lfs, and the policy has it judged."""
MD5 = "a" * 32
REPORTED = (*LFS, RECORD.format("n.lfs"), "git commit -qm reported")

STATES = [
    state("report_of_what_lfs_is_to_keep", *LFS, NEW, RECORD.format("n.bin")),
    state("report_of_a_change_that_lfs_lacks", *LFS, "echo mine > n.lfs", RECORD.format("n.lfs")),
    state("report_of_a_file_of_dvc", NEW, "echo outs: > n.bin.dvc", RECORD.format("n.bin.dvc")),
    state(
        "report_with_a_broken_file_of_dvc", "echo 'pointers: [mvc, dvc]' >> $TOP/.mvc/policy.yaml", NEW,
        "echo broken > n.bin.dvc", RECORD.format("n.bin"), ends=1, reason="it says what is wrong with the pointer",
    ),
    state(
        "check_of_a_path_that_mvc_and_dvc_keep", "echo 'pointers: [mvc, dvc]' >> $TOP/.mvc/policy.yaml", NEW,
        "mvc add n.bin", RECORD.format("n.bin"),
        "printf 'outs:\\n- md5: %032d\\n  hash: md5\\n  path: n.bin\\n' 12345678901 | sed s/0/a/g > n.bin.dvc",
        "git add n.bin.dvc", "mvc eval check n.bin",
    ),
    state(
        "check_of_a_pipeline_that_runs_somewhere", "echo 'pointers: [mvc, dvc]' >> $TOP/.mvc/policy.yaml",
        "echo 'stages: {a: {cmd: x, wdir: \"${there}\"}}' > dvc.yaml",
        f"printf 'stages:\\n  a:\\n    outs:\\n    - md5: {MD5}\\n      path: n.bin\\n' > dvc.lock",
        "git add dvc.yaml dvc.lock", "mvc eval check",
    ),
    state("register_with_a_change_that_lfs_has", *REPORTED, "echo mine > n.lfs", "git add n.lfs", "mvc register n"),
    state("register_with_a_change_that_lfs_lacks", *REPORTED, "echo mine > n.lfs", "mvc register n"),
]
