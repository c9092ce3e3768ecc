"""The page's stack: what its functions do to requests, and that its headers are those of
one machine, where a browser tests them."""

import json
import os
import re
import shutil
import subprocess
import unittest
import urllib.request

from templates import ROOT, yaml_parse

TEMPLATE = yaml_parse((ROOT / "infra" / "page.yaml").read_text())
LOCAL = (ROOT / "local" / "src" / "page.rs").read_text()


def resource(name):
    return TEMPLATE["Resources"][name]["Properties"]


def served_by_local(path):
    """The headers of an answer of the system on one machine, and where its issuer is."""
    command = [ROOT / "target" / "debug" / "local", "--memory"]
    ports = ["--port", "0", "--issuer-port", "0", "--dynamodb-port", "0"]
    local = subprocess.Popen([*command, *ports], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        urls = {}
        while not {"API", "Sign-in"} <= urls.keys():
            line = local.stdout.readline()
            if not line:
                raise AssertionError("`local` does not start; `make build-debug` builds it")
            words = line.split()
            if len(words) > 1 and words[1].startswith("http://"):
                urls[words[0]] = words[1]
        with urllib.request.urlopen(urls["API"] + path, timeout=30) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}, urls["Sign-in"]
    finally:
        local.terminate()
        local.communicate()


@unittest.skipUnless(shutil.which("node") or "CI" in os.environ, "needs Node")
class Functions(unittest.TestCase):
    @staticmethod
    def run_function(name, event):
        code = resource(name)["FunctionCode"]
        script = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})));"
        return json.loads(subprocess.run(["node", "-e", script], check=True, capture_output=True, text=True).stdout)

    def test_each_address_of_the_page_leads_to_it_and_nothing_else_does(self):
        pages = re.search(r"PAGE_PATHS: \[&str; \d\] = \[(.*?)\]", LOCAL)[1]
        for path in json.loads(f"[{pages}]"):
            self.assertEqual(self.run_function("DeepLinks", {"request": {"uri": path}})["uri"], "/index.html")
        for path in ("/config.json", "/assets/index.js", "/icon.svg", "/nothing", "/configuration"):
            self.assertEqual(self.run_function("DeepLinks", {"request": {"uri": path}})["uri"], path)

    def test_clients_address_is_the_viewers_whatever_the_client_says(self):
        headers = {"x-client-ip": {"value": "203.0.113.66"}, "authorization": {"value": "Bearer x"}}
        event = {"viewer": {"ip": "192.0.2.1"}, "request": {"uri": "/api/me", "headers": headers}}
        passed_on = self.run_function("ClientAddress", event)["headers"]
        self.assertEqual(passed_on["x-client-ip"], {"value": "192.0.2.1"})
        self.assertEqual(passed_on["authorization"], {"value": "Bearer x"})


class Distribution(unittest.TestCase):
    def test_headers_are_those_that_browsers_have_tested_on_one_machine(self):
        security = dict(resource("Headers")["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"])
        # One machine has no TLS to be strict about.
        self.assertGreaterEqual(security.pop("StrictTransportSecurity")["AccessControlMaxAgeSec"], 31536000)
        custom = resource("Headers")["ResponseHeadersPolicyConfig"]["CustomHeadersConfig"]["Items"]
        self.assertTrue(all(header["Override"] for header in [*security.values(), *custom]))
        deployed = {header["Header"].lower(): header["Value"] for header in custom} | {
            "content-security-policy": security.pop("ContentSecurityPolicy")["ContentSecurityPolicy"]["Fn::Sub"][0],
            "x-frame-options": security.pop("FrameOptions")["FrameOption"],
            "referrer-policy": security.pop("ReferrerPolicy")["ReferrerPolicy"],
        }
        self.assertEqual(security, {"ContentTypeOptions": {"Override": True}}, "nothing else is said there")
        deployed["x-content-type-options"] = "nosniff"
        served, issuer = served_by_local("/openapi.yaml")
        self.assertIn(issuer, served["content-security-policy"])
        served["content-security-policy"] = served["content-security-policy"].replace(
            issuer, "https://${IssuerHost} ${SignInOrigin}"
        )
        for header in ("content-type", "content-length", "connection", "date"):
            served.pop(header)
        # On AWS the files themselves carry it.
        self.assertIn(f"--cache-control {served.pop('cache-control')}", (ROOT / "infra" / "deploy").read_text())
        self.assertEqual(deployed, served)

    def test_element_may_be_loaded_by_pages_of_other_origins(self):
        policy = resource("ElementHeaders")["ResponseHeadersPolicyConfig"]
        self.assertEqual(policy["CorsConfig"]["AccessControlAllowOrigins"], {"Items": ["*"]})
        self.assertIs(policy["CorsConfig"]["AccessControlAllowCredentials"], False)
        (element,) = [
            behaviour
            for behaviour in resource("Distribution")["DistributionConfig"]["CacheBehaviors"]
            if behaviour.get("ResponseHeadersPolicyId") == {"Ref": "ElementHeaders"}
        ]
        self.assertIn(f'ELEMENT: &str = "{element["PathPattern"]}"', LOCAL)

    def test_api_is_passed_on_uncached_with_every_method(self):
        config = resource("Distribution")["DistributionConfig"]
        (api,) = [behaviour for behaviour in config["CacheBehaviors"] if behaviour["PathPattern"] == "/api/*"]
        self.assertEqual(api["TargetOriginId"], "api")
        self.assertEqual(len(api["AllowedMethods"]), 7)
        # Managed policies CachingDisabled and AllViewerExceptHostHeader.
        self.assertEqual(api["CachePolicyId"], "4135ea2d-6df8-44a3-9df3-4b5a84be39ad")
        self.assertEqual(api["OriginRequestPolicyId"], "b689b0a8-53d0-40ab-baf2-68738e2966ac")
        self.assertNotIn("CustomErrorResponses", config)
        (origin,) = [origin for origin in config["Origins"] if origin["Id"] == "api"]
        self.assertEqual(origin["OriginCustomHeaders"][0]["HeaderName"], "X-Origin-Verify")

    def test_files_are_read_by_the_distribution_alone(self):
        self.assertEqual(set(resource("Files")["PublicAccessBlockConfiguration"].values()), {True})
        allowed = [
            statement
            for statement in resource("FilesPolicy")["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Allow"
        ]
        self.assertEqual([statement["Action"] for statement in allowed], ["s3:GetObject"])
        self.assertIn("AWS:SourceArn", allowed[0]["Condition"]["StringEquals"])


if __name__ == "__main__":
    unittest.main()
