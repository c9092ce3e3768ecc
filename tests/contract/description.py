"""What docs/openapi.yaml describes: operations, their labels and the statuses of their responses."""

import yaml

from system import ROOT

DESCRIPTION = ROOT / "docs/openapi.yaml"
METHODS = ("get", "post", "put", "patch", "delete")
DESCRIBED = {
    operation["operationId"]: operation | {"label": f"{method.upper()} {path}"}
    for path, item in yaml.safe_load(DESCRIPTION.read_text())["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
OPERATIONS = {
    name: (operation["label"], {int(status) for status in operation["responses"]})
    for name, operation in DESCRIBED.items()
}
