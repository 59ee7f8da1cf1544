// Decides token cases with aws-jwt-verify.
//
// It takes no clock, so `Date.now` stands at the case's `now`. It has no option that requires `exp` and `iat`, so its hook
// for own checks does. RSASSA-PSS is not among its algorithms.

import { decide, elements, load } from "./cases.mjs";

const { JwtVerifier } = await load("aws-jwt-verify");

function importKeys(jwks, settings) {
  const verifier = JwtVerifier.create({
    issuer: settings.issuer,
    audience: settings.audience,
    jwksUri: `${settings.issuer}/keys`,
    customJwtCheck({ payload }) {
      if (payload.exp === undefined || payload.iat === undefined) {
        throw new Error("exp and iat are required");
      }
    },
  });
  verifier.cacheJwks(elements(jwks));
  return verifier;
}

function verify(item, verifier) {
  Date.now = () => item.now * 1000;
  return verifier.verifySync(item.token, { graceSeconds: item.leeway });
}

await decide(importKeys, verify);
