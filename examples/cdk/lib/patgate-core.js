// Patgate's core as a construct: a nested stack of the packaged template. core.json names the template's
// parameters and outputs.

const { CfnStack, Fn } = require("aws-cdk-lib");
const { Construct } = require("constructs");

const { parameters, required, outputs } = require("./core.json");

/** `oidcIssuer` for `OidcIssuer`. */
const property = (name) => name[0].toLowerCase() + name.slice(1);

class PatgateCore extends Construct {
  constructor(scope, id, { templateUrl, ...given }) {
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
    const stack = new CfnStack(this, "Stack", { templateUrl, parameters: Object.fromEntries(values) });

    // A stack's ID is arn:…:stack/<name>/<unique ID>.
    this.stackName = Fn.select(1, Fn.split("/", stack.ref));
    for (const name of outputs) this[property(name)] = stack.getAtt(`Outputs.${name}`).toString();
  }
}

module.exports = { PatgateCore };
