/** Calling another plugin: how it is found, what it is given, and what becomes of what it says. */

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import test from 'ava';

import { execAdd, execCheck, execDel, execGc, execStatus, findPlugin } from '../../cni/delegate.ts';
import { CniError } from '../../cni/error.ts';
import type { PluginContext } from '../../cni/types.ts';
import { contextOf, temporaryFolder } from './_support.ts';

/** A folder with a plugin `fake` that is this shell script. */
function fake(folder: string, script: string): PluginContext {
  writeFileSync(path.join(folder, 'fake'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const config = { cniVersion: '1.0.0', name: 'net1', ipam: { type: 'fake' } };
  return contextOf(config, {
    path: ['/nowhere', folder],
    cniVersion: '1.0.0',
    env: { PATH: '/usr/bin:/bin', CNI_COMMAND: 'CHECK' },
  });
}

test('findPlugin() takes the first folder that has it', (t) => {
  const [first, second] = [temporaryFolder(t), temporaryFolder(t)];
  for (const folder of [first, second]) writeFileSync(path.join(folder, 'both'), '');
  writeFileSync(path.join(second, 'one'), '');
  mkdirSync(path.join(first, 'one'));
  t.is(findPlugin('both', [first, second]), path.join(first, 'both'));
  t.is(findPlugin('one', [first, second]), path.join(second, 'one'));
});

test('findPlugin() says what is wrong in the words of the reference', (t) => {
  t.throws(() => findPlugin('', ['/nowhere']), { message: 'no plugin name provided' });
  t.throws(() => findPlugin('../fake', ['/nowhere']), { message: 'invalid plugin name: ../fake' });
  t.throws(() => findPlugin('fake', []), { message: 'no paths provided' });
  t.throws(() => findPlugin('fake', ['/nowhere/a', '/nowhere/b']), {
    message: 'failed to find plugin "fake" in path [/nowhere/a /nowhere/b]',
  });
});

for (const [command, exec] of Object.entries({
  ADD: execAdd,
  DEL: execDel,
  CHECK: execCheck,
  GC: execGc,
  STATUS: execStatus,
})) {
  test(`${command} reaches the plugin with its own command and the caller's configuration`, async (t) => {
    const folder = temporaryFolder(t);
    const answer = `echo '{"ips":[{"address":"192.0.2.2/24"}]}'`;
    const script = `cat > ${folder}/stdin; echo $CNI_COMMAND > ${folder}/command; ${answer}`;
    const context = fake(folder, script);
    const result = await exec('fake', context);
    t.is(readFileSync(path.join(folder, 'command'), 'utf8').trim(), command);
    t.is(readFileSync(path.join(folder, 'stdin'), 'utf8'), context.raw);
    if (command === 'ADD') t.like(result, { ips: [{ address: '192.0.2.2/24' }], routes: [] });
    else t.is(result, undefined);
  });
}

test('execAdd() reads a result of any version', async (t) => {
  const context = fake(temporaryFolder(t), `echo '{"cniVersion":"0.2.0","ip4":{"ip":"192.0.2.2/24"}}'`);
  t.like(await execAdd('fake', context), { ips: [{ address: '192.0.2.2/24' }] });
});

test('execAdd() gives the plugin another configuration where one is given', async (t) => {
  const context = fake(temporaryFolder(t), 'cat');
  t.like(await execAdd('fake', context, '{"cniVersion":"1.0.0","ips":[{"address":"192.0.2.7/24"}]}'), {
    ips: [{ address: '192.0.2.7/24' }],
  });
});

/** `[what, script, the error]` */
const NO_TEXT =
  'netplugin failed but error parsing its diagnostic message "{\\"msg\\":5}\\n": ' +
  'json: cannot unmarshal number into Go struct field Error.msg of type string';

const FAILURES: readonly (readonly [string, string, object])[] = [
  [
    'prints an error',
    `echo '{"code":11,"msg":"later","details":"soon"}'; exit 1`,
    { code: 11, msg: 'later', details: 'soon' },
  ],
  ['says something on stderr', 'echo oops >&2; exit 2', { msg: 'netplugin failed: "oops\\n"' }],
  ['says nothing', 'exit 3', { msg: 'netplugin failed with no error message: exit status 3' }],
  ['is killed', 'kill -9 $$', { msg: 'netplugin failed with no error message: signal: killed' }],
  [
    'prints no JSON',
    'echo nonsense; exit 1',
    {
      code: 0,
      msg:
        'netplugin failed but error parsing its diagnostic message "nonsense\\n": ' +
        "invalid character 'o' in literal null (expecting 'u')",
    },
  ],
  ['prints a message of another kind', 'echo \'{"msg":5}\'; exit 1', { code: 0, msg: NO_TEXT }],
];

for (const [title, script, error] of FAILURES) {
  test(`a plugin that ${title} becomes a CNI error`, async (t) => {
    const thrown = await t.throwsAsync(execDel('fake', fake(temporaryFolder(t), script)), { instanceOf: CniError });
    t.like(thrown, error);
  });
}

test('a plugin that prints no result fails ADD', async (t) => {
  await t.throwsAsync(execAdd('fake', fake(temporaryFolder(t), 'echo nonsense')), {
    message: "failed to unmarshal raw result: invalid character 'o' in literal null (expecting 'u')",
  });
  await t.throwsAsync(execAdd('fake', fake(temporaryFolder(t), `echo '{"cniVersion":"7.0.0"}'`)), {
    message: 'unsupported CNI result version "7.0.0"',
  });
});

test('a plugin that cannot be started becomes a CNI error', async (t) => {
  const folder = temporaryFolder(t);
  const context = fake(folder, 'true');
  chmodSync(path.join(folder, 'fake'), 0o644);
  const msg = `netplugin failed with no error message: fork/exec ${folder}/fake: permission denied`;
  t.like(await t.throwsAsync(execDel('fake', context), { instanceOf: CniError }), { code: 0, msg });
});

test('what a plugin that succeeds says on stderr is passed on', async (t) => {
  const lines: string[] = [];
  const context = fake(temporaryFolder(t), 'echo careful >&2');
  await execDel('fake', { ...context, warn: (line) => lines.push(line) });
  t.deepEqual(lines, ['careful']);
});
