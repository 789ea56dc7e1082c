/** Words as a test: code in the pages type-checks, and what they name exists. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { BENCH_USAGE } from '../cli/bench-options.ts';
import { NicCounter } from '../stack/nic-statistics.ts';
import { Counter } from '../stack/statistics.ts';
import { codeBlocks, readPage, readPages, typeErrors } from './_docs.ts';
import { exampleNames, exampleSource } from './_examples.ts';
import { findRoot, readSources } from './tidy/_source.ts';

const root = findRoot();
const pages = readPages();
const EXCERPT_LINES_MAX = 15;

/** First cells of the tables under a heading, without the back-quotes. */
function namesUnder(text: string, heading: string): string[] {
  const section = text.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name as string);
}

test('every code block of README and the guide type-checks against the package', (t) => {
  const blocks = pages.filter(({ path: name }) => /^(?:README|docs\/guide\/)/.test(name)).flatMap(codeBlocks);
  t.true(blocks.length >= 10);
  t.deepEqual(typeErrors(blocks), []);
});

test('the type check of code blocks finds an error', (t) => {
  const text = "```ts\nimport { openFdBased } from 'linkpoint';\nopenFdBased({ fd: 3 });\n```\n";
  const errors = typeErrors(codeBlocks({ path: 'bad.md', text }));
  t.is(errors.length, 1);
  t.regex(errors[0] as string, /^bad\.md:1: .*fd/);
});

test('the first code of README is an excerpt of an example, of at most 15 lines', (t) => {
  const [first] = codeBlocks(readPage('README.md'));
  const code = first?.code ?? '';
  t.true(code.split('\n').filter((line) => line !== '').length <= EXCERPT_LINES_MAX);
  t.true(exampleSource('embed-a-stack').includes(code.trim()));
});

test('README names every example', (t) => {
  const { text } = readPage('README.md');
  for (const name of exampleNames()) t.true(text.includes(`examples/${name}.ts`), name);
});

test('links between pages lead somewhere', (t) => {
  for (const { path: name, text } of pages) {
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      t.true(existsSync(path.join(root, path.dirname(name), target as string)), `${name}: ${target}`);
    }
  }
});

test('files that pages name exist', (t) => {
  const folders = 'native|header|gso|stack|dispatch|link|testing|sandbox|cli|test|scripts|examples|docs';
  const pattern = new RegExp(`(?<![\\w/.-])((?:${folders})/[\\w./-]+)`, 'g');
  for (const { path: name, text } of pages) {
    for (const [, file] of text.matchAll(pattern)) {
      const target = (file as string).replace(/[./]+$/, '');
      const found = [target, `${target}.ts`].some((each) => existsSync(path.join(root, each)));
      t.true(found, `${name}: ${target}`);
    }
  }
});

test('npm scripts that pages name exist', (t) => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: object };
  for (const { path: name, text } of pages) {
    for (const [, script] of text.matchAll(/npm run (?:--silent )?([\w:]+)/g)) {
      t.true((script as string) in scripts, `${name}: ${script}`);
    }
  }
});

test('docs/guide/errors.md has every error code of the library, and no other', (t) => {
  const library = readSources(root).filter((source) => !/^(?:test|examples|cli|bench)\//.test(source.path));
  const codes = library.flatMap(({ file }) => [...file.text.matchAll(/'(ERR_[A-Z0-9_]+)'/g)].map((found) => found[1]));
  t.true(codes.length >= 10);
  t.deepEqual(namesUnder(readPage('docs/guide/errors.md').text, 'Codes').sort(), [...new Set(codes)].sort());
});

test('docs/guide/statistics.md has every counter and drop reason, and no other', (t) => {
  const { text } = readPage('docs/guide/statistics.md');
  const ofEndpoint = ['Counters', 'Inbound drops', 'Outbound drops'].flatMap((heading) => namesUnder(text, heading));
  t.deepEqual(ofEndpoint, Object.keys(Counter));
  t.deepEqual(namesUnder(text, 'Counters of a NIC'), Object.keys(NicCounter));
});

test('docs/guide/benchmarks.md has every option and every field of linkpoint bench, and no other', (t) => {
  const { text } = readPage('docs/guide/benchmarks.md');
  const options = BENCH_USAGE.match(/--[a-z-]+/g) ?? [];
  t.deepEqual(namesUnder(text, 'Options').sort(), [...new Set(options)].sort());
  const result = readFileSync(path.join(root, 'cli/bench-result.ts'), 'utf8').split('interface BenchResult')[1] ?? '';
  const fields = [...(result.split('\n}')[0] ?? '').matchAll(/^ {2}readonly (\w+)/gm)].map((found) => found[1]);
  t.deepEqual(namesUnder(text, 'What it prints'), fields);
});
