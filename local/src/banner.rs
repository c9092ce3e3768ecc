//! What is printed at the start: where everything is, and what to try next.

use crate::options::Options;

pub(crate) fn print(api: &str, issuer: &str, dynamodb: &str, options: &Options) {
    let data =
        if options.memory { "in memory".to_owned() } else { format!("in {}/", options.data.display()) };
    let page = if crate::page::is_built(options) {
        format!("{api}/")
    } else {
        "not built: `make web` builds it, with Node 20.19 or newer".to_owned()
    };
    crate::output::line(format_args!(
        r#"
Patgate is running; Ctrl-C stops it.

  Page       {page}
  API        {api}   described at {api}/openapi.yaml
  Sign-in    {issuer}   alice (publisher), bob (viewer), admin (administrator)
  DynamoDB   {dynamodb}   data {data}

Sign in, create a token, use it. Paste this into another terminal:

  SESSION=$(curl -s -d user=alice {issuer}/sign-in | sed -E 's/.*"access_token":"([^"]+)".*/\1/')
  TOKEN=$(curl -s {api}/api/tokens -H "Authorization: Bearer $SESSION" \
    -d '{{"name": "first token"}}' | sed -E 's/.*"token":"([^"]+)".*/\1/')
  echo "a package" > package.zip
  curl -X POST {api}/api/Package \
    -H "Authorization: Bearer $TOKEN" \
    -H "Content-Type: multipart/form-data" \
    -F "OverWriteExisting=true" \
    -F "file=@package.zip"

See it in the list, with the time and address of its use, and revoke it:

  curl {api}/api/tokens -H "Authorization: Bearer $SESSION"
  ID=$(curl -s {api}/api/tokens/current -H "Authorization: Bearer $TOKEN" | sed -E 's/.*"id":"([0-9a-f-]{{36}})".*/\1/')
  curl -i -X DELETE {api}/api/tokens/$ID -H "Authorization: Bearer $SESSION"
  curl -i {api}/api/Package -H "Authorization: Bearer $TOKEN"
"#
    ));
}
