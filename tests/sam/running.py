"""The core and two examples under `sam local start-api`, with the DynamoDB and the issuer of `local`."""

import os
import pathlib
import re
import subprocess
import sys
import threading

import image
import layout
from programs import BINARIES
from system import System

GATEWAY = pathlib.Path(__file__).with_name("gateway.py")
STOP_SECONDS = 60


class Running:
    """`api`, `packages` and `hello` are the addresses of the core's API, of an HTTP API and of a REST API."""

    def __init__(self):
        self.image = f"patgate-sam-{os.getpid()}"
        self.local = System()
        self.gateways = []
        try:
            binaries = [BINARIES / name for name in layout.names_of_binaries()]
            image.make(self.image, binaries, {"AWS_ENDPOINT_URL_DYNAMODB": self.local.dynamodb})
            self.gateways = [self.start_gateway(template) for template in layout.write()]
            self.api, self.packages, self.hello = [address(gateway) for gateway in self.gateways]
        except BaseException:
            self.stop()
            raise

    def start_gateway(self, template):
        parameters = {
            "OidcIssuer": self.local.issuer,
            "OidcAudience": "patgate",
            "RolesClaim": "roles",
            "Architecture": layout.ARCHITECTURE,
            "Release": "development",
            "ReleaseOf": "development",
        }
        options = {"template": template, "port": 0, "invoke-image": self.image, "warm-containers": "EAGER"}
        return subprocess.Popen(
            [sys.executable, GATEWAY, "local", "start-api", "--skip-pull-image", "--no-watch"]
            + [f"--{name}={value}" for name, value in options.items()]
            + ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())],
            # SAM and the DynamoDB of `local` accept any credentials.
            env=os.environ | dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "none"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def stop(self):
        for gateway in self.gateways:
            gateway.terminate()
        for gateway in self.gateways:
            gateway.wait(STOP_SECONDS)
        self.local.stop()

        # SAM forgets a container now and then. It makes an image of its own from this one, in the same repository.
        docker("rm", "--force", *docker("ps", "--all", "--quiet", f"--filter=ancestor={self.image}").split())
        docker("rmi", "--force", *docker("images", "--quiet", self.image).split())


def address(gateway):
    """The address of a gateway, as soon as it listens. Its later output goes to a log."""
    output = []
    for line in gateway.stdout:
        output.append(line)
        if match := re.search(r"Running on (http://\S+)", line):
            threading.Thread(target=copy_to_log, args=[gateway], daemon=True).start()
            return match[1]
    raise RuntimeError(f"`sam local start-api` did not start:\n{''.join(output)}")


def copy_to_log(gateway):
    with (layout.FOLDER / f"gateway-{gateway.pid}.log").open("w", buffering=1) as log:
        log.writelines(gateway.stdout)


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False).stdout
