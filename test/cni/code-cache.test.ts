/** The code of installed plugins and what was compiled of it: whatever becomes of that file, the plugin answers. */

import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { decodeCache, encodeCache, moduleScript } from '../../cni/code-cache.ts';
import { installCniPlugins } from '../../cni/install.ts';
import { execute, installedFolder } from './_executables.ts';
import { temporaryFolder } from './_support.ts';

/** The files of the code, of one plugin or of all, with this ending. */
function codeFiles(folder: string, ending: string, plugin = ''): string[] {
  const shared = path.join(folder, '.linkpoint');
  const names = readdirSync(shared).filter((name) => name.startsWith(plugin) && name.endsWith(ending));
  return names.map((name) => path.join(shared, name));
}

async function answersVersion(t: ExecutionContext, folder: string, plugin: string): Promise<void> {
  const answer = await execute(path.join(folder, plugin), { command: 'VERSION' });
  t.is(answer.status, 0, answer.stderr);
  t.is(answer.stderr, '');
  t.regex(answer.stdout, /^\{"cniVersion":"1\.1\.0",/);
}

test('V8 takes the installed cache for the installed code', (t) => {
  const folder = installedFolder(t);
  const caches = codeFiles(folder, '.cache');
  t.is(caches.length, 2);
  for (const cache of caches) {
    const code = cache.replace(/cache$/, 'cjs');
    const script = moduleScript(readFileSync(code, 'latin1'), code, decodeCache(readFileSync(cache)));
    t.false(script.cachedDataRejected, cache);
  }
});

test('functions of the cache are compiled, not only those that a start runs', (t) => {
  const folder = installedFolder(t);
  const [code = ''] = codeFiles(folder, '.cjs', 'bridge');
  const [cache = ''] = codeFiles(folder, '.cache', 'bridge');
  const lazy = moduleScript(readFileSync(code, 'latin1'), code).createCachedData();
  t.true((decodeCache(readFileSync(cache))?.length ?? 0) > 3 * lazy.length);
});

/** What may lie where the cache is expected. */
const DAMAGE: Readonly<Record<string, (cache: Buffer, folder: string) => Buffer>> = {
  'cut short': (cache) => cache.subarray(0, cache.length - 7),
  'cut in the middle': (cache) => cache.subarray(0, cache.length / 2),
  empty: () => Buffer.alloc(0),
  'all zeros': (cache) => Buffer.alloc(cache.length),
  'another one, whole': (_, folder) => readFileSync(codeFiles(folder, '.cache', 'host-local')[0] ?? ''),
  'text of the same length': (cache) => Buffer.alloc(cache.length, 'linkpoint'),
  'of another version of V8': (cache) => {
    const first = Buffer.from(decodeCache(cache) ?? []);
    first.writeUInt32LE(~first.readUInt32LE(4) >>> 0, 4);
    return encodeCache(first);
  },
};

for (const [what, damage] of Object.entries(DAMAGE)) {
  test(`a cache that is ${what} is not used, and nothing is said of it`, async (t) => {
    const folder = installedFolder(t);
    const [cache = ''] = codeFiles(folder, '.cache', 'bridge');
    const [code = ''] = codeFiles(folder, '.cjs', 'bridge');
    writeFileSync(cache, damage(readFileSync(cache), folder));
    const data = decodeCache(readFileSync(cache));
    const script = data && moduleScript(readFileSync(code, 'latin1'), code, data);
    t.not(script?.cachedDataRejected, false);
    await answersVersion(t, folder, 'bridge');
  });
}

test('a cache with one wrong bit is not used: V8 itself would not notice', (t) => {
  const folder = installedFolder(t);
  const [cache = ''] = codeFiles(folder, '.cache', 'host-local');
  const whole = readFileSync(cache);
  for (let at = 0; at < whole.length; at += 997) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    t.is(decodeCache(damaged), undefined, String(at));
  }
  const first = Buffer.from(decodeCache(whole) ?? []);
  t.deepEqual(decodeCache(encodeCache(first)), first);
});

for (const plugin of ['bridge', 'host-local']) {
  test(`${plugin} works without a cache`, async (t) => {
    const folder = installedFolder(t);
    for (const cache of codeFiles(folder, '.cache')) rmSync(cache);
    await answersVersion(t, folder, plugin);
  });

  test(`${plugin} works where the cache is a folder or may not be read`, async (t) => {
    const folder = installedFolder(t);
    for (const cache of codeFiles(folder, '.cache')) {
      rmSync(cache);
      chmodSync(path.join(folder, '.linkpoint'), 0o755);
      writeFileSync(cache, 'x', { mode: 0o000 });
    }
    await answersVersion(t, folder, plugin);
  });
}

test('only the owner may write what was installed, whatever the umask', (t) => {
  const folder = path.join(temporaryFolder(t), 'bin');
  const before = process.umask(0);
  try {
    installCniPlugins(folder);
  } finally {
    process.umask(before);
  }
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  t.is(files.length, 8);
  for (const name of [...files, '.']) t.is(statSync(path.join(folder, name)).mode & 0o022, 0, name);
});

test('a folder that nobody may write to works, and stays as it is', async (t) => {
  const folder = installedFolder(t);
  const shared = path.join(folder, '.linkpoint');
  const before = readdirSync(shared);
  for (const each of [shared, folder]) chmodSync(each, 0o555);
  await answersVersion(t, folder, 'bridge');
  t.deepEqual(readdirSync(shared), before);
  for (const each of [shared, folder]) chmodSync(each, 0o755);
});

test('a Node that cannot be run here is installed for without a cache', (t) => {
  const folder = temporaryFolder(t);
  const node = path.join(folder, 'node');
  writeFileSync(node, '#!/bin/sh\nexit 3\n', { mode: 0o755 });
  const files = installCniPlugins(path.join(folder, 'bin'), { node });
  t.is(files.filter((file) => file.endsWith('.cache')).length, 0);
  t.is(files.length, 5);
  for (const name of readdirSync(path.join(folder, 'bin', '.linkpoint'))) t.regex(name, /\.(?:node|cjs)$/);
});
