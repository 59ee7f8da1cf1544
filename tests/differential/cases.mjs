// What the verifiers on Node.js share: JSON lines on standard input, one word for each case on standard output, in order.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

/** Loads a package from the `node_modules` directory that the command line names. */
export async function load(name) {
  const [, , directory] = process.argv;
  const resolve = createRequire(`${directory}/`).resolve;
  return import(pathToFileURL(resolve(name)));
}

/** The keys of a set that may verify a signature: an element that is none, a secret and an encryption key take no key with them. */
export function elements(jwks) {
  const isKey = (key) => typeof key === "object" && key !== null && !Array.isArray(key);
  const mayVerify = (key) => key.kty !== "oct" && (key.use === undefined || key.use === "sig");
  return { ...jwks, keys: jwks.keys.filter((key) => isKey(key) && mayVerify(key)) };
}

/**
 * Decides every case: `importKeys(jwks, settings)` once for each key set, then `verify(case, keys, settings)`, which
 * throws to reject.
 */
export async function decide(importKeys, verify) {
  let settings;
  const sets = [];
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const value = JSON.parse(line);
    if (settings === undefined) {
      settings = value;
    } else if ("jwks" in value) {
      try {
        sets.push(importKeys(JSON.parse(value.jwks), settings));
      } catch {
        sets.push(undefined);
      }
    } else {
      let answer = "reject";
      try {
        const keys = sets[value.set];
        if (keys !== undefined) {
          await verify(value, keys, settings);
          answer = "accept";
        }
      } catch {
        // Rejected.
      }
      process.stdout.write(`${answer}\n`);
    }
  }
}
