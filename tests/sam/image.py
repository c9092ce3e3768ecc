"""An image to run the functions in. It contains this machine's own C library, because the binaries are built for it, and
this machine's Python, for the backend of the REST example. So no image has to be pulled."""

import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile

import certifi

# SAM adds the Runtime Interface Emulator with these.
PROGRAMS = ["/bin/sh", "/bin/mv", "/bin/chmod"]
PYTHON = os.path.realpath(sys.executable)
ROOT_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# What no backend needs of Python's library: half of its size.
LEFT_OUT = re.compile(r"/(site-packages|test|tests|__pycache__|config-[^/]*|[^/]*\.a)$")


def make(name, binaries, environment):
    """Makes the image `name`. Every function has the variables `environment`: SAM passes on only those of the template."""
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    programs = [*PROGRAMS, PYTHON]
    paths = {*programs, *libraries([*programs, *binaries, *library.glob("lib-dynload/*.so")]), str(library)}
    changes = [f"--change=ENV {variable}={value}" for variable, value in environment.items()]

    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
            for path in sorted(paths):
                tar.add(path, filter=lambda member: None if LEFT_OUT.search("/" + member.name) else member)
            tar.add(certifi.where(), ROOT_CERTIFICATES)
        archive.seek(0)
        subprocess.run(["docker", "import", *changes, "-", name], stdin=archive, stdout=subprocess.DEVNULL, check=True)


def libraries(programs):
    """The shared libraries that the programs load, and their loader."""
    found = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"(?:=> |^\s+)(/\S+) \(", found, re.MULTILINE))
