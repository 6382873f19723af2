"""The input of the judge: files of one tree (the index for the hook, a merge for the gate), and their past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from mvc.quality.files import FileAt

if TYPE_CHECKING:
    from mvc.quality.policy.parsed_policy import ParsedPolicy


class Signer(NamedTuple):
    """The signer named in a signature block."""

    principal: str
    """As in the target branch's `allowed_signers`; empty when the key is unknown."""
    key: str
    """The key's fingerprint: `SHA256:…`; empty when the block cannot be read."""
    problem: str = ""
    """Why the signature does not count; empty when it does."""


class ModelVersion(NamedTuple):
    """A pointer and a report that are, or were, in one commit."""

    path: str
    pointer: FileAt | None
    report: FileAt | None
    commit: str
    """The target branch's tip, or the newest commit with this pair on its first-parent history."""
    tag: str = ""
    """The Git tag that registers it, such as `ranker@v1.2.0`; empty when none exists or none was looked for."""
    ancestor: bool = True
    """Whether the commit is in the target branch's history. A Git tag elsewhere takes its version as well."""


class Past(NamedTuple):
    """The versions of a model in the target branch, its history and the Git tags."""

    before: ModelVersion | None = None
    """The version to compare with; None for a new model."""
    found: Literal["name", "path", "rename", "history", ""] = ""
    """How `before` was found."""
    versions: tuple[ModelVersion, ...] = ()
    """All pairs on the first-parent history at the model's current and former paths, newest first, without
    duplicates; `before` is one of them where the target branch has it."""
    registered: tuple[ModelVersion, ...] = ()
    """All versions that Git tags `NAME@VERSION` register, also outside the target branch's history."""
    merged_branch_reports: tuple[ModelVersion, ...] = ()
    """Reports from commits of merged branches, outside the first-parent history; without pointers."""
    takes_name: bool = False
    """Whether another model had its name last."""
    named: tuple[ModelVersion, ...] = ()
    """All pairs on the first-parent history that any model had under its name: first those that the target branch still
    has, then the newest first."""

    @property
    def holder(self) -> ModelVersion | None:
        """The other model that had its name last; None when there is none."""
        return self.named[0] if self.takes_name and self.named else None


class PickleScan(NamedTuple):
    """The result of a pickle scan of one file."""

    file: str
    """Its path inside a directory; empty for the model itself."""
    names: tuple[str, ...] = ()
    """Names imported or called that are not known to be harmless."""
    problem: str = ""
    """Why the file could not be read to its end."""
    absent: bool = False
    """Whether the cache does not have the file."""


class Difference(NamedTuple):
    """A number of a report that its predictions do not give."""

    metric: str
    """As `label` writes it, followed by the field, such as `stderr`, unless that is the value; or `n of` a data set."""
    reported: float | bool
    computed: float | bool | None
    """None where the predictions give no such metric."""


class Recomputed(NamedTuple):
    """The metrics of a report, computed again from its predictions."""

    metrics: tuple[str, ...] = ()
    """The labels of those that were compared."""
    differences: tuple[Difference, ...] = ()
    problem: str = ""
    """Why they could not be computed; empty when they were."""
    fix: str = ""


class PairedTest(NamedTuple):
    """A metric of two models on the same examples."""

    metric: str
    """As `label` writes it."""
    test: str
    """`McNemar` or `paired bootstrap`."""
    n: int
    """Examples, or queries."""
    p: float
    """Two-sided: how likely a difference of this size is if there is none."""
    effect: float
    """The new value, less the old one."""
    ci: tuple[float, float]
    """95 % confidence interval of `effect`."""


class PairedTests(NamedTuple):
    """The predictions of a model against those of an earlier report."""

    old: str
    """The blake3 of the earlier predictions."""
    tests: tuple[PairedTest, ...] = ()
    problem: str = ""
    """Why there is no test; empty when there is."""
    fix: str = ""


class Parts(NamedTuple):
    """What the files of a model say about other files that belong to it."""

    apart: tuple[tuple[str, bool], ...] = ()
    """The paths of external data beside a tracked file, and whether each is tracked."""
    problems: tuple[str, ...] = ()
    """Files that are missing, or that do not belong to it."""
    outside: tuple[str, ...] = ()
    """The same about external data outside of the folder of its file."""


class ModelFacts(NamedTuple):
    """The pointer and the report of a tracked path in the judged tree."""

    path: str
    pointer: FileAt | None = None
    report: FileAt | None = None
    in_cache: bool | None = None
    """Whether the cache has all objects of the pointer; None when it was not asked."""
    in_git: bool = False
    """Whether the judged tree has the content itself."""
    files: tuple[str, ...] | None = None
    """The files of a directory whose pointer does not list them; None when they are not needed or not found."""
    pickle_scans: tuple[PickleScan, ...] | None = None
    """The files in which a pickle scan found something; None without a scan."""
    signers: tuple[Signer, ...] | None = None
    """The signers of the report; None when they were not checked, as in the hook."""
    past: Past | None = None
    """None without a target branch: in the hook, or when a whole tree is judged."""
    mismatch: str = ""
    """The field of the pointer that disagrees with an object in the cache; empty if none is known to."""
    content: str = ""
    """The blake3 of the content of a pointer of DVC or git-lfs, if that is at hand; empty if it was not looked for."""
    recomputed: Recomputed | None = None
    """None when it was not asked for, or the report names no predictions."""
    paired: tuple[PairedTests, ...] = ()
    """Against the earlier reports that the policy wants it compared with."""
    reported_sources: frozenset[str] | None = None
    """The blake3 of those that it was derived from and that have a report; None if that was not asked."""
    parts: Parts | None = None
    """None where no file speaks of others, or the cache lacks it."""
    merged: str | None = None
    """None unless a merge made the pointer, so that no side has it; the commit to merge first, or empty."""
    mixed: bool = False
    """Whether a merge mixed the report from the lines of both sides."""


class Companions(NamedTuple):
    """What is now at the paths that a model was evaluated with, by its report."""

    model: ModelFacts
    there: tuple[tuple[str, str], ...]
    """Path and blake3, which is empty where there is nothing; without paths of unknown content."""
    moved: tuple[str, ...] = ()
    """The blake3 of what the change adds or moves elsewhere."""


class GivenTags(NamedTuple):
    """The tags that a model's history and Git have, outside of the gate."""

    model: ModelFacts
    """With a report that has not landed yet."""
    versions: tuple[ModelVersion, ...] = ()
    """Its reports in the history, without pointers."""
    registered: tuple[ModelVersion, ...] = ()
    """As in `Past`."""


class BlobFacts(NamedTuple):
    """A file that would be committed to Git, and does not belong to mvc."""

    path: str
    size: int
    """Bytes."""
    kind: str = ""
    """The model format recognized by its first bytes, such as `safetensors`; empty for other files."""
    commit: str = ""
    """The commit that adds it; empty when the judged tree itself has it."""
    moved_from: tuple[str, ...] = ()
    """The paths that had its content before, and do not have it any more."""
    restored: bool = False
    """Whether it had this content before, in the history: Git keeps it anyway. Only asked for large files."""


class PolicyFileChange(NamedTuple):
    """A changed policy file or workflow."""

    path: str
    old: FileAt | None
    new: FileAt | None
    signers: tuple[Signer, ...] = ()
    """The signers of exactly this change, by the target branch's `allowed_signers`."""
    base: str = ""
    """The target branch's tip."""


class TrackedName(NamedTuple):
    """A tracked path of the judged tree, and the name in its pointer."""

    path: str
    name: str = ""


class BroughtFile(NamedTuple):
    """A file, symlink or submodule that a change adds to Git or changes there."""

    path: str
    mode: str = "100644"
    claims: tuple[str, ...] = ()
    """The paths whose content it newly leaves to DVC or Git LFS; for a pointer of the latter its own path."""


class Landing(NamedTuple):
    """Facts of the gate only: the change as a whole, compared with the target branch."""

    own_policy: bool = False
    """Whether the target branch has no policy, so that the change is judged by its own."""
    waivers: FileAt | None = None
    """As on the target branch; so are `signers` and `revoked`."""
    signers: FileAt | None = None
    revoked: FileAt | None = None
    policy_files: tuple[PolicyFileChange, ...] = ()
    tracked: tuple[TrackedName, ...] = ()
    """All tracked paths of the judged tree."""
    files: tuple[BroughtFile, ...] = ()
    gone: tuple[ModelVersion, ...] = ()
    """Models of the target branch whose path is no longer tracked; also moved ones."""


class IncompleteModel(NamedTuple):
    """A model with objects that a remote does not have."""

    path: str
    objects: int = 0
    """How many are missing."""
    needed: int = 0
    """How many the model has."""
    size: int = 0
    """Bytes of the missing objects."""
    problem: str = ""
    """Why its objects could not be listed; empty when they could."""
    damaged: bool = False
    """Whether the remote has wrong bytes."""
    mismatch: str = ""
    """The field of the pointer that disagrees with an object on the remote."""


class RemoteFacts(NamedTuple):
    """The presence of the judged models on a remote."""

    name: str
    incomplete: tuple[IncompleteModel, ...] = ()
    problem: str = ""
    """Why it could not be asked; empty when it was."""
    fix: str = ""
    """The command that fixes it."""
    rev: str = ""
    """The commit of the models, if it is not the one that is checked out."""


class Facts(NamedTuple):
    """Everything that a verdict depends on."""

    policy: ParsedPolicy
    """The policy of the same tree; at the gate, the one that `judging_policy` returns."""
    models: tuple[ModelFacts, ...] = ()
    """At the gate: the models that the change adds, changes, moves or deletes."""
    blobs: tuple[BlobFacts, ...] = ()
    landing: Landing | None = None
    """None in the hook."""
    remote: RemoteFacts | None = None
    """None when no remote is to be asked."""
    companions: tuple[Companions, ...] = ()
    """Those of the models, and at the gate of all models whose companions the change touches."""
    given: tuple[GivenTags, ...] = ()
    """Outside of the gate, where `ModelFacts.past` has more."""
    landed_waivers: tuple[FileAt, ...] = ()
    """The waivers of HEAD and of the commits merged into it, in the hook; at the gate, `landing` has them."""
