// Example: Patgate's core in the AWS CDK, deployed from a packaged template.

const { App, CfnOutput, Stack } = require("aws-cdk-lib");

const { PatgateCore } = require("./lib/patgate-core");

const app = new App();
const stack = new Stack(app, "patgate-core");
const patgate = new PatgateCore(stack, "Patgate", {
  templateUrl: app.node.getContext("templateUrl"),
  oidcIssuer: "https://issuer.example",
  oidcAudience: "patgate",
  expiryRequired: true,
  maxLifetimeDays: 365,
});
new CfnOutput(stack, "AuthorizerArn", { value: patgate.authorizerArn });
app.synth();
