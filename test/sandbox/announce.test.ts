/** What announcements say, byte for byte, and what they refuse. On the wire: privileged/announce.test.ts. */

import test from 'ava';

import { parseIpv4, parseIpv6 } from '../../header/address.ts';
import { announce } from '../../sandbox/announce.ts';
import { announcedAddress, buildGratuitousArp, buildUnsolicitedAdvertisement } from '../../sandbox/announce-message.ts';
import { waitForCarrier } from '../../sandbox/carrier.ts';

const MAC = 0x02ca_fe00_0004;
const MAC_BYTES = [0x02, 0xca, 0xfe, 0x00, 0x00, 0x04];
const NOWHERE = 'nowhere0';

test('a gratuitous ARP request asks for the address that it has', (t) => {
  t.deepEqual([...buildGratuitousArp(MAC, parseIpv4('192.0.2.1'))], [
    0x00, 0x01, // hardware type: Ethernet
    0x08, 0x00, // protocol type: IPv4
    6, // hardware address length
    4, // protocol address length
    0x00, 0x01, // operation: request
    ...MAC_BYTES, // sender hardware address
    192, 0, 2, 1, // sender protocol address
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // target hardware address
    192, 0, 2, 1, // target protocol address
  ]); // prettier-ignore
});

test('a gratuitous ARP reply has the sender as its target, too', (t) => {
  t.deepEqual([...buildGratuitousArp(MAC, parseIpv4('192.0.2.1'), 'reply')], [
    0x00, 0x01, 0x08, 0x00, 6, 4, // Ethernet, IPv4, their lengths
    0x00, 0x02, // operation: reply
    ...MAC_BYTES,
    192, 0, 2, 1,
    ...MAC_BYTES,
    192, 0, 2, 1,
  ]); // prettier-ignore
});

test('an unsolicited advertisement overrides, and has the target link address as its option', (t) => {
  t.deepEqual([...buildUnsolicitedAdvertisement(MAC, parseIpv6('2001:db8::1'))], [
    136, // type: neighbor advertisement
    0, // code
    0, 0, // checksum: the kernel's business
    0x20, 0, 0, 0, // flags: override; not router, not solicited; reserved bits
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, // target address
    2, // option: target link-layer address
    1, // its length, in units of 8 bytes
    ...MAC_BYTES,
  ]); // prettier-ignore
});

test('addresses come as text with or without a prefix length, as numbers and as bytes', (t) => {
  const [four, six] = [parseIpv4('192.0.2.1'), parseIpv6('2001:db8::1')];
  for (const value of ['192.0.2.1', '192.0.2.1/24', '192.0.2.1/32', four]) t.is(announcedAddress(value), four);
  for (const value of ['2001:db8::1', '2001:db8::1/64', six]) t.deepEqual(announcedAddress(value), six);
});

test('an IPv4-mapped address is announced as the IPv4 address that it is', (t) => {
  t.is(announcedAddress('::ffff:192.0.2.1'), parseIpv4('192.0.2.1'));
});

const NO_ADDRESSES = [
  '', 'eth0', '192.0.2.300', '192.0.2.1/33', '192.0.2.1/', '192.0.2.1/8/8', '2001:db8::1/129', '::1%lo',
]; // prettier-ignore

for (const text of NO_ADDRESSES) {
  test(`"${text}" is no address to announce`, (t) => {
    const message = /neither an IPv4 nor an IPv6 address/;
    t.throws(() => announcedAddress(text), { code: 'ERR_INVALID_OPTION', message });
  });
}

for (const text of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1', '::ffff:224.0.0.1']) {
  test(`${text} is the address of no station`, (t) => {
    t.throws(() => announcedAddress(text), { code: 'ERR_INVALID_OPTION', message: /no single station/ });
  });
}

test('bytes that are no address are refused', (t) => {
  t.throws(() => announcedAddress(new Uint8Array(5)), { instanceOf: TypeError });
  t.throws(() => announcedAddress(-1), { instanceOf: TypeError });
});

test('an interface that is not there is told at once, without waiting for its carrier', async (t) => {
  const begin = performance.now();
  await t.throwsAsync(announce(NOWHERE, ['192.0.2.1'], { waitForCarrierMs: 30_000 }), {
    code: 'ENODEV',
    message: /Cannot find interface "nowhere0".*an interface of this network namespace is required/,
  });
  t.true(performance.now() - begin < 10_000);
  t.false(await waitForCarrier(NOWHERE, { timeoutMs: 30_000 }));
});

test('an interface without a link address of its own has nothing to announce', async (t) => {
  await t.throwsAsync(announce('lo', ['192.0.2.1'], { waitForCarrierMs: 0 }), {
    code: 'ERR_NO_LINK_ADDRESS',
    message: 'Cannot announce on "lo": it is no Ethernet interface; an Ethernet address of one station is required',
  });
});

for (const options of [{ repeat: 0 }, { repeat: 1.5 }, { waitForCarrierMs: -1 }, { intervalMs: NaN }]) {
  test(`${JSON.stringify(options)} is refused before anything is sent`, async (t) => {
    await t.throwsAsync(announce(NOWHERE, [], options), { code: 'ERR_INVALID_OPTION' });
  });
}

test('a form of ARP that does not exist is refused', async (t) => {
  const options = { arp: 'probe' as 'request' };
  await t.throwsAsync(announce(NOWHERE, [], options), { code: 'ERR_INVALID_OPTION', message: /arp is "probe"/ });
});

test('an aborted signal ends the call with its reason', async (t) => {
  const reason = new Error('enough');
  await t.throwsAsync(announce('lo', ['192.0.2.1'], { signal: AbortSignal.abort(reason) }), { is: reason });
});
