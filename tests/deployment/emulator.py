"""Functions on Amazon's Runtime Interface Emulator, which the package `aws-sam-cli` contains."""

import collections
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import platform
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import samcli

from programs import BINARIES
from templates import CORE, PACKAGE_API, ROOT, load, of_type

ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
PROGRAM = pathlib.Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{ARCHITECTURE}"
INVOCATIONS = "/2015-03-31/functions/function/invocations"
TIMEOUT_SECONDS = 30
# The recorded event of each kind of API, and how the authorizer denies a request of most kinds.
RECORDED = {path.stem: path.read_text() for path in sorted((ROOT / "tests/components/events").glob("*.json"))}
UNAUTHORIZED = {"errorType": "Unauthorized", "errorMessage": "Unauthorized"}

Function = collections.namedtuple("Function", "binary variables timeout events")


def functions():
    """All functions of the core and of the package example, by logical ID."""
    core, example = load(CORE), load(PACKAGE_API)
    shared = core["Globals"]["Function"]
    found = {}
    for template, defaults in ((core, shared), (example, {})):
        for name, properties in of_type(template, "AWS::Serverless::Function").items():
            properties = defaults | properties
            variables = {
                variable: resolve(value, template)
                for part in (defaults, properties)
                for variable, value in part.get("Environment", {}).get("Variables", {}).items()
            }
            binary = properties["CodeUri"].rstrip("/").rsplit("/", 1)[1]
            events = [event["Properties"] for event in properties.get("Events", {}).values()]
            found[name] = Function(binary, variables, properties["Timeout"], events)
    return found


def resolve(value, template):
    """The value of a variable: of a parameter its default, of a table its name in `local`, which is its logical ID."""
    if not isinstance(value, dict):
        return str(value)
    name = value["Ref"]
    return str(template["Parameters"].get(name, {}).get("Default", name))


def authorizer_event(kind, credential):
    """A recorded event with this bearer credential."""
    return json.loads(RECORDED[kind].replace("CREDENTIAL", f"Bearer {credential}"))


class Relay:
    """Passes HTTP requests on to `upstream`, and records them. It can hold or answer those that a test chooses."""

    def __init__(self, upstream):
        self.upstream = urllib.parse.urlsplit(upstream).netloc
        self.requests = []
        self.held = None
        self.answer = None
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body leave in one packet, so that neither waits for an acknowledgement.
            wbufsize = -1

            def do_GET(self):
                relay.pass_on(self)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def pass_on(self, client):
        body = client.rfile.read(int(client.headers.get("Content-Length", 0)))
        # DynamoDB's operation, or the last part of a path of the Runtime API: `next`, `response` or `error`.
        operation = client.headers.get("X-Amz-Target", client.path).split(".")[-1].split("/")[-1]
        self.requests.append(operation)
        # A test can end, or kill the function, while a request is held.
        with contextlib.suppress(OSError, http.client.HTTPException):
            if self.held and self.held[0] == operation:
                self.held[1].wait(TIMEOUT_SECONDS)
            status, headers, text = self.answer or self.forward(client, body)
            client.send_response(status)
            for name, value in headers:
                if name.lower() not in ("connection", "content-length", "date", "server", "transfer-encoding"):
                    client.send_header(name, value)
            client.send_header("Content-Length", str(len(text)))
            client.end_headers()
            client.wfile.write(text)

    def forward(self, client, body):
        # `next` has its answer only when there is an event.
        connection = http.client.HTTPConnection(self.upstream, timeout=TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            headers = {name: value for name, value in client.headers.items() if name.lower() != "connection"}
            connection.request(client.command, client.path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()

    @contextlib.contextmanager
    def hold(self, operation):
        """Holds the requests of an operation until the block ends."""
        release = threading.Event()
        self.held = (operation, release)
        try:
            yield
        finally:
            self.held = None
            release.set()

    @contextlib.contextmanager
    def answering(self, status, body):
        """Answers each request itself, as long as the block runs."""
        self.answer = (status, [("Content-Type", "application/x-amz-json-1.0")], json.dumps(body).encode())
        try:
            yield
        finally:
            self.answer = None

    def wait_for(self, operation):
        """Waits until the relay has received a request of this operation since the last `forget`."""
        wait_until(lambda: operation in self.requests, f"no request {operation}, but {self.requests}")

    def forget(self):
        self.requests.clear()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Emulator:
    """One function on the emulator. Its requests to DynamoDB and to the Runtime API pass through relays. `variables` replace
    those of the template."""

    def __init__(self, function, local, folder, **variables):
        self.invocations, runtime = free_addresses(2)
        self.dynamodb = Relay(local.dynamodb)
        self.runtime = Relay(f"http://{runtime}")

        # The emulator starts it. The file of the process ID tells which process is the function's own.
        self.pid_file = folder / "pid"
        bootstrap = folder / "bootstrap"
        bootstrap.write_text(
            f"#!/bin/sh\necho $$ > '{self.pid_file}'\n"
            f"AWS_LAMBDA_RUNTIME_API={self.runtime.address} exec '{BINARIES / function.binary}'\n"
        )
        bootstrap.chmod(0o755)
        # A package of Python does not keep that a file is executable.
        program = folder / "aws-lambda-rie"
        program.write_bytes(PROGRAM.read_bytes())
        program.chmod(0o755)

        addresses = ["--runtime-interface-emulator-address", self.invocations, "--runtime-api-address", runtime]
        environment = function.variables | {
            "AWS_ACCESS_KEY_ID": "LOCAL-emulator",
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://{self.dynamodb.address}",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
            "AWS_REGION": "us-east-1",
            "AWS_SECRET_ACCESS_KEY": "local",
            "PATH": os.environ["PATH"],
        }
        if "OIDC_ISSUER" in environment:
            environment |= {"OIDC_ISSUER": local.issuer, "OIDC_AUDIENCE": "patgate"} | variables
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [program, *addresses, bootstrap],
            env=environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        wait_until(lambda: is_open(self.invocations), "the emulator does not start")

    def send(self, event):
        """Sends one event, and returns the response or the error."""
        connection = http.client.HTTPConnection(self.invocations, timeout=TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            connection.request("POST", INVOCATIONS, json.dumps(event))
            return json.load(connection.getresponse())

    def in_background(self, event):
        """Sends one event, and returns a thread that ends when the emulator hands on the response."""
        thread = threading.Thread(target=self.send_and_ignore, args=(event,), daemon=True)
        thread.start()
        return thread

    def send_and_ignore(self, event):
        with contextlib.suppress(OSError, http.client.HTTPException, json.JSONDecodeError):
            self.send(event)

    def function_pid(self):
        return int(self.pid_file.read_text())

    def terminate_function(self):
        """Sends SIGTERM to the function, and returns the seconds until its process has ended."""
        pid = self.function_pid()
        started = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not runs(pid), f"the function runs on after SIGTERM; see {self.log.name}")
        return time.monotonic() - started

    def stop(self):
        # At SIGTERM the emulator waits a second for the function.
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(self.function_pid(), signal.SIGKILL)
        self.log.close()
        self.runtime.close()
        self.dynamodb.close()


def free_addresses(count):
    # The sockets are open until all ports are known, so that the ports differ.
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{server.getsockname()[1]}" for server in servers]


def is_open(address):
    host, port = address.split(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def runs(pid):
    """Whether a process runs. One that has ended and that its parent has not yet waited for does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, otherwise):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.002)
