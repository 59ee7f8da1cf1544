// Decides token cases with jose.

import { decide, elements, load } from "./cases.mjs";

const { createLocalJWKSet, jwtVerify } = await load("jose");

await decide(
  (jwks) => createLocalJWKSet(elements(jwks)),
  (item, keys, settings) =>
    jwtVerify(item.token, keys, {
      algorithms: settings.algorithms,
      issuer: settings.issuer,
      audience: settings.audience,
      requiredClaims: ["exp", "iat"],
      clockTolerance: item.leeway,
      currentDate: new Date(item.now * 1000),
    }),
);
