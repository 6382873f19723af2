"""The documentation agrees with the code: what there is, is described; what is shown, happens."""

from __future__ import annotations

import hashlib
import json
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from harness import LARGE, PROJECT, Repo
from mlflow_peer import MlflowServer

from docs import console
from mvc import config
from mvc.cli import failures
from mvc.cli.commands.gate import FORMATS
from mvc.cli.lazy import MODULES, command
from mvc.objects import lfs
from mvc.objects.diff import ChangeKind
from mvc.objects.hashing import hash_bytes
from mvc.objects.lfs import LfsPointer
from mvc.objects.pointer import emit, file_pointer
from mvc.ops.workspace.reading.status import State
from mvc.scm.plumbing import scrubbed

COMMANDS = (PROJECT / "docs/commands.md").read_text()
CONFIG = (PROJECT / "docs/config.md").read_text()
PYTHON = (PROJECT / "docs/python.md").read_text()


def tracked_files() -> list[Path]:
    """Return what Git tracks or would, once added."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, env=scrubbed({"PATH": "/usr/local/bin:/usr/bin:/bin"}), capture_output=True, check=False,
    )
    found = [PROJECT / name for name in names.stdout.decode().split("\0") if name]
    return [path for path in found if path.is_file()] or all_files()


def all_files() -> list[Path]:
    """Return the files of a copy that is no repository."""
    built = {".venv", ".cache", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "__pycache__"}
    return [path for path in PROJECT.rglob("*") if path.is_file() and not built & set(path.relative_to(PROJECT).parts)]


PAGES = [path for path in tracked_files() if path.suffix == ".md"]


def section(page: str, title: str) -> str:
    """Return what stands below a heading, down to the next one of its level."""
    found = re.search(rf"^(#+) {re.escape(title)}\n", page, re.MULTILINE)
    assert found, f"no section {title!r}"
    return re.split(rf"^#{{1,{len(found[1])}}} ", page[found.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def cells(text: str, column: int) -> list[str]:
    """Return the words in backticks of a column of the tables in `text`."""
    rows = [row.split(" | ") for row in text.splitlines() if row.startswith("| ")]
    return [word for row in rows if len(row) > column for word in re.findall(r"`([^`]+)`", row[column])]


def options_in(words: list[str]) -> set[str]:
    """Return the options among words in backticks."""
    return set(re.findall(r"(?<![\w-])-{1,2}[A-Za-z][a-z-]*", " ".join(words)))


# Commands.


def all_commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with its name, groups opened."""
    for name, value in command().commands.items():
        if value.hidden:
            continue
        for inner, sub in getattr(value, "commands", {"": value}).items():
            yield f"{name} {inner}".strip(), sub


@pytest.mark.parametrize("name", [name for name, _ in all_commands()])
def test_every_command_and_option_is_described(name: str) -> None:
    text = section(COMMANDS, f"mvc {name.split(maxsplit=1)[0]}")
    described = options_in(cells(text, 0))
    options = {
        option
        for parameter in dict(all_commands())[name].params
        if parameter.param_type_name == "option" and not parameter.hidden  # the global options are
        for option in parameter.opts
    }
    assert f"mvc {name}" in text
    assert options - {"-h", "--help"} <= described


def test_commands_stand_in_one_order_in_help_and_on_the_page() -> None:
    names = [name for name, value in command().commands.items() if not value.hidden]
    assert [name for name in MODULES if not name.startswith("__")] == names
    assert re.findall(r"^## mvc (\w+)$", COMMANDS, re.MULTILINE) == names
    (line,) = re.findall(r"^Commands: (.*)$", COMMANDS, re.MULTILINE)
    assert line == " ".join(f"[{name}](#mvc-{name})" for name in names)


def test_no_option_is_described_that_does_not_exist() -> None:
    existing: set[str] = set()
    for _, value in [("", command()), *all_commands()]:
        existing |= {option for parameter in value.params for option in parameter.opts}
    assert options_in(cells(COMMANDS, 0)) - {"-h", "--help"} <= existing


def test_the_global_options_are_described() -> None:
    intro = COMMANDS.partition("\n## ")[0]
    options = {option for parameter in command().params for option in parameter.opts}
    assert {word.split()[0] for word in cells(intro, 0)} == options | {"-h", "--help"}


def test_every_exit_code_is_described() -> None:
    from mvc import errors

    codes = {value.exit_code for value in vars(errors).values() if hasattr(value, "exit_code")}
    codes |= {0, failures.BUG, failures.INTERRUPTED}
    assert {int(code) for code in cells(section(COMMANDS, "Exit codes"), 0)} == codes


def test_every_format_of_the_gate_is_described() -> None:
    table = section(COMMANDS, "mvc gate").partition("| format | is |\n")[2].partition("\n\n")[0]
    assert cells(table, 0) == [*FORMATS]


def test_every_state_is_described() -> None:
    assert cells(section(COMMANDS, "States"), 0) == list(get_args(State))


def test_every_kind_of_change_is_described() -> None:
    text = section(COMMANDS, "mvc status")
    assert all(f"`{change}`" in text for change in {*get_args(ChangeKind), "refused"} - {"renamed"})


# JSON.


def shape(value: Any) -> Any:
    """Return the keys of a JSON document, all the way down; lists count by their first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return None


def shown(name: str) -> Any:
    """Return the shape of the JSON document that the page shows for a command."""
    (found,) = shapes(name)
    return found


def shapes(name: str) -> list[Any]:
    """Return the shapes of all JSON documents that the page shows for a group of commands."""
    blocks = re.findall(r"^```json\n(.*?)^```$", section(COMMANDS, f"mvc {name}"), re.MULTILINE | re.DOTALL)
    return [shape(json.loads(block)) for block in blocks]


@pytest.fixture
def busy(repo: Repo) -> Repo:
    """Return a repository in which every JSON document has something to say."""
    repo.write("models/bert/one", "1")
    repo.write("models/ranker.onnx", "model")
    repo.ok("add", "models/bert", "models/ranker.onnx")
    repo.commit("first")
    repo.git("tag", "release-1")
    repo.write("models/bert/one", "changed")
    repo.write("models/ranker.onnx", "changed")
    return repo


def answer(repo: Repo, code: int, *args: str) -> Any:
    """Return the JSON document of a command that ends with `code`."""
    result = repo.mvc(*args)
    assert result.code == code, result
    return result.json


def break_packs(repo: Repo) -> None:
    """ChangeKind the last byte of every pack."""
    for pack in (repo.store / "packs").glob("*.pack"):
        pack.chmod(0o644)
        data = pack.read_bytes()
        pack.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def test_json_of_status(busy: Repo) -> None:
    busy.added("models/old.bin", "old")
    busy.remove("models/old.bin.mvc")
    assert shape(busy.mvc("status", "--json").json) == shown("status")


def test_json_of_diff(busy: Repo) -> None:
    busy.write("bad.mvc", "mvc: 1\n")
    assert shape(answer(busy, 2, "diff", "--json")) == shown("diff")


def test_json_of_log(busy: Repo) -> None:
    busy.ok("checkout", "-f")
    assert [shape(busy.mvc("log", *words, "--json").json) for words in (["models/bert"], ["--lost"])] == shapes("log")


def test_json_of_eval_show(busy: Repo) -> None:
    busy.ok("add", "models/ranker.onnx")
    busy.ok("eval", "record", "models/ranker.onnx", "--tag", "v1.3.0", "--metric", "auc=0.93")
    answer_ = busy.mvc("eval", "show", "models/ranker.onnx", "--json").json
    answer_["report"]["environment"] = {"platform": answer_["report"]["environment"]["platform"]}
    assert shape(answer_) in shapes("eval")


def test_json_of_waive(busy: Repo) -> None:
    busy.ok("add", "models/ranker.onnx")
    busy.ok("waive", "101", "models/ranker.onnx", "--reason", "a toy", "--expires", "2999-01-01")
    assert shape(busy.mvc("waive", "--list", "--json").json) == shown("waive")


def test_json_of_compare(busy: Repo) -> None:
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    busy.write("models/ranker.onnx", len(header).to_bytes(8, "little") + header + bytes(8))
    busy.ok("add", "models/ranker.onnx")
    busy.write("train.csv", "1")
    words = ("--metric", "auc=0.93", "--dataset", "holdout=train.csv", "--train", "train.csv", "--param", "seed=1")
    busy.ok("eval", "record", "models/ranker.onnx", "--tag", "v1.3.0", *words)
    busy.write(".mvc/policy.yaml", "mvc-policy: 1\nrules: [{match: '*.onnx', metrics: {auc: {min: 0.9}}}]\n")
    busy.git("commit", "-qnam", "policy")
    found = answer(busy, 0, "compare", "models/ranker.onnx", "--by", "auc", "--json")
    wanted = shown("compare")
    (item,), (example,) = found["items"], wanted["items"]
    assert shape(item) | {"params": {}, "tensors": {}} == example | {"params": {}, "tensors": {}}
    assert item["tensors"] == {"w": "F32[2]"}
    assert shape(found | {"items": []}) == wanted | {"items": []}


def test_json_of_import(repo: Repo) -> None:
    stage = "stages:\n  a:\n    cmd: a\n    deps: [data]\n    metrics:\n    - metrics.json: {cache: false}\n"
    md5 = "900150983cd24fb0d6963f7d28e17f72"  # of abc
    repo.write("dvc.yaml", stage)
    repo.write("metrics.json", '{"auc": 0.9}')
    repo.write("data", "abc")
    repo.write(".dvc/config", "")
    repo.write(".gitignore", "/data\n/old.bin\n")
    for name, digest in (("data", md5), ("old.bin", "ab" * 16)):
        repo.write(f"{name}.dvc", f"outs:\n- md5: {digest}\n  hash: md5\n  path: {name}\n")
    repo.git("add", ".")
    repo.commit("of DVC")
    assert shape(answer(repo, 3, "import", "dvc", "--json", "--reports")) == shapes("import")[0]


def test_json_of_import_lfs(repo: Repo) -> None:
    repo.write(".gitattributes", "a.onnx filter=lfs\n[or]*.onnx filter=lfs\n")
    for name, content in (("a", b"abc"), ("old", b"gone")):
        pointer = LfsPointer(hashlib.sha256(content).hexdigest(), len(content))
        repo.write(f"{name}.onnx", lfs.emit(pointer))
    repo.write("raw.onnx", "raw")
    repo.git("add", "-A")
    repo.commit("of git-lfs")
    repo.write("a.onnx", "abc")
    assert shape(answer(repo, 3, "import", "lfs", "--json")) == shapes("import")[1]


def test_json_of_import_hf(repo: Repo) -> None:
    index = "model-index: [{name: m, results: [{metrics: [{type: acc, value: 1}, {type: f1, value: high}]}]}]"
    card = f"---\n{index}\n---\n".encode()
    cache = repo.root.parent / "models--org--tiny"
    blob = cache / "blobs" / hashlib.sha256(card).hexdigest()
    for folder in (blob.parent, cache / "snapshots/abc"):
        folder.mkdir(parents=True)
    blob.write_bytes(card)
    (cache / "snapshots/abc/README.md").symlink_to(blob)
    assert shape(answer(repo, 0, "import", "hf", str(cache), "--json")) == shapes("import")[2]


def test_json_of_import_mlflow(repo: Repo, mlflow_server: MlflowServer) -> None:
    work = Repo(repo.root, {**repo.environ, **mlflow_server.environ})
    assert shape(answer(work, 0, "import", "mlflow", "--model", "ranker/1", "m", "--json")) == shapes("import")[3]


def test_json_of_config_list(busy: Repo) -> None:
    assert shape(busy.mvc("config", "list", "--json").json) == shown("config")


def test_json_of_add(busy: Repo) -> None:
    busy.write("models/list/one", "1")
    busy.ok("add", "models/list")
    busy.write("models/list.mvc", busy.read("models/list.mvc").replace(b"size: 1", b"size: 2"))
    busy.path("models/bert/two").symlink_to("one")
    busy.write("models/notes.txt", "new")
    busy.write("models/llm/model.safetensors.index.json", '{"weight_map": {"w": "a shard"}}')
    paths = ("models/ranker.onnx", "models/bert", "models/list", "models/llm", "models")
    assert shape(answer(busy, 2, "add", "--json", *paths)) == shown("add")


def test_json_of_checkout(busy: Repo) -> None:
    busy.write("bad.mvc", "mvc: 1\n")
    assert shape(answer(busy, 2, "checkout", "-f", "--json")) == shown("checkout")


def test_json_of_ls(busy: Repo) -> None:
    busy.write("bad.mvc", "mvc: 1\n")
    assert shape(answer(busy, 2, "ls", "--json")) == shown("ls")


def test_json_of_mv(busy: Repo) -> None:
    busy.write("models/README.md", "text")
    busy.git("add", "models/README.md")
    assert shape(answer(busy, 0, "mv", "models", "archive", "--json")) == shown("mv")


def test_json_of_rm(busy: Repo) -> None:
    busy.ok("add", "models/ranker.onnx")
    busy.write("models/bert/one", "only here")
    busy.write("models/ranker.onnx.eval.yaml", "report")
    busy.git("add", "models")
    busy.git("commit", "-qnm", "report")
    assert shape(answer(busy, 3, "rm", "models", "--json")) == shown("rm")


def test_json_of_unprotect(busy: Repo) -> None:
    busy.ok("config", "set", "cache.link", "symlink")
    for number in range(2):
        busy.write(f"large/{number}", bytes([number]) * LARGE)
    busy.ok("add", "large")
    busy.remove("large")
    busy.ok("checkout", "large")
    busy.path("large/0").resolve().unlink()
    assert shape(answer(busy, 3, "unprotect", "large", "--json")) == shown("unprotect")


def test_json_of_cache_size(busy: Repo) -> None:
    assert shape(answer(busy, 0, "cache", "size", "--json")) == shown("cache")


def test_json_of_verify(busy: Repo) -> None:
    busy.shell("mvc get . HEAD:models/ranker.onnx -o elsewhere.onnx && git tag release-1")
    break_packs(busy)
    busy.write("models/lost.mvc", emit(file_pointer(hash_bytes(b"nowhere"))))
    busy.write("models/bad.mvc", "garbage")
    broken, of_files, _ = shapes("verify")
    assert shape(answer(busy, 2, "verify", "--json")) == broken
    assert shape(answer(busy, 0, "verify", "elsewhere.onnx", "--json")) == of_files


def test_json_of_versions(busy: Repo) -> None:
    busy.git("stash", "-q")
    busy.path(".mvc/policy.yaml").unlink()
    busy.ok("checkout", "-f")
    busy.ok("eval", "record", "models/ranker.onnx", "--tag", "v1.0.0", "--metric", "auc=0.93")
    busy.git("commit", "-qnam", "no policy")
    busy.git("tag", "ranker@v7.0.0")
    assert shape(answer(busy, 0, "register", "ranker", "--json")) == shown("register")
    busy.ok("promote", "ranker@v1.0.0", "prod")
    of_stage, of_file = shapes("which")
    assert shape(answer(busy, 0, "which", "ranker", "prod", "--json")) == of_stage
    assert shape(answer(busy, 0, "which", "--file", "models/ranker.onnx", "--json")) == of_file
    assert shape(answer(busy, 0, "history", "ranker", "--json")) == shown("history")
    assert shape(answer(busy, 0, "audit", "--json")) == shown("audit")
    (row,) = answer(busy, 0, "models", "--json")
    assert shape([row | {"stages": {"prod": ""}, "metrics": {"auc": 0}}]) == shown("models")
    assert shape(answer(busy, 1, "verify", "--tags", "--json")) == shapes("verify")[2]


# Settings.


def test_every_key_default_and_variable_is_described() -> None:
    keys = section(CONFIG, "Keys").partition("\n### ")[0]
    rows = [row.strip("| ").split(" | ") for row in keys.splitlines() if row.startswith("| `")]
    table = {row[0].strip("`"): row[1:4] for row in rows}
    for key in config.KEYS.values():
        default = f"`{key.default}`" if key.default else "empty"
        assert table[key.name] == [default, f"`{key.variable}`", "yes" if key.committed else "no"]
        assert f"`{key.variable}`" in section(CONFIG, "Environment")
        section(CONFIG, key.name)
    assert len(table) == len(config.KEYS)


def test_every_link_type_is_described() -> None:
    assert cells(section(CONFIG, "cache.link"), 0) == list(config.LINK_TYPES)


def test_origins_are_described_in_their_order() -> None:
    listed = re.findall(r"^\d\. `(\w+)`", CONFIG, re.MULTILINE)
    assert listed == list(get_args(config.Origin))


def test_the_user_config_lies_where_the_page_says(repo: Repo) -> None:
    told = repo.ok("config", "set", "--user", "cache.link", "copy").out
    path = Path(repo.environ["XDG_CONFIG_HOME"]) / "mvc/config.yaml"
    assert str(path) in told
    assert path.exists()


def test_the_example_config_is_one(repo: Repo) -> None:
    for page in (CONFIG, (PROJECT / "docs/formats.md").read_text()):
        blocks = re.findall(r"^```yaml\n(mvc-config: .*?)^```$", page, re.MULTILINE | re.DOTALL)
        assert blocks
        for block in blocks:
            repo.write(".mvc/config.yaml", block)
            assert repo.ok("config", "get", "cache.link").out == "hardlink,copy\n"


# Examples.


def test_every_console_block_is_run() -> None:
    shown = [page for page in PAGES if "```console" in page.read_text()]
    assert {str(page.relative_to(PROJECT)) for page in shown} == set(console.PAGES)
    for page in shown:
        text = page.read_text()
        blocks = console._BLOCK.findall(text)
        typed = [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]
        assert [step.command.splitlines()[0] for step in console.steps(text)] == typed
        assert text.count("```console") == len(re.findall(r"^```console\n\$ ", text, re.MULTILINE))


@pytest.mark.parametrize("name", console.PAGES)
def test_console_blocks_say_what_the_commands_say(name: str, environ: dict[str, str]) -> None:
    steps = console.steps((PROJECT / name).read_text())
    assert len(steps) > 10
    results = console.run([step.command for step in steps], Path(environ["HOME"]), console.environment(name, environ))
    for step, (code, output) in zip(steps, results, strict=True):
        assert console.without_what_changes(output) == console.without_what_changes(step.output), step.command
        assert (code == 0) == ("error: " not in step.output), step.command


def test_python_blocks_run(busy: Repo) -> None:
    busy.ok("add", "models/bert", "models/ranker.onnx")
    busy.commit("second")
    busy.write("models/ranker.onnx", "third")
    busy.write("data/holdout.csv", "1,2")
    blocks = re.findall(r"^```python\n(.*?)^```$", PYTHON, re.MULTILINE | re.DOTALL)
    done = busy.run(sys.executable, "-W", "error", "-c", "\n".join(blocks))
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "models/ranker.onnx 5 True",
        "True [('models/bert', 'clean'), ('models/ranker.onnx', 'clean')]",
        "[('modified', 'models/bert'), ('modified', 'models/ranker.onnx')]",
        "['one']",
        "auc 0.93 True {} holdout",
        "auc 0.9 True {'country': 'DE'} holdout",
        "/ is not in a Git repository 2",
    ]


def test_every_method_is_described() -> None:
    import mvc

    public = {name for name in vars(mvc.Project) if not name.startswith("_")}
    assert public - {"find"} == {word.partition("(")[0] for word in cells(PYTHON, 0)}
    assert "Project.find" in PYTHON


# Schemas.


def test_schemas_are_in_step() -> None:
    folder = PROJECT / "docs/schemas"
    generate = runpy.run_path(str(folder / "generate.py"))
    wanted = {name: generate["text"](schema) for name, schema in generate["schemas"]().items()}
    assert {path.name: path.read_text() for path in folder.glob("*.json")} == wanted, "make schemas"


def schema(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((PROJECT / f"docs/schemas/{name}.schema.json").read_text()))


def test_pointers_fit_their_schema(repo: Repo) -> None:
    repo.write("file", "1").chmod(0o755)
    repo.write_dir("small", 2)
    repo.write_dir("large", 300)
    (repo.root / "empty").mkdir()
    names = ["file", "small", "large", "empty"]
    repo.ok("add", *names, "-m", "text")
    for name in names:
        data = yaml.safe_load(repo.read(f"{name}.mvc"))
        schema("pointer").validate(data)
        for key in set(data) - {"desc", "exec"}:
            rest = {other: value for other, value in data.items() if other != key}
            assert not schema("pointer").is_valid(rest), key
        assert not schema("pointer").is_valid({**data, "unknown": 1})


def test_configs_fit_their_schema(repo: Repo) -> None:
    repo.ok("config", "set", "--project", "cache.link", "hardlink")
    data = yaml.safe_load(repo.read(".mvc/config.yaml"))
    schema("config").validate(data)
    assert not schema("config").is_valid({**data, "unknown": {}})


# Files.


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.is_relative_to(PROJECT), target
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def test_pages_that_code_and_prose_name_exist() -> None:
    for path in tracked_files():
        if path.suffix in {".py", ".md", ".toml", ".bash", ".zsh", ".fish", ""}:
            for name in re.findall(r"(?<![\w/])docs/[\w./-]+\.(?:md|json|py)\b", path.read_text(errors="replace")):
                assert (PROJECT / name).exists(), f"{path}: {name}"


def test_every_page_is_linked_from_the_readme() -> None:
    linked, todo = set(), [PROJECT / "README.md"]
    while todo:
        page = todo.pop()
        linked.add(page)
        targets = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text())
        todo += [path for name in targets if (path := (page.parent / name).resolve()) not in linked and path.exists()]
    assert {page for page in PAGES if page.is_relative_to(PROJECT / "docs")} <= linked


# Pictures and promises.


def test_the_picture_of_the_layers_is_that_of_the_contract() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [item["layers"] for item in contracts if item.get("containers") == ["mvc"]]
    names = [name for layer in layers if layer != "__main__" for name in layer.split(" | ")]
    page = (PROJECT / "docs/architecture.md").read_text()
    picture = page.split("```")[1]
    assert [word for line in picture.splitlines() for word in boxes(line) if word in names] == names
    assert cells(page.partition("\n| command |")[0], 0) == names


def boxes(line: str) -> list[str]:
    """Return the words of a picture's line that stand for layers: alone, not in a remark."""
    return [part for part in re.split(r" {2,}", re.sub(r"[-+|>]", " ", line).strip()) if part.isidentifier()]


def test_every_test_that_the_threat_model_names_exists() -> None:
    page = (PROJECT / "docs/threat-model.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) > 30
    for file, name in named:
        assert re.search(rf"^def {name}\(", (PROJECT / file).read_text(), re.MULTILINE), f"{file}::{name}"
    rows = [row for row in page.splitlines() if row.startswith("| ") and "`tests/" in row]
    assert len(rows) == sum(len(re.findall(r"^\| (?!attack|event|---)", part, re.MULTILINE)) for part in attacked(page))


def attacked(page: str) -> list[str]:
    """Return the sections of the threat model in which each row names its tests."""
    return [part for part in page.split("\n## ") if "| tests |" in part]


# Where packages come from, and where this is built, is nobody's business. (In pieces: this file is looked at, too.)
_PIECES = (("pypi", r"\.org"), ("python", "hosted"), ("/ro", "ot/"), ("/wo", "rk/"), ("/tm", r"p/[a-z]+\d"))
_PLACES = re.compile("|".join(map("".join, _PIECES)))


def test_no_file_names_a_registry_or_a_path_of_some_machine() -> None:
    files = [path for path in tracked_files() if path.name != "uv.lock"]
    assert len(files) > 50
    for path in files:
        found = _PLACES.search(path.read_text(errors="replace"))
        assert found is None, f"{path}: {found and found[0]}"


def test_the_two_lines_of_the_readme() -> None:
    lines = [line.split("#")[0].strip() for line in section((PROJECT / "README.md").read_text(), "Try it").splitlines()]
    assert "make demo" in lines
    assert "make test" in lines
    verbs = re.findall(r"^([a-z]+):.*  ## ", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "test", "lint", "types", "layers", "docs", "bench", "models", "clean", "install"} <= set(verbs)


def test_ci_runs_make_test() -> None:
    text = (PROJECT / ".ci/run").read_text()
    assert re.search(r"^for step in lint types layers test; do$", text, re.MULTILINE)


