"""The core for teams that deploy with Terraform or the CDK: the packaged template, the module and the construct."""

import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import boto3
import hcl2
import pytest
from moto.server import ThreadedMotoServer

from templates import CORE, EXAMPLES, ROOT, load, of_type, yaml_parse

# moto keeps one state for the whole process. No other test uses this region.
REGION = "eu-west-3"
BUCKET = "packages"


class Packages:
    """A copy of what `scripts/package-template` reads, with small binaries, and a bucket on moto."""

    def __init__(self, folder, endpoint):
        self.folder = folder
        for path in ("scripts/package-template", "infra/core.yaml"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, folder / path)
        self.names = set(re.findall(r"CodeUri: ../target/lambda/([a-z-]+)/", CORE.read_text()))
        for name in self.names:
            self.build(name, f"the binary of {name}")
        keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "tests"}
        self.s3 = boto3.client("s3", endpoint_url=endpoint, region_name=REGION, **keys)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.variables = {
            "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": REGION,
        }

    def build(self, name, content):
        binary = self.folder / "target/lambda" / name / "bootstrap"
        binary.parent.mkdir(parents=True, exist_ok=True)
        binary.write_text(content)

    def package(self, **settings):
        return subprocess.run(
            [sys.executable, self.folder / "scripts/package-template"],
            env=self.variables | {"BUCKET": BUCKET} | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    def url(self):
        done = self.package()
        assert done.returncode == 0, done.stderr
        return re.search(r"^Template: +(\S+)$", done.stdout, re.MULTILINE)[1]

    def read(self, address):
        bucket, _, key = re.sub(r"^(s3://|https://)", "", address).partition("/")
        assert bucket in (BUCKET, f"{BUCKET}.s3.{REGION}.amazonaws.com"), address
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def checksums(self):
        lines = (self.folder / "target/package/SHA256SUMS").read_text().splitlines()
        return {name: checksum for checksum, name in (line.split() for line in lines)}


@pytest.fixture
def packages(tmp_path):
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    packages = Packages(tmp_path, f"http://{host}:{port}")
    yield packages
    for stored in packages.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        packages.s3.delete_object(Bucket=BUCKET, Key=stored["Key"])
    packages.s3.delete_bucket(Bucket=BUCKET)
    server.stop()


def test_packaged_template_is_the_core_with_its_code_in_the_bucket_and_matching_checksums(packages):
    text = packages.read(packages.url())

    checksums = packages.checksums()
    assert checksums["core.yaml"] == hashlib.sha256(text).hexdigest()
    packaged, original = yaml_parse(text.decode()), load(CORE)
    functions = of_type(packaged, "AWS::Serverless::Function")
    assert len(functions) == len(packages.names)
    for name, function in functions.items():
        code = packages.read(function["CodeUri"])
        binary = original["Resources"][name]["Properties"]["CodeUri"].removesuffix("/").rpartition("/")[2]
        assert checksums[f"{binary}.zip"] == hashlib.sha256(code).hexdigest()
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            (entry,) = archive.infolist()
            assert (entry.filename, entry.external_attr >> 16) == ("bootstrap", 0o100755)
            assert archive.read(entry).decode() == f"the binary of {binary}"
        function["CodeUri"] = original["Resources"][name]["Properties"]["CodeUri"]
    # SAM adds its name for the resource.
    for resource in [*packaged["Resources"].values(), *original["Resources"].values()]:
        resource.pop("Metadata", None)
    assert packaged == original


def test_same_build_gives_the_same_template_and_another_build_another(packages):
    first = packages.url()
    assert packages.url() == first
    packages.build("authorizer", "another binary")
    assert packages.url() != first


def test_packaging_without_a_build_or_a_bucket_is_refused(packages):
    assert "set BUCKET" in packages.package(BUCKET="").stderr
    shutil.rmtree(packages.folder / "target/lambda/list-users")
    refused = packages.package()
    assert refused.returncode == 1
    message = "FAILED `target/lambda/list-users/bootstrap` does not exist: run `make build` first"
    assert refused.stderr.strip() == message
    assert "Contents" not in packages.s3.list_objects_v2(Bucket=BUCKET)


def test_module_and_construct_have_the_parameters_and_outputs_of_the_template(tmp_path):
    subprocess.run([sys.executable, ROOT / "scripts/generate-modules", tmp_path], check=True)

    generated = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert len(generated) == 4
    for path in generated:
        assert (EXAMPLES / path).read_text() == (tmp_path / path).read_text(), f"`make modules` renews {path}"


def unquoted(blocks):
    """Blocks by their names, which some versions of the parser quote."""
    return {name.strip('"'): body for block in blocks for name, body in block.items()}


def test_terraform_module_gives_every_parameter_a_typed_variable_and_passes_it_on():
    folder = EXAMPLES / "terraform/core"
    template = load(CORE)
    variables = hcl2.loads((folder / "variables.tf").read_text())
    names = unquoted(variables["variable"])
    calculated = {"Release", "ReleaseOf"} & template["Parameters"].keys()
    assert len(names) == len(template["Parameters"]) - len(calculated)
    required = {name for name, body in names.items() if "default" not in body}
    assert required == {"oidc_issuer", "oidc_audience"}
    assert names["origin_secret"]["sensitive"] is True
    (passed,) = [block["parameters"] for block in variables["locals"]]
    assert {name.strip('"') for name in passed} == template["Parameters"].keys()

    outputs = hcl2.loads((folder / "outputs.tf").read_text())["output"]
    assert len(unquoted(outputs)) == len(template["Outputs"])
    assert 'stack.core.outputs["AuthorizerArn"]' in (folder / "outputs.tf").read_text()

    main = (folder / "main.tf").read_text()
    hcl2.loads(main)
    assert 'capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]' in main
    if shutil.which("terraform"):
        subprocess.run(["terraform", "fmt", "-check", folder], check=True, capture_output=True)


def synth(tmp_path, script, **variables):
    """What the CDK makes of an app in examples/cdk."""
    context = json.dumps({"templateUrl": "https://packages.example/core.yaml"})
    environment = os.environ | {"CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": context} | variables
    return subprocess.run(
        ["node", *script], cwd=EXAMPLES / "cdk", env=environment, capture_output=True, text=True, check=False
    )


def test_construct_deploys_the_packaged_template_and_has_its_outputs(node, tmp_path):
    done = synth(tmp_path, ["core.js"])
    assert done.returncode == 0, done.stderr

    template = json.loads((tmp_path / "patgate-core.template.json").read_text())
    ((logical_id, stack),) = of_type(template, "AWS::CloudFormation::Stack").items()
    assert stack["TemplateURL"] == "https://packages.example/core.yaml"
    given = {name: value for name, value in stack["Parameters"].items() if not name.startswith("Release")}
    assert given == {
        "OidcIssuer": "https://issuer.example",
        "OidcAudience": "patgate",
        "ExpiryRequired": "true",
        "MaxLifetimeDays": "365",
    }
    assert stack["Parameters"].keys() <= load(CORE)["Parameters"].keys()
    assert template["Outputs"]["AuthorizerArn"]["Value"] == {"Fn::GetAtt": [logical_id, "Outputs.AuthorizerArn"]}


def test_construct_and_module_publish_a_version_when_code_a_parameter_of_the_release_or_the_attempt_changes(
    node, tmp_path
):
    template = load(CORE)
    template["Parameters"] |= {"Release": {"Type": "String"}, "ReleaseOf": {"Type": "String"}}
    released = [{"Ref": "OidcIssuer"}, {"Ref": "SessionMaxAgeDays"}]
    stale = {"Fn::Not": [{"Fn::Equals": [{"Ref": "ReleaseOf"}, {"Fn::Join": ["|", released]}]}]}
    template.setdefault("Conditions", {})["ReleaseIsStale"] = stale
    for file in ("infra/core.yaml", "scripts/generate-modules"):
        (tmp_path / file).parent.mkdir()
    (tmp_path / "infra/core.yaml").write_text(json.dumps(template))
    shutil.copy(ROOT / "scripts/generate-modules", tmp_path / "scripts")
    subprocess.run([sys.executable, tmp_path / "scripts/generate-modules"], check=True)
    construct = tmp_path / "examples/cdk/lib/patgate-core.js"
    shutil.copy(EXAMPLES / "cdk/lib/patgate-core.js", construct)

    def release(**properties):
        properties = {"templateUrl": "t", "oidcIssuer": "i", "oidcAudience": "a"} | properties
        script = f"""
            const {{ Stack }} = require("aws-cdk-lib");
            const {{ PatgateCore }} = require("{construct}");
            const core = new PatgateCore(new Stack(), "Patgate", {json.dumps(properties)});
            console.log(JSON.stringify(core.node.findChild("Stack").parameters));
        """
        done = synth(tmp_path, ["-e", script], NODE_PATH=str(EXAMPLES / "cdk/node_modules"))
        assert done.returncode == 0, done.stderr
        parameters = json.loads(done.stdout)
        assert re.fullmatch("[0-9a-f]{64}", parameters["Release"])
        return parameters["Release"], parameters["ReleaseOf"]

    first = release()
    assert first[1] == "i|0"
    assert release(maxLifetimeDays=9) == first
    assert release(sessionMaxAgeDays=9)[1] == "i|9"
    changed = [release(sessionMaxAgeDays=9), release(templateUrl="u"), release(originSecret="s")]
    # The version of a deployment that was rolled back remains, so the next attempt needs another one.
    changed.append(release(attempt=2))
    assert len({first[0], *(one for one, _ in changed)}) == 5

    variables = hcl2.loads((tmp_path / "examples/terraform/core/variables.tf").read_text())
    (passed,) = [block["parameters"] for block in variables["locals"]]
    assert "var.oidc_issuer, var.session_max_age_days" in str(passed["ReleaseOf"])
    for variable in ("template_url", "attempt", "origin_secret", "session_max_age_days"):
        assert f"var.{variable}" in str(passed["Release"])


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ("{ oidcIssuer: 'i', oidcAudience: 'a', maxLifetimeDay: 1 }", "the core has no parameter `maxLifetimeDay`"),
        ("{ oidcIssuer: 'i' }", "the core needs the parameter `oidcAudience`"),
    ],
    ids=["misspelt", "missing"],
)
def test_construct_refuses_misspelt_and_missing_parameters(node, tmp_path, properties, message):
    script = f"""
        const {{ Stack }} = require("aws-cdk-lib");
        const {{ PatgateCore }} = require("./lib/patgate-core");
        new PatgateCore(new Stack(), "Patgate", {properties});
    """
    done = synth(tmp_path, ["-e", script])
    assert done.returncode != 0
    assert message in done.stderr
