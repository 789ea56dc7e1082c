/**
 * Reading configuration: decoded JSON is `unknown`, and these say which key has a value of the wrong kind. As in the
 * reference, `null` is the same as absent, and keys that nobody asks for are ignored.
 */

/** An object of decoded JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object, and no array. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object at `key`; undefined where it is absent. @throws TypeError on another kind of value */
export function objectAt(from: JsonObject, key: string): JsonObject | undefined {
  const value = from[key] ?? undefined;
  return value === undefined || isJsonObject(value) ? value : refuse(key, value, 'an object');
}

/** The text at `key`; undefined where it is absent. @throws TypeError */
export function stringAt(from: JsonObject, key: string): string | undefined {
  const value = from[key] ?? undefined;
  return value === undefined || typeof value === 'string' ? value : refuse(key, value, 'a string');
}

/** The integer at `key`; undefined where it is absent. @throws TypeError */
export function integerAt(from: JsonObject, key: string): number | undefined {
  const value = from[key] ?? undefined;
  return value === undefined || (typeof value === 'number' && Number.isSafeInteger(value))
    ? value
    : refuse(key, value, 'an integer');
}

/** The truth value at `key`; undefined where it is absent. @throws TypeError */
export function booleanAt(from: JsonObject, key: string): boolean | undefined {
  const value = from[key] ?? undefined;
  return value === undefined || typeof value === 'boolean' ? value : refuse(key, value, 'true or false');
}

/** The list at `key`, empty where it is absent. @throws TypeError */
export function arrayAt(from: JsonObject, key: string): readonly unknown[] {
  const value = from[key] ?? [];
  return Array.isArray(value) ? value : refuse(key, value, 'a list');
}

/** The objects of the list at `key`. @throws TypeError */
export function objectsAt(from: JsonObject, key: string): readonly JsonObject[] {
  return arrayAt(from, key).map((value) => (isJsonObject(value) ? value : refuse(key, value, 'a list of objects')));
}

/** The texts of the list at `key`. @throws TypeError */
export function stringsAt(from: JsonObject, key: string): readonly string[] {
  return arrayAt(from, key).map((value) =>
    typeof value === 'string' ? value : refuse(key, value, 'a list of strings'),
  );
}

function refuse(key: string, value: unknown, expected: string): never {
  throw new TypeError(
    `cannot read key ${JSON.stringify(key)}: it is ${JSON.stringify(value)}; ${expected} is expected`,
  );
}
