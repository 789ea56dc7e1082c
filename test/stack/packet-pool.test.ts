import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { Arena, HEADROOM_BYTES, type PacketBuffer, PacketPool } from '../../stack/index.ts';

const poolOf = (slotCount: number): PacketPool => new PacketPool(new Arena(slotCount, 100));

test('a pool has one packet per slot, made once', (t) => {
  const pool = poolOf(3);
  t.is(pool.freeCount, 3);
  for (let slot = 0; slot < 3; slot++) {
    t.is(pool.at(slot).slot, slot);
    t.is(pool.at(slot).base, pool.arena.slotBase(slot));
    t.is(pool.at(slot).limit, pool.arena.frameLimit(slot));
    t.is(pool.at(slot), pool.at(slot));
  }
});

test('an allocated packet lies behind the whole headroom, its network header at its start', (t) => {
  const packet = poolOf(2).allocate(60) as PacketBuffer;
  t.is(packet.start, packet.base + HEADROOM_BYTES);
  t.is(packet.networkOffset, packet.start);
  t.is(packet.length, 60);
});

test('slots are given in order, and null when none is free', (t) => {
  const pool = poolOf(2);
  t.deepEqual([pool.allocate(1)?.slot, pool.allocate(1)?.slot], [0, 1]);
  t.is(pool.allocate(1), null);
  t.is(pool.freeCount, 0);
});

test('release() makes the slot free again, once', (t) => {
  const pool = poolOf(2);
  const packet = pool.allocate(1) as PacketBuffer;
  packet.release();
  packet.release();
  pool.reclaim(packet);
  t.is(pool.freeCount, 2);
  t.not(pool.allocate(1)?.slot, pool.allocate(1)?.slot);
  t.is(pool.allocate(1), null);
});

test('a payload longer than the capacity is not allocated, one as long is', (t) => {
  const pool = poolOf(1);
  t.is(pool.allocate(101), null);
  t.is(pool.allocate(100)?.length, 100);
});

test('a packet of another pool is not taken back', (t) => {
  const [ours, theirs] = [poolOf(1), poolOf(1)];
  const packet = theirs.allocate(1) as PacketBuffer;
  ours.allocate(1);
  ours.reclaim(packet);
  t.is(ours.freeCount, 0);
  packet.release();
  t.is(theirs.freeCount, 1);
});

test('a slot that is used again remembers nothing of its last packet', (t) => {
  const pool = poolOf(1);
  const packet = pool.allocate(1) as PacketBuffer;
  packet.gsoType = 'udp';
  packet.hash = 7;
  Object.assign(packet.egress, { localLinkAddress: 1, remoteLinkAddress: 2, remoteAddress: 3, protocol: 4 });
  packet.release();
  const again = pool.allocate(1) as PacketBuffer;
  t.deepEqual({ ...again.egress }, { localLinkAddress: 0, remoteLinkAddress: 0, remoteAddress: null, protocol: 0 });
  t.is(again.gsoType, 'none');
  t.is(again.hash, 0);
});

test('no slot is ever held twice, whatever the order of allocations and releases', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 60 }), (steps) => {
      const pool = poolOf(4);
      const held: PacketBuffer[] = [];
      for (const step of steps) {
        if (step < 5) {
          const packet = pool.allocate(10);
          if ((packet === null) !== (held.length === 4)) return false;
          if (packet !== null) held.push(packet);
        } else held.splice(step % Math.max(1, held.length), 1)[0]?.release();
        if (new Set(held.map(({ slot }) => slot)).size !== held.length) return false;
        if (pool.freeCount !== 4 - held.length) return false;
      }
      return true;
    }),
  );
  t.pass();
});

type Outcomes = Record<'allocated' | 'lent' | 'nic', Record<string, string>>;

function runDebugChild(): Outcomes {
  const child = fileURLToPath(new URL('./_debug-child.js', import.meta.url));
  const env = { ...process.env, LINKPOINT_DEBUG: '1' };
  return JSON.parse(execFileSync(process.execPath, [child], { env, encoding: 'utf8' })) as Outcomes;
}

test('with LINKPOINT_DEBUG=1 use after return throws, and only that', (t) => {
  const after = 'ERR_USE_AFTER_RETURN';
  const { allocated, lent, nic } = runDebugChild();
  t.deepEqual(allocated, {
    readBefore: 'ok',
    pushBefore: 'ok',
    release: 'ok',
    readAfter: after,
    writeAfter: after,
    bytesAfter: after,
    releaseAfter: after,
    newHolderReads: 'ok',
    oldHolderReads: after,
    freeAfter: '0',
  });
  t.deepEqual(lent, { readLent: 'ok', readReturned: after, readClone: 'ok', ownerReads: 'ok' });
  t.deepEqual(nic, { readKept: after, written: 'ok', frames: '1' });
});

test('without LINKPOINT_DEBUG a lent packet is the packet itself', async (t) => {
  const { lend } = await import('../../stack/index.ts');
  const packet = poolOf(1).at(0);
  t.is(lend(packet), packet);
});
