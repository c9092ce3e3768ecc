#!/usr/bin/env python3
"""Reports leaked tokens, so that they stop working.

    gitleaks dir --config gitleaks.toml --report-format json --report-path - . \
      | python3 report_leaked.py https://api.example.com

Reads any text on standard input, picks the tokens out of it, passes over those whose
checksum is wrong (nobody ever had such a token), and sends the SHA-256 of the others.
The tokens themselves leave this machine in no form. Needs nothing but Python 3.8.
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
# What one report may name.
BATCH = 100
# Before each further attempt; the last one has none.
PAUSES_SECONDS = (1, 2, 4, 8, None)


def checksum(payload: str) -> str:
    """CRC-32 as six base62 digits, the most significant one first."""
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
            # Too many reports at once, or storage is away: both pass.
            if error.code not in (429, 503) or pause is None:
                sys.exit(f"{request.full_url} answered {error.code}: {error.read().decode(errors='replace')}")
        except urllib.error.URLError as error:
            sys.exit(f"{request.full_url} does not answer: {error.reason}")
        time.sleep(pause)


def main() -> None:
    parser = argparse.ArgumentParser(description="Reports leaked tokens, so that they stop working.")
    parser.add_argument("api", help="the URL that stands before /api/tokens")
    parser.add_argument("--prefix", default="fdp_", help="how tokens begin (default: fdp_)")
    arguments = parser.parse_args()
    # At every position, whatever stands around it: the checksum tells what is a token.
    pattern = rf"(?=({re.escape(arguments.prefix)}[0-9A-Za-z]{{38}}))"
    candidates = sorted(set(re.findall(pattern, sys.stdin.read())))
    tokens = [token for token in candidates if checksum(token[:-6]) == token[-6:]]
    hashes = [hashlib.sha256(token.encode("ascii")).hexdigest() for token in tokens]
    for start in range(0, len(hashes), BATCH):
        report(arguments.api, hashes[start : start + BATCH])
    print(f"{len(tokens)} reported, {len(candidates) - len(tokens)} passed over: no tokens by their checksum")


if __name__ == "__main__":
    main()
