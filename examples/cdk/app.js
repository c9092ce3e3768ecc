// Example: an HTTP API in the AWS CDK that uses Patgate's authorizer.

const path = require("node:path");

const { App, Duration, Fn, Stack } = require("aws-cdk-lib");
const { HttpApi, HttpMethod } = require("aws-cdk-lib/aws-apigatewayv2");
const { HttpLambdaAuthorizer, HttpLambdaResponseType } = require("aws-cdk-lib/aws-apigatewayv2-authorizers");
const { HttpLambdaIntegration } = require("aws-cdk-lib/aws-apigatewayv2-integrations");
const { Role, ServicePrincipal } = require("aws-cdk-lib/aws-iam");
const { Code, Function, Runtime } = require("aws-cdk-lib/aws-lambda");
const { LogGroup, RetentionDays } = require("aws-cdk-lib/aws-logs");

class HelloApi extends Stack {
  constructor(scope, id, patgateStack = "patgate") {
    super(scope, id);

    // The function can write to its own log group and to no other. A role that the CDK generates can
    // write to every log group of the account.
    const logGroup = new LogGroup(this, "HelloLogs", { retention: RetentionDays.THREE_MONTHS });
    const role = new Role(this, "HelloRole", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    logGroup.grantWrite(role);

    const hello = new Function(this, "Hello", {
      role,
      logGroup,
      runtime: Runtime.NODEJS_22_X,
      handler: "hello.handler",
      code: Code.fromAsset(path.join(__dirname, "backend")),
    });

    const patgate = Function.fromFunctionAttributes(this, "Patgate", {
      functionArn: Fn.importValue(`${patgateStack}-AuthorizerArn`),
      skipPermissions: true, // the core already permits every API of the account
    });
    const authorizer = new HttpLambdaAuthorizer("PatgateAuthorizer", patgate, {
      responseTypes: [HttpLambdaResponseType.SIMPLE],
      identitySource: ["$request.header.Authorization"],
      resultsCacheTtl: Duration.seconds(0),
    });
    const api = new HttpApi(this, "Api", { defaultAuthorizer: authorizer });

    const integration = new HttpLambdaIntegration("HelloIntegration", hello);
    api.addRoutes({ path: "/hello", methods: [HttpMethod.GET], integration });
  }
}

const app = new App();
new HelloApi(app, "hello-api");
app.synth();
