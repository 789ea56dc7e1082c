/** Numbers that have names in ip(8): scopes, states, types. A number without a name is its decimal text. */

/** A table of names, by number. */
export interface Names {
  /** Name of a number. */
  of(number: number): string;
  /** Number of a name. @throws TypeError when there is no such name and it is no number */
  number(name: string): number;
}

/** Makes a table. @param what for errors: `route type` */
export function namesOf(what: string, names: Readonly<Record<number, string>>): Names {
  const numbers = new Map(Object.entries(names).map(([number, name]) => [name, Number(number)]));
  return {
    of: (number) => names[number] ?? String(number),
    number: (name) => {
      const number = numbers.get(name) ?? (/^\d+$/.test(name) ? Number(name) : undefined);
      if (number === undefined) throw new TypeError(`Cannot use "${name}": it is no ${what}`);
      return number;
    },
  };
}

/** Names of the bits that are set, lowest first. */
export function bitNames(bits: number, names: Readonly<Record<number, string>>): string[] {
  return Object.entries(names).flatMap(([bit, name]) => ((bits & Number(bit)) !== 0 ? [name] : []));
}

/** The bits of some names. @throws TypeError when there is no such name */
export function bitsOf(what: string, selected: readonly string[], names: Readonly<Record<number, string>>): number {
  const table = namesOf(what, names);
  return selected.reduce((bits, name) => bits | table.number(name), 0);
}

/** RT_SCOPE_…: how far an address or a route reaches. */
export const SCOPES: Names = namesOf('scope', { 0: 'global', 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' });
