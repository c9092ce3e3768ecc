"""Functions on Amazon's Runtime Interface Emulator, which the package `aws-sam-cli` contains."""

import collections
import contextlib
import functools
import http.client
import http.server
import json
import os
import pathlib
import platform
import signal
import subprocess
import threading
import urllib.parse

import samcli

from programs import BINARIES, TIMEOUT_SECONDS, free_addresses, is_open, wait_until
from templates import CORE, PACKAGE_API, ROOT, load, of_type

ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
PROGRAM = pathlib.Path(samcli.__file__).parent / "local" / "rapid" / f"aws-lambda-rie-{ARCHITECTURE}"
INVOCATIONS = "/2015-03-31/functions/function/invocations"
# The recorded event of each kind of API.
RECORDED = {path.stem: path.read_text() for path in sorted((ROOT / "tests/components/events").glob("*.json"))}
# How the authorizer denies a request of most kinds.
UNAUTHORIZED = {"errorType": "Unauthorized", "errorMessage": "Unauthorized"}

Held = collections.namedtuple("Held", "operation seconds ended")
Function = collections.namedtuple("Function", "binary variables timeout events")


@functools.cache
def functions():
    """All functions of the core and of the package example, by logical ID."""
    found = {}
    for template in (load(CORE), load(PACKAGE_API)):
        shared = template.get("Globals", {}).get("Function", {})
        for name, properties in of_type(template, "AWS::Serverless::Function").items():
            variables = {
                variable: resolve(value, template)
                for part in (shared, properties)
                for variable, value in part.get("Environment", {}).get("Variables", {}).items()
            }
            properties = shared | properties
            binary = properties["CodeUri"].rstrip("/").rsplit("/", 1)[1]
            events = [event["Properties"] for event in properties.get("Events", {}).values()]
            found[name] = Function(binary, variables, properties["Timeout"], events)
    return found


def resolve(value, template):
    """The value of a variable: of a parameter its default or None, of a table its name in `local`, which is its logical ID."""
    if not isinstance(value, dict):
        return str(value)
    name = value["Ref"]
    if name in template["Parameters"]:
        default = template["Parameters"][name].get("Default")
        return None if default is None else str(default)
    return name


def authorizer_event(kind, credential):
    """A recorded event with this bearer credential."""
    return json.loads(RECORDED[kind].replace("CREDENTIAL", f"Bearer {credential}"))


class Relay:
    """Passes HTTP requests on to `upstream`, and logs each when it arrives and before it is answered. It can hold or answer
    those that a test chooses."""

    def __init__(self, upstream, log):
        self.upstream = urllib.parse.urlsplit(upstream).netloc
        self.log = log
        self.held = None
        self.answer = None
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body leave in one packet, so that neither waits for an acknowledgement.
            wbufsize = -1

            def do_GET(self):
                # A connection without an answer is closed. A test can end while a request waits.
                self.close_connection = True
                with contextlib.suppress(OSError, http.client.HTTPException):
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
        self.log.append(operation)
        held = self.held
        if held and held.operation == operation and held.ended.wait(held.seconds):
            return

        status, headers, text = self.answer or self.forward(client, body)
        self.log.append(f"{operation} answered")
        client.send_response(status)
        for name, value in headers:
            if name.lower() not in ("connection", "content-length", "date", "server", "transfer-encoding"):
                client.send_header(name, value)
        client.send_header("Content-Length", str(len(text)))
        client.end_headers()
        client.wfile.write(text)
        client.close_connection = False

    def forward(self, client, body):
        # `next` is answered only when there is an event, so there is no timeout.
        with contextlib.closing(http.client.HTTPConnection(self.upstream)) as connection:
            headers = {name: value for name, value in client.headers.items() if name.lower() != "connection"}
            connection.request(client.command, client.path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()

    @contextlib.contextmanager
    def hold(self, operation, seconds=TIMEOUT_SECONDS):
        """Holds each request of an operation for this time. A request that is held when the block ends is never answered."""
        self.held = Held(operation, seconds, threading.Event())
        try:
            yield
        finally:
            self.held.ended.set()
            self.held = None

    @contextlib.contextmanager
    def answering(self, status, body):
        """Answers each request itself, as long as the block runs."""
        self.answer = (status, [("Content-Type", "application/x-amz-json-1.0")], json.dumps(body).encode())
        try:
            yield
        finally:
            self.answer = None

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Emulator:
    """One function on the emulator. Its requests to DynamoDB and to the Runtime API pass through relays, and are in `log`.
    `variables` replace those of the template."""

    def __init__(self, function, program, local, folder, **variables):
        self.log = []
        self.invocations, runtime = free_addresses(2)
        self.dynamodb = Relay(local.dynamodb, self.log)
        self.runtime = Relay(f"http://{runtime}", self.log)

        # The emulator starts `bootstrap`, which writes its process ID: the function's own.
        self.pid_file = folder / "pid"
        bootstrap = folder / "bootstrap"
        bootstrap.write_text(
            f"#!/bin/sh\necho $$ > '{self.pid_file}'\n"
            f"AWS_LAMBDA_RUNTIME_API={self.runtime.address} exec '{BINARIES / function.binary}'\n"
        )
        bootstrap.chmod(0o755)

        addresses = ["--runtime-interface-emulator-address", self.invocations, "--runtime-api-address", runtime]
        environment = {
            "AWS_ACCESS_KEY_ID": "LOCAL-emulator",
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://{self.dynamodb.address}",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
            "AWS_REGION": "us-east-1",
            "AWS_SECRET_ACCESS_KEY": "local",
            "PATH": os.environ["PATH"],
        }
        in_local = {"OIDC_ISSUER": local.issuer, "OIDC_AUDIENCE": "patgate"} | variables
        environment |= function.variables | {
            name: in_local[name] for name in in_local.keys() & function.variables.keys()
        }
        self.output = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [program, *addresses, bootstrap],
            env=environment,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: is_open(self.invocations) or self.process.poll() is not None)
            assert self.process.poll() is None, f"the emulator does not start; see {self.output.name}"
        except BaseException:
            self.stop()
            raise

    def send(self, event):
        """Sends one event, and returns the response or the error."""
        connection = http.client.HTTPConnection(self.invocations, timeout=TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            connection.request("POST", INVOCATIONS, json.dumps(event))
            return json.load(connection.getresponse())

    def function_pid(self):
        return int(self.pid_file.read_text())

    def terminate_function(self):
        """Sends SIGTERM to the function, and waits until its process has ended."""
        pid = self.function_pid()
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not runs(pid))

    def stop(self):
        # At SIGTERM the emulator waits a second for the function.
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(self.function_pid(), signal.SIGKILL)
        self.output.close()
        self.runtime.close()
        self.dynamodb.close()


def executable_copy(folder):
    """A package of Python does not keep that the emulator is executable."""
    program = folder / "aws-lambda-rie"
    program.write_bytes(PROGRAM.read_bytes())
    program.chmod(0o755)
    return program


def runs(pid):
    """Whether a process runs. One that has ended and that its parent has not yet waited for does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
