/** Configurations that are no JSON, or whose keys are of the wrong kind: the words of Go's encoding/json. */

import test from 'ava';
import fc from 'fast-check';

import { jsonSyntaxError } from '../../cni/json-syntax.ts';
import {
  booleanAt,
  decodeJson,
  integerAt,
  nameStruct,
  objectAt,
  objectsAt,
  stringAt,
  stringsAt,
  valueAt,
} from '../../cni/json.ts';

/** `[text, what is wrong with it]`, as Go says it. */
const WRONG: readonly (readonly [string, string])[] = [
  ['', 'unexpected end of JSON input'],
  ['  \n', 'unexpected end of JSON input'],
  ['{', 'unexpected end of JSON input'],
  ['{"a', 'unexpected end of JSON input'],
  ['{"a":1', 'unexpected end of JSON input'],
  ['[1,', 'unexpected end of JSON input'],
  ['nonsense', "invalid character 'o' in literal null (expecting 'u')"],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{} x', "invalid character 'x' after top-level value"],
  ['{}{}', "invalid character '{' after top-level value"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
  ['{"a" "b"}', 'invalid character \'"\' after object key'],
  ['{"a":1 "b":2}', 'invalid character \'"\' after object key:value pair'],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['{"a":-}', "invalid character '}' in numeric literal"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
  ['{"a":1e+}', "invalid character '}' in exponent of numeric literal"],
  ['{"a":"\\q"}', "invalid character 'q' in string escape code"],
  ['{"a":"\\u12g4"}', "invalid character 'g' in \\u hexadecimal character escape"],
  ['{"a":"b\nc"}', "invalid character '\\n' in string literal"],
  ['{"a":"b\u0001c"}', "invalid character '\\x01' in string literal"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['[1 2]', "invalid character '2' after array element"],
  ['\ufeff{}', "invalid character 'ï' looking for beginning of value"],
  ['\u00a0{}', "invalid character 'Â' looking for beginning of value"],
  ['NaN', "invalid character 'N' looking for beginning of value"],
  ['['.repeat(20_000), "invalid character '[' exceeded max depth"],
];

for (const [text, message] of WRONG) {
  test(`${JSON.stringify(text.slice(0, 20))} is no JSON: ${message}`, (t) => {
    t.is(t.throws(() => decodeJson(text)).message, message);
  });
}

test('what JSON.parse takes has nothing wrong with it, and what it refuses has', (t) => {
  const part = fc.constantFrom(...'{}[],:1\\" ', '"a"', '-0.5e+1', 'true', 'null', '1.');
  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const agrees = (text: string): boolean => (jsonSyntaxError(text) === null) === isJson(text);
  fc.assert(fc.property(fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')), agrees), { numRuns: 5000 });
  fc.assert(fc.property(fc.json(), agrees));
  t.pass();
});

test('a key is found in any case, the last of several counts, null is the same as absent', (t) => {
  t.is(valueAt({ MtU: 5 }, 'mtu'), 5);
  t.is(valueAt({ mtu: 5, MTU: 6 }, 'mtu'), 6);
  t.is(valueAt({ MTU: 6, mtu: 5 }, 'mtu'), 5);
  t.is(valueAt({ mtu2: 5 }, 'mtu'), undefined);
  t.is(stringAt({ a: null }, 'a'), undefined);
});

test('errors of a named configuration say where the value would go in the reference', (t) => {
  const root = nameStruct({ a: { b: [{ c: true }, 5], d: [1], e: 1e20 } }, 'Conf');
  const a = objectAt(root, 'a', 'main.A') ?? {};
  const [first = {}] = objectsAt({ ...a, b: [] }, 'b');
  t.deepEqual(first, {});
  const message = (read: () => unknown): string => t.throws(read).message;
  const prefix = 'json: cannot unmarshal';
  t.is(message(() => stringAt(root, 'a')), `${prefix} object into Go struct field Conf.a of type string`);
  t.is(message(() => objectsAt(a, 'b', 'main.B')), `${prefix} number into Go struct field A.a.b of type main.B`);
  t.is(message(() => stringsAt(a, 'd')), `${prefix} number into Go struct field A.a.d of type string`);
  const large = 'number 100000000000000000000 into Go struct field A.a.e of type int';
  t.is(message(() => integerAt(a, 'e')), `${prefix} ${large}`);
});

test('errors of anything else name the key and quote the value', (t) => {
  t.throws(() => booleanAt({ a: 1 }, 'a'), { message: 'cannot read key "a": it is 1; true or false is expected' });
  t.throws(() => objectAt({ a: [] }, 'a'), { message: 'cannot read key "a": it is []; an object is expected' });
});
