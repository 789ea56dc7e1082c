/** Namespaces of an ordinary user: a child in a user namespace of its own, behind the same calls. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, accessSync, existsSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { ExecutionContext } from 'ava';

import { createNetNamespace, type NetNamespace } from '../../sandbox/index.ts';
import { fdCount, until } from '../native/_support.ts';
import { testAsRealRoot, testWithTun } from './_rights.ts';

const PROGRAM = fileURLToPath(new URL('./_rootless-main.js', import.meta.url));
const AS_NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

interface Outcome {
  readonly isRootless: boolean;
  readonly pid: number;
  readonly tap: string | null;
  readonly device: { readonly kind: string; readonly refused: readonly { readonly reason: string }[] };
  readonly missing: { readonly message: string };
  readonly enter: string;
}

/** Runs the program as uid 65534: its first line, and how to end it. */
async function runAsNobody(t: ExecutionContext, argument: string): Promise<{ outcome: Outcome; kill: () => void; ended: Promise<unknown> }> {
  const child = spawn(AS_NOBODY[0]!, [...AS_NOBODY.slice(1), process.execPath, PROGRAM, argument], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [unknown];
  if (typeof line !== 'string') throw new Error(`The program ended early with ${String(line)}`);
  return { outcome: JSON.parse(line) as Outcome, kill: () => void child.kill('SIGKILL'), ended };
}

/** Whether an ordinary user may open /dev/net/tun. */
const isTunForEverybody = (): boolean => (statSync('/dev/net/tun').mode & constants.S_IWOTH) !== 0;

testAsRealRoot('uid 65534 makes a namespace, links, addresses and a device, and is told what it got', async (t) => {
  t.timeout(30_000);
  const { outcome, ended } = await runAsNobody(t, 'once');
  const kind = isTunForEverybody() ? 'tap' : 'veth';
  const name = `${kind}0`;
  t.like(outcome, { uid: 65534, isRootless: true, change: 'new', addresses: ['192.0.2.1'], device: { kind, name, fds: 2 } });
  const links = ['eth0', 'eth1', 'lo', ...(kind === 'veth' ? ['veth0', 'veth0-out'] : ['tap0'])].sort();
  t.deepEqual((outcome as unknown as { links: string[] }).links, links);
  if (kind === 'veth') {
    t.regex(outcome.device.refused[0]!.reason, /EACCES; read and write access to \/dev\/net\/tun is required/);
    t.regex(outcome.tap!, /EACCES; read and write access to \/dev\/net\/tun is required/);
  }
  t.like(outcome.missing, { code: 'ENODEV', errno: 19, syscall: 'ioctl(SIOCGIFINDEX)' });
  t.regex(outcome.missing.message, /^Cannot find interface "nope": ioctl\(SIOCGIFINDEX\) failed with ENODEV; /);
  t.regex(outcome.enter, /EPERM; CAP_SYS_ADMIN is required/);
  t.deepEqual(await ended, [0, null]);
  t.false(existsSync(`/proc/${outcome.pid}`));
});

testAsRealRoot('the namespace\'s process goes when its parent is killed', async (t) => {
  t.timeout(30_000);
  const { outcome, kill, ended } = await runAsNobody(t, 'wait');
  t.notThrows(() => accessSync(`/proc/${outcome.pid}`));
  kill();
  await ended;
  await until(() => !existsSync(`/proc/${outcome.pid}`), 'the child is gone');
  t.pass();
});

testWithTun('root can have a rootless one, too; requests are answered in order, and delete() ends the child', async (t) => {
  const before = fdCount();
  const namespace = (await createNetNamespace({ rootless: 'always' })) as NetNamespace & { pid: number };
  t.true(namespace.isRootless);
  const [rtnl, tap, device] = await Promise.all([namespace.rtnl(), namespace.openTap({ name: 'a0' }), namespace.openDevice()]);
  t.deepEqual(rtnl.links.list({ kind: 'tun' }).map(({ name }) => name).sort(), ['a0', 'tap0']);
  tap.close();
  device.device.close();
  const { pid } = namespace;
  await namespace.delete();
  await namespace.delete();
  t.false(existsSync(`/proc/${pid}`));
  await t.throwsAsync(namespace.openTap(), { code: 'ERR_CLOSED' });
  t.is(rtnl.links.get('lo').name, 'lo', 'a socket outlives the process that opened it');
  rtnl.close();
  t.true(fdCount() <= before);
});
