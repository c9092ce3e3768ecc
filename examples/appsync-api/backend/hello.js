// The backend of the example: greets the caller, and denies a caller without roles.

import { util } from "@aws-appsync/utils";

export function request() {
  return { payload: null };
}

export function response(ctx) {
  const caller = ctx.identity.resolverContext;
  const roles = caller.roles.split(" ").filter((role) => role !== "");

  if (roles.length === 0) {
    util.unauthorized();
  }
  return { hello: caller.userName, roles, by: caller.authMethod };
}
