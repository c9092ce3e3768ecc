#!/usr/bin/env python3
"""Writes the software bill of materials (CycloneDX 1.6, JSON) of the functions that Cargo builds to standard output.

    sbom.py <target> <Cargo's selection of packages>…

It goes by `cargo tree`, which resolves features for the selected packages as the build does. Programs that go by
`cargo metadata` name what the rest of the workspace would bring along as well; docs/decisions/0020 has the figures.
Left out is what runs at build time only: build scripts' and macros' dependencies.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.parse
import uuid
from datetime import datetime, timezone

# As `cargo tree` shows a package: its name, version, where it is if it is ours, and its licence.
PACKAGE = re.compile(r"(\d+)(\S+) v(\S+)(?: \((/[^)]*)\))?\|(.*?)(?: \(\*\))?$")
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def run(*command):
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def tree(target, selection):
    """The packages, by reference, and what each needs."""
    lines = run(
        "cargo", "tree", "--locked", *selection, "--target", target, "--edges", "normal,no-proc-macro",
        "--prefix", "depth", "--format", "{p}|{l}",
    )  # fmt: skip
    packages, needs, path = {}, {}, []
    for line in filter(None, lines.splitlines()):
        depth, name, version, folder, licence = PACKAGE.fullmatch(line).groups()
        reference = f"{name}@{version}"
        packages[reference] = (name, version, folder, licence)
        needs.setdefault(reference, set())
        path[int(depth) :] = [reference]
        if int(depth) > 0:
            needs[path[-2]].add(reference)
    return packages, needs


def is_function(folder):
    return folder is not None and os.path.exists(f"{folder}/src/main.rs")


def checksums():
    with open("Cargo.lock", "rb") as file:
        locked = tomllib.load(file)["package"]
    return {f"{p['name']}@{p['version']}": p["checksum"] for p in locked if p.get("source") == REGISTRY}


def purl(kind, name, version):
    return f"pkg:{kind}/{name}@{urllib.parse.quote(version)}"


def component(reference, package, functions, hashes):
    name, version, _, licence = package
    described = {
        "type": "application" if reference in functions else "library",
        "bom-ref": reference,
        "name": name,
        "version": version,
        "purl": purl("cargo", name, version),
    }
    if licence:
        # An older way to write OR.
        described["licenses"] = [{"expression": licence.replace("/", " OR ")}]
    if reference in hashes:
        described["hashes"] = [{"alg": "SHA-256", "content": hashes[reference]}]
    return described


def main():
    target, *selection = sys.argv[1:]
    packages, needs = tree(target, selection)
    functions = {reference for reference, (_, _, folder, _) in packages.items() if is_function(folder)}
    hashes = checksums()
    rust = re.search(r"release: (\S+)", run("rustc", "--version", "--verbose"))[1]
    # Rust's standard library is in every binary, and not in Cargo.lock.
    std = {
        "type": "library",
        "bom-ref": "std",
        "name": "std",
        "version": rust,
        "purl": purl("generic", "rust-std", rust),
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    }
    with open("Cargo.toml", "rb") as file:
        version = tomllib.load(file)["workspace"]["package"]["version"]
    product = {"type": "application", "bom-ref": "product", "name": "patgate-functions", "version": version}
    depends = {"product": sorted(functions), "std": []} | {
        reference: sorted(needed) + (["std"] if reference in functions else []) for reference, needed in needs.items()
    }
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "component": product,
            "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": target}],
        },
        "components": [component(name, packages[name], functions, hashes) for name in sorted(packages)] + [std],
        "dependencies": [{"ref": name, "dependsOn": needed} for name, needed in sorted(depends.items())],
    }
    json.dump(bom, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
