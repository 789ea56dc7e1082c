/**
 * Readers of plain data that came from a file: each checks one value and knows its path, `endpoints[0].name`.
 *
 * A reader takes a value and its path and answers with the value, typed, or throws.
 */

import { asError, LinkpointError } from '../../errors.ts';

/** Most characters of a value that an error quotes. */
const QUOTED_MAX = 60;

/** Reads one value. @throws LinkpointError ERR_NETWORK_STATE naming `path` */
export type Read<T> = (value: unknown, path: string) => T;

/** Of every field of `T` its reader. */
export type Shape<T> = { readonly [K in keyof T]-?: Read<Exclude<T[K], undefined>> };

/** The error for a value that is not what is required. */
export function malformed(path: string, value: unknown, required: string): LinkpointError {
  const quoted = value === undefined ? 'nothing is there' : `${JSON.stringify(value).slice(0, QUOTED_MAX)} is there`;
  const action = `Cannot read the network state at "${path}"`;
  return new LinkpointError('ERR_NETWORK_STATE', `${action}: ${quoted}; ${required} is required`);
}

/** Any text. */
export const readText: Read<string> = (value, path) => {
  if (typeof value !== 'string') throw malformed(path, value, 'a text');
  return value;
};

/** `true` or `false`. */
export const readBoolean: Read<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw malformed(path, value, 'true or false');
  return value;
};

/** An integer of a range. */
export const integer =
  (least = 0, most: number = Number.MAX_SAFE_INTEGER): Read<number> =>
  (value, path) => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
    throw malformed(path, value, `an integer from ${least} to ${most}`);
  };

/** One of some texts. */
export const oneOf =
  <const T extends string>(...values: readonly T[]): Read<T> =>
  (value, path) => {
    if ((values as readonly unknown[]).includes(value)) return value as T;
    throw malformed(path, value, `one of ${values.map((one) => `"${one}"`).join(', ')}`);
  };

/** A text that passes a check: one that throws, or answers false. */
export const textThat =
  (required: string, check: (text: string) => unknown): Read<string> =>
  (value, path) => {
    const text = readText(value, path);
    let isRight: unknown;
    try {
      isRight = check(text);
    } catch (error) {
      throw malformed(path, value, `${required} (${asError(error).message})`);
    }
    if (isRight === false) throw malformed(path, value, required);
    return text;
  };

/** A list. */
export const listOf =
  <T>(read: Read<T>): Read<T[]> =>
  (value, path) => {
    if (!Array.isArray(value)) throw malformed(path, value, 'a list');
    return value.map((one, i) => read(one, `${path}[${i}]`));
  };

/** What may be missing, or null: the object is then without it. */
export const optional =
  <T>(read: Read<T>): Read<T> =>
  // Only `objectOf` calls it, which leaves the undefined out.
  (value, path) => (value === undefined || value === null ? (undefined as T) : read(value, path));

/** What is something else when it is missing, or null. */
export const withDefault =
  <T>(read: Read<T>, missing: T): Read<T> =>
  (value, path) => (value === undefined || value === null ? missing : read(value, path));

/** An object with any fields. */
export const readObject: Read<Readonly<Record<string, unknown>>> = (value, path) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(path, value, 'an object');
  return value as Readonly<Record<string, unknown>>;
};

/** An object with these fields; others are ignored: a later version may have them. */
export const objectOf =
  <T extends object>(shape: Shape<T>): Read<T> =>
  (value, path) => {
    const object = readObject(value, path);
    const result: Record<string, unknown> = {};
    for (const [key, read] of Object.entries<Read<unknown>>(shape)) {
      const one = read(Object.hasOwn(object, key) ? object[key] : undefined, path === '' ? key : `${path}.${key}`);
      if (one !== undefined) result[key] = one;
    }
    return result as T;
  };
