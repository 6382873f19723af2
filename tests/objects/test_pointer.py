"""Pointers: their canonical form, read back to the same value, and clear errors for any other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import manifests

from mvc.errors import InvalidFormat, InvalidName
from mvc.objects.digest import MAX_SIZE, Digest
from mvc.objects.hashing import hash_bytes
from mvc.objects.manifest import INLINE_FILES, Entry, Manifest
from mvc.objects.pointer import MAX_BYTES, Notes, Pointer, dir_pointer, emit, file_pointer, path_of, quote
from mvc.objects.pointer_reader import parse, unquote

MakeEntry = Callable[..., Entry]
D = hash_bytes(b"model")
ALL_NOTES = Notes("team/ranker", 'says "hi" \\ bye', (("stage", "a, b: {c}"), ("team", "数据")), "prod")
HEAD = f'mvc: 1\nkind: "file"\nblake3: "{D.blake3}"\nxxh128: "{D.xxh128}"\nsize: 5\n'


def entry_line(path: str = '"a"', size: object = 5) -> str:
    """Return the line of a file in an inline directory."""
    return f'  - {{path: {path}, size: {size}, blake3: "{D.blake3}", xxh128: "{D.xxh128}"}}\n'


DIR = 'mvc: 1\nkind: "dir"\nmanifest:\n'
LARGE = HEAD.replace('"file"', '"dir"') + "files: 300\ntotal: 9000\n"


def refusal(text: str | bytes) -> str:
    """Return the error for an invalid pointer."""
    with pytest.raises(InvalidFormat) as caught:
        parse(text.encode() if isinstance(text, str) else text, "m.mvc")
    message = caught.value.message
    assert message.startswith("m.mvc: ")
    assert "\n" not in message
    assert message.isprintable()
    return message


# Canonical form.


def test_a_file_s_pointer_is_spelled_as_the_design_says() -> None:
    assert emit(file_pointer(D, executable=True, notes=ALL_NOTES)).decode() == HEAD + (
        "exec: true\n"
        'name: "team/ranker"\n'
        'desc: "says \\"hi\\" \\\\ bye"\n'
        'labels: {stage: "a, b: {c}", team: "数据"}\n'
        'remote: "prod"\n'
    )


def test_a_small_directory_lists_its_files(entry: MakeEntry) -> None:
    pointer = dir_pointer(Manifest.of([entry("run.sh", b"model", executable=True), entry("a", b"model")]))
    assert emit(pointer).decode() == DIR + entry_line() + entry_line('"run.sh"').replace("5, ", "5, exec: true, ")


def test_an_empty_directory_says_so() -> None:
    assert emit(dir_pointer(Manifest.of([]))) == b'mvc: 1\nkind: "dir"\nmanifest: []\n'


def test_a_large_directory_names_its_manifest(entry: MakeEntry) -> None:
    manifest = Manifest.of(entry(f"{number:04}", b"model") for number in range(INLINE_FILES + 1))
    pointer = dir_pointer(manifest, notes=Notes(desc="big"))
    digest = pointer.digest
    assert pointer.manifest is None
    assert emit(pointer).decode() == (
        f'mvc: 1\nkind: "dir"\nblake3: "{digest.blake3}"\nxxh128: "{digest.xxh128}"\n'
        f'size: {digest.size}\nfiles: 257\ntotal: {257 * 5}\ndesc: "big"\n'
    )
    assert parse(emit(pointer)) == pointer


QUOTED = {
    "plain": ("abc ~!#$%&'()*+,-./:;<=>?@[]^_`{|}", "abc ~!#$%&'()*+,-./:;<=>?@[]^_`{|}"),
    "quote": ('"', '\\"'),
    "backslash": ("\\", "\\\\"),
    "escape": ("\x1b[31m", "\\U0000001B[31m"),
    "NUL": ("\0", "\\U00000000"),
    "line break": ("a\nb", "a\\U0000000Ab"),
    "tab": ("\t", "\\U00000009"),
    "delete": ("\x7f", "\\U0000007F"),
    "next line": ("\x85", "\\U00000085"),
    "no-break space": ("\xa0", "\\U000000A0"),
    "soft hyphen": ("\u00ad", "\\U000000AD"),
    "line separator": ("\u2028", "\\U00002028"),
    "paragraph separator": ("\u2029", "\\U00002029"),
    "right-to-left override": ("\u202e", "\\U0000202E"),
    "byte order mark": ("\ufeff", "\\U0000FEFF"),
    "ideographic space": ("\u3000", "\\U00003000"),
    "private use": ("\ue000", "\\U0000E000"),
    "unassigned": ("\u0378", "\\U00000378"),
    "assigned after Unicode 3.2": ("\u20bf", "\\U000020BF"),
    "not a character": ("\uffff", "\\U0000FFFF"),
    "beyond the BMP": ("\N{ROCKET}", "\\U0001F680"),
    "last of all": ("\U0010ffff", "\\U0010FFFF"),
    "accents": ("é", "é"),
    "Chinese": ("数据", "数据"),
    "Arabic": ("نموذج", "نموذج"),
    "combining": ("e\u0301", "e\u0301"),
    "euro": ("€", "€"),
}


@pytest.mark.parametrize(("text", "body"), QUOTED.values(), ids=QUOTED)
def test_quoting(text: str, body: str) -> None:
    assert quote(text) == f'"{body}"'
    assert unquote(body) == text
    assert yaml.safe_load(quote(text)) == text


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
digests = st.builds(
    Digest,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.integers(0, MAX_SIZE),
)
words = st.from_regex(r"[a-z]{3}[a-z0-9_.-]{0,5}", fullmatch=True).filter(
    lambda word: word not in ("null", "true", "false", "yes", "off")
)
notes = st.builds(
    Notes,
    st.just("") | st.from_regex(r"[a-zA-Z0-9](?:[a-zA-Z0-9/_-]{0,5}[a-zA-Z0-9])?", fullmatch=True),
    texts,
    st.dictionaries(words, texts, max_size=3).map(lambda labels: tuple(sorted(labels.items()))),
    st.just("") | st.from_regex(r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,5}[a-zA-Z0-9])?", fullmatch=True),
)
files = st.builds(
    lambda digest, mode, note: file_pointer(digest, executable=mode, notes=note), digests, st.booleans(), notes
)
inlines = st.builds(lambda manifest, note: dir_pointer(manifest, notes=note), manifests, notes)
larges = st.builds(
    lambda digest, count, total, note: Pointer("dir", digest, False, None, count, total, note),
    digests,
    st.integers(INLINE_FILES + 1, MAX_SIZE),
    st.integers(0, MAX_SIZE),
    notes,
)
pointers = st.one_of(files, inlines, larges)


@given(pointers)
@settings(deadline=None, max_examples=200)
def test_round_trip_with_all_notes(pointer: Pointer) -> None:
    assert parse(emit(pointer)) == pointer


@given(pointers)
@settings(deadline=None, max_examples=100)
def test_any_yaml_reader_finds_the_same_values(pointer: Pointer) -> None:
    data = yaml.safe_load(emit(pointer))
    assert data["mvc"] == 1
    assert data["kind"] == pointer.kind
    assert (data.get("name", ""), data.get("desc", ""), data.get("remote", "")) == (
        pointer.notes.name,
        pointer.notes.desc,
        pointer.notes.remote,
    )
    assert tuple(data.get("labels", {}).items()) == pointer.notes.labels
    if pointer.manifest is None:
        assert (data["blake3"], data["xxh128"], data["size"]) == pointer.digest
        assert data.get("exec", False) is pointer.exec
    else:
        rows = [Entry(r["path"], r["blake3"], r["xxh128"], r["size"], r.get("exec", False)) for r in data["manifest"]]
        assert rows == list(pointer.manifest.entries)


@given(pointers)
@settings(deadline=None, max_examples=50)
def test_what_is_written_is_printable_text_with_unix_line_ends(pointer: Pointer) -> None:
    text = emit(pointer).decode()
    assert text.endswith("\n")
    assert all(line.replace("\xad", "").isprintable() for line in text.split("\n"))


def outcome(raw: bytes) -> None:
    """Make sure that `raw` is either refused in one line, or a pointer in canonical form."""
    try:
        found = parse(raw, "m.mvc")
    except InvalidFormat:
        refusal(raw)
    else:
        assert emit(found) == raw


@given(pointers, st.data())
@settings(deadline=None, max_examples=200)
def test_a_changed_byte_gives_another_pointer_or_a_refusal(pointer: Pointer, data: st.DataObject) -> None:
    raw = bytearray(emit(pointer))
    position = data.draw(st.integers(0, len(raw) - 1))
    interesting = st.sampled_from(
        [b"", b"\n", b'"', b"\\", b" ", b"0", b":", b"{", b"#", b"\r", b"\0", b"\x85", b"\xff"]
    )
    raw[position : position + data.draw(st.integers(0, 1))] = data.draw(interesting | st.binary(max_size=2))
    outcome(bytes(raw))


@given(pointers, st.data())
@settings(deadline=None, max_examples=150)
def test_a_moved_doubled_or_lost_line_gives_another_pointer_or_a_refusal(pointer: Pointer, data: st.DataObject) -> None:
    lines = emit(pointer).decode().split("\n")
    line = lines.pop(data.draw(st.integers(0, len(lines) - 1)))
    for _ in range(data.draw(st.integers(0, 2))):
        lines.insert(
            data.draw(st.integers(0, len(lines))), data.draw(st.sampled_from([line, "", "# x", " ", "x: 1", "---"]))
        )
    outcome("\n".join(lines).encode())


@given(st.binary(max_size=80) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(deadline=None, max_examples=150)
def test_rubbish_is_refused_in_one_line(raw: bytes) -> None:
    outcome(raw)


# Errors.

COMPLAINTS = {
    "nothing": ("", "not a pointer"),
    "a list": ("- 1\n", "not a pointer"),
    "not UTF-8": (b"mvc: \xff\n", "not UTF-8"),
    "not YAML": (HEAD + "desc: [\n", "not YAML"),
    "newer format": (HEAD.replace("mvc: 1", "mvc: 2"), "format 2, this mvc reads format 1: upgrade mvc"),
    "newer format with unknown keys": ("mvc: 2\nchunks: []\n", "upgrade mvc"),
    "older format": (HEAD.replace("mvc: 1", "mvc: 0"), "mvc"),
    "format missing": (HEAD.replace("mvc: 1\n", ""), "`mvc`"),
    "format is a string": (HEAD.replace("mvc: 1", 'mvc: "1"'), "mvc"),
    "format is a boolean": (HEAD.replace("mvc: 1", "mvc: true"), "mvc"),
    "kind unknown": (HEAD.replace('"file"', '"link"'), "kind"),
    "blake3 missing": (HEAD.replace("blake3", "sha256"), "sha256"),
    "blake3 short": (HEAD.replace(D.blake3, D.blake3[1:]), "blake3"),
    "blake3 upper case": (HEAD.replace(D.blake3, D.blake3.upper()), "blake3"),
    "blake3 and a line break": (HEAD.replace(D.blake3, D.blake3 + "\\n"), "blake3"),
    "xxh128 long": (HEAD.replace(D.xxh128, D.xxh128 + "0"), "xxh128"),
    "size negative": (HEAD.replace("size: 5", "size: -5"), "size"),
    "size a float": (HEAD.replace("size: 5", "size: 5.0"), "size"),
    "size a string": (HEAD.replace("size: 5", 'size: "5"'), "size"),
    "size with a leading zero": (HEAD.replace("size: 5", "size: 05"), "size"),
    "size beyond 63 bits": (HEAD.replace("size: 5", f"size: {1 << 63}"), "size"),
    "size of 5,000 digits": (HEAD.replace("size: 5", "size: " + "9" * 5000), "19 digits"),
    "size missing": (HEAD.replace("size: 5\n", ""), "size"),
    "exec false": (HEAD + "exec: false\n", "not in canonical form"),
    "exec of a directory": (LARGE + "exec: true\n", "exec"),
    "key unknown": (HEAD + "md5: 1\n", "md5"),
    "key with a line break": (HEAD + '"a\\nb\\e[31m": 1\n', "unknown key"),
    "key twice": (HEAD + 'desc: "a"\ndesc: "b"\n', "line 7: duplicate key 'desc'"),
    "CRLF": (HEAD.replace("\n", "\r\n"), "line ends"),
    "one CRLF": (HEAD.replace("5\n", "5\r\n"), "line ends"),
    "no line break at the end": (HEAD[:-1], "line ends"),
    "empty line at the end": (HEAD + "\n", "trailing text"),
    "comment": (HEAD + "# by hand\n", "trailing text"),
    "comment in a line": (HEAD.replace("size: 5", "size: 5 # five"), "line 5"),
    "byte order mark": ("\ufeff" + HEAD, "line 1"),
    "two documents": (HEAD + "---\n", "more than one document"),
    "another order": (HEAD.replace('kind: "file"\n', "") + 'kind: "file"\n', "line 2"),
    "single quotes": (HEAD.replace('"file"', "'file'"), "line 2"),
    "no quotes": (HEAD.replace('"file"', "file"), 'line 2 is not in canonical form: expected kind: "file"'),
    "two spaces": (HEAD.replace("size: 5", "size:  5"), "line 5"),
    "desc empty": (HEAD + 'desc: ""\n', "not in canonical form"),
    "desc a number": (HEAD + "desc: 1.10\n", "desc"),
    "desc with another escape": (HEAD + 'desc: "\\u0041"\n', 'line 6 is not in canonical form: expected desc: "A"'),
    "desc escaped in lower case": (HEAD + 'desc: "\\U0000001b"\n', "line 6"),
    "desc escaped for nothing": (HEAD + 'desc: "\\U00000041"\n', "line 6"),
    "desc not escaped": (HEAD + 'desc: "\u2028"\n', "line 6"),
    "desc with a raw escape": (HEAD + 'desc: "\x1b"\n', "not YAML"),
    "desc beyond Unicode": (HEAD + 'desc: "\\U00110000"\n', "not YAML"),
    "desc with half a character": (HEAD + 'desc: "\\U0000D800"\n', "UTF-8"),
    "name with a dot": (HEAD + 'name: "ranker.v1"\n', "invalid name 'ranker.v1'"),
    "name with a space": (HEAD + 'name: "my model"\n', "invalid name"),
    "name that is an option": (HEAD + 'name: "-x"\n', "invalid name"),
    "remote that is a path": (HEAD + 'remote: "../x"\n', "invalid remote name"),
    "labels unsorted": (HEAD + 'labels: {b: "1", a: "2"}\n', "labels"),
    "labels twice": (HEAD + 'labels: {a: "1", a: "2"}\n', "labels"),
    "labels empty": (HEAD + "labels: {}\n", "not in canonical form"),
    "label in upper case": (HEAD + 'labels: {Team: "x"}\n', "labels"),
    "label that is a boolean": (HEAD + 'labels: {no: "x"}\n', "labels"),
    "label with a comma left over": (HEAD + 'labels: {ab: "x", }\n', "line 6"),
    "labels a list": (HEAD + 'labels: ["x"]\n', "labels"),
    "manifest and digest": (LARGE + "manifest: []\n", "unknown key `blake3`"),
    "manifest a mapping": (DIR.replace("\n", " {}\n", 3).replace(" {}\n", "\n", 2), "manifest"),
    "manifest of a file": (HEAD + "manifest: []\n", "manifest"),
    "entries unsorted": (DIR + entry_line('"b"') + entry_line('"a"'), "line 4"),
    "an entry twice": (DIR + entry_line() + entry_line(), "equal on a case-insensitive file system"),
    "entries equal but for case": (DIR + entry_line('"A"') + entry_line('"a"'), "on a case-insensitive file system"),
    "entry with an empty path": (DIR + entry_line('""'), "refused name ''"),
    "entry that leads out": (DIR + entry_line('"../a"'), "refused name '../a'"),
    "entry into Git": (DIR + entry_line('".GIT/hooks/post-checkout"'), ".git"),
    "entry with an escape": (DIR + entry_line('"\\U0000001B"'), "refused name '\\x1b'"),
    "entry of a huge size": (DIR + entry_line(size=1 << 63), "size"),
    "entry with an unknown key": (DIR + entry_line().replace("}", ", mode: 1}"), "mode"),
    "entry in block style": (DIR + '  - path: "a"\n', "size"),
    "small, yet not inline": (LARGE.replace("files: 300", "files: 3"), "must list its files"),
    "files missing": (LARGE.replace("files: 300\n", ""), "files"),
    "negative total": (LARGE.replace("total: 9000", "total: -1"), "total"),
    "100,000 brackets": ("[" * 100_000, "nested deeper"),
    "too large": (HEAD + f'desc: "{"x" * MAX_BYTES}"\n', f"at most {MAX_BYTES}"),
}


@pytest.mark.parametrize(("text", "said"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_complaint_names_the_key_or_the_line(text: str | bytes, said: str) -> None:
    assert said in refusal(text)


def test_a_refused_name_is_an_invalid_name() -> None:
    with pytest.raises(InvalidName):
        parse((DIR + entry_line('"a/../../b"')).encode())


def test_more_than_256_inline_files_are_refused() -> None:
    lines = "".join(entry_line(f'"{number:03}"') for number in range(INLINE_FILES + 1))
    assert "256" in refusal(DIR + lines)


def test_more_than_64_kib_of_inline_files_are_refused() -> None:
    folders = "/".join(["d" * 250] * 8)
    lines = "".join(entry_line(f'"{folders}/{number:03}"') for number in range(40))
    assert "64 KiB" in refusal(DIR + lines)


@pytest.mark.parametrize(
    "pointer",
    [
        pytest.param(file_pointer(D, notes=Notes(desc="x" * MAX_BYTES)), id="description too long"),
        pytest.param(
            file_pointer(D, notes=Notes(desc="\n" * (MAX_BYTES // 8))), id="description too long once escaped"
        ),
        pytest.param(file_pointer(D, notes=Notes(desc="\udcff")), id="description not UTF-8"),
        pytest.param(file_pointer(D, notes=Notes(labels=(("team", "\ud800"),))), id="label not UTF-8"),
        pytest.param(file_pointer(D, notes=Notes(name="a.b")), id="name with a dot"),
        pytest.param(file_pointer(D, notes=Notes(remote="a/b")), id="remote with a slash"),
        pytest.param(file_pointer(D, notes=Notes(labels=(("b", ""), ("a", "")))), id="labels unsorted"),
    ],
)
def test_what_could_not_be_read_is_not_written(pointer: Pointer) -> None:
    with pytest.raises(InvalidFormat):
        emit(pointer)


# Content of a pointer.


def test_the_path_is_that_of_the_pointer_without_its_suffix() -> None:
    assert path_of("models/ranker.onnx.mvc") == "models/ranker.onnx"
    assert path_of("a.mvc.mvc") == "a.mvc"


def test_inline_and_large_pointers_of_one_directory_have_one_digest(entry: MakeEntry) -> None:
    manifest = Manifest.of([entry("a"), entry("b")])
    inline = dir_pointer(manifest)
    large = Pointer("dir", inline.digest, False, None, 2, manifest.total)
    assert inline.content == large.content
    assert (inline.files, inline.total) == (2, manifest.total)


def test_notes_do_not_count_as_content_but_the_executable_bit_does() -> None:
    assert file_pointer(D).content == file_pointer(D, notes=ALL_NOTES).content
    assert file_pointer(D).content != file_pointer(D, executable=True).content
