/** Attributes that are numbers, as a table: what a kind of link calls them, their type and their width. */

import type { Attributes } from './attributes.ts';
import type { NetlinkMessage } from './message.ts';

/** `flag8` and `flag32` are booleans of that width. */
export type Width = 'u8' | 'u16' | 'u32' | 'flag8' | 'flag32';
/** Of every field of `T` its attribute type and width. */
export type FieldTable<T> = { readonly [K in keyof Required<T>]: readonly [type: number, width: Width] };

/** The values that are there. */
export function readFields<T>(table: FieldTable<T>, attributes: Attributes): T {
  const values: Record<string, number | boolean> = {};
  for (const [name, [type, width]] of Object.entries(table) as [string, readonly [number, Width]][]) {
    const value = readField(attributes, type, width);
    if (value !== undefined) values[name] = value;
  }
  return values as T;
}

/** Appends the values that are given. @throws TypeError naming a field that the table lacks */
export function writeFields<T extends object>(table: FieldTable<T>, values: T, message: NetlinkMessage): void {
  for (const [name, value] of Object.entries(values) as [keyof T & string, number | boolean | undefined][]) {
    if (!Object.hasOwn(table, name)) throw new TypeError(`Cannot build a netlink message: there is no field "${name}"`);
    const field = table[name];
    if (value !== undefined) writeField(message, field[0], field[1], Number(value));
  }
}

function readField(attributes: Attributes, type: number, width: Width): number | boolean | undefined {
  switch (width) {
    case 'u8':
    case 'u16':
    case 'u32':
      return attributes[width](type);
    case 'flag8':
    case 'flag32': {
      const value = width === 'flag8' ? attributes.u8(type) : attributes.u32(type);
      return value === undefined ? undefined : value !== 0;
    }
  }
}

function writeField(message: NetlinkMessage, type: number, width: Width, value: number): void {
  switch (width) {
    case 'u8':
    case 'flag8':
      message.u8(type, value);
      return;
    case 'u16':
      message.u16(type, value);
      return;
    case 'u32':
    case 'flag32':
      message.u32(type, value);
  }
}
