"""Setting mvc up: `init`, `config` and `hook`."""

from __future__ import annotations

from harness import Repo
from hints.state import state, top_of

EDITED = ("mvc hook install", "echo '# mine' >> $TOP/.git/hooks/pre-commit")


def two_hooks_of_others(repo: Repo) -> None:
    """Have a hook of another program, and one that stood there before."""
    for name in "pre-commit", "pre-commit.pre-mvc":
        hook = top_of(repo) / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\n# {name}\n")
        hook.chmod(0o755)


STATES = [
    state("mvc_not_set_up", "git rm -rq --cached :/.mvc", "mv $TOP/.mvc $TOP/../before", "mvc status"),
    state("init_again", "mvc init", PATH="m.bin"),
    state("shared_with_all", "mvc init --cache $TOP/../cache --shared all", DIR="$TOP/../cache"),
    state("shared_without_a_cache", "mvc init --shared group", DIR="$TOP/../cache"),
    state("cache_inside_the_worktree", "mvc init --cache inside", DIR="$TOP/../cache"),
    # Settings.
    state("unknown_setting", "mvc config get nothing"),
    state("bad_setting", "mvc config set cache.link teleport", VALUE="copy"),
    state("two_scopes", "mvc config list --local --user"),
    state(
        "bad_setting_in_a_file",
        """printf 'mvc-config: 1\\nhooks:\\n  checkout: "maybe"\\n' > $TOP/.git/mvc/config.yaml""", "mvc status",
    ),
    state("committed_setting_that_is_a_secret", "mvc config set --project cache.dir /tmp/cache"),
    # Hooks.
    state("hook_that_was_edited", *EDITED, "mvc hook install"),
    state(
        "hook_that_was_edited_twice", *EDITED, "echo '# mine, too' > $TOP/.git/hooks/pre-commit.edited",
        "mvc hook install --force",
    ),
    state("hook_that_was_edited_to_uninstall", *EDITED, "mvc hook uninstall"),
    state("two_hooks_of_others", two_hooks_of_others, "mvc hook install"),
    state("hook_of_others_to_restore", two_hooks_of_others, "mvc hook uninstall"),
    state("unknown_hook", "mvc hook run nothing"),
    state("hook_without_arguments", "mvc hook run post-checkout"),
]
