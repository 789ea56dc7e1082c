/**
 * Style as a test: the rules of DESIGN sections 1 and 5 that a program can check. Each rule is first shown bad samples,
 * so that a rule which finds nothing is known to look.
 */

import { readdirSync } from 'node:fs';
import test from 'ava';
import {
  findAny,
  findDefaultExports,
  findLongFiles,
  findLongFunctions,
  findUndocumentedExports,
} from './tidy/_declarations.ts';
import {
  findCycles,
  findForeignPackages,
  findLayerViolations,
  findUnpinnedAddresses,
  findWaysToNative,
} from './tidy/_imports.ts';
import { findForeignEntries, findMissingFiles } from './tidy/_root.ts';
import { findRoot, parseSource, readSources, type Source } from './tidy/_source.ts';

const root = findRoot();
const sources = readSources(root);

type Rule = (sources: readonly Source[]) => string[];
type Sample = Readonly<Record<string, string>>;

const parse = (sample: Sample): Source[] => Object.entries(sample).map(([name, text]) => parseSource(name, text));

/** Two tests: the rule finds as many violations as each bad sample has and none in the good one; the tree has none. */
function checkRule(title: string, rule: Rule, samples: { bad: readonly Sample[]; good: Sample }): void {
  test(`${title}: the rule finds a violation`, (t) => {
    for (const bad of samples.bad) t.true(rule(parse(bad)).length > 0, JSON.stringify(bad));
    t.deepEqual(rule(parse(samples.good)), []);
  });
  test(`${title}: the tree keeps the rule`, (t) => {
    const violations = rule(sources);
    t.is(violations.length, 0, `\n${violations.join('\n')}`);
  });
}

test('the rules see the whole tree', (t) => {
  const paths = sources.map((source) => source.path);
  for (const known of ['errors.ts', 'stack/nic.ts', 'test/tidy.test.ts']) t.true(paths.includes(known), known);
  t.false(paths.some((name) => name.includes('node_modules') || name.startsWith('dist/')));
});

checkRule('imports go down the layers only', findLayerViolations, {
  bad: [
    { 'header/tcp.ts': "import { Arena } from '../stack/arena.ts';" },
    { 'stack/nic.ts': "import type { FdBased } from '../link/fd-based.ts';" },
    { 'header/tcp.ts': "export * from '../native/libc.ts';" },
    { 'sandbox/veth.ts': "import '../testing/index.ts';" },
    { 'gso/index.ts': "export type A = import('../stack/arena.ts').Arena;" },
    { 'link/pipe.ts': "const later = await import('../cli/main.ts');" },
    { 'link/pipe.ts': "import '../index.ts';" },
    { 'link/pipe.ts': "import '../nowhere/index.ts';" },
    { 'nowhere/index.ts': "import '../errors.ts';" },
  ],
  good: {
    'link/fd-based.ts':
      "import { a } from '../native/libc.ts'; import { b } from './pipe.ts'; import { c } from 'node:fs';",
    'cli/main.ts': "import '../index.ts'; import '../sandbox/veth.ts';",
    'test/any.test.ts': "import '../cli/main.ts'; import './stack/_support.ts';",
  },
});

checkRule('no import leads back to where it began', findCycles, {
  bad: [
    { 'stack/a.ts': "import './a.ts';" },
    {
      'stack/a.ts': "import './b.ts';",
      'stack/b.ts': "export * from './c.ts';",
      'stack/c.ts': "import { a } from './a.ts';",
    },
  ],
  good: { 'stack/a.ts': "import './b.ts'; import './c.ts';", 'stack/b.ts': "import './c.ts';", 'stack/c.ts': '' },
});

checkRule('what must load without FFI does not lead to native/', findWaysToNative, {
  bad: [
    { 'gso/a.ts': "import '../native/libc.ts';", 'native/libc.ts': '' },
    { 'link/pipe.ts': "import './other.ts';", 'link/other.ts': "import '../native/libc.ts';", 'native/libc.ts': '' },
    {
      'testing/a.ts': "import '../link/fd-based.ts';",
      'link/fd-based.ts': "import '../native/fd.ts';",
      'native/fd.ts': '',
    },
  ],
  good: {
    'link/pipe.ts': "import '../stack/nic.ts';",
    'stack/nic.ts': '',
    'link/fd-based.ts': "import '../native/fd.ts';",
    'native/fd.ts': '',
  },
});

checkRule('packages stay in the folder that owns them', findForeignPackages, {
  bad: [
    { 'link/pipe.ts': "import koffi from 'koffi';" },
    { 'sandbox/veth.ts': "const koffi = createRequire(import.meta.url)('koffi');" },
    { 'stack/nic.ts': "export type Koffi = typeof import('koffi');" },
    { 'dispatch/worker.ts': "import { Piscina } from 'piscina';" },
    { 'cli/bench.ts': "import { Bench } from 'tinybench';" },
    { 'testing/suite.ts': "import test from 'ava';" },
    { 'testing/suite.ts': "import fc from 'fast-check';" },
    { 'bench/report.ts': "import ts from 'typescript';" },
  ],
  good: {
    'native/koffi.ts': "const koffi = createRequire(import.meta.url)('koffi');",
    'dispatch/pool.ts': "import { Piscina } from 'piscina';",
    'bench/codec.bench.ts': "import { Bench } from 'tinybench';",
    'test/a.test.ts': "import test from 'ava'; import fc from 'fast-check';",
    'stack/nic.ts': "const text = 'koffi'; import { EventEmitter } from 'eventemitter3';",
  },
});

checkRule('every address is taken by native/memory, which pins', findUnpinnedAddresses, {
  bad: [
    { 'native/vectors.ts': 'const at = koffi.address(view);' },
    { 'native/vectors.ts': "const at = koffi['address'](view);" },
    { 'native/vectors.ts': "const at = requireKoffi('x').address(view);" },
    { 'native/vectors.ts': 'const { address } = koffi;' },
    { 'native/vectors.ts': "import { address } from 'koffi';" },
    { 'test/native/a.test.ts': 'const at = koffi!.address(view);' },
  ],
  good: {
    'native/memory.ts': 'const at = Number(koffi.address(view));',
    'native/vectors.ts': 'const at = arena.address; const { address } = arena; // koffi.address',
  },
});

const lines = (count: number, line = 'f();'): string => `${line}\n`.repeat(count);

checkRule('a file has at most 400 lines', findLongFiles, {
  bad: [{ 'stack/a.ts': lines(401) }, { 'test/a.test.ts': lines(401) }],
  good: { 'stack/a.ts': lines(400) },
});

checkRule('a function has at most 50 lines', findLongFunctions, {
  bad: [
    { 'stack/a.ts': `function f() {\n${lines(49)}}` },
    { 'stack/a.ts': `const f = () => {\n${lines(49)}};` },
    { 'stack/a.ts': `class A {\n  get f() {\n${lines(49)}}\n}` },
    { 'stack/a.ts': `class A {\n  constructor() {\n${lines(49)}}\n}` },
    { 'stack/a.ts': `test('a', (t) => {\n${lines(49)}});` },
  ],
  good: { 'stack/a.ts': `function f() {\n${lines(48)}}\nclass A {\n${lines(60, 'f(): void {}')}}` },
});

checkRule('every export of the library has a docstring', findUndocumentedExports, {
  bad: [
    { 'stack/a.ts': 'export const a = 1;' },
    { 'stack/a.ts': '// no docstring\nexport function f(): void {}' },
    { 'stack/a.ts': '/** One. */\nexport type A = 1;\nexport interface B {}' },
    { 'stack/a.ts': '/** The file. */\n\nexport class A {}' },
    { 'cli/main.ts': '/* no docstring */ export async function main(): Promise<void> {}' },
    { 'native/layout.ts': '// struct iovec\nexport const A = 0;\n\nexport const B = 1;' },
    { 'native/layout.ts': '// what it does\nexport function f(): void {}' },
    { 'native/other.ts': '// struct iovec\nexport const A = 0;' },
  ],
  good: {
    'stack/a.ts':
      "/** The file. */\n\nimport './b.ts';\n/** One. */\nexport const a = 1, b = 2;\n/** Two. */ export class A {}",
    'stack/b.ts': '/** The file. */\n\n/** One. */\nexport const a = 1;',
    'stack/c.ts': '/** Both. */\nexport function f(a: string): void;\nexport function f(a: number): void;',
    'native/layout.ts': '/** The file. */\n\n// struct iovec\nexport const A = 0;\nexport const B = 1;',
    'stack/index.ts': "export * from './a.ts'; export { a } from './b.ts';",
    'test/a.ts': 'export const a = 1;',
  },
});

checkRule('nothing is exported by default unless a contract says so', findDefaultExports, {
  bad: [
    { 'stack/a.ts': 'export default class A {}' },
    { 'stack/a.ts': 'const a = 1;\nexport default a;' },
    { 'stack/a.ts': 'const a = 1;\nexport { a as default };' },
  ],
  good: {
    'dispatch/worker.ts': 'export default function run(): void {}',
    'stack/a.ts': "export { default as a } from './b.ts';",
  },
});

checkRule('nothing is any', findAny, {
  bad: [
    { 'stack/a.ts': 'let a: any;' },
    { 'stack/a.ts': 'const a = b as any;' },
    { 'stack/a.ts': 'type A = Map<string, any>;' },
  ],
  good: { 'stack/a.ts': "let any: unknown; // any\nconst text = 'any';" },
});

test('the root holds what DESIGN names: the check finds what does not belong, and what is missing', (t) => {
  t.deepEqual(findForeignEntries(['stack', '.github', 'dist', 'utils', 'notes.md']), ['utils', 'notes.md']);
  t.deepEqual(findMissingFiles([]).length, 10);
});

test('the root holds nothing but what DESIGN names', (t) => {
  t.deepEqual(findForeignEntries(readdirSync(root)), []);
});

test('the root lacks none of the files that DESIGN names', (t) => {
  t.deepEqual(findMissingFiles(readdirSync(root)), []);
});
