"""Reading a pointer that is valid but for the order of its lines, as merging two sides by hand leaves one."""

from __future__ import annotations

from collections.abc import Iterable

from mvc.errors import InvalidFormat
from mvc.objects.manifest import Manifest
from mvc.objects.pointer import MAX_BYTES, Pointer, dir_pointer
from mvc.objects.pointer_reader import parse, parse_entry

_KEYS = (
    "mvc", "kind", "manifest", "blake3", "xxh128", "size", "files", "total", "exec", "name", "desc", "labels", "remote",
)
_LISTED = "  - {"
_LISTS = "manifest:"
_EMPTY = "manifest: []"
_DIRECTORY = b'\nkind: "dir"\n'


def is_directory(raw: bytes) -> bool:
    """Whether a pointer, valid or not, says that it is of a directory."""
    return _DIRECTORY in b"\n" + raw


def listed_files(raw: bytes) -> set[str]:
    """Return the paths in those lines of a pointer, valid or not, that list a file of a directory."""
    lines = raw.decode(errors="surrogateescape").split("\n")
    return {entry.path for line in lines if (entry := parse_entry(line))}


def parse_unordered(raw: bytes) -> Pointer | None:
    """Return the pointer in `raw` if only the order of its lines is wrong, a line is repeated, or the list is too long.

    Such a pointer lists its files, however many there are. None for any other.
    """
    try:
        lines = raw.decode().split("\n") if len(raw) <= MAX_BYTES else []
        manifest = _manifest(line for line in lines if line.startswith(_LISTED))
        return _with_files(parse(_head(lines)), manifest)
    except (InvalidFormat, UnicodeDecodeError):
        return None


def _head(lines: list[str]) -> bytes:
    """Return the pointer without its files, its keys in order."""
    head = [line for line in lines if line and not line.startswith(_LISTED)]
    ordered = sorted(head, key=lambda line: _KEYS.index(key) if (key := line.partition(":")[0]) in _KEYS else -1)
    return "".join(f"{_EMPTY if line == _LISTS else line}\n" for line in ordered).encode()


def _manifest(lines: Iterable[str]) -> Manifest:
    found = {parse_entry(line) for line in lines}
    if None in found:
        raise InvalidFormat("a file is not listed as expected")
    return Manifest.of(entry for entry in found if entry is not None)


def _with_files(pointer: Pointer, manifest: Manifest) -> Pointer:
    if not manifest.files:
        return pointer
    if pointer.manifest is None:
        raise InvalidFormat("only an inline manifest lists files")
    return dir_pointer(manifest, notes=pointer.notes)._replace(manifest=manifest)
