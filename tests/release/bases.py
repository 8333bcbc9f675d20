#!/usr/bin/env python3
"""The images that the Dockerfile builds on: which ones they are, by digest, and whether an image was built on exactly those.

The Dockerfile names them by tag, which Dependabot moves. `resolve` asks the registry for the digest of each and says how a build takes
it in the place of its tag (as a named context, whose name is what `FROM` says), with labels for the image and a table for the
release's notes. A context whose name fits no `FROM` would be left aside without a word, so `verify` reads in the provenance of what
was built that every base is there by that digest. DOCKER is another command than docker.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def bases(dockerfile):
    """The images that are named in it, each once, in order, without its own stages; the last one is what the result is based on."""
    stages, found = {"scratch"}, []
    for line in re.sub(r"\\\n", " ", dockerfile).splitlines():
        words = [word for word in line.split() if not word.startswith("--") or word.startswith("--from=")]
        match [word.upper() if n == 0 else word for n, word in enumerate(words)]:
            case ["FROM", image, *stage]:
                named = image
                stages.add(stage[1] if stage else "")
            case ["COPY", source, *_] if source.startswith("--from="):
                named = source.removeprefix("--from=")
            case _:
                continue
        if "$" in named:
            raise SystemExit(f"{named}: the name of an image is no variable here: Dependabot would not see it")
        if named not in stages and named not in found and not named.isdigit():
            if ":" not in named.rsplit("/", 1)[-1] and "@" not in named:
                raise SystemExit(f"{named}: has no tag")
            found.append(named)
    return found


def inspect(image, template):
    docker = shlex.split(os.environ.get("DOCKER", "docker"))
    command = [*docker, "buildx", "imagetools", "inspect", image, "--format", template]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def resolve(images, output, notes):
    digests = {}
    for image in images:
        digest = inspect(image, "{{json .Manifest}}").get("digest", "")
        if not DIGEST.fullmatch(digest):
            raise SystemExit(f"{image}: {digest!r} is no digest")
        digests[image] = digest
    contexts = [f"{image}=docker-image://{image.split('@')[0]}@{digest}" for image, digest in digests.items()]
    last = images[-1]
    labels = [f"org.opencontainers.image.base.name={last}", f"org.opencontainers.image.base.digest={digests[last]}"]
    for name, lines in {"contexts": contexts, "labels": labels, "digests": digests.values()}.items():
        output.write(f"{name}<<END\n" + "".join(f"{line}\n" for line in lines) + "END\n")
    rows = "".join(f"| `{image}` | `{digest}` |\n" for image, digest in digests.items())
    notes.write_text(f"\n### Base images\n\n| image | digest |\n|---|---|\n{rows}")


def verify(image, digests):
    provenance = json.dumps(inspect(image, "{{json .Provenance}}"))
    missing = [digest for digest in digests if digest.removeprefix("sha256:") not in provenance]
    if not digests or missing:
        raise SystemExit(f"{image}: its provenance has not {missing or 'any base'}: it was built on another image")
    print(f"{image}: built on {len(digests)} images by digest")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--dockerfile", type=Path, default=ROOT / "Dockerfile")
    commands = arguments.add_subparsers(dest="command", required=True)
    commands.add_parser("names", help="print the images")
    command = commands.add_parser("resolve", help="write `contexts`, `labels` and `digests` to a file of a workflow's outputs")
    command.add_argument("--output", type=Path, required=True)
    command.add_argument("--notes", type=Path, required=True, help="a file for the table of the release's notes")
    command = commands.add_parser("verify", help="fail where an image was not built on these")
    command.add_argument("image")
    command.add_argument("digests", help="digests, as `resolve` writes them")
    given = arguments.parse_args()
    images = bases(given.dockerfile.read_text())
    if given.command == "names":
        print("\n".join(images))
    elif given.command == "resolve":
        with given.output.open("a") as output:
            resolve(images, output, given.notes)
    else:
        verify(given.image, given.digests.split())


if __name__ == "__main__":
    sys.exit(main())
