"""The commands that fix a finding, other than by a report.

Paths are relative to the worktree; words in capitals are placeholders.
A comment at the end of a line names an alternative.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

from mvc.objects import pointer as pointers
from mvc.quality.files import POLICY, SUFFIX

_OWN = ".mvc/"
_FEW = 3
"""Files of a model that lie in its folder: more of them are tracked as the whole folder."""
_LONG = 80
"""Characters of a name; longer ones become a placeholder."""
_COMMIT = 12
"""Digits of a commit."""


# Pointers and files.


def track(path: str) -> str:
    """Move a file from Git to mvc, or only out of Git when it is below `.mvc/`."""
    return allowed(path, untrack(path) if path.startswith(_OWN) else f"{untrack(path)} && mvc add {path_word(path)}")


def allowed(path: str, line: str) -> str:
    """Do something, or allow a file in Git."""
    return f"{line}  # or allow it in Git: allow: [{pattern(path)}] under defaults, git in {POLICY}"


def untrack(path: str, then: str = "", *, recursive: bool = False) -> str:
    """Remove a path from the index and leave it in the workspace."""
    return with_remark(f"git rm {'-r ' if recursive else ''}--cached -- {pathspec(path)}", then)


def stage(path: str, when: str = "") -> str:
    """Stage a file."""
    return with_remark(f"git add -- {pathspec(path)}", when)


def renamed(line: str, old: str, new: str) -> str:
    """Return a line that names the file `new` where it named `old`."""
    for written in (pathspec, word):
        line = line.replace(written(old), written(new))
    return line


def rename(old: str, new: str) -> str:
    """Rename a file."""
    return f"git mv -- {word(old)} {word(new)}"


def settle(path: str) -> str:
    """Resolve a conflict in the index."""
    return f"mvc resolve {path_word(path)} --ours  # or --theirs"


def unmarked(path: str) -> str:
    """Take one side of a conflict whose marks were staged."""
    file = pathspec(path)
    return f"git checkout HEAD -- {file}  # or MERGE_HEAD; or, once it is fixed: git add -- {file}"


def merge(path: str) -> str:
    """Merge the lists of files in a directory's pointer."""
    return f"mvc add {path_word(path)}  # merges the lists of both sides"


def add(path: str) -> str:
    """Write a pointer again."""
    return f"mvc add {path_word(path)}"


def corrected(path: str) -> str:
    """Write a pointer again where the content is."""
    return f"{add(path)}  # in the clone that has the model"


def bring(path: str) -> str:
    """Bring the content into the cache."""
    return f"mvc pull {path_word(path)} || {add(path)}  # from a remote, or from the workspace"


def other_format(path: str) -> str:
    """Remove a model of a denied format from the index."""
    return untrack(path + pointers.SUFFIX, "then save the model in another format")


def completed(path: str) -> str:
    """Add a model again."""
    return f"{add(path)}  # once its files are complete"


def saved_beside() -> str:
    """Save an ONNX model with its weights in its own folder."""
    return "onnx.save(MODEL, FILE, save_as_external_data=True)  # in Python: with the weights beside FILE"


def in_one_directory(path: str, others: Mapping[str, bool], *, has_report: bool) -> str:
    """Track a file and its external data as a directory, a new one if they are not in one already; its report follows.

    `others` says of each path whether it is tracked on its own.
    """
    folder, new = path.rpartition("/")[0], path.rpartition(".")[0]
    is_new = not folder or (len(others) <= _FEW and all(other.rpartition("/")[0] == folder for other in others))
    target = new if is_new else folder
    tracked = [path, *(other for other, is_tracked in others.items() if is_tracked)]
    files = " ".join(word(file) for file in (path, *others))
    steps = (
        rename(path + SUFFIX, target + SUFFIX) if has_report else "",
        f"mvc rm --keep {' '.join(map(path_word, tracked))}",
        f"mkdir {word(new)} && mv -n -- {files} {word(new)}" if is_new else "",
        add(target),
    )
    return " && ".join(filter(None, steps))


def scan(path: str) -> str:
    """Fetch the content, so that it can be scanned."""
    return f"mvc pull {path_word(path)}  # then run the check again"


def recomputed() -> str:
    """Compute the metrics again at the gate."""
    return "mvc gate --recompute"


def one_of_both(path: str) -> str:
    """Take the report of one side of a merge, or record a new one."""
    return f"git checkout HEAD -- {pathspec(path)}  # or MERGE_HEAD; or mvc eval record, for an evaluation of your own"


# Words of a command line.


def short(commit: str) -> str:
    """Return the first digits of a commit."""
    return commit[:_COMMIT]


def with_remark(line: str, remark: str) -> str:
    """Return a line with a comment, if there is one."""
    return f"{line}  # {remark}" if remark else line


def path_word(path: str) -> str:
    """Return a path that mvc does not read as an option."""
    return word(f"./{path}" if path.startswith("-") else path)


def pathspec(path: str) -> str:
    """Return a path that Git does not read as a pattern."""
    return word(f":(literal){path}" if re.match(r":|.*[*?\[\\]", path, re.DOTALL) else path)


def pattern(path: str) -> str:
    """Return the policy pattern that matches only this path."""
    return json.dumps("/" + re.sub(r"([\\*?\[ ])", r"\\\1", path), ensure_ascii=not path.isprintable())


def word(text: str, placeholder: str = "") -> str:
    """Return `text` as one shell word in one line, or `placeholder` when it is unsuitable."""
    if placeholder and (len(text) > _LONG or not text.isprintable()):
        return placeholder
    if text.isprintable():
        return shlex.quote(text)
    codes = text.encode("utf-8", "surrogateescape") if _is_file_name(text) else b"?"
    plain = (chr(code) if 0x20 <= code < 0x7F and code not in b"'\\" else f"\\x{code:02x}" for code in codes)  # noqa: PLR2004 - ASCII
    return f"$'{''.join(plain)}'"


def _is_file_name(text: str) -> bool:
    """Whether it can be encoded to bytes."""
    return not any("\ud800" <= char < "\udc80" or "\udcff" < char <= "\udfff" for char in text)


# Signatures and policy files.


def sign(path: str, remark: str = "") -> str:
    """Sign a report."""
    return with_remark(f"mvc eval sign {path_word(path)}", remark)


def assured(path: str, assurance: str) -> str:
    """Have a report signed by one of the policy's evaluators."""
    return sign(path, f"by one of evaluators: {assurance}, with evaluator: {{assurance: {assurance}}} in the report")


def signed_change(path: str, base: str) -> str:
    """Undo the change of a policy file, or have it signed; `base` is a commit with the old file, or empty."""
    back = f"git restore --source={short(base)} --staged -- {pathspec(path)}" if base else untrack(path)
    return f"{back}  # or, by a signer: mvc eval sign {path_word(path)}"


def stage_fixed(path: str) -> str:
    """Stage a file that was fixed."""
    return stage(path, "once it is fixed")


def edited(path: str) -> str:
    """Change a policy file and sign the change."""
    return f"mvc eval sign {path_word(path)}  # once it is changed; or fix the finding"


def looked_at(path: str) -> str:
    """Review the changes of a file."""
    return f"git log -p -- {pathspec(path)}"


# Comparison with earlier versions.


def shown(path: str) -> str:
    """Show a report."""
    return f"mvc eval show {path_word(path)}"


def versions(path: str) -> str:
    """List the versions of a model."""
    return f"mvc log {path_word(path)}"


def past_of(path: str) -> str:
    """Look at the reports of the target branch."""
    return f"git log --first-parent -p -- {pathspec(path + SUFFIX)}  # then waive it: docs/policy.md, Waivers"


def policy_direction(name: str) -> str:
    """Say in the policy which direction of a metric is better."""
    when = f"once its rule for {word(name, 'the metric')} has direction: higher, or lower"
    return stage(POLICY, f"{when}, in a separate change")


def same_sample(path: str) -> str:
    """Stage a report that names the earlier split and number of examples."""
    return stage(path + SUFFIX, f"once it has split and n as before; or set allow_dataset_change: true in {POLICY}")


def succeed(path: str, old: str, base: str) -> str:
    """Restore the old model from the commit `base`, or make the new one its successor."""
    files = f"{pathspec(old + pointers.SUFFIX)} {pathspec(old + SUFFIX)}"
    return f"git checkout {short(base)} -- {files}  # or give {path_word(path)} its name: mvc add --name NAME"


def tracked_again(path: str, file: str) -> str:
    """Track a model again in place of `file` in Git; or add that in a later change."""
    return untrack(file, f"then: {add(path)}; or leave {pathspec(file)} to a later change")


def tracked_instead(path: str, file: str) -> str:
    """Track a path that `file` leaves to DVC or Git LFS."""
    return allowed(path, f"{untrack(file)} && mvc add {path_word(path)}")


def tracked_apart(path: str, old: str) -> str:
    """Track a model again in place of a directory, or of a path with another case."""
    return untrack(path + pointers.SUFFIX, f"then: {add(old)}; or demand the same of {pattern(path)} first")


def another_path(path: str) -> str:
    """Move a model."""
    return f"mvc mv {path_word(path)} NEW"


def another_name(path: str) -> str:
    """Rename a model."""
    return f"mvc add {path_word(path)} --name NAME"


def move_back(path: str, old: str) -> str:
    """Undo a move."""
    return f"mvc mv {path_word(path)} {path_word(old)}  # or demand the same of {pattern(path)} in {POLICY} first"


def explained(code: str) -> str:
    """Explain a code."""
    return f"mvc explain {code}"


# Findings of the gate only.


def out_of_history(path: str, commit: str) -> str:
    """Remove a file from the commit that adds it: deleting it later keeps it in the history."""
    return f"git rebase -i {word(short(commit), 'COMMIT')}^  # edit it: git rm --cached -- {pathspec(path)}"


def push(path: str, remote: str, *, repair: bool = False, rev: str = "") -> str:
    """Push a model, or repair it on the remote; that of the commit `rev`, if it is given."""
    command = f"mvc push{' --repair' if repair else ''}{f' --rev {rev}' if rev else ''}"
    return f"{command} {path_word(path)} -r {word(remote, 'NAME')}  # from the clone that has the model"


def test_remote(remote: str) -> str:
    """Test a remote."""
    return f"mvc remote test {word(remote, 'NAME')}"
