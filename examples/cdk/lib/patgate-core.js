// Patgate's core as a construct: a nested stack of the packaged template. core.json names the template's
// parameters and outputs.

const { createHash } = require("node:crypto");

const { CfnStack, Fn } = require("aws-cdk-lib");
const { Construct } = require("constructs");

const { parameters, required, outputs, released } = require("./core.json");

/** `oidcIssuer` for `OidcIssuer`. */
const property = (name) => name[0].toLowerCase() + name.slice(1);

/** The parameters that publish a new version of the authorizer when its code or one of its parameters changes. */
function release(templateUrl, attempt, given) {
  const defaults = Object.entries(released);
  if (defaults.length === 0) return {};
  const ReleaseOf = defaults.map(([name, value]) => String(given[property(name)] ?? value)).join("|");
  const parts = [templateUrl, attempt, given.originSecret, ReleaseOf].join("|");
  return { Release: createHash("sha256").update(parts).digest("hex"), ReleaseOf };
}

class PatgateCore extends Construct {
  constructor(scope, id, { templateUrl, attempt = 1, ...given }) {
    super(scope, id);
    for (const name of Object.keys(given)) {
      if (!parameters.map(property).includes(name)) throw new Error(`the core has no parameter \`${name}\``);
    }
    for (const name of required.map(property)) {
      if (given[name] === undefined) throw new Error(`the core needs the parameter \`${name}\``);
    }

    const values = parameters
      .filter((name) => given[property(name)] !== undefined)
      .map((name) => [name, String(given[property(name)])]);
    const stack = new CfnStack(this, "Stack", {
      templateUrl,
      parameters: { ...Object.fromEntries(values), ...release(templateUrl, attempt, given) },
    });

    // A stack's ID is arn:…:stack/<name>/<unique ID>.
    this.stackName = Fn.select(1, Fn.split("/", stack.ref));
    for (const name of outputs) this[property(name)] = stack.getAtt(`Outputs.${name}`).toString();
  }
}

module.exports = { PatgateCore };
