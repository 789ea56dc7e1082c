/** Announcements on the wire, in the caches of a kernel, and as other programs see them. */

import test, { type ExecutionContext } from 'ava';

import { LinkpointError } from '../../errors.ts';
import { pseudoHeaderIpv6 } from '../../header/checksum.ts';
import * as ethernet from '../../header/ethernet.ts';
import * as icmpv6 from '../../header/icmpv6.ts';
import * as ipv6 from '../../header/ipv6.ts';
import { PROTOCOL_ICMPV6 } from '../../header/protocol.ts';
import { linkLocalFromLinkAddress, parseIpv4, parseIpv6 } from '../../header/address.ts';
import { closeFd, createNetworkNamespace, openTunFd, runInNamespace, setInterfaceUp } from '../../native/index.ts';
import { announce } from '../../sandbox/announce.ts';
import { buildGratuitousArp } from '../../sandbox/announce-message.ts';
import { waitForCarrier } from '../../sandbox/carrier.ts';
import { run } from '../cli/_support.ts';
import { delay } from '../native/_support.ts';
import { testWith } from '../_examples.ts';
import { testWithFeatures } from '../_features.ts';
import { testWithTun } from './_rights.ts';
import { command, makeTwoNics, MACS, startTcpdump, type TestNic, testWithTcpdump } from './announce-support.ts';
import { makeNamespace } from './native-support.ts';

const FOUR = '192.0.2.1';
const SIX = '2001:db8::1';
/** Works also where no other user is mapped. */
const WITHOUT_RIGHTS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];

const numberOf = (mac: string): number => Number.parseInt(mac.replaceAll(':', ''), 16);
const bytesOf = (mac: string): number[] => mac.split(':').map((octet) => Number.parseInt(octet, 16));

/** The error that a call throws, which has a cause per address. */
async function aggregate(t: ExecutionContext, promise: Promise<void>): Promise<AggregateError> {
  const error = await t.throwsAsync(promise, { instanceOf: AggregateError });
  return error as AggregateError;
}

for (const index of [0, 1] as const) {
  test.serial(`row 17: with two NICs up, what is announced on net${index} leaves by net${index} only`, async (t) => {
    const { near, nics } = makeTwoNics(t);
    await announce(`net${index}`, [SIX, FOUR], { namespace: near });
    t.is(nics[index].heard().length, 2);
    t.deepEqual(nics[1 - index]!.heard(), []);
  });
}

test.serial('row 17: a failure does not stop the addresses behind it, and every failure is told', async (t) => {
  const { near, nics } = makeTwoNics(t);
  // Without IPv6 there is no address to send an advertisement from.
  command(near, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/net1/disable_ipv6');
  const addresses = ['not an address', SIX, FOUR, '2001:db8::2', '192.0.2.2'];
  const error = await aggregate(t, announce('net1', addresses, { namespace: near }));
  t.is(nics[1].heard().length, 2);
  t.regex(error.message, /^Cannot announce 3 of 5 addresses on "net1": /);
  const [first, second, third] = error.errors as LinkpointError[];
  t.is(error.errors.length, 3);
  t.is(first?.code, 'ERR_INVALID_OPTION');
  t.is(second?.code, 'ENETUNREACH');
  t.regex(second?.message ?? '', /^Cannot announce 2001:db8::1 on "net1": sendto failed .* address detection/);
  t.regex(third?.message ?? '', /^Cannot announce 2001:db8::2 /);
});

test.serial('a gratuitous ARP frame is on the wire as it was built, broadcast', async (t) => {
  const { near, nics } = makeTwoNics(t);
  for (const arp of ['request', 'reply'] as const) {
    await announce('net1', [FOUR], { namespace: near, arp });
    t.deepEqual(nics[1].heard().map((frame) => [...frame]), [[
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...bytesOf(MACS[1]), 0x08, 0x06,
      ...buildGratuitousArp(numberOf(MACS[1]), parseIpv4(FOUR), arp),
    ]]); // prettier-ignore
  }
});

test.serial('an advertisement goes to all nodes, from the link-local address, with hop limit 255', async (t) => {
  const { near, nics } = makeTwoNics(t);
  await announce('net1', [`${SIX}/64`], { namespace: near });
  const [frame = new Uint8Array()] = nics[1].heard();
  const view = new DataView(frame.buffer);
  const messageAt = ethernet.HEADER_BYTES + ipv6.HEADER_BYTES;
  t.deepEqual([...frame.slice(0, 14)], [0x33, 0x33, 0, 0, 0, 1, ...bytesOf(MACS[1]), 0x86, 0xdd]);
  t.deepEqual([...frame.slice(14 + 4, messageAt)], [
    0, 32, // payload length
    58, // ICMPv6
    255, // hop limit
    ...linkLocalFromLinkAddress(numberOf(MACS[1])),
    0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
  ]); // prettier-ignore
  t.deepEqual([...frame.slice(messageAt, messageAt + 2)], [136, 0]);
  const sum = pseudoHeaderIpv6(view, ethernet.HEADER_BYTES, PROTOCOL_ICMPV6, frame.length - messageAt);
  t.true(icmpv6.isChecksumValid(view, messageAt, frame.length, sum));
  t.deepEqual([...frame.slice(messageAt + 4)], [
    0x20, 0, 0, 0, // override
    ...parseIpv6(SIX),
    2, 1, ...bytesOf(MACS[1]),
  ]); // prettier-ignore
});

for (const [title, address, arp] of [
  ['a gratuitous ARP request', FOUR, 'request'],
  ['a gratuitous ARP reply', FOUR, 'reply'],
  ['an unsolicited advertisement', SIX, 'request'],
] as const) {
  testWith('ip')(`${title} changes the neighbor cache of another kernel`, async (t) => {
    const { near, far } = makeTwoNics(t);
    const cached = (): string => command(far, 'ip', 'neigh', 'show', address, 'dev', 'far1');
    command(far, 'ip', 'addr', 'add', address === FOUR ? '192.0.2.2/24' : '2001:db8::2/64', 'dev', 'far1', 'nodad');
    command(far, 'ip', 'neigh', 'replace', address, 'lladdr', '02:00:00:00:00:99', 'dev', 'far1', 'nud', 'stale');
    t.regex(cached(), /lladdr 02:00:00:00:00:99/);
    await announce('net1', [address], { namespace: near, arp });
    t.regex(cached(), new RegExp(`lladdr ${MACS[1]}`));
  });
}

testWithTcpdump('tcpdump sees the frames on the right NIC of two, and their checksum right', async (t) => {
  const { near } = makeTwoNics(t);
  const dumps = await Promise.all(['net0', 'net1'].map((name) => startTcpdump(t, near, name)));
  await announce('net1', [FOUR, SIX], { namespace: near });
  await dumps[1]!.printed(2);
  const [wrong, right = ''] = await Promise.all(dumps.map((dump) => dump.end()));
  t.is(wrong?.trim(), '');
  t.regex(right, new RegExp(`^${MACS[1]} > ff:ff:ff:ff:ff:ff, ethertype ARP`, 'm'));
  t.regex(right, /who-has 192\.0\.2\.1 .*tell 192\.0\.2\.1,/);
  t.regex(right, new RegExp(`^${MACS[1]} > 33:33:00:00:00:01, ethertype IPv6.*hlim 255`, 'm'));
  t.regex(right, /\[icmp6 sum ok\] ICMP6, neighbor advertisement, length 32, tgt is 2001:db8::1, Flags \[override\]/);
  t.regex(right, new RegExp(`destination link-address option \\(2\\), length 8 \\(1\\): ${MACS[1]}`));
});

for (const [option, arp] of [['-U', 'request'], ['-A', 'reply']] as const) {
  testWith('arping')(`arping ${option} sends the same frame as arp: ${arp}`, async (t) => {
    const { near, nics } = makeTwoNics(t);
    command(near, 'ip', 'addr', 'add', `${FOUR}/24`, 'dev', 'net1');
    nics[1].heard();
    command(near, 'arping', option, '-c', '1', '-I', 'net1', FOUR);
    const [theirs] = nics[1].heard();
    await announce('net1', [FOUR], { namespace: near, arp });
    t.deepEqual(nics[1].heard()[0], theirs);
    t.not(theirs, undefined);
  });
}

testWith('arping')('arping is told the link address that was announced', async (t) => {
  const { near, far } = makeTwoNics(t);
  command(near, 'ip', 'addr', 'add', `${FOUR}/24`, 'dev', 'net1');
  command(far, 'ip', 'addr', 'add', '192.0.2.2/24', 'dev', 'far1');
  await announce('net1', [FOUR], { namespace: near });
  const answer = command(far, 'arping', '-c', '1', '-I', 'far1', FOUR);
  t.regex(answer.toLowerCase(), new RegExp(`reply from 192\\.0\\.2\\.1 \\[${MACS[1]}\\]`));
});

testWith('ndisc6')('ndisc6 is told the link address that was announced', async (t) => {
  const { near, far } = makeTwoNics(t);
  command(near, 'ip', 'addr', 'add', `${SIX}/64`, 'dev', 'net1', 'nodad');
  command(far, 'ip', 'addr', 'add', '2001:db8::2/64', 'dev', 'far1', 'nodad');
  await announce('net1', [SIX], { namespace: near });
  const answer = command(far, 'ndisc6', '-1', SIX, 'far1');
  t.regex(answer.toLowerCase(), new RegExp(`target link-layer address: ${MACS[1]}`));
});

test.serial('an advertisement fails while the link-local address is tentative; a later round sends it', async (t) => {
  const { near, nics } = makeTwoNics(t);
  const flap = (): void =>
    runInNamespace(near, () => {
      setInterfaceUp('net1', false);
      command(near, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/net1/accept_dad');
      setInterfaceUp('net1', true);
    });
  flap();
  const error = await aggregate(t, announce('net1', [SIX], { namespace: near }));
  t.is((error.errors as LinkpointError[])[0]?.code, 'EADDRNOTAVAIL');
  t.regex(error.message, /the interface needs an IPv6 address that is past duplicate address detection/);
  flap();
  await announce('net1', [SIX], { namespace: near, repeat: 20, intervalMs: 500 });
  t.true(nics[1].heard().length >= 1);
  t.deepEqual(nics[0].heard(), []);
});

test.serial('an interface that is down is told for every address', async (t) => {
  const { near } = makeTwoNics(t);
  runInNamespace(near, () => setInterfaceUp('net1', false));
  const error = await aggregate(t, announce('net1', [FOUR, '192.0.2.2'], { namespace: near, waitForCarrierMs: 20 }));
  t.deepEqual((error.errors as LinkpointError[]).map(({ code }) => code), ['ENETDOWN', 'ENETDOWN']);
  t.regex(error.message, /Cannot announce 192\.0\.2\.2 on "net1": sendto failed with ENETDOWN; bring the interface up/);
});

test.serial('the carrier is waited for', async (t) => {
  const { near, nics } = makeTwoNics(t);
  const setUp = (up: boolean): void => runInNamespace(near, () => setInterfaceUp('net1', up));
  setUp(false);
  t.false(await waitForCarrier('net1', { namespace: near, timeoutMs: 30 }));
  const announced = announce('net1', [FOUR], { namespace: near, waitForCarrierMs: 20_000 });
  setTimeout(() => setUp(true), 50);
  await announced;
  t.is(nics[1].heard().length, 1);
  t.true(await waitForCarrier('net1', { namespace: near, timeoutMs: 0 }));
});

test.serial('a far end that is down is no carrier', async (t) => {
  const { near, far } = makeTwoNics(t);
  runInNamespace(far, () => setInterfaceUp('far1', false));
  // The kernel takes up to a second to tell.
  for (let tries = 0; await waitForCarrier('net1', { namespace: near, timeoutMs: 0 }); tries++) {
    if (tries === 500) return t.fail('the carrier stayed');
    await delay(10);
  }
  t.pass();
});

test.serial('repeat announces as often as asked, and a later round makes up for an earlier one', async (t) => {
  const { near, nics } = makeTwoNics(t);
  await announce('net1', [FOUR], { namespace: near, repeat: 3, intervalMs: 5 });
  t.is(nics[1].heard().length, 3);
  runInNamespace(near, () => setInterfaceUp('net1', false));
  const announced = announce('net1', [FOUR], { namespace: near, waitForCarrierMs: 0, repeat: 2, intervalMs: 200 });
  setTimeout(() => runInNamespace(near, () => setInterfaceUp('net1', true)), 50);
  await announced;
  t.is(nics[1].heard().length, 1);
});

test.serial('an abort ends the wait between two rounds', async (t) => {
  const { near, nics } = makeTwoNics(t);
  const aborter = new AbortController();
  const options = { namespace: near, repeat: 2, intervalMs: 60_000, signal: aborter.signal };
  const announced = announce('net1', [FOUR], options);
  setTimeout(() => aborter.abort(new Error('enough')), 50);
  await t.throwsAsync(announced, { message: 'enough' });
  t.is(nics[1].heard().length, 1);
});

testWithFeatures('macvlan')('a macvlan announces its own link address through the NIC that it lies on', async (t) => {
  const { near, nics } = makeTwoNics(t);
  const mac = '02:00:00:00:00:20';
  command(near, 'ip', 'link', 'add', 'mac0', 'link', 'net1', 'address', mac, 'type', 'macvlan', 'mode', 'bridge');
  runInNamespace(near, () => setInterfaceUp('mac0', true));
  await announce('mac0', [FOUR], { namespace: near });
  const [frame] = nics[1].heard();
  t.deepEqual(frame?.slice(14), buildGratuitousArp(numberOf(mac), parseIpv4(FOUR)));
  t.deepEqual([...(frame?.slice(6, 12) ?? [])], bytesOf(mac));
});

testWithTun('a TUN interface has no link address to announce', async (t) => {
  const namespace = makeNamespace(t);
  const { fd, name } = runInNamespace(namespace, () => openTunFd({ mode: 'tun' }));
  t.teardown(() => closeFd(fd));
  await t.throwsAsync(announce(name, [FOUR], { namespace, waitForCarrierMs: 0 }), { code: 'ERR_NO_LINK_ADDRESS' });
});

test.serial('descriptors are closed, whether it works or fails', async (t) => {
  const { near, nics } = makeTwoNics(t);
  const next = (): number => {
    const fd = createNetworkNamespace();
    closeFd(fd);
    return fd;
  };
  const before = next();
  for (let round = 0; round < 20; round++) {
    await announce('net1', [FOUR, SIX], { namespace: near });
    await t.throwsAsync(announce('net1', ['nonsense'], { namespace: near }));
  }
  t.is(next(), before);
  t.is(nics[1].heard().length, 40);
});

/** Runs `linkpoint announce` from outside of the namespace. */
const runAnnounce = (near: number, nic: TestNic, ...addresses: string[]): ReturnType<typeof run> =>
  run(['announce', nic.name, ...addresses, '--namespace', '/proc/self/fd/3'], { fds: [near] });

test.serial('linkpoint announce says nothing when all went well', async (t) => {
  const { near, nics } = makeTwoNics(t);
  t.like(await runAnnounce(near, nics[1], FOUR, SIX), { status: 0, stdout: '', stderr: '' });
  t.is(nics[1].heard().length, 2);
  t.is(nics[0].heard().length, 0);
});

test.serial('linkpoint announce has a line per failure on stderr, and exits 1', async (t) => {
  const { near, nics } = makeTwoNics(t);
  const { status, stdout, stderr } = await runAnnounce(near, nics[1], '192.0.2.300', FOUR, '::');
  t.is(status, 1);
  t.is(stdout, '');
  t.deepEqual(stderr.split('\n'), [
    'linkpoint: Cannot announce "192.0.2.300": it is neither an IPv4 nor an IPv6 address (ERR_INVALID_OPTION)',
    'linkpoint: Cannot announce ::: it is the address of no single station (ERR_INVALID_OPTION)',
    '',
  ]);
  t.is(nics[1].heard().length, 1);
});

testWith('setpriv')('without rights every address is told the right that is missing', async (t) => {
  const { near, nics } = makeTwoNics(t);
  const args = ['announce', 'net1', FOUR, SIX];
  const { status, stderr } = await runInNamespace(near, () => ({ ended: run(args, { prefix: WITHOUT_RIGHTS }) })).ended;
  t.is(status, 1);
  t.regex(stderr, /^(?:linkpoint: .* CAP_NET_RAW is required \(EPERM\)\n){2}$/);
  t.deepEqual(nics[1].heard(), []);
});
