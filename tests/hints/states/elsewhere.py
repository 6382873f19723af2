"""`mvc import lfs`, `mvc export card`."""

from __future__ import annotations

from hints.state import state

LFS = (
    "git lfs install --local --skip-repo", "echo '*.lfs filter=lfs' >> .gitattributes", "echo n > n.lfs",
    "git add n.lfs .gitattributes", "git commit -qm lfs",
)
"""n.lfs is git-lfs's."""
OID = "$(git cat-file -p HEAD:./n.lfs | grep -o '[0-9a-f]\\{64\\}')"
OBJECT = f"$(find $(git rev-parse --git-common-dir)/lfs/objects -name {OID})"
PREFIX = "$(git rev-parse --show-prefix)"
INDEX = "git update-index --add --cacheinfo 100644"
AGAIN = f"{INDEX},$(git rev-parse HEAD:./n.lfs),{PREFIX}"
"""The same content at another path."""

STATES = [
    state("import_lfs", *LFS, "mvc import lfs"),
    state("import_lfs_of_nothing", *LFS, "mvc import lfs nowhere"),
    state(
        "import_lfs_of_git_s_file", *LFS, "echo raw > raw.lfs",
        "git -c filter.lfs.process= -c filter.lfs.required=false add raw.lfs", "git commit -qm raw", "mvc import lfs",
    ),
    state("import_lfs_of_twins", *LFS, f"{AGAIN}N.lfs", "mvc import lfs", OLD="n.lfs", NEW="other.lfs"),
    state("import_lfs_of_a_refused_name", *LFS, "mv n.lfs aux.lfs", "git add -A .", "git commit -qm moved",
          "mvc import lfs", OLD="aux.lfs", NEW="other.lfs"),
    state(
        "import_lfs_with_an_extension", *LFS,
        f"git cat-file -p HEAD:./n.lfs | sed '1a ext-0-zip sha256:'{OID} > $TOP/../ext",
        f"{INDEX},$(git hash-object -w --no-filters $TOP/../ext),{PREFIX}e.lfs", "mvc import lfs",
    ),
    state(
        "import_lfs_of_a_malformed_pointer", *LFS, "(git cat-file -p HEAD:./n.lfs; echo) > $TOP/../text",
        f"{INDEX},$(git hash-object -w --no-filters $TOP/../text),{PREFIX}n.lfs", "git commit -qm text",
        "mvc import lfs",
    ),
    state(
        "import_lfs_of_what_is_left_out", *LFS, "git status",
        "git -C $TOP sparse-checkout set --no-cone '/*' '!n.lfs'", "mvc import lfs",
    ),
    state("import_lfs_into_a_tracked_directory", *LFS, f"{AGAIN}d/x.lfs", "mvc import lfs"),
    state(
        "import_lfs_of_other_content", *LFS, "mvc import lfs", "git commit -qm mvc",
        "git checkout -q HEAD~ .gitattributes", "echo two > n.lfs", "git add -f n.lfs", "git commit -qm two",
        "mvc import lfs",
    ),
    state(
        "import_lfs_without_content", *LFS, f"rm -f {OBJECT}", "rm n.lfs", "mvc import lfs",
        ends=2, reason="nobody has the content",
    ),
    state(
        "import_lfs_of_a_damaged_object", *LFS, "git init -q --bare $TOP/../origin.git",
        "git remote add origin $TOP/../origin.git", "git push -q origin HEAD", "git lfs push --all origin",
        f"echo x > $TOP/../x && mv -f $TOP/../x {OBJECT}", "rm n.lfs", "mvc import lfs",
    ),
    state(
        "export_card_over_a_readme", "echo mine > README.md", "mvc export card m.bin@v1.1.0",
        NAME="m.bin", VERSION="v1.1.0",
    ),
    state(
        "export_card_beside_a_symlink", "mvc eval record m.bin --tag v9.0.0 --metric 'cais/hle[task=default]=1'",
        "git commit -qm scores", "ln -s . .eval_results", "mvc export card HEAD:$HERE/m.bin",
        NAME="m.bin", VERSION="v1.1.0",
    ),
    state("export_card_of_a_path", "mvc export card m.bin"),
    state("export_card_without_a_report", "mvc export card HEAD:$HERE/d"),
    state("export_card_of_nothing", "mvc export card HEAD:none"),
]
