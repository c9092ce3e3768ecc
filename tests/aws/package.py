#!/usr/bin/env python3
"""Checks functions' binaries: what they need, how large their packages are, and that
nothing of the development sign-in is in them.

    package.py target/lambda/authorizer/bootstrap …
"""

import io
import pathlib
import re
import subprocess
import sys
import zipfile

# Amazon Linux 2023, on which `provided.al2023` is built, has this one.
GLIBC_MAX = (2, 34)
# The authorizer is started most often, and is held to less.
ZIP_MAX_BYTES = {"authorizer": 3_000_000}
ZIP_MAX_BYTES_OF_OTHERS = 4 * 1024 * 1024


# What only one machine has: its sign-in, its people, and how it runs functions. `local`
# itself shows that they would be found.
DEVELOPMENT = [b"Alice Archer", b"patgate-page", b"code_challenge", b"--become-lambda-instance"]
LOCAL = pathlib.Path(__file__).parents[2] / "target" / "debug" / "local"


def of_development(binary):
    content = binary.read_bytes()
    return [text.decode() for text in DEVELOPMENT if text in content]


def newest_glibc(binary):
    needed = subprocess.run(["readelf", "--version-info", "--wide", binary], capture_output=True, check=True, text=True)
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", needed.stdout)
    if not versions:
        sys.exit(f"{binary} needs no glibc at all; is it the right file?")
    return max((int(major), int(minor)) for major, minor in versions)


def zipped(binary):
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.write(binary, "bootstrap")
    return package.tell()


def main():
    if len(of_development(LOCAL)) < len(DEVELOPMENT):
        sys.exit(f"{LOCAL} has other texts by now: {DEVELOPMENT}")
    for binary in map(pathlib.Path, sys.argv[1:]):
        check(binary)


def check(binary):
    glibc, size = newest_glibc(binary), zipped(binary)
    print(f"{binary}: {binary.stat().st_size:,} bytes, zipped {size:,} bytes, needs glibc {glibc[0]}.{glibc[1]}")
    if glibc > GLIBC_MAX:
        sys.exit(f"Amazon Linux 2023 has glibc {GLIBC_MAX[0]}.{GLIBC_MAX[1]} only")
    most = ZIP_MAX_BYTES.get(binary.parent.name, ZIP_MAX_BYTES_OF_OTHERS)
    if size > most:
        sys.exit(f"more than {most:,} bytes")
    if found := of_development(binary):
        sys.exit(f"{binary} has what belongs on one machine only: {', '.join(found)}")


if __name__ == "__main__":
    main()
