"""What to type where DVC or git-lfs keeps the models: their commands in place of mvc's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from mvc.objects.pointer import SUFFIX
from mvc.quality.finding import Finding
from mvc.quality.judge import fixes
from mvc.quality.judge.facts import ModelFacts
from mvc.quality.pointer_files import name_of, tool_of
from mvc.quality.policy.policy import Policy

_COMMANDS: Mapping[str, Mapping[str, str]] = {
    "dvc": {"add": "dvc add", "pull": "dvc pull", "mv": "dvc move", "checkout": "dvc checkout"},
    "lfs": {"add": "git add --", "pull": "git lfs pull --include", "mv": "git mv --", "checkout": "git lfs checkout"},
}
_NEW = {"dvc": r"dvc add \1", "lfs": r"git lfs track --filename \1 && git add -- .gitattributes \1"}
"""For a path without a pointer."""
_COMMAND = re.compile(r"\bmvc (add|pull|mv|checkout)\b")
_ADD = re.compile(r"""\bmvc add ((?:'[^']*'|"[^"]*"|[^ ;'"])+)""")
_RESOLVE = re.compile(r"mvc resolve .* --ours  # or --theirs")
_NAMING = re.compile(r"  # or give .* its name: mvc add --name NAME")


def in_their_tools(policy: Policy, models: Iterable[ModelFacts], findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings with the commands of the program that keeps each model, or would keep a new one."""
    files = {model.path: name_of(model.path, model.pointer) for model in models if model.pointer}
    usual = usual_tool(policy)
    for finding in findings:
        file = files.get(finding.path, "")
        tool = tool_of(file) if file else usual
        yield finding if tool == "mvc" else finding._replace(fix=_translated(finding, tool, file))


def usual_tool(policy: Policy) -> str:
    """Return the program that is to keep a new model: `mvc`, `dvc` or `lfs`."""
    return next((kind for kind in ("dvc", "lfs") if kind in policy.pointers), "mvc")


def adding(line: str, tool: str) -> str:
    """Return the line to type that lets a program keep a new model, for that of mvc."""
    return _ADD.sub(_NEW[tool], line) if tool in _NEW else line


def _translated(finding: Finding, tool: str, file: str) -> str:
    line = _NAMING.sub("", finding.fix)
    if not file:
        return adding(line, tool)
    resolved = fixes.stage(file, "once its conflict is resolved")
    line = fixes.renamed(_RESOLVE.sub(lambda _: resolved, line), finding.path + SUFFIX, file)
    commands = dict(_COMMANDS[tool])
    if file.endswith(".lock"):
        commands["add"] = "dvc commit -f"
    return _COMMAND.sub(lambda match: commands[match[1]], line)
