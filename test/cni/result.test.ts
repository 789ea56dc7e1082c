/** Results in every shape of the specification, both ways. */

import test from 'ava';
import fc from 'fast-check';

import { convertResult, parsePrevResult, parseResult, printResult } from '../../cni/result.ts';
import type { CniResult } from '../../cni/types.ts';
import { CNI_VERSIONS, isAtLeast } from '../../cni/version.ts';

const full: CniResult = {
  interfaces: [
    { name: 'cni0', mac: '02:00:5e:00:53:01', mtu: 1400 },
    { name: 'eth0', mac: '02:00:5e:00:53:02', sandbox: '/run/netns/c1', socketPath: '/run/s', pciID: '0000:00:03.0' },
  ],
  ips: [
    { interface: 1, address: '192.0.2.2/24', gateway: '192.0.2.1' },
    { interface: 1, address: '2001:db8::2/64', gateway: '2001:db8::1' },
    { interface: 1, address: '198.51.100.2/24' },
  ],
  routes: [
    { dst: '0.0.0.0/0', gw: '192.0.2.1', mtu: 1300, advmss: 1200, priority: 5, table: 0, scope: 253 },
    { dst: '2001:db8:1::/48' },
  ],
  dns: { nameservers: ['192.0.2.53'], domain: 'example.net', search: ['a.example', 'b.example'], options: ['ndots:2'] },
};

const dns = full.dns;
const oldInterfaces = [
  { name: 'cni0', mac: '02:00:5e:00:53:01' },
  { name: 'eth0', mac: '02:00:5e:00:53:02', sandbox: '/run/netns/c1' },
];
const oldRoutes = [{ dst: '0.0.0.0/0', gw: '192.0.2.1' }, { dst: '2001:db8:1::/48' }];

for (const version of ['0.1.0', '0.2.0']) {
  test(`a result of ${version} has the first address of each family, with its routes`, (t) => {
    t.deepEqual(convertResult(full, version), {
      cniVersion: version,
      ip4: { ip: '192.0.2.2/24', gateway: '192.0.2.1', routes: [{ dst: '0.0.0.0/0', gw: '192.0.2.1' }] },
      ip6: { ip: '2001:db8::2/64', gateway: '2001:db8::1', routes: [{ dst: '2001:db8:1::/48' }] },
      dns,
    });
  });

  test(`a result of ${version} without an address is impossible`, (t) => {
    const message = 'cannot convert: no valid IP addresses';
    t.throws(() => convertResult({ ...full, ips: [] }, version), { message });
  });
}

for (const version of ['0.3.0', '0.3.1', '0.4.0']) {
  test(`a result of ${version} tells the family of each address, and nothing that came later`, (t) => {
    const ips = full.ips.map((ip) => ({ version: ip.address.includes(':') ? '6' : '4', ...ip }));
    t.deepEqual(convertResult(full, version), {
      cniVersion: version,
      interfaces: oldInterfaces,
      ips,
      routes: oldRoutes,
      dns,
    });
  });
}

test('a result of 1.0.0 has no family, and nothing that came later', (t) => {
  t.deepEqual(convertResult(full, '1.0.0'), {
    cniVersion: '1.0.0',
    interfaces: oldInterfaces,
    ips: full.ips,
    routes: oldRoutes,
    dns,
  });
});

test('a result of 1.1.0 has everything, table 0 too', (t) => {
  t.deepEqual(convertResult(full, '1.1.0'), { cniVersion: '1.1.0', ...full });
});

test("the printed text is the reference's: order of members, four spaces, no newline at the end", (t) => {
  const result: CniResult = {
    interfaces: [{ name: 'eth0', sandbox: '/run/netns/c1' }],
    ips: [{ interface: 0, address: '192.0.2.2/24', gateway: '192.0.2.1' }],
    routes: [],
    dns: {},
  };
  t.is(
    printResult(result, '0.3.1'),
    `{
    "cniVersion": "0.3.1",
    "interfaces": [
        {
            "name": "eth0",
            "sandbox": "/run/netns/c1"
        }
    ],
    "ips": [
        {
            "version": "4",
            "interface": 0,
            "address": "192.0.2.2/24",
            "gateway": "192.0.2.1"
        }
    ],
    "dns": {}
}`,
  );
});

test('parseResult() takes addresses of any form into the one of RFC 5952', (t) => {
  const parsed = parseResult(
    { cniVersion: '1.0.0', ips: [{ address: '2001:DB8:0::2/64' }], routes: [{ dst: '::ffff:192.0.2.0/24' }] },
    '',
  );
  t.is(parsed.ips[0]?.address, '2001:db8::2/64');
  t.is(parsed.routes[0]?.dst, '192.0.2.0/24');
});

test('parseResult() leaves the routes of 0.2.0 without the gateway of their family, as the reference does', (t) => {
  const ip4 = {
    ip: '192.0.2.2/24',
    gateway: '192.0.2.1',
    routes: [{ dst: '0.0.0.0/0' }, { dst: '198.51.100.0/24', gw: '192.0.2.9' }],
  };
  const parsed = parseResult({ cniVersion: '0.2.0', ip4 }, '');
  t.deepEqual(parsed.routes, [
    { dst: '0.0.0.0/0' },
    { dst: '198.51.100.0/24', gw: '192.0.2.9' },
  ]);
  t.deepEqual(parsed.ips, [{ address: '192.0.2.2/24', gateway: '192.0.2.1' }]);
});

test('parseResult() takes the version of the caller where the result has none', (t) => {
  const ip4 = { ip: '192.0.2.2/24' };
  t.is(parseResult({ ip4 }, '0.2.0').ips.length, 1);
  t.is(parseResult({ ip4 }, '1.0.0').ips.length, 0);
});

test('parseResult() refuses unknown versions, no JSON, and members of the wrong kind', (t) => {
  const message = 'unsupported CNI result version "7.0.0"';
  t.throws(() => parseResult('{"cniVersion":"7.0.0"}', ''), { message });
  t.throws(() => convertResult(full, '7.0.0'), { message });
  for (const bad of [
    'nonsense',
    '[]',
    '{"ips":{}}',
    '{"ips":[{"address":"192.0.2.2"}]}',
    '{"ips":[{"address":"192.0.2.2/33"}]}',
    '{"ips":[{"address":"192.0.2.2/24","gateway":"x"}]}',
    '{"routes":[{}]}',
    '{"interfaces":["eth0"]}',
  ]) {
    t.throws(() => parseResult(bad, '1.0.0'), { instanceOf: Error }, bad);
  }
});

test('parsePrevResult() says that it is the previous result which is wrong', (t) => {
  t.is(parsePrevResult({ cniVersion: '1.0.0' }, '1.0.0'), undefined);
  const config = { prevResult: { cniVersion: '1.0.0', ips: [{ address: '192.0.2.2/24' }] } };
  t.is(parsePrevResult(config, '1.0.0')?.ips.length, 1);
  t.throws(() => parsePrevResult({ prevResult: 5 }, '1.0.0'), { message: /^could not parse prevResult: / });
  const message =
    'could not parse prevResult: json: cannot unmarshal number into Go struct field Result.ips of type ' +
    '[]*types100.IPConfig';
  t.throws(() => parsePrevResult({ prevResult: { ips: 5 } }, '1.0.0'), { message });
});

test('parsePrevResult() refuses a previous result of another shape than the configuration’s', (t) => {
  const read = (own: string, version: string): unknown =>
    parsePrevResult({ prevResult: { cniVersion: own, ip4: { ip: '192.0.2.2/24' } } }, version);
  for (const [own, version] of [['1.0.0', '1.1.0'], ['0.3.0', '0.4.0'], ['0.1.0', '0.2.0'], ['', '1.0.0']] as const) {
    t.notThrows(() => read(own, version), `${own} ${version}`);
  }
  const types = 'result type supports [0.3.0 0.3.1 0.4.0]';
  t.throws(() => read('0.2.0', '0.3.1'), {
    message: `could not parse prevResult: ${types} but unmarshalled CNIVersion is "0.2.0"`,
  });
  t.throws(() => read('9.9.9', '0.4.0'), { message: /unmarshalled CNIVersion is "9\.9\.9"$/ });
});

const octet = fc.integer({ min: 0, max: 255 });
const v4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
const v6 = fc.integer({ min: 1, max: 0xffff }).map((group) => `2001:db8::${group.toString(16)}`);
const cidr = fc.oneof(
  v4.map((ip) => `${ip}/24`),
  v6.map((ip) => `${ip}/64`),
);

test('parseResult() gives back what convertResult() wrote, from 0.3.0 on', (t) => {
  const results = fc.record({
    interfaces: fc.array(fc.record({ name: fc.stringMatching(/^[a-z]{1,8}$/) }), { maxLength: 3 }),
    ips: fc.array(fc.record({ interface: fc.nat(3), address: cidr, gateway: fc.oneof(v4, v6) }), { maxLength: 4 }),
    routes: fc.array(fc.record({ dst: cidr, gw: fc.oneof(v4, v6) }), { maxLength: 4 }),
    dns: fc.record({
      nameservers: fc.array(v4),
      domain: fc.constant('example.net'),
      search: fc.constant([]),
      options: fc.constant([]),
    }),
  });
  const versions = CNI_VERSIONS.filter((version) => isAtLeast(version, '0.3.0'));
  fc.assert(
    fc.property(results, fc.constantFrom(...versions), (result, version) => {
      t.deepEqual(parseResult(printResult(result, version), ''), result);
    }),
    { numRuns: 200 },
  );
  t.pass();
});
