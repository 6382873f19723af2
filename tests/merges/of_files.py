"""Merges of tracked files, of whole tracked paths, and of the lists of what Git ignores."""

from __future__ import annotations

from merges.history import Expected, History
from merges.of_directories import hunk

M, D, IGNORED = "data/m.mvc", "data/d.mvc", "data/.gitignore"


def settled(files: dict[str, str], then: str = "", after: dict[str, str] | None = None) -> Expected:
    """Return that Git merges it."""
    return Expected(files, then=then, after=after or {})


def stuck(conflict: str, files: dict[str, str], then: str, after: dict[str, str]) -> Expected:
    """Return that it is in conflict, and what `then` makes of it."""
    return Expected(files, conflict, then=f"{then}; commit", after=after)


BEGIN, END = "# mvc begin: written by mvc, do not edit", "# mvc end"
OWN = "<<<<<<< {}\n*.ours\n=======\n*.theirs\n>>>>>>> theirs"
HISTORIES = [
    History(
        "both sides change a file",
        "file", "data/m=ours; mvc add data/m", "data/m=theirs!; mvc add data/m",
        stuck(
            M, {M: f"file\n{hunk('=ours', '=theirs!', '4 7')}", IGNORED: "base"}, "mvc resolve data/m --theirs",
            {M: "theirs"},
        ),
        stuck(M, {M: f"file\n{hunk('=ours', '=theirs!')}"}, "mvc resolve data/m --ours", {M: "ours"}),
    ),
    History(
        "both sides change a file alike",
        "file", "data/m=same; mvc add data/m", "data/m=same; mvc add data/m",
        settled({M: "file =same"}), settled({M: "file =same"}),
    ),
    History(
        "one side makes a file executable, the other changes it",
        "file", "chmod +x data/m; mvc add data/m", "data/m=theirs; mvc add data/m",
        settled({M: "file =theirs exec"}),
        stuck(M, {M: f"file\n{hunk('=base exec', '=theirs')}"}, "mvc resolve data/m --theirs", {M: "theirs"}),
    ),
    History(
        "one side describes a file, the other changes it",
        "file", "mvc add data/m -m ours", "data/m=theirs; mvc add data/m",
        settled({M: "file =theirs desc:ours"}),
        stuck(M, {M: f"file\n{hunk('=base desc:ours', '=theirs')}"}, "mvc resolve data/m --ours", {M: "ours"}),
    ),
    History(
        "one side deletes the path, the other changes it",
        "directory", "mvc rm data/d", "data/d/a=theirs; mvc add data/d",
        stuck(D, {D: "theirs", IGNORED: "gone"}, "mvc resolve data/d --ours", {D: "gone", IGNORED: "gone"}),
        stuck(D, {D: "theirs", IGNORED: "gone"}, "mvc resolve data/d --theirs", {D: "theirs", IGNORED: "block /d"}),
    ),
    History(
        "the other side deletes the path that one changes",
        "directory", "data/d/a=ours; mvc add data/d", "mvc rm data/d",
        stuck(D, {D: "ours", IGNORED: "gone"}, "mvc resolve data/d --theirs", {D: "gone", IGNORED: "gone"}),
        stuck(D, {D: "ours", IGNORED: "gone"}, "mvc resolve data/d --ours", {D: "ours", IGNORED: "block /d"}),
    ),
    History(
        "the other side deletes the path that one left as it was",
        "directory; data/n=n; mvc add data/n", "data/n=ours; mvc add data/n", "mvc rm data/d",
        settled({D: "gone", IGNORED: "block /n", "data/n.mvc": "ours"}),
    ),
    History(
        "one side renames the path, the other changes a file in it",
        "directory", "mvc mv data/d data/n", "data/d/c=theirs; mvc add data/d",
        settled({D: "gone", "data/n.mvc": "theirs@data/d.mvc", IGNORED: "block /n"}),
    ),
    History(
        "one side renames the path, and both change files in it",
        "directory", "data/d/c=ours; data/d/a=ours; mvc add data/d; mvc mv data/d data/n",
        "data/d/c=theirs!; data/d/f=theirs; mvc add data/d",
        stuck(
            "data/n.mvc",
            {"data/n.mvc": f"dir a=ours b=b\n{hunk('c=ours', 'c=theirs!', '11 16')}\ne=e f=theirs", D: "gone"},
            "mvc resolve data/n/c --ours",
            {"data/n.mvc": "dir a=ours b=b c=ours e=e f=theirs", IGNORED: "block /n"},
        ),
        stuck(
            "data/n.mvc",
            {
                "data/n.mvc": "dir a=ours b=b\n<<<<<<< HEAD:data/n.mvc\nc=ours\n=======\n"
                "c=theirs!\n>>>>>>> theirs:data/d.mvc\ne=e f=theirs",
            },
            "mvc resolve data/n --theirs", {"data/n.mvc": "theirs@data/d.mvc", IGNORED: "block /n"},
        ),
    ),
    History(
        "the other side renames the path, and both change files in it",
        "directory", "data/d/a=ours; mvc add data/d",
        "data/d/f=theirs; mvc add data/d; mvc mv data/d data/x/n; mvc add data/x/n",
        settled(
            {
                "data/x/n.mvc": "dir a=ours b=b c=c e=e f=theirs", "data/x/.gitignore": "block /n",
                D: "gone", IGNORED: "gone",
            },
        ),
    ),
    History(
        "both sides give a path another new name",
        "directory", "mvc mv data/d data/x", "mvc mv data/d data/y",
        stuck(
            "data/d.mvc data/x.mvc data/y.mvc", {IGNORED: "block /x /y"},
            "mvc resolve data --ours", {"data/x.mvc": "ours", "data/y.mvc": "gone", D: "gone", IGNORED: "block /x"},
        ),
        stuck(
            "data/d.mvc data/x.mvc data/y.mvc data/.gitignore", {},
            "mvc resolve data --theirs", {"data/x.mvc": "gone", "data/y.mvc": "theirs", D: "gone", IGNORED: "block /y"},
        ),
    ),
    History(
        "both sides add a directory with other files",
        "nothing", "data/d/a=ours; mvc add data/d", "data/d/b=theirs; mvc add data/d",
        settled({D: "dir a=ours b=theirs", IGNORED: "block /d"}),
        stuck(D, {D: f"dir\n{hunk('a=ours', 'b=theirs')}"}, "mvc add data/d; mvc checkout", {D: "dir a=ours b=theirs"}),
    ),
    History(
        "both sides add a file with another content",
        "nothing", "data/m=ours; mvc add data/m", "data/m=theirs; mvc add data/m",
        stuck(M, {M: f"file\n{hunk('=ours', '=theirs', '4 6')}"}, "mvc resolve data/m --ours", {M: "ours"}),
        stuck(M, {M: f"file\n{hunk('=ours', '=theirs')}"}, "mvc resolve data/m --theirs", {M: "theirs"}),
    ),
    History(
        "one side adds a file, the other a directory, at one path",
        "nothing", "data/d=ours; mvc add data/d", "data/d/a=theirs; mvc add data/d",
        stuck(
            D, {D: "mvc: 1\n" + hunk("kind:file\n=ours", "kind:dir\nmanifest:\na=theirs", "4 6")},
            "mvc resolve data/d --theirs", {D: "theirs"},
        ),
        stuck(
            D, {D: "mvc: 1\n" + hunk("kind:file\n=ours", "kind:dir\nmanifest:\na=theirs")}, "mvc resolve data/d --ours",
            {D: "ours"},
        ),
    ),
    History(
        "one side makes a directory of a file, the other changes the file",
        "file", "rm data/m; data/m/a=ours; mvc add data/m", "data/m=theirs; mvc add data/m",
        stuck(
            M, {M: "mvc: 1\n" + hunk("kind:dir\nmanifest:\na=ours", "kind:file\n=theirs", "4 6")},
            "mvc resolve data/m --theirs", {M: "theirs"},
        ),
        stuck(
            M, {M: "mvc: 1\n" + hunk("kind:dir\nmanifest:\na=ours", "kind:file\n=theirs")}, "mvc resolve data/m --ours",
            {M: "ours"},
        ),
    ),
    History(
        "each side adds a path beside the other's",
        "nothing", "data/m=ours; mvc add data/m", "data/n=theirs; mvc add data/n",
        settled({M: "ours", "data/n.mvc": "theirs", IGNORED: "block /m /n"}),
        stuck(
            IGNORED, {IGNORED: f"{BEGIN}\n{hunk('/m', '/n')}\n{END}"},
            "mvc resolve data/.gitignore --ours; mvc checkout",
            {IGNORED: "block /m /n", M: "ours", "data/n.mvc": "theirs"},
        ),
    ),
    History(
        "lines of a list in conflict that were merged by hand",
        "nothing; data/.gitignore='*.tmp\\n'; git add data",
        "data/.gitignore='*.ours\\n'; git add data; data/m=ours; mvc add data/m",
        "data/.gitignore='*.theirs\\n'; git add data; data/m=theirs; mvc add data/m",
        stuck(
            f"{M} {IGNORED}", {IGNORED: f"{OWN.format('ours')}\nblock /m"},
            "data/.gitignore='*.x\\n'; mvc resolve data/m --theirs", {M: "theirs", IGNORED: "*.x\nblock /m"},
        ),
        stuck(
            f"{M} {IGNORED}", {IGNORED: f"{OWN.format('HEAD')}\nblock /m"},
            "data/.gitignore='*.x\\n'; mvc resolve data/m --ours", {M: "ours", IGNORED: "*.x\nblock /m"},
        ),
    ),
    History(
        "both sides change lines of their own in the same list",
        "nothing; data/.gitignore='*.tmp\\n'; git add data",
        "data/.gitignore='*.ours\\n'; git add data; data/m=ours; mvc add data/m",
        "data/.gitignore='*.theirs\\n'; git add data; data/n=theirs; mvc add data/n",
        stuck(
            IGNORED,
            {IGNORED: f"{OWN.format('ours')}\nblock /m /n"},
            "data/.gitignore='*.x\\n'; git add data/.gitignore; mvc checkout; git add data/.gitignore",
            {IGNORED: "*.x\nblock /m /n"},
        ),
        stuck(
            IGNORED,
            {
                IGNORED: f"<<<<<<< HEAD\n*.ours\n{BEGIN}\n/m\n=======\n*.theirs\n{BEGIN}\n/n\n>>>>>>> theirs\n{END}",
            },
            "data/.gitignore='*.x\\n'; git add data/.gitignore; mvc checkout; git add data/.gitignore",
            {IGNORED: "*.x\nblock /m /n"},
        ),
    ),
]
