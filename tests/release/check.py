#!/usr/bin/env python3
"""Checks locally what can be checked of a release, part by part; fails at the end where a part has failed.

The version, the bill of materials, and what is printed from the code are checked at once. The parts that need builds make the
binary of this machine's target twice, from the committed files in two folders: the auditable section is compared with Cargo.lock,
and the builds with each other; where they are not alike, the sections that differ are named.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
from pack import pack  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target/release-tools"
WORK = ROOT / "target/release-check"
NAME = "flowmatix-graphql"


class Failed(Exception):
    pass


def expect(true, message):
    if not true:
        raise Failed(message)


def run(*command, **options):
    path = f"{TOOLS / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path} | options.pop("env", {})
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=environment, **options).stdout


def manifest():
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]


def locked():
    """What Cargo.lock has: name and version to checksum, which our own package has none of."""
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    return {(package["name"], package["version"]): package.get("checksum") for package in packages}


def version():
    """Cargo.toml, Cargo.lock, the changelog, the chart and the tag say the same."""
    ours = manifest()["version"]
    expect((NAME, ours) in locked(), f"Cargo.lock has not {NAME} {ours}")
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    expect(re.fullmatch(re.escape(ours) + r" - \d{4}-\d\d-\d\d", headings[0]), f"CHANGELOG.md begins with {headings[0]!r}, not {ours}")
    chart = (ROOT / "deploy/helm/Chart.yaml").read_text()
    shipped = re.search(r"^appVersion: \"?([^\"\n]+)", chart, re.M)
    expect(shipped and shipped[1] == ours, "deploy/helm/Chart.yaml: appVersion is another one")
    if os.environ.get("GITHUB_REF_TYPE") == "tag":
        expect(os.environ["GITHUB_REF_NAME"] == f"v{ours}", f"the tag is {os.environ['GITHUB_REF_NAME']}, not v{ours}")
    return f"{ours}, {headings[0].split()[-1]}"


def sbom():
    """The CycloneDX document, for all platforms, parses, has what is linked, and nothing that Cargo.lock has not, with the same checksums."""
    run("cargo", "cyclonedx", "--format", "json", "--spec-version", "1.5", "--target", "all", "--override-filename", f"{NAME}.cdx")
    made = ROOT / f"{NAME}.cdx.json"
    document = json.loads(made.read_text())
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.move(made, WORK / made.name)
    expect(document["bomFormat"] == "CycloneDX", "not CycloneDX")
    described = document["metadata"]["component"]
    expect((described["name"], described["version"]) == (NAME, manifest()["version"]), "it describes something else")
    packages, lock = document["components"], locked()
    expect(packages, "it has no components")
    for package in packages:
        key = (package["name"], package["version"])
        expect(key in lock, f"{key} is not in Cargo.lock")
        sums = [sum["content"] for sum in package.get("hashes", []) if sum["alg"] == "SHA-256"]
        expect(sums == [lock[key]], f"{key} has another checksum")
    listed = {(package["name"], package["version"]) for package in packages}
    missing = linked() - listed - {(NAME, manifest()["version"])}
    expect(not missing, f"not in it: {sorted(missing)}")
    return f"{len(packages)} components"


def linked():
    """What the binary is linked from on this machine."""
    tree = run("cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}").decode()
    return {tuple(re.match(r"(\S+) v(\S+)", line).groups()) for line in tree.splitlines() if line}


def documented(binary):
    """The schema and the settings that the binary prints are those of the repository."""
    printed = run(binary, "schema").decode()
    expect(printed == (ROOT / "schema.graphql").read_text(), "schema.graphql is another one: run tests/print")
    page = (ROOT / "docs/configuration.md").read_text()
    shown = re.search(r"<!-- settings -->\n(.*)<!-- /settings -->", page, re.S)
    expect(shown and shown[1].strip() == run(binary, "settings").decode().strip(), "docs/configuration.md is another one: run tests/print")
    return "schema and settings"


def sections(binary):
    """The sections of a 64-bit little-endian ELF file: name to content."""
    data = binary.read_bytes()
    expect(data[:6] == b"\x7fELF\x02\x01", "not an ELF file that this can read")
    (offset,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<3H", data, 58)
    headers = [struct.unpack_from("<IIQQQQ", data, offset + size * n) for n in range(count)]
    texts = headers[names][4]
    found = {}
    for name, kind, _, _, begin, length in headers:
        title = data[texts + name : data.index(b"\0", texts + name)].decode()
        found[title] = b"" if kind == 8 else data[begin : begin + length]
    return found


def auditable(binary):
    """The list of dependencies in the binary is there, and is Cargo.lock's."""
    section = sections(binary).get(".dep-v0")
    expect(section, "there is no section .dep-v0")
    packages = json.loads(zlib.decompress(section))["packages"]
    listed = {(package["name"], package["version"]) for package in packages}
    unknown = listed - set(locked())
    expect(not unknown, f"not in Cargo.lock: {sorted(unknown)}")
    missing = linked() - listed
    expect(not missing, f"not in the section: {sorted(missing)}")
    return f"{len(listed)} packages"


def build(place):
    """Builds the committed files in a folder of their own."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    archive = run("git", "archive", "HEAD")
    subprocess.run(["tar", "x", "-C", place], input=archive, check=True)
    bundle = ROOT / "explorer/dist"
    if bundle.is_dir():
        shutil.copytree(bundle, place / "explorer/dist")
    target = re.search(rb"host: (\S+)", run("rustc", "-vV"))[1].decode()
    commit = run("git", "rev-parse", "--short=12", "HEAD").decode().strip()
    given = {"FLOWMATIX_COMMIT": commit, "RELEASE_TOOLS": str(TOOLS), "CARGO_TARGET_DIR": str(place / "target")}
    subprocess.run([place / "tests/release/build", target], check=True, env=os.environ | given)
    return place / "target" / target / "release" / NAME


def alike(one, other):
    """Two builds have the same bytes; where they have not, what differs is named."""
    if one.read_bytes() == other.read_bytes():
        packed = [pack(binary, NAME, binary.parent / "packed") for binary in (one, other)]
        sums = {hashlib.sha256(archive.read_bytes()).hexdigest() for archive in packed}
        expect(len(sums) == 1, "the binaries are alike, the archives are not")
        return f"sha256 {sums.pop()}"
    first, second = sections(one), sections(other)
    names = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    raise Failed(f"these sections differ: {', '.join(names) or 'none: only headers do'}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binary", type=Path, help="check what can be checked without building, and print with this binary")
    binary = arguments.parse_args().binary
    failed = []

    def part(name, check, *given):
        try:
            print(f"{name}: {check(*given)}", flush=True)
        except (Failed, subprocess.CalledProcessError, OSError, KeyError, ValueError) as problem:
            failed.append(name)
            print(f"{name}: FAILED: {problem}", flush=True)

    part("version", version)
    part("bill of materials", sbom)
    if binary:
        part("documented", documented, binary.resolve())
        print("not checked, because they need builds: the auditable section, two builds alike")
    else:
        builds = [build(WORK / name) for name in ("one", "two")]
        part("documented", documented, builds[0])
        part("auditable section", auditable, builds[0])
        part("two builds alike", alike, *builds)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
