"""The templates as SAM reads them, in a folder of their own beside the code that they name."""

import json
import platform
import shutil

import image
from programs import BINARIES
from templates import CORE, EXAMPLES, PACKAGE_API, ROOT, load, of_type

FUNCTION = "AWS::Serverless::Function"
FOLDER = ROOT / "target" / "sam"
REST_API = EXAMPLES / "rest-api" / "template.yaml"
RUNTIME = ROOT / "tests" / "sam" / "runtime.py"

ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]


def names_of_binaries():
    functions = of_type(load(CORE), FUNCTION) | of_type(load(PACKAGE_API), FUNCTION)
    return [function["CodeUri"].rstrip("/").rsplit("/", 1)[1] for function in functions.values()]


def attached(path):
    """The template of an example, with the core's authorizer in place of the import of its ARN.

    `sam local` runs routes without an authorizer if it cannot find the authorizer in the same template.
    """
    core, example = load(CORE), load(path)
    (api,) = [one["Properties"] for one in example["Resources"].values() if "Auth" in one.get("Properties", {})]
    (authorizer,) = api["Auth"]["Authorizers"].values()
    assert "Fn::ImportValue" in authorizer["FunctionArn"]
    authorizer["FunctionArn"] = {"Fn::Sub": "${Authorizer.Arn}:live"}

    # The examples are one folder deeper than the core.
    function = core["Resources"]["Authorizer"]
    function["Properties"]["CodeUri"] = "../" + function["Properties"]["CodeUri"]

    return core | {
        "Parameters": core["Parameters"] | example["Parameters"],
        "Resources": {"Authorizer": function} | example["Resources"],
        "Outputs": example["Outputs"],
    }


def in_python(template):
    """The same template, with functions in Python that bring their runtime."""
    for function in of_type(template, FUNCTION).values():
        if function.get("Runtime", "").startswith("python"):
            function["Runtime"] = "provided.al2023"
    return template


def write():
    """Writes the three templates with the code, and returns their paths."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in names_of_binaries():
        code = FOLDER / "target" / "lambda" / name
        code.mkdir(parents=True)
        shutil.copy(BINARIES / name, code / "bootstrap")

    backend = REST_API.parent / "backend"
    code = FOLDER / backend.relative_to(ROOT)
    shutil.copytree(backend, code)
    (code / "bootstrap").write_text(f"#!{image.PYTHON}\n{RUNTIME.read_text()}")
    (code / "bootstrap").chmod(0o755)

    # The core stays exactly as it is deployed.
    texts = {
        CORE: CORE.read_text(),
        PACKAGE_API: json.dumps(attached(PACKAGE_API)),
        REST_API: json.dumps(in_python(attached(REST_API))),
    }
    paths = [FOLDER / path.relative_to(ROOT) for path in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return paths
