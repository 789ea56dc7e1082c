import { readFileSync } from 'node:fs';

import test from 'ava';

import { ARPHRD_ETHER, ARPHRD_LOOPBACK, IFF_UP } from '../../native/constants.ts';
import {
  addIpv4Address,
  addIpv6Address,
  closeFd,
  disableDad,
  interfaceFlags,
  interfaceHardwareType,
  interfaceIndex,
  interfaceLinkAddress,
  interfaceMtu,
  interfaceName,
  netlinkSocket,
  setInterfaceLinkAddress,
  setInterfaceMtu,
  setInterfaceUp,
} from '../../native/index.ts';
import { fdCount } from '../native/_support.ts';
import { createLink, inNamespace, linkAttributes, makeVeth, netlinkMessage, sleep } from './native-support.ts';

test.serial('an interface is found by name and by index', (t) => {
  inNamespace(t, () => {
    const [index] = makeVeth();
    t.is(interfaceIndex('veth0'), index);
    t.is(interfaceName(index), 'veth0');
    t.is(interfaceHardwareType('veth0'), ARPHRD_ETHER);
    t.is(interfaceHardwareType('lo'), ARPHRD_LOOPBACK);
    t.throws(() => interfaceIndex('veth9'), { code: 'ENODEV', message: /"veth9".*an interface of this network/ });
    t.throws(() => interfaceName(9999), { code: 'ENODEV' });
  });
});

test.serial('flags, MTU and link address can be set and read', (t) => {
  inNamespace(t, () => {
    makeVeth();
    t.is(interfaceFlags('veth0') & IFF_UP, IFF_UP);
    setInterfaceUp('veth0', false);
    t.is(interfaceFlags('veth0') & IFF_UP, 0);
    setInterfaceMtu('veth0', 9000);
    t.is(interfaceMtu('veth0'), 9000);
    setInterfaceLinkAddress('veth0', 0x02fedcba9876);
    t.is(interfaceLinkAddress('veth0'), 0x02fedcba9876);
    t.throws(() => setInterfaceMtu('veth0', 1), { code: 'EINVAL', message: /MTU of "veth0" to 1/ });
  });
});

test.serial('an IPv4 address comes with the route of its prefix', (t) => {
  inNamespace(t, () => {
    makeVeth();
    addIpv4Address('veth0', 0xc0000207, 24);
    const routes = readFileSync('/proc/thread-self/net/fib_trie', 'utf8');
    t.regex(routes, /192\.0\.2\.0\/24/);
    t.regex(routes, /192\.0\.2\.7\s+\/32 host LOCAL/);
    t.throws(() => addIpv4Address('veth0', 0xc0000207, 33), { instanceOf: RangeError });
  });
});

test.serial('an IPv6 address needs no second of duplicate address detection after disableDad()', (t) => {
  inNamespace(t, () => {
    makeVeth();
    const address = new Uint8Array(16);
    address.set([0x20, 0x01, 0x0d, 0xb8]);
    address[15] = 1;
    disableDad('veth0');
    addIpv6Address('veth0', address, 64);
    const start = performance.now();
    while (addressLine().includes(' c0 ') && performance.now() - start < 5_000) sleep(2);
    // Detection sends one probe and waits a second for an answer.
    t.true(performance.now() - start < 1_000);
    // Address, index, prefix length, scope, flags: 0x80 is permanent, 0x40 would be tentative.
    t.regex(addressLine(), /^20010db8000000000000000000000001 \w+ 40 00 80 +veth0$/);
    t.throws(() => addIpv6Address('veth0', new Uint8Array(4), 64), { instanceOf: RangeError });
    t.throws(() => disableDad('veth9'), { code: 'ENOENT' });
  });
});

/** The line of 2001:db8::1 in the current namespace. */
function addressLine(): string {
  const lines = readFileSync('/proc/thread-self/net/if_inet6', 'utf8').split('\n');
  return lines.find((line) => line.startsWith('20010db8')) ?? '';
}

test.serial('netlink replies are collected, and errors carry the words of the kernel', (t) => {
  inNamespace(t, () => {
    makeVeth();
    const fd = netlinkSocket.openNetlink();
    const RTM_GETLINK = 18;
    const links = netlinkSocket.request(fd, netlinkMessage(RTM_GETLINK, 0x301, Buffer.alloc(0)));
    const names = links.map((link) => /lo|veth\d/.exec(Buffer.from(link).toString('latin1'))?.[0]);
    t.deepEqual(names.sort(), ['lo', 'veth0', 'veth1']);
    closeFd(fd);
    t.throws(() => createLink(linkAttributes('veth0', 'bridge'), 'Cannot create "veth0"'), { code: 'EEXIST' });
    t.throws(() => createLink(linkAttributes('x', 'nonsense'), 'Cannot create "x"'), {
      code: 'EOPNOTSUPP',
      message: /Cannot create "x": netlink failed with EOPNOTSUPP; the kernel says "Unknown device type"/,
    });
  });
});

test.serial('interface calls leave no descriptor behind, also when they fail', (t) => {
  inNamespace(t, () => {
    makeVeth();
    const before = fdCount();
    for (let i = 0; i < 50; i++) {
      interfaceMtu('veth0');
      t.throws(() => interfaceMtu('veth9'));
      t.throws(() => interfaceMtu('a/b'), { code: 'ERR_INVALID_OPTION' });
    }
    t.is(fdCount(), before);
  });
});
