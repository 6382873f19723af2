"""What is judged: files as a tree has them (the index for the hook, a merge for the gate), and what was before."""

from __future__ import annotations

from typing import Literal, NamedTuple


class FileAt(NamedTuple):
    """A file of the judged tree."""

    mode: str
    """Octal, as Git writes it: `100644`."""
    raw: bytes
    oid: str = ""
    """Its blob; empty when it is not from Git."""
    conflicted: bool = False
    """Whether the index has it in several stages."""

    @property
    def is_regular(self) -> bool:
        """Whether it is a regular file, not a symlink or a submodule, and not in conflict."""
        return self.mode.startswith("100") and not self.conflicted


class Signer(NamedTuple):
    """Whoever signed a file, as far as a signature block tells."""

    principal: str
    """As base's `allowed_signers` names them; empty when it does not know the key."""
    key: str
    """The key's fingerprint: `SHA256:…`; empty when the block cannot be read."""
    problem: str = ""
    """Why the signature does not count; empty when it does."""


class Version(NamedTuple):
    """A pointer and a report that stand, or stood, together."""

    path: str
    pointer: FileAt | None
    report: FileAt | None
    commit: str
    """The commit that has them so: the target branch's tip, or the newest on its first-parent history."""
    tag: str = ""
    """The Git tag that registers it, such as `ranker@v1.2.0`; empty when none was looked for, or is there."""
    ancestor: bool = True
    """Whether base's history has that commit: a Git tag may name another, which still takes the tag."""


class Past(NamedTuple):
    """What the target branch, its history and the Git tags know of a model."""

    before: Version | None = None
    """What it is compared with; None when the model is really new."""
    found: Literal["name", "path", "rename", "history", ""] = ""
    """How `before` was found."""
    versions: tuple[Version, ...] = ()
    """Every pair that stood together on base's first-parent history, at the model's path or a former one of it,
    each once, the newest first; `before` is among them where base has it."""
    registered: tuple[Version, ...] = ()
    """What Git tags `NAME@VERSION` register of it, also off base's history."""
    aside: tuple[Version, ...] = ()
    """Reports of it that commits off that first-parent history brought, on branches merged into base; no pointers."""


class Scanned(NamedTuple):
    """A file of a model, in which pickles were looked for."""

    file: str
    """Its path inside of a directory; empty for the model itself."""
    names: tuple[str, ...] = ()
    """What unpickling it would import or call, and is not known to be harmless."""
    problem: str = ""
    """Why not all of it could be read."""
    absent: bool = False
    """Whether it was not there to be looked at."""


class ModelFacts(NamedTuple):
    """A tracked path: what of its pointer and report the judged tree has."""

    path: str
    pointer: FileAt | None = None
    report: FileAt | None = None
    kept: bool | None = None
    """Whether the cache holds all that the pointer needs; None when it was not asked."""
    in_git: bool = False
    """Whether the content itself is in the judged tree, beside its pointer."""
    files: tuple[str, ...] | None = None
    """The names in a directory whose pointer does not list them; None when they were not asked for, or not found."""
    scanned: tuple[Scanned, ...] | None = None
    """The files in which a scan of pickles found something; None when nobody asked."""
    signers: tuple[Signer, ...] | None = None
    """Whose signatures are beside the report; None when nobody asked, as at the hook."""
    past: Past | None = None
    """None where there is no target branch: at the hook, or when a whole tree is judged."""


class BlobFacts(NamedTuple):
    """A file that would enter Git as it is, and is none of ours."""

    path: str
    size: int
    """Bytes."""
    kind: str = ""
    """The model format that its first bytes tell, such as `safetensors`; empty when they tell none."""
    commit: str = ""
    """The commit that brings it; empty when the judged tree itself has it."""


class GuardedChange(NamedTuple):
    """A file that a change may not weaken by itself, such as the policy, before and after it."""

    path: str
    old: FileAt | None
    new: FileAt | None
    signers: tuple[Signer, ...] = ()
    """Who signed just this change, by base's `allowed_signers`."""
    base: str = ""
    """The target branch's tip."""


class Tracked(NamedTuple):
    """A tracked path of the judged tree, and the name that its pointer gives it."""

    path: str
    name: str = ""


class Placed(NamedTuple):
    """A file, a symlink or a submodule that a change puts into Git, or changes there."""

    path: str
    mode: str = "100644"


class Landing(NamedTuple):
    """What the gate knows besides: the change as a whole, seen from the target branch."""

    own_policy: bool = False
    """Whether base has no policy, so that `Facts.policy` is the change's own."""
    waivers: FileAt | None = None
    """Base's; so are the two that follow."""
    signers: FileAt | None = None
    revoked: FileAt | None = None
    guarded: tuple[GuardedChange, ...] = ()
    tracked: tuple[Tracked, ...] = ()
    """All of the judged tree."""
    files: tuple[Placed, ...] = ()
    """What the change brings; not what stood there before it just so."""
    gone: tuple[Version, ...] = ()
    """Base's models whose path the judged tree no longer has; also those that moved."""


class Lacking(NamedTuple):
    """A model of which a remote does not hold everything."""

    path: str
    objects: int = 0
    """How many it lacks."""
    needed: int = 0
    """Of how many."""
    size: int = 0
    """Bytes of what it lacks."""
    problem: str = ""
    """Why nobody can say what the model needs; empty when that is known."""
    damaged: bool = False
    """Whether that is so because the remote has wrong bytes."""


class RemoteFacts(NamedTuple):
    """What a remote holds of the models that are judged."""

    name: str
    lacks: tuple[Lacking, ...] = ()
    problem: str = ""
    """Why it could not be asked; empty when it was."""
    fix: str = ""
    """What to type about that."""


class Facts(NamedTuple):
    """Everything that a verdict rests on."""

    policy: FileAt | None
    """The one that judges: of the same tree, at the gate base's. None when there is none.
    A change that mends it is judged by its own; see `judge.judging_policy`."""
    models: tuple[ModelFacts, ...] = ()
    """At the gate: those that the change adds, changes, moves or deletes."""
    blobs: tuple[BlobFacts, ...] = ()
    landing: Landing | None = None
    """None at the hook."""
    remote: RemoteFacts | None = None
    """None when no remote is to be asked."""
