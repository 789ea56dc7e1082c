/**
 * gVisor: a link that goes down (ENETDOWN) stops the receive loop for good, and a deleted interface is never noticed.
 * Here receiving goes on when the link is up again, and a deletion closes the endpoint within a second.
 */

import test, { type ExecutionContext } from 'ava';

import { type FdBasedEndpoint, openFdBased } from '../../link/fd-based.ts';
import type { RunMode } from '../../link/fd-based-options.ts';
import type { ClosedReason } from '../../stack/link-endpoint.ts';
import { attachRecorder, Recording } from '../regression/_recorder.ts';
import { delay, RUNS, until, upTo } from '../regression/_support.ts';
import { TEST_PROTOCOL } from './native-support.ts';
import { LINK_KINDS, type LinkKind, makeLink, testFrame, type TestLink } from './row-support.ts';
import { testOf } from './_rights.ts';

/** Longest time from a deletion to `closed`. */
const LIMIT_MILLISECONDS = 1_000;

interface FlapRig {
  readonly link: TestLink;
  readonly endpoint: FdBasedEndpoint;
  readonly reasons: ClosedReason[];
  readonly recording: Recording;
}

async function openFlapRig(t: ExecutionContext, run: RunMode, kind: LinkKind): Promise<FlapRig> {
  const link = makeLink(t, kind);
  const { fd, dispatchMode } = link;
  const reasons: ClosedReason[] = [];
  const endpoint = await openFdBased({ fds: [fd], run, dispatchMode, closed: (reason) => reasons.push(reason) });
  t.teardown(async () => {
    endpoint.close();
    await endpoint.wait();
  });
  return { link, endpoint, reasons, recording: new Recording() };
}

/** Sends frames of `sequence` until one has arrived. */
async function crosses({ link, recording }: FlapRig, sequence: number): Promise<void> {
  const isThere = (): boolean => recording.sequences.at(-1) === sequence;
  const send = (): boolean => isThere() || (link.sender.send([testFrame(sequence)]), isThere());
  await until(send, `frame ${sequence} came`);
}

function attach({ endpoint, recording }: FlapRig, run: RunMode): void {
  attachRecorder(endpoint, run, { shared: recording.shared, protocol: TEST_PROTOCOL });
}

async function flap(t: ExecutionContext, run: RunMode, kind: LinkKind, milliseconds: number): Promise<void> {
  const rig = await openFlapRig(t, run, kind);
  attach(rig, run);
  await crosses(rig, 1);
  rig.link.setUp(false);
  await delay(milliseconds);
  rig.link.setUp(true);
  await crosses(rig, 2);
  t.deepEqual(rig.reasons, []);
  t.is(rig.endpoint.statistics.get('linkFlaps'), kind === 'tap' ? 0 : 1);
}

async function assertEndsBy(t: ExecutionContext, { reasons, link, endpoint }: FlapRig): Promise<void> {
  await until(() => reasons.length > 0, 'closed', LIMIT_MILLISECONDS);
  await endpoint.wait();
  t.is(reasons.length, 1);
  t.like(reasons[0], { kind: 'error', fd: link.fd });
  t.is((reasons[0]?.error as NodeJS.ErrnoException).code, 'ENODEV');
  t.regex(reasons[0]?.error?.message ?? '', /the interface was deleted; open a new one/);
}

for (const run of RUNS) {
  for (const kind of LINK_KINDS) {
    const testKind = testOf(kind);

    testKind(`row 3: ${run}, ${kind}: receiving survives a flap of 50 ms`, (t) => flap(t, run, kind, 50));
    testOf(kind, test)(`row 3: ${run}, ${kind}: receiving survives a flap of 2 s`, (t) => flap(t, run, kind, 2_000));

    testKind(`row 3: ${run}, ${kind}: the deletion of the interface is told within a second`, async (t) => {
      const rig = await openFlapRig(t, run, kind);
      attach(rig, run);
      await crosses(rig, 1);
      rig.link.remove();
      await assertEndsBy(t, rig);
    });

    testKind(`row 3: ${run}, ${kind}: so is the deletion of one that is down since before a re-attachment`, async (t) => {
      const rig = await openFlapRig(t, run, kind);
      attach(rig, run);
      await crosses(rig, 1);
      rig.link.setUp(false);
      await delay(60);
      rig.endpoint.attach(null);
      await rig.endpoint.wait();
      rig.reasons.length = 0;
      attach(rig, run);
      await delay(100);
      rig.link.remove();
      await assertEndsBy(t, rig);
    });

    testKind(`row 3: ${run}, ${kind}: and one while nobody is attached, by the next attachment`, async (t) => {
      const rig = await openFlapRig(t, run, kind);
      rig.link.setUp(false);
      rig.link.remove();
      attach(rig, run);
      await assertEndsBy(t, rig);
    });
  }

  for (const kind of LINK_KINDS.filter((name) => name !== 'tap')) {
    test.serial(`row 3: ${run}, ${kind}: frames from before the deletion come, and do not pass for a link that is up`, async (t) => {
      const rig = await openFlapRig(t, run, kind);
      await rig.link.sender.sendAll(upTo(100).map((sequence) => testFrame(sequence)));
      rig.link.remove();
      attach(rig, run);
      await assertEndsBy(t, rig);
      t.deepEqual(rig.recording.sequences, upTo(100));
    });
  }
}

for (const kind of LINK_KINDS) {
  testOf(kind)(`row 3: inline, ${kind}: a link that goes down in the middle of a batch is noticed, and received from again`, async (t) => {
    const rig = await openFlapRig(t, 'inline', kind);
    await rig.link.sender.sendAll([1, 2, 3, 4].map((sequence) => testFrame(sequence)));
    const { endpoint, link } = rig;
    let delivered = 0;
    let last = 0;
    endpoint.attach({
      deliverNetworkPacket(protocol, packet) {
        if (protocol !== TEST_PROTOCOL) return;
        if (delivered++ === 0) link.setUp(false);
        last = packet.view.getUint32(packet.networkOffset + 4);
      },
    });
    await until(() => delivered === 4, 'what was queued came');
    await delay(60);
    t.is(endpoint.statistics.get('linkFlaps'), kind === 'tap' ? 0 : 1);
    link.setUp(true);
    await until(() => last === 9 || (link.sender.send([testFrame(9)]), false), 'a frame came after the flap');
    t.deepEqual(rig.reasons, []);
  });
}
