/**
 * JSON as Go's encoder writes a map: keys sorted, no spaces, `<`, `>` and `&` escaped. libcni, the reference, writes
 * its cache and a plugin's stdin with it, and who compares files byte by byte is to find no difference.
 *
 *     { "b": 1, "a": "<" }   ─►   {"a":"\u003c","b":1}
 *
 * Source: encoding/json of Go, `Marshal`.
 */

import { isJsonObject } from './json.ts';

/** A member of an object: its key and its value. */
export type Member = readonly [key: string, value: unknown];

/** A value as Go writes it; members that are undefined are left out, as JSON.stringify does. */
export function marshal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(marshal).join(',')}]`;
  if (isJsonObject(value)) return marshalMembers(Object.entries(value).sort(byKey));
  return escape(JSON.stringify(value ?? null));
}

/** An object whose members keep this order, as those of a Go struct do. */
export function marshalMembers(members: readonly Member[]): string {
  const present = members.filter(([, value]) => value !== undefined);
  return `{${present.map(([key, value]) => `${escape(JSON.stringify(key))}:${marshal(value)}`).join(',')}}`;
}

const byKey = ([a]: Member, [b]: Member): number => (a < b ? -1 : 1);

/** What Go escapes and JavaScript does not, so that JSON can stand inside HTML and scripts. */
const escape = (json: string): string =>
  json.replaceAll(/[<>&\u2028\u2029]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
