"""`make deploy`, with commands in place of `sam` and `aws` that write down how they are called."""

import json
import os
import pathlib
import stat
import subprocess
import tempfile
import unittest

from samcli.cli.types import CfnParameterOverridesType

from templates import ROOT

# What a stack answers once it is there.
OUTPUTS = {
    "patgate": {"ApiUrl": "https://api1.execute-api.eu-central-1.amazonaws.com", "AuthorizerArn": "arn:authorizer"},
    "patgate-sign-in": {
        "Issuer": "https://cognito-idp.eu-central-1.amazonaws.com/pool",
        "ClientId": "client1",
        "SignInOrigin": "https://team.auth.eu-central-1.amazoncognito.com",
        "LogoutUrl": "https://team.auth.eu-central-1.amazoncognito.com/logout?client_id=client1&logout_uri={redirect}",
    },
    "patgate-page": {"PageUrl": "https://d1.cloudfront.net", "FilesBucket": "files1", "DistributionId": "D1"},
}
PARAMETERS = {"patgate": {"OidcIssuer": "https://cognito-idp.eu-central-1.amazonaws.com/pool"}}

STAND_IN = """#!/usr/bin/env python3
import json, os, pathlib, re, shutil, sys
folder = pathlib.Path(os.environ["STAND_IN"])
name, arguments = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
with (folder / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps([name, *arguments]) + "\\n")
deployed = folder / "deployed"
if name == "sam":
    with deployed.open("a") as file:
        file.write(arguments[arguments.index("--stack-name") + 1] + "\\n")
elif arguments[:2] == ["cloudformation", "describe-stacks"]:
    stack = arguments[arguments.index("--stack-name") + 1]
    if stack not in (deployed.read_text().split() if deployed.exists() else []):
        sys.exit("Stack does not exist")
    kind, key = re.search(r"(Output|Parameter)Key=='(\\w+)'", arguments[-1]).groups()
    print(json.loads(os.environ[kind.upper() + "S"]).get(stack, {}).get(key, ""))
elif arguments[:2] == ["s3", "sync"]:
    shutil.copytree(arguments[2], folder / "bucket")
"""


class Deploy(unittest.TestCase):
    def deploy(self, **environment):
        """All calls of `sam` and of `aws` that changed something, and the bucket's files."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for command in ("sam", "aws"):
                path = folder / command
                path.write_text(STAND_IN)
                path.chmod(path.stat().st_mode | stat.S_IXUSR)
            copy = folder / "copy"
            for part in ("infra/deploy", "infra/page-config.py", "web/dist/index.html", "target/lambda/authorizer/bootstrap"):
                (copy / part).parent.mkdir(parents=True, exist_ok=True)
                (copy / part).write_text((ROOT / part).read_text() if part.startswith("infra") else "")
            (copy / "target/lambda/authorizer/bootstrap").chmod(0o755)
            (copy / "infra/deploy").chmod(0o755)
            path = f"{folder}{os.pathsep}{os.environ['PATH']}"
            without = {"patgate-sign-in": {}} if environment.get("SIGN_IN") == "no" else {}
            outputs = json.dumps(OUTPUTS | without)
            given = {"PATH": path, "STAND_IN": name, "OUTPUTS": outputs, "PARAMETERS": json.dumps(PARAMETERS)}
            done = subprocess.run(["infra/deploy"], cwd=copy, env=given | environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            calls = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
            config = folder / "bucket" / "config.json"
            return (
                [call for call in calls if "describe-stacks" not in call],
                json.loads(config.read_text()) if config.exists() else None,
                (copy / ".local/origin-secret").read_text(),
            )

    @staticmethod
    def stacks(calls):
        return [call[call.index("--stack-name") + 1] for call in calls if call[0] == "sam"]

    @staticmethod
    def parameters(call):
        """As SAM itself reads them; it refuses what it does not understand."""
        return CfnParameterOverridesType().convert(tuple(call[call.index("--parameter-overrides") + 1 :]), None, None)

    def test_stacks_come_in_order_and_the_sign_in_learns_where_the_page_is(self):
        calls, config, secret = self.deploy()
        self.assertEqual(self.stacks(calls), ["patgate-sign-in", "patgate", "patgate-page", "patgate-sign-in"])
        first, core, page, again = [self.parameters(call) for call in calls[:4]]
        self.assertEqual(first["CallbackUrls"], "https://localhost/callback")
        self.assertEqual(again["CallbackUrls"], "https://d1.cloudfront.net/callback")
        self.assertEqual(core["OidcIssuer"], OUTPUTS["patgate-sign-in"]["Issuer"])
        self.assertEqual(core["OidcAudience"], "client1")
        self.assertEqual(page["ApiDomain"], "api1.execute-api.eu-central-1.amazonaws.com")
        self.assertEqual(page["SignInOrigin"], OUTPUTS["patgate-sign-in"]["SignInOrigin"])
        self.assertEqual((core["OriginSecret"], page["OriginSecret"], len(secret)), (secret, secret, 64))
        self.assertTrue(all("--guided" in call for call in calls[:3]))
        self.assertEqual(config["issuer"], OUTPUTS["patgate-sign-in"]["Issuer"])
        self.assertEqual(config["clientId"], "client1")
        self.assertEqual(config["apiBaseUrl"], "")
        self.assertTrue(config["logoutUrl"].endswith("{redirect}"))
        (invalidation,) = [call for call in calls if "create-invalidation" in call]
        self.assertIn("D1", invalidation)

    def test_with_an_issuer_of_ones_own_there_is_no_user_pool(self):
        calls, config, _ = self.deploy(SIGN_IN="no", PAGE_CLIENT_ID="own", PAGE_EXTRA_PARAMS='{"audience": "api"}')
        self.assertEqual(self.stacks(calls), ["patgate", "patgate-page"])
        self.assertNotIn("OidcIssuer", self.parameters(calls[0]))
        self.assertNotIn("SignInOrigin", self.parameters(calls[1]))
        self.assertEqual((config["clientId"], config["extraParams"]), ("own", {"audience": "api"}))

    def test_without_the_page_nothing_is_published(self):
        calls, config, _ = self.deploy(PAGE="no", STACK="patgate")
        self.assertEqual(self.stacks(calls), ["patgate-sign-in", "patgate"])
        self.assertIsNone(config)


if __name__ == "__main__":
    unittest.main()
