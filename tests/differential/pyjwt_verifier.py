"""Decides token cases with PyJWT: JSON lines on standard input, `accept` or `reject` on standard output, in order.

PyJWT takes no clock, so the `datetime` that it looks at is replaced by one that stands at the case's `now`. Keys are
imported one by one, so that a key that PyJWT refuses, or that is a secret or for encryption, takes no other key with it.
"""

import json
import sys
from datetime import datetime, timezone

import jwt
import jwt.api_jwt


class CaseClock:
    seconds = 0

    @classmethod
    def now(cls, tz=None):
        return datetime.fromtimestamp(cls.seconds, tz=tz or timezone.utc)


jwt.api_jwt.datetime = CaseClock


def import_keys(text, algorithms):
    keys = {}
    for jwk in json.loads(text)["keys"]:
        try:
            if jwk.get("use") in (None, "sig"):
                key = jwt.PyJWK(jwk)
                if key.algorithm_name in algorithms:
                    keys.setdefault(key.key_id, key)
        except Exception:
            continue
    return keys


def verify(case, keys, settings):
    key = keys[jwt.get_unverified_header(case["token"])["kid"]]
    jwt.decode(
        case["token"],
        key,
        algorithms=[key.algorithm_name],
        issuer=settings["issuer"],
        audience=settings["audience"],
        leeway=case["leeway"],
        options={"require": ["exp", "iat", "iss", "aud"], "enforce_minimum_key_length": True},
    )


def main():
    settings = json.loads(sys.stdin.readline())
    sets = []
    for line in sys.stdin:
        case = json.loads(line)
        if "jwks" in case:
            try:
                sets.append(import_keys(case["jwks"], settings["algorithms"]))
            except Exception:
                sets.append({})
            continue
        CaseClock.seconds = case["now"]
        try:
            verify(case, sets[case["set"]], settings)
            answer = "accept"
        except Exception:
            answer = "reject"
        print(answer, flush=True)


main()
