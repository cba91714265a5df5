// Which variant GrowthBook's own SDK gives: node assign.mjs CASES, writing a list of indices.
// CASES is a JSON list of {seed, weights, coverage, namespace, units}; -1 is "takes no part".

import { readFileSync } from "node:fs";
import { GrowthBook } from "@growthbook/growthbook";

function place({ seed, weights, coverage, namespace }, id) {
  const sdk = new GrowthBook({ attributes: { id } });
  const result = sdk.run({
    key: seed,
    variations: weights.map((_, index) => index),
    weights,
    coverage,
    hashVersion: 2,
    ...(namespace ? { namespace } : {}),
  });
  sdk.destroy();
  return result.inExperiment ? result.variationId : -1;
}

// An id beyond a JSON string's reach is given as its UTF-16 code units.
const text = (unit) => (typeof unit === "string" ? unit : String.fromCharCode(...unit));
const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
const all = cases.map((each) => each.units.map((unit) => place(each, text(unit))));
process.stdout.write(JSON.stringify(all));
