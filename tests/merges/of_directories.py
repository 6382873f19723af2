"""Merges of tracked directories."""

from __future__ import annotations

from merges.history import Expected, History

OURS, THEIRS = "ours: no report, {}, 2026-02-02, Ada", "theirs: no report, {}, 2026-03-03, Bob"


def hunk(ours: str, theirs: str, sizes: str = "") -> str:
    """Return a conflict as mvc writes it, or Git if there are no `sizes` in bytes, such as `12 16`."""
    labels = [f"{side}: no report, {size} B, {date}" for side, size, date in zip(
        ("ours", "theirs"), sizes.split(), ("2026-02-02, Ada", "2026-03-03, Bob"), strict=True,
    )] if sizes else ["HEAD", "theirs"]
    lines = [f"<<<<<<< {labels[0]}", *filter(None, [ours]), "=======", *filter(None, [theirs]), f">>>>>>> {labels[1]}"]
    return "\n".join(lines)


def merged(text: str) -> Expected:
    """Return that the directory is merged."""
    return Expected({"data/d.mvc": text})


def conflict(text: str, then: str, after: str) -> Expected:
    """Return that the directory is in conflict, and what `then` makes of it."""
    return Expected(
        {"data/d.mvc": text}, "data/d.mvc", then=f"{then}; mvc checkout; commit", after={"data/d.mvc": after},
    )


D = "data/d.mvc"
HISTORIES = [
    History(
        "each side changes another file",
        "directory", "data/d/a=ours; mvc add data/d", "data/d/f=theirs; mvc add data/d",
        Expected({D: "dir a=ours b=b c=c e=e f=theirs", "data/.gitignore": "block /d"}),
    ),
    History(
        "both sides change one file, and each another",
        "directory",
        "data/d/a=ours; data/d/c=ours2; mvc add data/d", "data/d/f=theirs; data/d/c=theirs3; mvc add data/d",
        conflict(
            f"dir a=ours b=b\n{hunk('c=ours2', 'c=theirs3', '12 16')}\ne=e f=theirs",
            "mvc resolve data/d/c --theirs", "dir a=ours b=b c=theirs3 e=e f=theirs",
        ),
        conflict(
            f"dir a=ours b=b\n{hunk('c=ours2', 'c=theirs3')}\ne=e f=theirs", "mvc resolve data/d --ours", "ours",
        ),
    ),
    History(
        "each side changes one of two neighbours",
        "directory", "data/d/b=ours; mvc add data/d", "data/d/c=theirs; mvc add data/d",
        merged("dir a=a b=ours c=theirs e=e f=f"),
        conflict(
            f"dir a=a\n{hunk('b=ours c=c', 'b=b c=theirs')}\ne=e f=f", "mvc add data/d",
            "dir a=a b=ours c=theirs e=e f=f",
        ),
    ),
    History(
        "both sides add files at one place",
        "directory", "data/d/x1=ours; mvc add data/d", "data/d/x2=theirs; mvc add data/d",
        merged("dir a=a b=b c=c e=e f=f x1=ours x2=theirs"),
        conflict(
            f"dir a=a b=b c=c e=e f=f\n{hunk('x1=ours', 'x2=theirs')}",
            "mvc add data/d", "dir a=a b=b c=c e=e f=f x1=ours x2=theirs",
        ),
    ),
    History(
        "both sides add one file with one content",
        "directory", "data/d/x=both; mvc add data/d", "data/d/x=both; data/d/a=theirs; mvc add data/d",
        merged("dir a=theirs b=b c=c e=e f=f x=both"),
    ),
    History(
        "both sides add one file with two contents",
        "directory", "data/d/x=ours; mvc add data/d", "data/d/x=theirs; data/d/a=theirs; mvc add data/d",
        conflict(
            f"dir a=theirs b=b c=c e=e f=f\n{hunk('x=ours', 'x=theirs', '9 16')}",
            "mvc resolve data/d/x --ours", "dir a=theirs b=b c=c e=e f=f x=ours",
        ),
        conflict(
            f"dir a=theirs b=b c=c e=e f=f\n{hunk('x=ours', 'x=theirs')}",
            "mvc resolve data/d/x --theirs", "dir a=theirs b=b c=c e=e f=f x=theirs",
        ),
    ),
    History(
        "one side deletes a file, the other changes another",
        "directory", "rm data/d/a; mvc add data/d", "data/d/f=theirs; mvc add data/d",
        merged("dir b=b c=c e=e f=theirs"),
    ),
    History(
        "one side deletes the file that the other changes",
        "directory", "rm data/d/c; mvc add data/d", "data/d/c=theirs; mvc add data/d",
        conflict(
            f"dir a=a b=b\n{hunk('', 'c=theirs', '4 10')}\ne=e f=f", "mvc resolve data/d/c --ours",
            "dir a=a b=b e=e f=f",
        ),
        conflict(
            f"dir a=a b=b\n{hunk('', 'c=theirs')}\ne=e f=f",
            "mvc resolve data/d/c --theirs", "dir a=a b=b c=theirs e=e f=f",
        ),
    ),
    History(
        "one side makes the file executable that the other changes",
        "directory", "chmod +x data/d/c; mvc add data/d", "data/d/c=theirs; mvc add data/d",
        merged("dir a=a b=b *c=theirs e=e f=f"),
        conflict(
            f"dir a=a b=b\n{hunk('*c=c', 'c=theirs')}\ne=e f=f", "mvc add data/d", "dir a=a b=b *c=theirs e=e f=f",
        ),
    ),
    History(
        "both sides change an executable file's mode and content",
        "directory; chmod +x data/d/c; mvc add data/d",
        "chmod -x data/d/c; mvc add data/d", "data/d/c=theirs; chmod +x data/d/c; mvc add data/d",
        merged("dir a=a b=b c=theirs e=e f=f"),
        conflict(
            f"dir a=a b=b\n{hunk('c=c', '*c=theirs')}\ne=e f=f", "mvc resolve data/d --theirs", "theirs",
        ),
    ),
    History(
        "one side renames the file that the other changes",
        "directory", "rm data/d/c; data/d/z=c; mvc add data/d", "data/d/c=theirs; mvc add data/d",
        merged("dir a=a b=b e=e f=f z=theirs"),
        conflict(
            f"dir a=a b=b\n{hunk('', 'c=theirs')}\ne=e f=f z=c", "mvc add data/d", "dir a=a b=b e=e f=f z=theirs",
        ),
    ),
    History(
        "both sides give a file one new name",
        "directory", "rm data/d/c; data/d/z=c; mvc add data/d",
        "rm data/d/c; data/d/z=c; data/d/a=theirs; mvc add data/d",
        merged("dir a=theirs b=b e=e f=f z=c"),
    ),
    History(
        "both sides give a file two new names",
        "directory", "rm data/d/c; data/d/x=c; mvc add data/d", "rm data/d/c; data/d/y=c; mvc add data/d",
        conflict(
            f"dir a=a b=b e=e f=f\n{hunk('x=c', 'y=c', '5 5')}", "mvc resolve data/d/x data/d/y --ours", "ours",
        ),
        conflict(f"dir a=a b=b e=e f=f\n{hunk('x=c', 'y=c')}", "mvc resolve data/d --theirs", "theirs"),
    ),
    History(
        "one side renames the file that the other deletes",
        "directory", "rm data/d/c; data/d/z=c; mvc add data/d", "rm data/d/c; mvc add data/d",
        conflict(f"dir a=a b=b e=e f=f\n{hunk('z=c', '', '5 4')}", "mvc resolve data/d/z --ours", "ours"),
        merged("dir a=a b=b e=e f=f z=c"),
    ),
    History(
        "one side renames a directory inside, the other adds a file to it",
        "directory; data/d/s/1=one; data/d/s/2=two; mvc add data/d",
        "rm data/d/s; data/d/t/1=one; data/d/t/2=two; mvc add data/d", "data/d/s/3=three; mvc add data/d",
        merged("dir a=a b=b c=c e=e f=f s/3=three t/1=one t/2=two"),
        conflict(
            f"dir a=a b=b c=c e=e f=f\n{hunk('t/1=one t/2=two', 's/1=one s/2=two s/3=three')}",
            "mvc add data/d", "dir a=a b=b c=c e=e f=f s/3=three t/1=one t/2=two",
        ),
    ),
    History(
        "one side makes a file a directory, the other changes it",
        "directory", "rm data/d/c; data/d/c/x=new; mvc add data/d", "data/d/c=theirs; mvc add data/d",
        conflict(
            f"dir a=a b=b\n{hunk('c/x=new', 'c=theirs', '7 10')}\ne=e f=f", "mvc resolve data/d --theirs", "theirs",
        ),
        conflict(f"dir a=a b=b\n{hunk('c/x=new', 'c=theirs')}\ne=e f=f", "mvc resolve data/d --ours", "ours"),
    ),
    History(
        "names that differ in case, far apart",
        "directory", "data/d/Bb=ours; mvc add data/d", "data/d/bb=theirs; mvc add data/d",
        conflict(
            f"dir\n{hunk('Bb=ours', '', '9 11')}\na=a b=b\n{hunk('', 'bb=theirs', '9 11')}\nc=c e=e f=f",
            "mvc resolve data/d --ours", "ours",
        ),
        Expected(
            {D: "dir Bb=ours a=a b=b bb=theirs c=c e=e f=f"}, codes="MVC304:data/d",
            then="mvc add -f data/d; commit", after={D: "ours"},
        ),
    ),
    History(
        "a side's pointer was edited by hand and cannot be read",
        "directory", "data/d/a=ours; mvc add data/d", "append data/d.mvc 'size: 7'; git add data/d.mvc",
        conflict("dir a=ours b=b c=c e=e f=f\nsize: 7", "mvc resolve data/d --ours", "ours"),
        Expected(
            {D: "dir a=ours b=b c=c e=e f=f\nsize: 7"}, codes="MVC304:data/d",
            then="mvc add data/d; commit", after={D: "ours"},
        ),
    ),
    History(
        "the common ancestor's pointer cannot be read",
        "directory; append data/d.mvc 'size: 7'; git add data/d.mvc",
        "data/d/b=b; data/d/c=c; data/d/e=e; data/d/f=f; mvc add -f data/d", "data/d/f=theirs; mvc add -f data/d",
        conflict(
            "dir b=b c=c e=e\n<<<<<<< ours\nf=f\n=======\nf=theirs\n>>>>>>> theirs",
            "mvc resolve data/d --ours", "ours",
        ),
        conflict(f"dir b=b c=c e=e\n{hunk('f=f', 'f=theirs')}", "mvc resolve data/d --theirs", "theirs"),
    ),
    History(
        "each side writes another note",
        "directory", "mvc add data/d -m ours", "mvc add data/d --name theirs",
        merged("dir a=a b=b c=c e=e f=f\nname:theirs desc:ours"),
        conflict(
            f"dir a=a b=b c=c e=e f=f\n{hunk('desc:ours', 'name:theirs')}",
            "mvc add data/d", "dir a=a b=b c=c e=e f=f\nname:theirs desc:ours",
        ),
    ),
    History(
        "both sides describe it, and one adds a file",
        "directory", "mvc add data/d -m 'ours \"1\"'", "data/d/x=theirs; mvc add data/d -m 'theirs é'",
        conflict(
            "dir a=a b=b c=c e=e f=f x=theirs\n" + hunk("desc:'ours \\\"1\\\"'", "'desc:theirs é'", "5 11"),
            "mvc add data/d -m both", "dir a=a b=b c=c e=e f=f x=theirs\ndesc:both",
        ),
        conflict(
            "dir a=a b=b c=c e=e f=f\n" + hunk("desc:'ours \\\"1\\\"'", "x=theirs\n'desc:theirs é'"),
            "mvc resolve data/d --theirs", "theirs",
        ),
    ),
    History(
        "one side labels it, the other changes a file",
        "directory; append data/d.mvc 'labels: {team: \"base\"}'; git add data/d.mvc",
        "data/d/f=ours; mvc add data/d",
        "sub data/d.mvc '{team: \"base\"}' '{team: \"theirs\"}'; git add data/d.mvc",
        merged('dir a=a b=b c=c e=e f=ours\nlabels: {team: "theirs"}'),
        conflict(
            "dir a=a b=b c=c e=e\n" + hunk('f=ours\nlabels: {team: "base"}', 'f=f\nlabels: {team: "theirs"}'),
            "mvc add data/d", 'dir a=a b=b c=c e=e f=ours\nlabels: {team: "theirs"}',
        ),
    ),
    History(
        "a large list: each side changes and deletes other files",
        "many", "data/d/0000=ours; rm data/d/0001; mvc add data/d", "data/d/0299=theirs; mvc add data/d",
        merged("many300 0000=ours -0001 0299=theirs"),
        conflict(
            "kind\n" + hunk("list300 0000=ours -0001", "list300 0299=theirs"), "mvc add data/d",
            "many300 0000=ours -0001 0299=theirs",
        ),
    ),
    History(
        "a large list: both sides change one file, and each another",
        "many",
        "data/d/0000=ours; data/d/0100=ours; mvc add data/d", "data/d/0299=theirs; data/d/0100=theirs; mvc add data/d",
        conflict(
            "kind\n" + hunk("hash300 0000=ours 0100=ours", "hash300 0299=theirs 0100=theirs", "794 796")
            + "\nsize: 32115\nfiles: 300\n" + hunk("total: 794", "total: 796", "794 796"),
            "mvc resolve data/d/0100 --theirs", "many300 0000=ours 0100=theirs 0299=theirs",
        ),
        conflict(
            "kind\n" + hunk("list300 0000=ours 0100=ours", "list300 0299=theirs 0100=theirs"),
            "mvc resolve data/d --theirs", "theirs",
        ),
    ),
    History(
        "one side's list grows too large for the pointer",
        "nothing; files data/d 250; mvc add data/d",
        "data/d/0100=ours; mvc add data/d", "files data/d 260; mvc add data/d",
        merged("many260 0100=ours"),
        conflict("kind\n" + hunk("list250 0100=ours", "list260"), "mvc add data/d", "many260 0100=ours"),
    ),
    History(
        "deletions on both sides make a large list small",
        "nothing; files data/d 257; mvc add data/d",
        "data/d/0100=ours; mvc add data/d", "rm data/d/0000; rm data/d/0256; mvc add data/d",
        merged("many257 0100=ours -0000 -0256"),
        conflict(
            "kind\n" + hunk("list257 0100=ours", "list257 -0000 -0256"), "mvc add data/d",
            "many257 0100=ours -0000 -0256",
        ),
    ),
    History(
        "a list in shards: each side changes other files",
        "sharded", "data/d/0000=ours; mvc add data/d", "data/d/4199=theirs; data/d/9=new; mvc add data/d",
        merged("many4200 0000=ours 4199=theirs 9=new"),
        conflict(
            "kind\n" + hunk("list4200 0000=ours", "list4200 4199=theirs 9=new"), "mvc add data/d",
            "many4200 0000=ours 4199=theirs 9=new",
        ),
    ),
]
