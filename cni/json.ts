/**
 * Reading configuration: decoded JSON is `unknown`, and these say which key has a value of the wrong kind.
 *
 * As in the reference, `null` is the same as absent, keys that nobody asks for are ignored, letter case does not matter
 * (`isgateway`; of two spellings the later one counts). In a configuration whose root has the name of a struct of the
 * reference (`nameStruct`) errors are worded as Go's encoding/json words them, since users search for these texts:
 *
 *     json: cannot unmarshal string into Go struct field NetConf.mtu of type int
 *     cannot read key "mtu": it is "big"; an integer is expected                      anywhere else
 */

import { jsonSyntaxError } from './json-syntax.ts';

const ANY_OBJECT = 'map[string]interface {}';
const ANY_LIST = '[]interface {}';

/** An object of decoded JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Decodes a text. @throws SyntaxError with the words of Go's encoding/json */
export function decodeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(jsonSyntaxError(text) ?? (cause as Error).message, { cause });
  }
}

/** Whether a value is an object, and no array. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** How errors name what is in an object. */
interface Place {
  readonly struct: string;
  /** Keys from the root to the object, joined with dots. */
  readonly path: string;
}

const places = new WeakMap<JsonObject, Place>();

/** Names the root of a configuration after a struct of the reference, for the errors of everything in it. */
export function nameStruct<T extends JsonObject>(root: T, struct: string): T {
  places.set(root, { struct, path: '' });
  return root;
}

/** The value at `key` in whatever case, `null` included; undefined where there is none. */
export function valueAt(from: JsonObject, key: string): unknown {
  const folded = key.toLowerCase();
  return Object.entries(from).findLast(([name]) => name.toLowerCase() === folded)?.[1];
}

/**
 * The object at `key`; undefined where it is absent.
 * @param type what the reference calls it: `types.IPAM`
 * @throws TypeError on another kind of value
 */
export function objectAt(from: JsonObject, key: string, type: string = ANY_OBJECT): JsonObject | undefined {
  const value = valueAt(from, key) ?? undefined;
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) return refuse(from, key, value, type);
  place(from, key, value, type);
  return value;
}

/** The text at `key`; undefined where it is absent. @throws TypeError */
export function stringAt(from: JsonObject, key: string): string | undefined {
  const value = valueAt(from, key) ?? undefined;
  return value === undefined || typeof value === 'string' ? value : refuse(from, key, value, 'string');
}

/** The integer at `key`; undefined where it is absent. @param type `int` or `uint` @throws TypeError */
export function integerAt(from: JsonObject, key: string, type: string = 'int'): number | undefined {
  const value = valueAt(from, key) ?? undefined;
  return value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))
    ? value
    : refuse(from, key, value, type);
}

/** The truth value at `key`; undefined where it is absent. @throws TypeError */
export function booleanAt(from: JsonObject, key: string): boolean | undefined {
  const value = valueAt(from, key) ?? undefined;
  return value === undefined || typeof value === 'boolean' ? value : refuse(from, key, value, 'bool');
}

/** The list at `key`, empty where it is absent. @param type `[]string` @throws TypeError */
export function arrayAt(from: JsonObject, key: string, type: string = ANY_LIST): readonly unknown[] {
  const value = valueAt(from, key) ?? [];
  return Array.isArray(value) ? value : refuse(from, key, value, type);
}

/** The objects of the list at `key`. @param type of an item: `types.Route` @throws TypeError */
export function objectsAt(from: JsonObject, key: string, type: string = ANY_OBJECT): readonly JsonObject[] {
  return asObjects(from, key, arrayAt(from, key, type === ANY_OBJECT ? ANY_LIST : `[]*${type}`), type);
}

/** The same for a list that was at `key`, or is part of a list there. @throws TypeError */
export function asObjects(
  from: JsonObject,
  key: string,
  list: readonly unknown[],
  type: string,
): readonly JsonObject[] {
  return list.map((item) => {
    if (!isJsonObject(item)) return refuse(from, key, item, type);
    place(from, key, item, type);
    return item;
  });
}

/** The texts of the list at `key`. @throws TypeError */
export function stringsAt(from: JsonObject, key: string, type: string = '[]string'): readonly string[] {
  return arrayAt(from, key, type).map((value) =>
    typeof value === 'string' ? value : refuse(from, key, value, type.slice('[]'.length)),
  );
}

/** What is in a named object is named, too. */
function place(from: JsonObject, key: string, value: JsonObject, type: string): void {
  if (places.has(from)) places.set(value, { struct: structOf(type), path: pathTo(from, key) });
}

/** Refuses the value at `key`. @param type what it should have been, in the reference's words @throws TypeError */
export function refuse(from: JsonObject, key: string, value: unknown, type: string): never {
  const named = places.get(from);
  if (named === undefined) {
    const found = `it is ${JSON.stringify(value)}; ${EXPECTED[type] ?? 'a list or object'} is expected`;
    throw new TypeError(`cannot read key ${JSON.stringify(key)}: ${found}`);
  }
  const field = `${named.struct}.${pathTo(from, key)}`;
  throw new TypeError(`json: cannot unmarshal ${kindOf(value, type)} into Go struct field ${field} of type ${type}`);
}

const EXPECTED: Readonly<Record<string, string>> = {
  int: 'an integer',
  string: 'a string',
  bool: 'true or false',
  '[]string': 'a list of strings',
  [ANY_LIST]: 'a list',
  [ANY_OBJECT]: 'an object',
};

/** `string`, `number`, …; a number that is no integer, or too large a one, is quoted where an integer is expected. */
function kindOf(value: unknown, type: string): string {
  if (typeof value === 'number') return /^u?int$/.test(type) ? `number ${value}` : 'number';
  if (typeof value === 'boolean') return 'bool';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function pathTo(from: JsonObject, key: string): string {
  const path = places.get(from)?.path ?? '';
  return path === '' ? key : `${path}.${key}`;
}

/** `IPAM` of `types.IPAM`; nothing of `struct { … }`. */
const structOf = (type: string): string => (/^[\w.]+$/.test(type) ? type.slice(type.lastIndexOf('.') + 1) : '');
