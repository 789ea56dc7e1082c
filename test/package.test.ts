/** The package's doors: what package.json exports, what each door shows, and which of them load without FFI. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import * as errors from '../errors.ts';
import { findRoot } from './tidy/_source.ts';

const root = findRoot();

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Manifest;
const doors = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json');
const specifierOf = (subpath: string): string => path.posix.join(manifest.name, subpath);
const open = async (subpath: string): Promise<Record<string, unknown>> =>
  (await import(specifierOf(subpath))) as Record<string, unknown>;

/** Imports `specifiers` in a process that may load no addon: what it says on stderr, nothing when all of them load. */
function importWithoutAddons(...specifiers: readonly string[]): string {
  const refuse = "process.dlopen = (_module, file) => { throw new Error('addon ' + file); };";
  const imports = specifiers.map((specifier) => `await import('${specifier}');`).join('\n');
  const args = ['--input-type=module', '-e', `${refuse}\n${imports}`];
  return spawnSync(process.execPath, args, { cwd: root }).stderr.toString();
}

test('every folder that is a public door has a subpath, and no other one has', (t) => {
  const folders = ['cni', 'dispatch', 'gso', 'header', 'link', 'native', 'sandbox', 'stack', 'testing'];
  const expected = ['.', ...folders.map((folder) => `./${folder}`)];
  t.deepEqual([...doors].sort(), expected);
});

for (const subpath of doors) {
  test(`${specifierOf(subpath)} imports, and its types are told first`, async (t) => {
    const target = manifest.exports[subpath];
    if (typeof target !== 'object') return t.fail('a door needs types and default');
    t.deepEqual(Object.keys(target), ['types', 'default']);
    for (const file of Object.values(target)) t.true(existsSync(path.join(root, file)), file);
    t.true(Object.keys(await open(subpath)).length > 0);
  });
}

test('the main door shows every error class, every endpoint and every opener', async (t) => {
  const main = await open('.');
  const classes = Object.entries(errors).filter(([, value]) => (value.prototype as unknown) instanceof Error);
  t.true(classes.length >= 10);
  for (const [name, value] of classes) t.is(main[name], value, name);
  for (const subpath of ['./link', './stack', './dispatch', './gso']) {
    for (const [name, value] of Object.entries(await open(subpath))) t.is(main[name], value, `${subpath} ${name}`);
  }
});

test('linkpoint/testing shows the same endpoints and stack as the main door', async (t) => {
  const main = await open('.');
  const testing = await open('./testing');
  const shared = Object.keys(testing).filter((name) => name in main);
  for (const name of ['ChannelEndpoint', 'LoopbackEndpoint', 'createPipe', 'MuxedEndpoint', 'Nic', 'Stack']) {
    t.true(shared.includes(name), name);
  }
  for (const name of shared) t.is(testing[name], main[name], name);
});

test('testing, stack, header and gso load no addon, koffi included', (t) => {
  const without = ['./testing', './stack', './header', './gso'].map(specifierOf);
  t.is(importWithoutAddons(...without), '');
});

test('the check for addons finds one: native loads koffi', (t) => {
  t.regex(importWithoutAddons(specifierOf('./native')), /addon .*koffi/);
});
