/** Ranges and sets of them: what is filled in, what is refused, what overlaps. */

import test from 'ava';

import { parseAddress } from '../../cni/addresses.ts';
import { addressText, toAddress } from '../../cni/host-local/address.ts';
import {
  parseRange,
  parseRangeSet,
  type Range,
  rangeContains,
  rangesOverlap,
  rangeText,
  setContains,
  setText,
} from '../../cni/host-local/range.ts';

const address = (text: string): ReturnType<typeof toAddress> => toAddress(parseAddress(text));

const gatewayOf = ({ gateway }: Range): string => addressText(gateway);

/** `[range, what it is with defaults, its gateway]` */
const DEFAULTS: readonly (readonly [Record<string, string>, string, string])[] = [
  [{ subnet: '192.0.2.0/24' }, '192.0.2.1-192.0.2.254', '192.0.2.1'],
  [{ subnet: '192.0.2.0/25' }, '192.0.2.1-192.0.2.126', '192.0.2.1'],
  [{ subnet: '192.0.2.0/30' }, '192.0.2.1-192.0.2.2', '192.0.2.1'],
  [{ subnet: '2001:DB8:1::/64' }, '2001:db8:1::1-2001:db8:1:0:ffff:ffff:ffff:ffff', '2001:db8:1::1'],
  [{ subnet: '192.0.2.0/24', gateway: '192.0.2.254' }, '192.0.2.1-192.0.2.254', '192.0.2.254'],
  [{ subnet: '192.0.2.0/24', gateway: '', rangeStart: '' }, '192.0.2.1-192.0.2.254', '192.0.2.1'],
  [{ subnet: '192.0.2.0/24', gateway: '198.51.100.1' }, '192.0.2.1-192.0.2.254', '198.51.100.1'],
  [{ subnet: '192.0.2.0/24', gateway: '2001:db8::1' }, '192.0.2.1-192.0.2.254', '2001:db8::1'],
  [
    { subnet: '192.0.2.0/24', rangeStart: '192.0.2.40', rangeEnd: '192.0.2.50', gateway: '192.0.2.60' },
    '192.0.2.40-192.0.2.50',
    '192.0.2.60',
  ],
];

for (const [value, text, gateway] of DEFAULTS) {
  test(`${JSON.stringify(value)} is the range ${text}`, (t) => {
    const range = parseRange(value);
    t.is(rangeText(range), text);
    t.is(gatewayOf(range), gateway);
  });
}

const NOT_IN = 'not in network 192.0.2.0/24';
const HOST_BITS = 'Network has host bits set. For a subnet mask of length';

const REFUSED: readonly (readonly [Record<string, unknown>, string])[] = [
  [{}, 'IP <nil> not v4 nor v6'],
  [{ subnet: '192.0.2.0' }, 'invalid CIDR address: 192.0.2.0'],
  [{ subnet: '192.0.2.0/33' }, 'invalid CIDR address: 192.0.2.0/33'],
  [{ subnet: '192.0.2.0/' }, 'invalid CIDR address: 192.0.2.0/'],
  [{ subnet: 5 }, 'cannot read key "subnet": it is 5; a string is expected'],
  [{ subnet: '192.0.2.0/31' }, 'Network 192.0.2.0/31 too small to allocate from'],
  [{ subnet: '2001:db8::/127' }, 'Network 2001:db8::/127 too small to allocate from'],
  [{ subnet: '192.0.2.12/24' }, `${HOST_BITS} 24 the network address is 192.0.2.0`],
  [{ subnet: '192.0.3.0/23' }, `${HOST_BITS} 23 the network address is 192.0.2.0`],
  [{ subnet: '2001:DB8:1::24:19ff:fee1:c44a/64' }, `${HOST_BITS} 64 the network address is 2001:db8:1::`],
  [{ subnet: '2001:DB8:24:19ff::/63' }, `${HOST_BITS} 63 the network address is 2001:db8:24:19fe::`],
  [{ subnet: '192.0.2.0/24', rangeStart: '192.0.3.0' }, `RangeStart 192.0.3.0 ${NOT_IN}`],
  [{ subnet: '192.0.2.0/24', rangeEnd: '192.0.4.0' }, `RangeEnd 192.0.4.0 ${NOT_IN}`],
  [{ subnet: '192.0.2.0/24', rangeEnd: '192.0.2.0' }, `RangeEnd 192.0.2.0 ${NOT_IN}`],
  [{ subnet: '192.0.2.0/24', rangeStart: '192.0.2.50', rangeEnd: '192.0.2.40' }, `RangeStart 192.0.2.50 ${NOT_IN}`],
  [{ subnet: '192.0.2.0/24', rangeStart: '192.0.2.255' }, `RangeStart 192.0.2.255 ${NOT_IN}`],
  [{ subnet: '192.0.2.0/24', rangeStart: '2001:db8::1' }, `RangeStart 2001:db8::1 ${NOT_IN}`],
  [{ subnet: '192.0.2.0/24', rangeStart: 'nope' }, 'invalid IP address: nope'],
];

for (const [value, message] of REFUSED) {
  test(`${JSON.stringify(value)} is no range: ${message}`, (t) => {
    t.throws(() => parseRange(value), { message });
  });
}

test('a range has its first and last address, and none beside them or of the other family', (t) => {
  const v4 = parseRange({ subnet: '192.0.2.0/24', rangeStart: '192.0.2.40', rangeEnd: '192.0.2.50' });
  const v6 = parseRange({ subnet: '2001:db8:1::/64', rangeStart: '2001:db8:1::40', rangeEnd: '2001:db8:1::50' });
  for (const inside of ['192.0.2.40', '192.0.2.45', '192.0.2.50']) t.true(rangeContains(v4, address(inside)), inside);
  for (const outside of ['192.0.2.39', '192.0.2.51', '192.0.3.45', '::c000:22d']) {
    t.false(rangeContains(v4, address(outside)), outside);
  }
  for (const inside of ['2001:db8:1::40', '2001:db8:1::50']) t.true(rangeContains(v6, address(inside)), inside);
  for (const outside of ['2001:db8:1::39', '2001:db8:1::51', '2001:db8:2::45'])
    t.false(rangeContains(v6, address(outside)));
});

type Pair = readonly [string, Record<string, string>, Record<string, string>, boolean];

const OVERLAPS: readonly Pair[] = [
  ['neighbours', { subnet: '10.0.0.0/24' }, { subnet: '10.0.1.0/24' }, false],
  ['families of the same bits', { subnet: '0.0.0.0/24' }, { subnet: '::/24' }, false],
  ['equal ones', { subnet: '10.0.0.0/24' }, { subnet: '10.0.0.0/24' }, true],
  ['one in the other', { subnet: '10.0.0.0/20' }, { subnet: '10.0.1.0/24' }, true],
  [
    'halves of a subnet',
    { subnet: '10.0.0.0/24', rangeEnd: '10.0.0.127' },
    { subnet: '10.0.0.0/24', rangeStart: '10.0.0.128' },
    false,
  ],
  [
    'halves that share one address',
    { subnet: '10.0.0.0/24', rangeEnd: '10.0.0.127' },
    { subnet: '10.0.0.0/24', rangeStart: '10.0.0.127' },
    true,
  ],
];

for (const [title, a, b, expected] of OVERLAPS) {
  test(`ranges: ${title} ${expected ? 'overlap' : 'do not overlap'}, either way round`, (t) => {
    t.is(rangesOverlap(parseRange(a), parseRange(b)), expected);
    t.is(rangesOverlap(parseRange(b), parseRange(a)), expected);
  });
}

test('a set has the addresses of all its ranges', (t) => {
  const set = parseRangeSet([{ subnet: '192.0.2.0/24' }, { subnet: '198.51.100.0/24' }]);
  t.is(setText(set), '192.0.2.1-192.0.2.254,198.51.100.1-198.51.100.254');
  for (const inside of ['192.0.2.7', '198.51.100.7']) t.true(setContains(set, address(inside)));
  t.false(setContains(set, address('203.0.113.7')));
});

test('a set is refused that is empty, of two families, or overlaps itself', (t) => {
  t.throws(() => parseRangeSet([]), { message: 'empty range set' });
  const mixed = [{ subnet: '192.0.2.0/24' }, { subnet: '2001:db8::/64' }];
  t.throws(() => parseRangeSet(mixed), { message: 'mixed address families' });
  t.throws(() => parseRangeSet([{ subnet: '192.0.2.0/24' }, { subnet: '192.0.2.0/25' }]), {
    message: 'subnets 192.0.2.1-192.0.2.254 and 192.0.2.1-192.0.2.126 overlap',
  });
});
