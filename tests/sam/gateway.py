"""SAM's command line, with a few gaps of `sam local start-api` closed: `python gateway.py local start-api …`.

Each of these gaps would hide what the suite tests. docs/local.md lists them with all other differences.
"""

import importlib.metadata
import json
import socket
import threading

import flask
from docker.models.containers import ContainerCollection
from samcli.local.apigw import event_constructor
from samcli.local.apigw.local_apigw_service import LocalApigwService
from samcli.local.apigw.route import Route
from samcli.local.docker import container
from samcli.local.services.base_local_service import LambdaOutputParser

create_container = ContainerCollection.create
handle_errors = LocalApigwService._construct_error_handling
is_error = LambdaOutputParser.is_lambda_error_response


def create_on_host_network(self, image, *, ports, entrypoint, **settings):
    """`local` listens on the loopback interface only, so a function has to share it to reach DynamoDB and the issuer.
    Every container then needs ports of its own."""
    ((_, port),) = ports.values()
    addresses = {"--runtime-interface-emulator-address": port, "--runtime-api-address": free_port()}
    entrypoint = entrypoint + [f"{option}=127.0.0.1:{port}" for option, port in addresses.items()]
    return create_container(self, image, entrypoint=entrypoint, network_mode="host", **settings)


def free_port(**_):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def deny_if_unauthorized(response):
    """The error `Unauthorized` of an authorizer is a 401, not 502. No backend here returns it."""
    failed = is_error(response)
    if failed and json.loads(response)["errorMessage"] == "Unauthorized":
        flask.abort(error(401, "Unauthorized"))
    return failed


def handle_errors_as_aws_does(self):
    """Any other error of an authorizer is a 500. An HTTP API has no route for a request: 404."""
    handle_errors(self)
    self._app.register_error_handler(500, lambda _: error(500, "Internal Server Error"))
    if any(route.event_type == Route.HTTP for route in self.api.routes):
        for status in (404, 405):
            self._app.register_error_handler(status, lambda _: error(404, "Not Found"))


def error(status, message):
    return flask.make_response({"message": message}, status)


def is_binary(_types, _mimetype):
    """An HTTP API encodes a binary body as base64 (aws-sam-cli issue 3110)."""
    try:
        flask.request.get_data().decode()
    except UnicodeDecodeError:
        return True
    return False


class NeverAwaited(threading.Event):
    """SAM waits for the end of each invocation's log before it responds. It misses it now and then, and waits a second."""

    def wait(self, timeout=None):
        return True


ContainerCollection.create = create_on_host_network
LambdaOutputParser.is_lambda_error_response = staticmethod(deny_if_unauthorized)
LocalApigwService._construct_error_handling = handle_errors_as_aws_does
container.find_free_port = free_port
container.Container._create_threading_event = staticmethod(NeverAwaited)
event_constructor._should_base64_encode = is_binary

if __name__ == "__main__":
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="sam")
    command.load()()
