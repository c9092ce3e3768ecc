"""What docs/openapi.yaml describes: operations, their labels and the statuses of their responses."""

import copy

import yaml

from system import ROOT

DOCUMENT = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
DESCRIBED = {
    operation["operationId"]: operation | {"label": f"{method.upper()} {path}"}
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
OPERATIONS = {
    name: (operation["label"], {int(status) for status in operation["responses"]})
    for name, operation in DESCRIBED.items()
}


def closed():
    """The document without its openness to additions: what it does not describe fails the test.

    An object has no other fields, and a value is one of the listed ones. An object that is a part of another (`allOf`) stays
    open, and the whole is closed instead.
    """
    document = copy.deepcopy(DOCUMENT)
    for schema in document["components"]["schemas"].values():
        # Each use of a schema is closed, and not the schema, which may be a part of another one.
        close(schema, is_part=True)
    close(document["paths"])
    close(document["components"]["responses"])
    return document


def close(node, is_part=False):
    if isinstance(node, list):
        for item in node:
            close(item, is_part)
    if not isinstance(node, dict):
        return
    if "x-extensible-enum" in node:
        node["enum"] = node["x-extensible-enum"]
    for key, value in node.items():
        if key not in ("example", "examples", "value"):
            close(value, is_part=key in ("allOf", "oneOf", "anyOf"))
    refers_to_object = "$ref" in node and is_object(node["$ref"])
    if not is_part and (refers_to_object or "allOf" in node or ("properties" in node and node.get("type") == "object")):
        node["unevaluatedProperties"] = False


def is_object(reference):
    name = reference.removeprefix("#/components/schemas/")
    schema = DOCUMENT["components"]["schemas"].get(name, {})
    return schema.get("type") == "object" or "allOf" in schema
