"""`make deploy`, with commands in place of `sam` and `aws` that write down how they are called."""

import json
import os
import pathlib
import shutil
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
    if "BROKEN" in os.environ:
        sys.exit("An error occurred (ExpiredToken)")
    if stack not in os.environ.get("THERE", "").split() + (deployed.read_text().split() if deployed.exists() else []):
        sys.exit(f"Stack with id {stack} does not exist")
    asked = re.search(r"(Output|Parameter)Key=='(\\w+)'", arguments[-1])
    if asked:
        print(json.loads(os.environ[asked[1].upper() + "S"]).get(stack, {}).get(asked[2], "None"))
    else:
        print("UPDATE_COMPLETE")
elif arguments[0] == "sts":
    print("123456789012")
elif arguments[:2] == ["s3", "sync"]:
    shutil.copytree(arguments[2], folder / "bucket")
"""


ARM64, X86_64 = b"\xb7\x00", b"\x3e\x00"


class Deploy(unittest.TestCase):
    def run_script(self, machine=ARM64, **environment):
        """How it ended, the calls that changed something, and the page's configuration."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for command in ("sam", "aws"):
                path = folder / command
                path.write_text(STAND_IN)
                path.chmod(path.stat().st_mode | stat.S_IXUSR)
            copy = folder / "copy"
            for part in ("infra/deploy", "infra/page-config.py"):
                (copy / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / part, copy / part)
            (copy / "web/dist").mkdir(parents=True)
            for function in ("authorizer", "create-token", "list-tokens"):
                binary = copy / "target/lambda" / function / "bootstrap"
                binary.parent.mkdir(parents=True)
                binary.write_bytes(bytes(18) + machine)
                binary.chmod(0o755)
            without = {"patgate-sign-in": {}} if environment.get("SIGN_IN") == "no" else {}
            given = {
                "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
                "AWS_REGION": "eu-central-1",
                "STAND_IN": name,
                "OUTPUTS": json.dumps(OUTPUTS | without),
                "PARAMETERS": json.dumps(PARAMETERS),
            }
            done = subprocess.run(["infra/deploy"], cwd=copy, env=given | environment, capture_output=True, text=True)
            log = folder / "calls.jsonl"
            calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
            changing = [call for call in calls if call[0] == "sam" or call[1] in ("s3", "cloudfront")]
            config = folder / "bucket" / "config.json"
            return done, changing, json.loads(config.read_text()) if config.exists() else None

    def deploy(self, **environment):
        done, calls, config = self.run_script(**environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return calls, config

    def refused(self, *said, **environment):
        done, calls, _ = self.run_script(**environment)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(calls, [], "nothing was changed")
        for text in said:
            self.assertIn(text, done.stderr)

    @staticmethod
    def stacks(calls):
        return [call[call.index("--stack-name") + 1] for call in calls if call[0] == "sam"]

    @staticmethod
    def parameters(call):
        """As SAM itself reads them; it refuses what it does not understand."""
        if "--parameter-overrides" not in call:
            return {}
        given = tuple(call[call.index("--parameter-overrides") + 1 :])
        return CfnParameterOverridesType().convert(given, None, None)

    def test_stacks_come_in_order_and_the_sign_in_learns_where_the_page_is(self):
        calls, config = self.deploy(CORE_PARAMETERS="AlarmTopic=arn:aws:sns:eu-central-1:123456789012:alarms")
        self.assertEqual(self.stacks(calls), ["patgate-sign-in", "patgate", "patgate-page", "patgate-sign-in"])
        first, core, page, again = [self.parameters(call) for call in calls[:4]]
        self.assertEqual(first["CallbackUrls"], "https://localhost/callback")
        self.assertEqual(first["DomainPrefix"], "patgate-123456789012")
        self.assertEqual(again, {"CallbackUrls": "https://d1.cloudfront.net/callback", "LogoutUrls": "https://d1.cloudfront.net/"})
        self.assertEqual(core["OidcIssuer"], OUTPUTS["patgate-sign-in"]["Issuer"])
        self.assertEqual((core["OidcAudience"], core["ClientIpHeader"]), ("client1", "X-Client-Ip"))
        self.assertEqual(core["AlarmTopic"], "arn:aws:sns:eu-central-1:123456789012:alarms")
        self.assertEqual(page["ApiDomain"], "api1.execute-api.eu-central-1.amazonaws.com")
        self.assertEqual(page["SignInOrigin"], OUTPUTS["patgate-sign-in"]["SignInOrigin"])
        self.assertEqual((core["OriginSecret"], len(core["OriginSecret"])), (page["OriginSecret"], 64))
        self.assertTrue(all("eu-central-1" in call for call in calls[:4]))
        self.assertEqual((config["issuer"], config["clientId"]), (core["OidcIssuer"], "client1"))
        self.assertEqual(config["apiBaseUrl"], "")
        self.assertTrue(config["logoutUrl"].endswith("{redirect}"))
        (invalidation,) = [call for call in calls if "create-invalidation" in call]
        self.assertIn("D1", invalidation)

    def test_what_is_not_said_stays_as_it_is(self):
        calls, _ = self.deploy(THERE="patgate patgate-sign-in patgate-page")
        first, core, page, _ = [self.parameters(call) for call in calls[:4]]
        self.assertEqual(first, {}, "neither its domain nor where people come back to")
        self.assertEqual(set(core), {"Architecture", "OidcIssuer", "OidcAudience"})
        self.assertNotIn("OriginSecret", page)

    def test_with_an_issuer_of_ones_own_there_is_no_user_pool(self):
        own = {"SIGN_IN": "no", "PAGE_CLIENT_ID": "own", "PAGE_EXTRA_PARAMS": '{"audience": "api"}'}
        issuer = "OidcIssuer=https://issuer.example OidcAudience=api"
        calls, config = self.deploy(**own, CORE_PARAMETERS=issuer)
        self.assertEqual(self.stacks(calls), ["patgate", "patgate-page"])
        self.assertEqual(self.parameters(calls[0])["OidcIssuer"], "https://issuer.example")
        self.assertNotIn("SignInOrigin", self.parameters(calls[1]))
        self.assertEqual((config["clientId"], config["logoutUrl"]), ("own", ""))
        self.assertEqual(config["extraParams"], {"audience": "api"})

    def test_without_the_page_nothing_is_published_and_no_client_address_believed(self):
        calls, config = self.deploy(PAGE="no", SIGN_IN_PARAMETERS="CallbackUrls=https://app/cb LogoutUrls=https://app/")
        self.assertEqual(self.stacks(calls), ["patgate-sign-in", "patgate"])
        self.assertNotIn("OriginSecret", self.parameters(calls[1]))
        self.assertIsNone(config)

    def test_what_would_go_wrong_is_refused_before_anything_is_changed(self):
        self.refused("not built for arm64", machine=X86_64)
        self.refused("OidcIssuer", SIGN_IN="no", PAGE_CLIENT_ID="own")
        self.refused("PAGE_CLIENT_ID", SIGN_IN="no", CORE_PARAMETERS="OidcIssuer=https://x OidcAudience=y")
        self.refused("CallbackUrls", PAGE="no")
        self.refused("ExpiredToken", BROKEN="yes")
        elsewhere = json.dumps({"patgate": {"OidcIssuer": "https://issuer.example"}})
        self.refused("say SIGN_IN=no", THERE="patgate", PARAMETERS=elsewhere)

    def test_a_binary_for_the_other_architecture_is_deployed_when_asked_for(self):
        calls, _ = self.deploy(machine=X86_64, ARCH="x86_64")
        self.assertEqual(self.parameters(calls[1])["Architecture"], "x86_64")


if __name__ == "__main__":
    unittest.main()
