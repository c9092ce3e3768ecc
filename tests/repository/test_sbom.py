"""The software bills of materials of what is deployed are valid and complete."""

import json
import pathlib
import subprocess
import tomllib

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from samcli.yamlhelper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATES = [ROOT / "infra" / "core.yaml", ROOT / "examples" / "package-api" / "template.yaml"]

# Crates that no function contains, because only `local`, tests, macros or build scripts need them.
NOT_DEPLOYED = {
    "axum",
    "cc",
    "clap",
    "dynoxide-rs",
    "patgate-bench",
    "patgate-harness",
    "patgate-local",
    "patgate-tests",
    "plotters",
    "rusqlite",
    "saphyr",
    "serde_derive",
    "syn",
    "ureq",
}
DEPLOYED = {"patgate-rules", "aws-sdk-dynamodb", "lambda_http", "ring", "rustls", "tokio"}


@pytest.fixture(scope="module")
def boms(tmp_path_factory):
    """What `make sbom` writes, by architecture and name."""
    boms = {}
    for architecture in ("arm64", "x86_64"):
        folder = tmp_path_factory.mktemp(architecture)
        make = ["make", "--no-print-directory", "sbom", f"ARCH={architecture}", f"SBOM={folder}"]
        subprocess.run(make, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        for file in folder.iterdir():
            boms[architecture, file.name.removesuffix(".cdx.json")] = json.loads(file.read_text())
    return boms


@pytest.fixture(params=["arm64", "x86_64"])
def functions(request, boms):
    """The SBOM of the functions for one architecture."""
    return boms[request.param, "functions"]


def binaries(component):
    properties = component.get("properties", [])
    return [entry["value"] for entry in properties if entry["name"] == "patgate:binary"]


def test_each_sbom_is_valid_cyclonedx_without_paths_of_this_machine(boms):
    for bom in boms.values():
        schema = SchemaVersion.from_version(bom["specVersion"])
        assert JsonStrictValidator(schema).validate_str(json.dumps(bom)) is None
        assert str(ROOT) not in json.dumps(bom)


def test_crates_of_the_sbom_are_those_of_the_lock_file(functions):
    locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in locked}

    crates = [component for component in functions["components"] if component["purl"].startswith("pkg:cargo/")]

    for crate in crates:
        (checksum,) = [given["content"] for given in crate.get("hashes", [])] or [None]
        assert checksums[crate["name"], crate["version"]] == checksum, crate["name"]
    names = {crate["name"] for crate in crates}
    assert names >= DEPLOYED
    assert names & NOT_DEPLOYED == set()
    assert all("licenses" in crate for crate in crates)


def test_every_deployed_function_is_in_the_sbom(functions):
    deployed = {
        pathlib.PurePath(resource["Properties"]["CodeUri"]).name
        for template in TEMPLATES
        for resource in yaml_parse(template.read_text())["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }

    applications = [component for component in functions["components"] if component["type"] == "application"]

    assert {binary for component in applications for binary in binaries(component)} == deployed
    assert len(applications) == len(deployed)


def test_every_component_is_a_dependency_of_the_product(functions):
    dependencies = {entry["ref"]: entry["dependsOn"] for entry in functions["dependencies"]}

    reached, pending = set(), [functions["metadata"]["component"]["bom-ref"]]
    while pending:
        reference = pending.pop()
        if reference not in reached:
            reached.add(reference)
            pending.extend(dependencies[reference])

    assert reached == {component["bom-ref"] for component in functions["components"]} | {"product"}


def test_packages_of_the_page_are_those_of_its_lock_file(boms):
    locked = json.loads((ROOT / "web/package-lock.json").read_text())["packages"]
    shipped = {
        path.removeprefix("node_modules/"): package["version"]
        for path, package in locked.items()
        if path and not package.get("dev") and not package.get("devOptional")
    }
    bom = boms["arm64", "page"]

    assert {component["name"]: component["version"] for component in bom["components"]} == shipped
    assert "lit" in shipped
    assert "vite" not in shipped
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    assert bom["metadata"]["component"]["version"] == workspace["version"]
