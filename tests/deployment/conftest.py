"""Fixtures that several files share."""

import collections
import contextlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

import pytest
from markdown_it import MarkdownIt

import emulator
from programs import BINARIES, require
from templates import CORE, EXAMPLES, MONITORING, ROOT, load, translate


def pytest_configure(config):
    config.addinivalue_line("markers", "records: needs the records of an end-to-end run (PATGATE_RECORDS)")


@pytest.fixture(scope="session")
def node():
    require("node", "install Node 20.19 or newer")
    return "node"


@pytest.fixture(scope="session")
def core():
    """The core as CloudFormation receives it."""
    return translate(load(CORE))


@pytest.fixture(scope="session")
def monitoring():
    return load(MONITORING)


@pytest.fixture(scope="session")
def cdk_template(tmp_path_factory):
    """The CDK's example as plain CloudFormation."""
    folder = EXAMPLES / "cdk"
    require("node", "install Node 20.19 or newer")
    if not (folder / "node_modules").exists():
        pytest.fail("the CDK is missing: run `npm ci` in examples/cdk", pytrace=False)
    out = tmp_path_factory.mktemp("cdk")
    subprocess.run(["node", "app.js"], cwd=folder, env=os.environ | {"CDK_OUTDIR": str(out)}, check=True)
    return json.loads((out / "hello-api.template.json").read_text())


@pytest.fixture(scope="session")
def records():
    """The folder in which an end-to-end run recorded operations, logs and secrets."""
    folder = os.environ.get("PATGATE_RECORDS")
    if not folder:
        pytest.fail(
            "PATGATE_RECORDS is not set: it names the folder with the records of an end-to-end run",
            pytrace=False,
        )
    if not any(pathlib.Path(folder).glob("*.log")):
        pytest.fail(
            f"`{folder}` contains no records: run the end-to-end suite with PATGATE_RECORDS={folder}",
            pytrace=False,
        )
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def markdown():
    """Parses a Markdown file of the repository into tokens."""
    parser = MarkdownIt("commonmark").enable("table")
    return lambda path: parser.parse((ROOT / path).read_text())


@pytest.fixture(scope="session")
def tables(markdown):
    """The tables of a Markdown file, as lists of rows. A cell is a token of the parser; the first row is the heading."""

    def parse(path):
        tables = []
        for previous, token in itertools.pairwise(markdown(path)):
            if previous.type == "table_open":
                tables.append([])
            elif previous.type == "tr_open":
                tables[-1].append([])
            elif previous.type in ("th_open", "td_open"):
                tables[-1][-1].append(token)
        return tables

    return parse


@pytest.fixture(scope="session")
def metric_names():
    """The names of all metrics, as the authorizer itself lists them."""
    listed = subprocess.run([BINARIES / "authorizer", "--list-metrics"], check=True, capture_output=True, text=True)
    return set(listed.stdout.split())


Response = collections.namedtuple("Response", "status headers body")


class Local:
    """A running `local` with a page of its own, without data."""

    INDEX = "<!doctype html><title>the page</title>"
    API_DOCS = "<!doctype html><title>the API</title>"

    def __init__(self, page):
        (page / "assets").mkdir(parents=True)
        for name, text in {
            "index.html": self.INDEX,
            "api-docs.html": self.API_DOCS,
            "access-tokens.js": "// element",
            "icon.svg": "<svg/>",
        }.items():
            (page / name).write_text(text)
        ports = ["--port", "0", "--issuer-port", "0", "--dynamodb-port", "0"]
        self.process = subprocess.Popen(
            [BINARIES / "local", "--memory", "--page", page, *ports],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        urls = {}
        while not {"API", "Sign-in", "DynamoDB"} <= urls.keys():
            line = self.process.stdout.readline()
            if not line:
                pytest.fail("`local` does not start; `make build-debug` builds it", pytrace=False)
            words = line.split()
            if len(words) > 1 and words[1].startswith("http://"):
                urls[words[0]] = words[1]
        self.api, self.issuer, self.dynamodb = urls["API"], urls["Sign-in"], urls["DynamoDB"]
        # A full pipe would block `local`.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def get(self, path):
        try:
            response = urllib.request.urlopen(self.api + path, timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Response(response.status, headers, response.read().decode())

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    system = Local(tmp_path_factory.mktemp("page") / "dist")
    yield system
    system.stop()


@pytest.fixture(scope="session")
def runtime_interface_emulator(tmp_path_factory):
    if sys.platform != "linux" or not emulator.PROGRAM.exists():
        pytest.skip("Amazon's emulator runs on Linux only, on x86_64 and arm64")
    return emulator.executable_copy(tmp_path_factory.mktemp("emulator"))


@pytest.fixture
def start_function(local, runtime_interface_emulator, tmp_path):
    """Starts one function on Amazon's Runtime Interface Emulator."""
    with contextlib.ExitStack() as started:

        def start(name, **variables):
            folder = tempfile.mkdtemp(dir=tmp_path)
            function = emulator.functions()[name]
            one = emulator.Emulator(function, runtime_interface_emulator, local, pathlib.Path(folder), **variables)
            started.callback(one.stop)
            return one

        yield start
