/**
 * `CNI_ARGS`: `K=V;K=V`, extra arguments that a runtime passes to every plugin of a chain. A plugin takes the keys that
 * it knows; any other is an error unless `IgnoreUnknown=1` is among them. Source: CNI SPEC 1.1.0, "Parameters", and the
 * reference's texts.
 */

const TRUE = /^(?:1|true)$/i;
const FALSE = /^(?:0|false)$/i;

/**
 * The values of the known keys; the last of equals counts.
 *
 * @param text `CNI_ARGS`; may be empty
 * @param known keys that the plugin takes, in the protocol's own case: `['IP']`
 * @throws Error with the reference's words on a pair without `=` and on unknown keys
 */
export function parseCniArgs(text: string, known: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  if (text === '') return values;
  const unknown: string[] = [];
  for (const pair of text.split(';')) {
    const [key = '', value, ...more] = pair.split('=');
    if (value === undefined || more.length > 0) throw new Error(`ARGS: invalid pair ${JSON.stringify(pair)}`);
    if (key === 'IgnoreUnknown' || known.includes(key)) values.set(key, value);
    else unknown.push(pair);
  }
  const ignoresUnknown = readTruth(values.get('IgnoreUnknown') ?? '0');
  if (unknown.length > 0 && !ignoresUnknown) {
    throw new Error(`ARGS: unknown args ${quoteList(unknown)}`);
  }
  return values;
}

/** Texts as the reference prints a list of them: `["a" "b"]`. */
export const quoteList = (texts: readonly string[]): string =>
  `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`;

function readTruth(text: string): boolean {
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  throw new Error(
    `ARGS: error parsing value of pair ${JSON.stringify(`IgnoreUnknown=${text}`)}: boolean unmarshal error: ` +
      `invalid input ${text}`,
  );
}
