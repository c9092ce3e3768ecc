#!/usr/bin/env python3
"""Reports leaked tokens, so that Patgate revokes them.

    gitleaks dir --config gitleaks.toml --report-format json --report-path - . \
      | python3 report_leaked.py https://api.example.com

Reads any text from standard input and finds the tokens in it. It skips those with a wrong checksum, which
were never issued, and sends only the SHA-256 of the others: no token leaves this machine. It needs only
Python 3.8.
"""

import argparse
import hashlib
import json
import re
import sys
import time
import urllib.error
import urllib.request
import zlib

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# The most hashes that one report can contain.
HASHES_PER_REPORT = 100
# The pause after each attempt. The script gives up after the last attempt.
PAUSES_SECONDS = (1, 2, 4, 8, None)


def main() -> None:
    parser = argparse.ArgumentParser(description="Reports leaked tokens, so that Patgate revokes them.")
    parser.add_argument("api", help="base URL of the API, without /api/tokens")
    parser.add_argument("--prefix", default="fdp_", help="prefix of the tokens (default: fdp_)")
    arguments = parser.parse_args()

    # Tokens are found at any position, whatever surrounds them, because the checksum identifies them.
    pattern = rf"(?=({re.escape(arguments.prefix)}[0-9A-Za-z]{{38}}))"
    candidates = sorted(set(re.findall(pattern, sys.stdin.read())))
    tokens = [token for token in candidates if checksum(token[:-6]) == token[-6:]]

    hashes = [hashlib.sha256(token.encode("ascii")).hexdigest() for token in tokens]
    for start in range(0, len(hashes), HASHES_PER_REPORT):
        report(arguments.api, hashes[start : start + HASHES_PER_REPORT])

    print(f"{len(tokens)} reported, {len(candidates) - len(tokens)} skipped because of a wrong checksum")


def checksum(payload: str) -> str:
    """CRC-32 as six base62 digits, the most significant digit first."""
    rest = zlib.crc32(payload.encode("ascii"))
    digits = ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return digits


def report(api: str, hashes: list) -> None:
    body = json.dumps({"hashes": hashes}).encode("ascii")
    request = urllib.request.Request(f"{api.rstrip('/')}/api/tokens/revoke", data=body, method="POST")
    request.add_header("Content-Type", "application/json")

    for pause in PAUSES_SECONDS:
        try:
            with urllib.request.urlopen(request, timeout=30):
                return
        except urllib.error.HTTPError as error:
            # Too many reports at once, or the store is unavailable: both are temporary.
            if error.code not in (429, 503) or pause is None:
                text = error.read().decode(errors="replace")
                sys.exit(f"{request.full_url} responded with {error.code}: {text}")
        except urllib.error.URLError as error:
            sys.exit(f"cannot reach {request.full_url}: {error.reason}")
        time.sleep(pause)


if __name__ == "__main__":
    main()
