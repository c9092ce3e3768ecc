// The backend of the example: greets the caller, and denies a caller without roles.

exports.handler = async (event) => {
  const caller = event.requestContext.authorizer.lambda;
  const roles = caller.roles.split(" ").filter(Boolean);

  return {
    statusCode: roles.length > 0 ? 200 : 403,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify({ hello: caller.userName, roles, by: caller.authMethod }),
  };
};
