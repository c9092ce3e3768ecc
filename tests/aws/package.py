#!/usr/bin/env python3
"""Checks functions' binaries: what they need, how large their packages are, and that
neither the development sign-in nor log lines below info are in them.

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
# A line of hyper's at debug. Release builds are to have none below info; the authorizer built
# for development shows that one would be found.
BELOW_INFO = [b"pooling idle connection"]
BUILT_FOR_DEVELOPMENT = pathlib.Path(__file__).parents[2] / "target" / "debug"


def texts_in(binary, texts):
    content = binary.read_bytes()
    return [text.decode() for text in texts if text in content]


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
    for name, texts in {"local": DEVELOPMENT, "authorizer": BELOW_INFO}.items():
        if len(texts_in(BUILT_FOR_DEVELOPMENT / name, texts)) < len(texts):
            sys.exit(f"{name} has other texts by now: {texts}")
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
    if found := texts_in(binary, DEVELOPMENT):
        sys.exit(f"{binary} has what belongs on one machine only: {', '.join(found)}")
    if found := texts_in(binary, BELOW_INFO):
        sys.exit(f"{binary} has log lines below info: {', '.join(found)}")


if __name__ == "__main__":
    main()
