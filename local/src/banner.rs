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

    crate::output::print_line(format_args!(
        r#"
Patgate is running. Press Ctrl-C to stop it.

  Page       {page}
  API        {api_url}   described at {api_url}/openapi.yaml
  Sign-in    {issuer_url}   alice (publisher), bob (viewer), admin (administrator)
  DynamoDB   {dynamodb_url}   data {data}

To sign in, create a token and use it, paste this into another terminal:

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
