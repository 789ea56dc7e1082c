/** What needs no kernel of the sandbox network: names, models, numbers, the undo stack. Kata's own cases are marked. */

import { statSync } from 'node:fs';

import test from 'ava';

import { NetlinkError } from '../../errors.ts';
import type { Links, NewLink } from '../../sandbox/index.ts';
import type { NetworkScope } from '../../sandbox/network/endpoint.ts';
import {
  getDefaultInterworkingModel,
  isInterworkingModel,
  parseInterworkingModel,
  resolveInterworkingModel,
  setDefaultInterworkingModel,
} from '../../sandbox/network/interworking.ts';
import { deviceNumber } from '../../sandbox/network/macvtap-device.ts';
import { createMacvtapEndpoint } from '../../sandbox/network/macvtap-endpoint.ts';
import { addMacvtap } from '../../sandbox/network/macvtap-link.ts';
import { addIngressQdisc } from '../../sandbox/network/model-tcfilter.ts';
import { createNetworkPair } from '../../sandbox/network/network-pair.ts';
import { createTapEndpoint } from '../../sandbox/network/tap-endpoint.ts';
import { UndoStack } from '../../sandbox/network/undo.ts';
import {
  createTuntapEndpoint,
  createVirtualEndpoint,
  VirtualEndpoint,
} from '../../sandbox/network/virtual-endpoint.ts';

/** Nothing here is attached, so nothing of a scope is used. */
const SCOPE = {} as NetworkScope;
const MODELS = ['default', 'bridged', 'macvtap', 'tcfilter', 'none'] as const;

test('Kata: CreateVirtualNetworkEndpoint(4, "") is eth4, tap4, br4 and an address of the number', (t) => {
  const { pair, ...endpoint } = createVirtualEndpoint(SCOPE, 4, { interfaceName: '' }).toJSON();
  const { id, ...names } = pair;
  t.deepEqual(endpoint, { type: 'virtual', undo: [] });
  t.regex(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.deepEqual(names, {
    name: 'br4',
    virtualInterface: { name: 'eth4', hardwareAddress: '02:00:ca:fe:00:04' },
    tapInterface: { name: 'tap4', hardwareAddress: '' },
    model: 'tcfilter',
  });
});

test('Kata: ChooseIfaceName: the name that is given is the one that is used', (t) => {
  const endpoint = createVirtualEndpoint(SCOPE, 4, { interfaceName: 'eth1' });
  t.is(endpoint.name, 'eth1');
  t.is(endpoint.pair.tapInterface.name, 'tap4');
});

test('Kata: InvalidArgs: numbers that are none, or do not fit into the address', (t) => {
  for (const index of [-1, 0.5, Number.NaN, 0x1_0000]) {
    const message = `invalid network endpoint index: ${index}; an integer from 0 to 65535 is required`;
    const expected = { code: 'ERR_INVALID_OPTION', message };
    t.throws(() => createVirtualEndpoint(SCOPE, index), expected);
    t.throws(() => createTapEndpoint(SCOPE, index), expected);
  }
  t.is(createNetworkPair(0xffff).virtualInterface.hardwareAddress, '02:00:ca:fe:ff:ff');
  t.is(createNetworkPair(0x0102).virtualInterface.hardwareAddress, '02:00:ca:fe:01:02');
});

test('a name that is no interface\'s is refused before it is used', (t) => {
  for (const interfaceName of ['../eth0', 'eth0 up', '0123456789abcdef', '.']) {
    t.throws(() => createVirtualEndpoint(SCOPE, 0, { interfaceName }), { code: 'ERR_INVALID_OPTION' });
    t.throws(() => createMacvtapEndpoint(SCOPE, 0, { interfaceName }), { code: 'ERR_INVALID_OPTION' });
  }
});

test('Kata: TypeSet and TypeString: each kind says what it is', (t) => {
  const kinds = [createVirtualEndpoint, createTuntapEndpoint, createTapEndpoint, createMacvtapEndpoint];
  t.deepEqual(kinds.map((create) => create(SCOPE, 0).type), ['virtual', 'tuntap', 'tap', 'macvtap']);
});

test('Kata: SaveLoadIfPair: what is written down is read again, and has no descriptors', (t) => {
  const endpoint = createVirtualEndpoint(SCOPE, 4, { model: 'bridged' });
  const text = JSON.stringify(endpoint);
  const again = new VirtualEndpoint(SCOPE, JSON.parse(text));
  t.is(JSON.stringify(again), text);
  t.false(again.isAttached);
  t.notRegex(text, /fds/i);
});

test('Kata: IsValid: the models there are', (t) => {
  for (const model of MODELS) t.true(isInterworkingModel(model), model);
  for (const model of ['enlightened', 'invalid', 'Bridged', '', 1, undefined]) t.false(isInterworkingModel(model));
});

test('Kata: SetModel: names of models, and what is said of others', (t) => {
  for (const model of MODELS) t.is(parseInterworkingModel(model), model);
  const code = 'ERR_INVALID_OPTION';
  t.throws(() => parseInterworkingModel('wrong'), { code, message: /Unknown type wrong; one of "default", / });
  const create = (): unknown => createVirtualEndpoint(SCOPE, 0, { model: 'enlightened' });
  t.throws(create, { code, message: /Unsupported networking model/ });
});

test.serial('`default` is tcfilter until it is set, and an endpoint keeps what it was made with', (t) => {
  t.teardown(() => setDefaultInterworkingModel('tcfilter'));
  t.is(getDefaultInterworkingModel(), 'tcfilter');
  const before = createVirtualEndpoint(SCOPE, 0);
  setDefaultInterworkingModel('macvtap');
  setDefaultInterworkingModel('default');
  t.is(resolveInterworkingModel('default'), 'macvtap');
  t.is(resolveInterworkingModel('bridged'), 'bridged');
  t.is(before.pair.model, 'tcfilter');
  t.throws(() => setDefaultInterworkingModel('wrong'), { code: 'ERR_INVALID_OPTION' });
});

const failure = (name: string): NetlinkError =>
  new NetlinkError('expected', { syscall: 'RTM_NEWLINK', errno: 1, name });

/** Links of which the first `count` cannot be made. */
function failingLinks(
  count: number,
  code: string,
  isNameTaken = false,
): { links: Pick<Links, 'add' | 'find'>; tried: NewLink[] } {
  const tried: NewLink[] = [];
  const add = (link: NewLink): void => {
    if (tried.push(link) <= count) throw failure(code);
  };
  const find = (): ReturnType<Links['find']> => (isNameTaken ? ({} as ReturnType<Links['find']>) : undefined);
  return { links: { add, find }, tried };
}

const NEW = { name: 'tap0', parent: 'eth0', transmitQueueLength: 0 };

for (const code of ['EEXIST', 'EBUSY']) {
  test(`a macvtap whose index is taken (${code}) gets another one, at the 128th try at last`, (t) => {
    const { links, tried } = failingLinks(127, code);
    const index = addMacvtap(links, NEW);
    t.is(tried.length, 128);
    const { name, parent } = NEW;
    t.deepEqual(tried.at(-1), { kind: 'macvtap', name, parent, mode: 'bridge', index, transmitQueueLength: 1500 });
    t.true(tried.every((link) => link.index! >= 8192 && link.index! <= 8192 + 0xffff));
    t.true(new Set(tried.map((link) => link.index)).size > 100);
    t.throws(() => addMacvtap(failingLinks(128, code).links, NEW), { code });
  });
}

test('what no other index would help fails at once', (t) => {
  for (const [code, isNameTaken] of [['EPERM', false], ['EOPNOTSUPP', false], ['EEXIST', true]] as const) {
    const { links, tried } = failingLinks(1, code, isNameTaken);
    t.throws(() => addMacvtap(links, NEW), { code });
    t.is(tried.length, 1);
  }
});

test('the macvtap has its parent\'s transmit queue', (t) => {
  const { links, tried } = failingLinks(0, '');
  addMacvtap(links, { ...NEW, transmitQueueLength: 77 }, () => 9000);
  t.like(tried[0], { transmitQueueLength: 77, index: 9000 });
});

test('the ingress qdisc is tried five times while the kernel is busy, and once for any other reason', async (t) => {
  for (const [code, failures, tries] of [['EBUSY', 4, 5], ['EBUSY', 5, 5], ['EEXIST', 1, 1]] as const) {
    let calls = 0;
    const addIngress = (): void => {
      if (++calls <= failures) throw failure(code);
    };
    const added = addIngressQdisc({ addIngress }, 'eth0');
    await (failures < tries ? t.notThrowsAsync(added) : t.throwsAsync(added, { code }));
    t.is(calls, tries);
  }
});

test('device numbers are those of stat(2)', (t) => {
  t.is(deviceNumber(1, 3), statSync('/dev/null').rdev);
  t.is(deviceNumber(246, 2), 0xf602);
  t.is(deviceNumber(246, 0x12345), 0x1230_0000 + 0xf645);
});

test('an undo stack numbers its steps and takes them back last first, whatever fails', async (t) => {
  const log: string[] = [];
  const undo = (step: { readonly is: string }): void => {
    log.push(`undo ${step.is}`);
    if (step.is === 'b') throw new Error('b cannot be undone');
  };
  const stack = new UndoStack<{ readonly is: string }>(undo, (number, name) => log.push(`${number} ${name}`));
  stack.step('first', () => 1, { is: 'a' });
  await stack.wait('second', async () => 2, { is: 'b' });
  await stack.live('third', () => 'c', (result) => void log.push(`close ${result}`), { is: 'd' });
  t.deepEqual(stack.recorded, [{ is: 'a' }, { is: 'b' }, { is: 'd' }]);
  const error = await t.throwsAsync(stack.unwind(), { instanceOf: AggregateError });
  t.regex((error as AggregateError).errors.map(String).join(), /b cannot be undone/);
  t.deepEqual(log, ['1 first', '2 second', '3 third', 'close c', 'undo d', 'undo b', 'undo a']);
  t.true(stack.isEmpty);
  await stack.unwind();
});

test('a step that fails is not recorded', async (t) => {
  const stack = new UndoStack<string>(() => undefined);
  const fail = (): never => {
    throw failure('EPERM');
  };
  t.throws(() => stack.step('first', fail, 'a'), { code: 'EPERM' });
  await t.throwsAsync(stack.wait('second', async () => fail(), 'b'), { code: 'EPERM' });
  await t.throwsAsync(stack.live('third', fail, () => undefined, 'c'), { code: 'EPERM' });
  t.true(stack.isEmpty);
});
