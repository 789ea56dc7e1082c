import test from 'ava';
import { Neighbors } from '../../stack/index.ts';
import type { IpAddress, LinkAddress } from '../../header/address.ts';
import { OWN, PEER, PEER_IPV4, PEER_IPV6 } from './_support.ts';

test('a static entry is found by value, in both families', (t) => {
  const neighbors = new Neighbors();
  neighbors.setStatic(PEER_IPV4, PEER);
  neighbors.setStatic(PEER_IPV6, OWN);
  t.is(neighbors.get(0xc000_0202), PEER);
  t.is(neighbors.get(Uint8Array.from(PEER_IPV6)), OWN);
  t.is(neighbors.size, 2);
});

test('what was never entered is 0', (t) => {
  t.is(new Neighbors().get(PEER_IPV4), 0);
  t.is(new Neighbors().get(PEER_IPV6), 0);
});

test('a later entry replaces the earlier one', (t) => {
  const neighbors = new Neighbors();
  neighbors.setStatic(PEER_IPV4, PEER);
  neighbors.setStatic(PEER_IPV4, OWN);
  t.is(neighbors.get(PEER_IPV4), OWN);
  t.is(neighbors.size, 1);
});

test('the caller may reuse the bytes of an address that it entered', (t) => {
  const neighbors = new Neighbors();
  const address = Uint8Array.from(PEER_IPV6);
  neighbors.setStatic(address, PEER);
  address.fill(0xff);
  t.is(neighbors.get(PEER_IPV6), PEER);
  t.is(neighbors.get(address), 0);
});

test('a removed entry is not known any more', (t) => {
  const neighbors = new Neighbors();
  neighbors.setStatic(PEER_IPV4, PEER);
  t.true(neighbors.remove(PEER_IPV4));
  t.false(neighbors.remove(PEER_IPV4));
  t.is(neighbors.get(PEER_IPV4), 0);
});

test('iterating shows all entries, and clear() removes them', (t) => {
  const neighbors = new Neighbors();
  neighbors.setStatic(PEER_IPV6, PEER);
  neighbors.setStatic(PEER_IPV4, OWN);
  t.deepEqual(
    [...neighbors],
    [
      [PEER_IPV4, OWN],
      [PEER_IPV6, PEER],
    ],
  );
  neighbors.clear();
  t.deepEqual([...neighbors], []);
});

for (const linkAddress of [0, -1, 2 ** 48, 1.5, Number.NaN]) {
  test(`${linkAddress} is no link address for a static entry`, (t) => {
    const neighbors = new Neighbors();
    t.throws(() => neighbors.setStatic(PEER_IPV4, linkAddress), { instanceOf: RangeError });
    t.is(neighbors.size, 0);
  });
}

test('a resolver is asked on a miss only, and may answer that it does not know yet', (t) => {
  const asked: IpAddress[] = [];
  const answers: LinkAddress[] = [0, OWN];
  const neighbors = new Neighbors();
  neighbors.setStatic(PEER_IPV4, PEER);
  neighbors.resolver = {
    resolve(address) {
      asked.push(address);
      return answers.shift() ?? 0;
    },
  };
  t.is(neighbors.get(PEER_IPV4), PEER);
  t.is(neighbors.get(PEER_IPV6), 0);
  t.is(neighbors.get(PEER_IPV6), OWN);
  t.deepEqual(asked, [PEER_IPV6, PEER_IPV6]);
});
