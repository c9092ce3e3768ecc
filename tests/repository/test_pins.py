"""What builds, checks and deploys Patgate is pinned, with all that it needs."""

import json
import re
import subprocess
import sys
import unittest

from templates import ROOT


def npm_packages(folder):
    return json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]


class Pins(unittest.TestCase):
    def test_python_tools_are_pinned_with_all_that_they_need(self):
        for requirements in ROOT.glob("requirements*.txt"):
            lines = [line for line in requirements.read_text().splitlines() if not line.startswith("#")]
            locked = set(requirements.with_suffix(".lock").read_text().splitlines())
            for line in lines:
                self.assertRegex(line, r"^[\w.-]+(\[[\w,-]+\])?==[\w.]+$")
                self.assertIn(re.sub(r"\[.*\]", "", line), locked, f"{requirements.name}: run `make lock-python`")
        freeze = [sys.executable, "-m", "pip", "freeze", "--disable-pip-version-check"]
        installed = set(subprocess.run(freeze, check=True, capture_output=True, text=True).stdout.splitlines())
        self.assertEqual(installed - set((ROOT / "requirements.lock").read_text().splitlines()), set())

    def test_npm_packages_are_pinned_with_all_that_they_need(self):
        for folder in ("web", "infra/examples/cdk"):
            package = json.loads((ROOT / folder / "package.json").read_text())
            for name, version in (package.get("dependencies", {}) | package.get("devDependencies", {})).items():
                self.assertRegex(version, r"^\d+\.\d+\.\d+$", f"{folder}: {name}")
            for path, locked in npm_packages(folder).items():
                if path and not locked.get("inBundle"):
                    self.assertIn("integrity", locked, f"{folder}: {path}")

    def test_what_ci_installs_by_itself_is_pinned(self):
        for file in [ROOT / ".ci/run", ROOT / "Makefile"]:
            text = file.read_text().replace("\\\n", " ")
            for command in re.findall(r"cargo install .*", text):
                self.assertIn("--locked", command)
                self.assertIn("--version", command)
            for command in re.findall(r"pip install .*", text):
                self.assertRegex(command, r"--requirement|[\w-]+==[\d.]+$")


if __name__ == "__main__":
    unittest.main()
