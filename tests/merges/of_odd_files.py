"""Merges of files with odd names, line ends and contents."""

from __future__ import annotations

from merges.history import Expected, History
from merges.of_directories import hunk
from merges.of_files import BEGIN, END, settled, stuck

ODD = """data/-ä "q" 'd'"""
QUOTED = "'data/-ä \"q\" '\\''d'\\'''"
NAMED = f"nothing; {QUOTED}'/-x \"y\" é=base'; {QUOTED}/z=z; mvc add {QUOTED}"
DASH = "nothing; ./-m=base; mvc add ./-m; eval ./-m 0.90"
X = "'-x \"y\" é={}'"
ALLOWED = r"""nothing; .mvc/policy.yaml='mvc-policy: 1\ndefaults: {git: {allow: ["*.mvc"]}}\n'; git add .mvc"""
SCENE = r"scene.mvc='{}\nb\nc\nd\n{}\n'; git add scene.mvc"


def scene(first: str, last: str) -> str:
    """Return the step that writes another program's file."""
    return SCENE.format(first, last)


TWINS = "gate MVC323:data/A MVC323:data/a"
NAMESAKES = "gate MVC324:data/m MVC324:data/n"
HISTORIES = [
    History(
        "paths that differ in case",
        "nothing", "data/A=ours; mvc add data/A", "data/a=theirs; mvc add data/a",
        settled({"data/A.mvc": "ours", "data/a.mvc": "theirs", "data/.gitignore": "block /A /a"}, TWINS),
        Expected({}, "data/.gitignore", then=f"mvc resolve data --ours; mvc checkout; commit; {TWINS}"),
    ),
    History(
        "two models with one name",
        "nothing", "data/m=ours; mvc add data/m --name rank", "data/n=theirs; mvc add data/n --name rank",
        settled({"data/m.mvc": "ours", "data/n.mvc": "theirs"}, NAMESAKES),
        Expected({}, "data/.gitignore", then=f"mvc resolve data --ours; mvc checkout; commit; {NAMESAKES}"),
    ),
    History(
        "a path below a file of the other side",
        "nothing", "data/x=ours; mvc add data/x", "data/x/y=theirs; mvc add data/x/y",
        Expected(
            {"data/x.mvc": "ours", "data/x/y.mvc": "theirs"}, codes="MVC308:data/x",
            then="git rm -r --cached -- data/x; rm data/x; mvc checkout; commit", after={"data/x.mvc": "ours"},
        ),
    ),
    History(
        "a path inside a directory of the other side",
        "nothing", "data/d/a=ours; mvc add data/d", "data/d/z=theirs; mvc add data/d/z",
        Expected({"data/d.mvc": "ours", "data/d/z.mvc": "theirs"}, codes="MVC308:data/d"),
    ),
    History(
        "names with spaces, quotes, dashes and other letters", NAMED,
        f"{QUOTED}'/-x \"y\" é=ours'; mvc add {QUOTED}",
        f"{QUOTED}'/-x \"y\" é=theirs'; {QUOTED}/z=Z; mvc add {QUOTED}",
        Expected(
            {f"{ODD}.mvc": f"dir\n{hunk(X.format('ours'), X.format('theirs'), '5 7')}\nz=Z"},
            QUOTED.replace("'\\'''", "'\\''.mvc'"),
            then=f"mvc resolve {QUOTED}'/-x \"y\" é' --theirs; commit", after={f"{ODD}.mvc": "theirs"},
        ),
        Expected(
            {f"{ODD}.mvc": f"dir\n{hunk(X.format('ours') + chr(10) + 'z=z', X.format('theirs') + chr(10) + 'z=Z')}"},
            QUOTED.replace("'\\'''", "'\\''.mvc'"),
            then="cd data; mvc resolve --ours -- '-ä \"q\" '\\''d'\\'''; cd ..; commit", after={f"{ODD}.mvc": "ours"},
        ),
    ),
    History(
        "a model whose name begins with a dash", DASH,
        "./-m=ours; mvc add ./-m; eval ./-m 0.91", "./-m=theirs; mvc add ./-m; eval ./-m 0.92",
        stuck(
            "-m.mvc -m.eval.yaml", {}, "mvc resolve --best auc -- -m", {"-m.mvc": "theirs", "-m.eval.yaml": "theirs"},
        ),
        stuck("-m.mvc -m.eval.yaml", {}, "mvc resolve ./-m --ours", {"-m.mvc": "ours", "-m.eval.yaml": "ours"}),
    ),
    History(
        "a clone that converts line ends", "directory; git config core.autocrlf true",
        "data/d/b=ours; mvc add data/d; data/m=m; mvc add data/m",
        "data/d/c=theirs; mvc add data/d; data/n=n; mvc add data/n",
        settled({"data/d.mvc": "dir a=a b=ours c=theirs e=e f=f", "data/m.mvc": "ours", "data/n.mvc": "theirs"}),
        stuck(
            "data/d.mvc data/.gitignore", {},
            "mvc resolve data --theirs", {"data/d.mvc": "theirs", "data/m.mvc": "ours", "data/n.mvc": "theirs"},
        ),
    ),
    History(
        "a list with line ends of another system", "nothing; data/.gitignore='*.tmp\\r\\n'; git add data",
        "data/m=m; mvc add data/m", "data/n=n; mvc add data/n",
        settled({"data/.gitignore": "*.tmp\r\nblock /m /n"}),
        stuck(
            "data/.gitignore", {"data/.gitignore": f"*.tmp\r\n{BEGIN}\n{hunk('/m', '/n')}\n{END}"},
            "mvc resolve data --ours", {"data/.gitignore": "*.tmp\r\nblock /m /n"},
        ),
    ),
    History(
        "another program's file", f"{ALLOWED}; {scene('a', 'e')}", scene("ours", "e"), scene("a", "theirs"),
        settled({"scene.mvc": "text ours b c d theirs"}),
    ),
    History(
        "another program's file in conflict", f"{ALLOWED}; {scene('a', 'e')}", scene("ours", "e"), scene("theirs", "e"),
        stuck(
            "scene.mvc", {"scene.mvc": "<<<<<<< ours\ntext ours\n=======\ntext theirs\n>>>>>>> theirs\ntext b c d e"},
            scene("both", "e"), {"scene.mvc": "text both b c d e"},
        ),
        stuck(
            "scene.mvc", {"scene.mvc": f"{hunk('text ours', 'text theirs')}\ntext b c d e"},
            scene("both", "e"), {"scene.mvc": "text both b c d e"},
        ),
    ),
]
