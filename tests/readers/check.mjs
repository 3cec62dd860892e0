// Reads each .yaml file of a folder with the package `yaml` and compares it with the .json beside it.

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

const options = { intAsBigInt: true, maxAliasCount: 0 };

// Equal in value, kind, order of keys, and sign of zero.
function isSame(left, right) {
  if (Array.isArray(left) || Array.isArray(right)) {
    return (
      Array.isArray(left) &&
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, place) => isSame(item, right[place]))
    );
  }
  if (left instanceof Map && right instanceof Map) {
    const [ours, theirs] = [[...left], [...right]];
    return (
      ours.length === theirs.length &&
      ours.every(([key, value], place) => key === theirs[place][0] && isSame(value, theirs[place][1]))
    );
  }
  return typeof left === typeof right && Object.is(left, right);
}

// A reader for JSON of its own: integers as BigInt, maps as Map.
function readJson(text) {
  let place = 0;
  function value() {
    const next = text[place];
    if (next === "{") return entries("}", new Map(), (map) => {
      const key = string();
      place += 1;
      map.set(key, value());
    });
    if (next === "[") return entries("]", [], (list) => list.push(value()));
    if (next === '"') return string();
    const word = /[^,\]}]*/y;
    word.lastIndex = place;
    const [found] = word.exec(text);
    place += found.length;
    return /^-?\d+$/.test(found) ? BigInt(found) : JSON.parse(found);
  }
  function string() {
    const quoted = /"(?:[^"\\]|\\.)*"/sy;
    quoted.lastIndex = place;
    const [found] = quoted.exec(text);
    place += found.length;
    return JSON.parse(found);
  }
  function entries(end, into, one) {
    place += 1;
    while (text[place] !== end) {
      one(into);
      if (text[place] === ",") place += 1;
    }
    place += 1;
    return into;
  }
  return value();
}

function check(path) {
  const expected = readJson(readFileSync(path.replace(/yaml$/, "json"), "utf8"));
  const documents = parseAllDocuments(readFileSync(path, "utf8"), options);
  const errors = documents.flatMap((document) => [...document.errors, ...document.warnings]);
  if (errors.length > 0) return `is refused: ${errors[0].message}`;
  const found = documents.map((document) => document.toJS({ mapAsMap: true }));
  return isSame(found, expected) ? null : "reads differently";
}

const folder = process.argv[2];
const names = readdirSync(folder).filter((name) => name.endsWith(".yaml")).sort();
let bad = 0;
for (const name of names) {
  const flaw = check(join(folder, name));
  if (flaw) {
    bad += 1;
    console.log(`yaml: ${name} ${flaw}`);
  }
}
const { version } = createRequire(import.meta.url)("./node_modules/yaml/package.json");
console.log(`readers: yaml ${version} (JavaScript): ${names.length} files, ${bad} differ`);
process.exit(bad > 0 ? 1 : 0);
