"""Flip one bit of a model's object in the cache, as a bad disk does: size, mode and times stay."""

import json
import os
import subprocess
import sys
from pathlib import Path


def say(*command: str) -> str:
    """Return the output of a command."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


(item,) = json.loads(say("mvc", "ls", "--json", sys.argv[1]))["items"]
name = item["blake3"]
path = Path(say("mvc", "cache", "dir").strip(), "objects", name[:2], name)
before = path.stat()
path.chmod(0o600)
with path.open("r+b") as file:
    file.seek(before.st_size // 2)
    byte = file.read(1)[0]
    file.seek(before.st_size // 2)
    file.write(bytes([byte ^ 1]))
path.chmod(before.st_mode)
os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
print(f"flipped one bit of object {name[:12]}")
