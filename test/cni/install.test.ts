/** Installed plugins: what lies where, that they need nothing else, and what is refused. */

import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import test from 'ava';

import { installCniPlugins } from '../../cni/install.ts';
import { pluginMark, pluginVersion } from '../../cni/plugin-file.ts';
import { execute, installedFolder } from './_executables.ts';
import { decode, filesOf, temporaryFolder } from './_support.ts';

test('two executables, their code and the addon are installed, Node named by its path', (t) => {
  const folder = path.join(temporaryFolder(t), 'deep', 'bin');
  const files = installCniPlugins(folder);
  t.deepEqual(files.slice(0, 2), [path.join(folder, 'bridge'), path.join(folder, 'host-local')]);
  t.regex(files[2] ?? '', /\/\.linkpoint\/koffi-\d+\.\d+\.\d+\.node$/);
  for (const file of files) t.true(existsSync(file), file);
  for (const name of ['bridge', 'host-local']) {
    const file = path.join(folder, name);
    t.is(statSync(file).mode & 0o777, 0o755);
    t.true(readFileSync(file, 'utf8').startsWith(`#!${process.execPath} --v8-pool-size=0\n`));
    t.regex(pluginVersion(file) ?? '', /^\d+\.\d+\.\d+$/);
  }
});

for (const name of ['bridge', 'host-local']) {
  test(`${name} runs where this package is not, with an empty environment`, async (t) => {
    const answer = await execute(path.join(installedFolder(t), name), { command: 'VERSION' });
    t.is(answer.status, 0, answer.stderr);
    t.is(decode(answer)['cniVersion'], '1.1.0');
    t.is(answer.stderr, '');
  });

  test(`${name} puts errors on stdout as JSON, exits with 1, and says nothing else`, async (t) => {
    const answer = await execute(path.join(installedFolder(t), name), { config: 'nonsense' });
    t.deepEqual({ ...answer, stdout: '' }, { status: 1, stdout: '', stderr: '' });
    t.is(decode(answer)['code'], 6);
  });
}

test('installing again replaces our plugins, another version of them too', (t) => {
  const folder = installedFolder(t);
  writeFileSync(path.join(folder, 'bridge'), `#!/usr/bin/node\n${pluginMark('bridge', '0.0.1')}\n`);
  installCniPlugins(folder);
  t.not(pluginVersion(path.join(folder, 'bridge')), '0.0.1');
});

test("somebody else's plugin is not replaced unless that is asked for", (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(path.join(folder, 'host-local'), '#!/bin/sh\n');
  t.throws(() => installCniPlugins(folder), { code: 'ERR_INVALID_OPTION', message: /host-local": there is a file/ });
  t.deepEqual(filesOf(folder), { 'host-local': '#!/bin/sh\n' });
  installCniPlugins(folder, { force: true });
  t.not(pluginVersion(path.join(folder, 'host-local')), null);
});

test('a path of Node that does not fit a shebang is refused', (t) => {
  const folder = path.join(temporaryFolder(t), 'bin');
  for (const node of ['node', '/opt/my node', `/${'n'.repeat(120)}`]) {
    t.throws(() => installCniPlugins(folder, { node }), { code: 'ERR_INVALID_OPTION' }, node);
  }
  t.false(existsSync(folder));
});

test('a folder inside a package of ES modules is refused', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
  t.throws(() => installCniPlugins(path.join(folder, 'bin')), {
    message: /has type "module"; choose a folder outside/,
  });
  mkdirSync(path.join(folder, 'bin'));
  writeFileSync(path.join(folder, 'bin', 'package.json'), '{}');
  t.is(installCniPlugins(path.join(folder, 'bin')).length, 7);
});

test('pluginVersion() knows no other files', (t) => {
  const folder = temporaryFolder(t);
  copyFileSync(process.execPath, path.join(folder, 'binary'));
  writeFileSync(path.join(folder, 'script'), '#!/bin/sh\n# linkpoint\n');
  for (const name of ['binary', 'script', 'missing', '.']) t.is(pluginVersion(path.join(folder, name)), null, name);
});

/** bridge asks its IPAM plugin for STATUS; one that would fail as a program succeeds if it is not run as one. */
for (const isOurs of [true, false]) {
  const which = isOurs ? 'of its own version in its own process' : 'not ours as a program';
  test(`bridge runs a host-local that is ${which}`, async (t) => {
    const folder = installedFolder(t);
    const mark = isOurs ? readFileSync(path.join(folder, 'host-local'), 'utf8').split('\n')[1] : '# another one';
    writeFileSync(path.join(folder, 'host-local'), `#!/bin/false\n${mark}\n`, { mode: 0o755 });
    const ipam = { type: 'host-local', subnet: '192.0.2.0/24', dataDir: temporaryFolder(t) };
    const config = { cniVersion: '1.1.0', name: 'net1', type: 'bridge', bridge: 'cni0', ipam };
    const answer = await execute(path.join(folder, 'bridge'), { command: 'STATUS', config });
    t.is(answer.status, isOurs ? 0 : 1, answer.stdout);
    if (!isOurs) t.regex(answer.stdout, /netplugin failed with no error message: exit status 1/);
  });
}
