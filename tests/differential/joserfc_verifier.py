"""Decides token cases with joserfc: JSON lines on standard input, `accept` or `reject` on standard output, in order.

Keys are imported one by one, so that a key that joserfc refuses, or that is a secret or for encryption, takes no other
key with it. Two of its defaults are not
the specification's and are set aside: header members that it does not know are errors (RFC 7515 §4 has them ignored), and
a header has at most 512 bytes.
"""

import json
import sys

from joserfc import jwk, jwt
from joserfc.jws import JWSRegistry


def import_keys(text):
    keys = []
    for one in json.loads(text)["keys"]:
        try:
            if one.get("use") in (None, "sig") and one["kty"] != "oct":
                keys.append(jwk.import_key(one))
        except Exception:
            continue
    return jwk.KeySet(keys)


def verify(case, keys, settings, registry):
    token = jwt.decode(case["token"], keys, algorithms=settings["algorithms"], registry=registry)
    claims = jwt.JWTClaimsRegistry(
        now=case["now"],
        leeway=case["leeway"],
        iss={"essential": True, "value": settings["issuer"]},
        aud={"essential": True, "value": settings["audience"]},
        exp={"essential": True},
        iat={"essential": True},
    )
    claims.validate(token.claims)


def main():
    settings = json.loads(sys.stdin.readline())
    registry = JWSRegistry(algorithms=settings["algorithms"], strict_check_header=False)
    registry.max_header_length = 8192
    sets = []
    for line in sys.stdin:
        case = json.loads(line)
        if "jwks" in case:
            try:
                sets.append(import_keys(case["jwks"]))
            except Exception:
                sets.append(None)
            continue
        try:
            verify(case, sets[case["set"]], settings, registry)
            answer = "accept"
        except Exception:
            answer = "reject"
        print(answer, flush=True)


main()
