//! What the program prints once it runs: the addresses of its parts, and commands to try.

use crate::options::Options;
use crate::page;

/// Prints the banner. Tests and scripts read the URLs of the lines `API`, `Sign-in` and
/// `DynamoDB`.
pub(crate) fn print(api_url: &str, issuer_url: &str, dynamodb_url: &str, options: &Options) {
    let data =
        if options.memory { "in memory".to_owned() } else { format!("in {}/", options.data.display()) };

    let page = if page::is_built(options) {
        format!("{api_url}/")
    } else {
        "not built; `make web` builds it".to_owned()
    };

    let other_issuer = options.parameter("OidcIssuer");
    let users = other_issuer.map_or_else(
        || "alice (publisher), bob (viewer), admin (administrator)".to_owned(),
        |other| format!("not used: users sign in at {other}"),
    );

    crate::output::print_line(format_args!(
        r#"
Patgate is running. Press Ctrl-C to stop it.

  Page       {page}
  API        {api_url}   described at {api_url}/openapi.yaml
  Sign-in    {issuer_url}   {users}
  DynamoDB   {dynamodb_url}   data {data}
"#
    ));
    if other_issuer.is_none() {
        print_commands(api_url, issuer_url);
    }
}

/// Prints commands to try. They sign in at the development issuer.
fn print_commands(api_url: &str, issuer_url: &str) {
    crate::output::print_line(format_args!(
        r#"To sign in, create a token and use it, paste this into another terminal:

  SESSION=$(curl -s -d user=alice {issuer_url}/sign-in | sed -E 's/.*"access_token":"([^"]+)".*/\1/')
  TOKEN=$(curl -s {api_url}/api/tokens -H "Authorization: Bearer $SESSION" \
    -d '{{"name": "first token"}}' | sed -E 's/.*"token":"([^"]+)".*/\1/')
  echo "a package" > package.zip
  curl -X POST {api_url}/api/Package \
    -H "Authorization: Bearer $TOKEN" \
    -H "Content-Type: multipart/form-data" \
    -F "OverWriteExisting=true" \
    -F "file=@package.zip"

To see when and from where the token was last used, and to revoke it:

  curl {api_url}/api/tokens -H "Authorization: Bearer $SESSION"
  ID=$(curl -s {api_url}/api/tokens/current -H "Authorization: Bearer $TOKEN" | sed -E 's/.*"id":"([0-9a-f-]{{36}})".*/\1/')
  curl -i -X DELETE {api_url}/api/tokens/$ID -H "Authorization: Bearer $SESSION"
  curl -i {api_url}/api/Package -H "Authorization: Bearer $TOKEN"
"#
    ));
}
