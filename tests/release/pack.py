#!/usr/bin/env python3
"""Packs a release's binary with its manual, completions and licence; the same content gives the same bytes."""

import gzip
import io
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHELLS = ("bash", "zsh", "fish")


def pack(binary: Path, name: str, out: Path) -> Path:
    def said(*arguments: str) -> bytes:
        return subprocess.run([binary, *arguments], check=True, capture_output=True).stdout

    files = {"flowmatix-graphql": binary.read_bytes(), "flowmatix-graphql.1": said("man")}
    files |= {f"completions/flowmatix-graphql.{shell}": said("completions", shell) for shell in SHELLS}
    files |= {file: (ROOT / file).read_bytes() for file in ("LICENSE", "README.md", "CHANGELOG.md", "schema.graphql")}
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size = len(content)
            entry.mode = 0o755 if path == "flowmatix-graphql" else 0o644
            tar.addfile(entry, io.BytesIO(content))
    packed = out / f"{name}.tar.gz"
    out.mkdir(parents=True, exist_ok=True)
    packed.write_bytes(gzip.compress(archive.getvalue(), mtime=0))
    return packed


if __name__ == "__main__":
    binary, name, out = sys.argv[1:]
    print(pack(Path(binary).resolve(), name, Path(out)))
