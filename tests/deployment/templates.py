"""The templates as CloudFormation gets them: AWS's own translation of what SAM adds."""

import os
import pathlib

# The translator asks boto3 for a region, and nothing of AWS.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samcli.yamlhelper import yaml_parse  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORE = ROOT / "infra" / "template.yaml"
PACKAGE_API = ROOT / "infra" / "examples" / "package-api.yaml"
# Parameters without a default.
PARAMETERS = {"OidcIssuer": "https://issuer.example", "OidcAudience": "patgate"}


class ManagedPolicies:
    """The one managed policy that SAM attaches to every function's role."""

    @staticmethod
    def load():
        name = "AWSLambdaBasicExecutionRole"
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}"}


def translate(path, code="s3://code/function.zip"):
    """A template of ours as plain CloudFormation; every function's code lies at `code`."""
    return translated(yaml_parse(path.read_text()), code)


def translated(template, code="s3://code/function.zip"):
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code
    return transform(template, PARAMETERS, ManagedPolicies())


def as_list(value):
    """IAM takes one of a thing for a list of one."""
    return value if isinstance(value, list) else [value]
