"""The SBOM of what is deployed is valid and right."""

import json
import os
import pathlib
import subprocess
import tempfile
import tomllib
import unittest

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from samcli.yamlhelper import yaml_parse

from templates import CORE, PACKAGE_API, ROOT

# What no function contains: `local`, tests, macros and build scripts bring it along.
NOT_DEPLOYED = {"dynoxide-rs", "rusqlite", "saphyr", "axum", "ureq", "clap", "syn", "serde_derive", "cc", "local", "patgate-tests", "patgate-bench", "plotters"}


class Sbom(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.boms = {}
        for arch in ("arm64", "x86_64"):
            with tempfile.TemporaryDirectory() as folder:
                make = ["make", "--no-print-directory", "sbom", f"ARCH={arch}", f"SBOM={folder}"]
                subprocess.run(make, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
                for file in pathlib.Path(folder).iterdir():
                    cls.boms[arch, file.name.removesuffix(".cdx.json")] = json.loads(file.read_text())
        cls.functions = {arch: bom for (arch, name), bom in cls.boms.items() if name == "functions"}

    def test_each_is_valid_cyclonedx(self):
        for bom in self.boms.values():
            schema = SchemaVersion.from_version(bom["specVersion"])
            self.assertIsNone(JsonStrictValidator(schema).validate_str(json.dumps(bom)))
            self.assertNotIn(str(ROOT), json.dumps(bom))

    def test_crates_are_those_of_the_lock(self):
        locked = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
        locked = {(package["name"], package["version"]): package.get("checksum") for package in locked}
        for bom in self.functions.values():
            crates = [component for component in bom["components"] if component["purl"].startswith("pkg:cargo/")]
            for crate in crates:
                (checksum,) = [given["content"] for given in crate.get("hashes", [])] or [None]
                self.assertEqual(locked[crate["name"], crate["version"]], checksum, crate["name"])
            names = {crate["name"] for crate in crates}
            self.assertLessEqual({"patgate", "aws-sdk-dynamodb", "lambda_http", "ring", "rustls", "tokio"}, names)
            self.assertEqual(names & NOT_DEPLOYED, set())
            self.assertTrue(all("licenses" in crate for crate in crates))

    def test_every_deployed_function_is_in_it(self):
        deployed = {
            pathlib.PurePath(resource["Properties"]["CodeUri"]).name
            for template in (CORE, PACKAGE_API)
            for resource in yaml_parse(template.read_text())["Resources"].values()
            if resource["Type"] == "AWS::Serverless::Function"
        }
        for bom in self.functions.values():
            functions = {component["name"] for component in bom["components"] if component["type"] == "application"}
            self.assertEqual(functions, deployed)

    def test_every_component_is_needed_by_something(self):
        for bom in self.functions.values():
            needs = {entry["ref"]: entry["dependsOn"] for entry in bom["dependencies"]}
            reached, left = set(), [bom["metadata"]["component"]["bom-ref"]]
            while left:
                reference = left.pop()
                if reference not in reached:
                    reached.add(reference)
                    left.extend(needs[reference])
            self.assertEqual(reached, {component["bom-ref"] for component in bom["components"]} | {"product"})

    def test_the_pages_packages_are_those_of_its_lock(self):
        locked = json.loads((ROOT / "web/package-lock.json").read_text())["packages"]
        shipped = {
            path.removeprefix("node_modules/"): package["version"]
            for path, package in locked.items()
            if path and not package.get("dev") and not package.get("devOptional")
        }
        bom = self.boms.get(("arm64", "page"))
        if bom is None and "CI" not in os.environ:
            self.skipTest("Node is not here, or too old")
        self.assertEqual({component["name"]: component["version"] for component in bom["components"]}, shipped)
        self.assertIn("lit", shipped)
        self.assertNotIn("vite", shipped)
        workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
        self.assertEqual(bom["metadata"]["component"]["version"], workspace["version"])


if __name__ == "__main__":
    unittest.main()
