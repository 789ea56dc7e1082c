/** The life of an attachment: attach, detach, closed, wait. */

import assert from 'node:assert/strict';
import { recordClosed } from './fixture.ts';
import { type ComplianceCase, type ComplianceContext, SuiteDispatcher } from './context.ts';
import { turns, until } from '../until.ts';

/** The code of an error that `action` throws, or 'nothing'. */
export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error);
  }
  return 'nothing';
}

/** Cases about attaching, detaching and closing outside deliveries. */
export const attachmentCases: readonly ComplianceCase[] = [
  {
    title: 'delivers to the dispatcher that is attached',
    run: async (context) => {
      const dispatcher = context.attach();
      assert.equal(context.endpoint.isAttached, true);
      const [frame] = await context.send(1);
      await context.delivered(dispatcher, 1);
      assert.deepEqual(dispatcher.frames, [frame]);
    },
  },
  { title: 'delivers nothing after attach(null), which is idempotent', run: detaches },
  {
    title: 'says closed once when it is detached, with the reason',
    run: async ({ endpoint }) => {
      const reasons = recordClosed(endpoint);
      endpoint.attach(new SuiteDispatcher());
      endpoint.attach(null);
      endpoint.attach(null);
      await endpoint.wait();
      await turns();
      assert.deepEqual(reasons.map(({ kind }) => kind), ['detached']);
    },
  },
  { title: 'can be attached again after it was detached, any number of times', run: attachesAgain },
  {
    title: 'refuses a second dispatcher and goes on with the first',
    run: async (context) => {
      const dispatcher = context.attach();
      assert.equal(codeOf(() => context.attach()), 'ERR_ALREADY_ATTACHED');
      assert.equal(codeOf(() => context.endpoint.attach(dispatcher)), 'ERR_ALREADY_ATTACHED');
      await context.send(1);
      await context.delivered(dispatcher, 1);
    },
  },
  { title: 'says closed once when it is closed, and closes once', run: closes },
  {
    title: 'says nothing when it is closed without a dispatcher',
    run: async ({ endpoint }) => {
      const reasons = recordClosed(endpoint);
      endpoint.close();
      await endpoint.wait();
      await turns();
      assert.deepEqual(reasons, []);
    },
  },
  {
    title: 'waits until it is detached, and not at all when it is quiet',
    run: async (context) => {
      let isQuiet = false;
      await context.endpoint.wait();
      context.attach();
      const waited = context.endpoint.wait().then(() => {
        isQuiet = true;
      });
      await turns();
      assert.equal(isQuiet, false, 'wait() is pending while a dispatcher can be called');
      context.endpoint.attach(null);
      await waited;
    },
  },
  {
    title: 'closes and waits when it is disposed of',
    run: async (context) => {
      const reasons = recordClosed(context.endpoint);
      context.attach();
      await context.endpoint[Symbol.asyncDispose]();
      assert.deepEqual(reasons.map(({ kind }) => kind), ['detached']);
      assert.equal(codeOf(() => context.attach()), 'ERR_LINK_CLOSED');
    },
  },
  { title: 'says closed(hangup) once when its peer ends, and is over for good', needs: 'detectsHangup', run: hangsUp },
  { title: 'delivers what was queued before a hang-up', needs: 'detectsHangup', run: deliversBeforeHangup },
];

async function detaches(context: ComplianceContext): Promise<void> {
  const dispatcher = context.attach();
  await context.send(1);
  await context.delivered(dispatcher, 1);
  context.endpoint.attach(null);
  context.endpoint.attach(null);
  assert.equal(context.endpoint.isAttached, false);
  await context.endpoint.wait();
  await context.send(2, 3);
  await turns();
  assert.deepEqual(dispatcher.sequences, [1]);
  await context.balanced();
}

async function attachesAgain(context: ComplianceContext): Promise<void> {
  for (let round = 1; round <= 5; round++) {
    const dispatcher = context.attach();
    await context.send(round);
    await until(`the packet of round ${round}`, () => dispatcher.sequences.includes(round));
    context.endpoint.attach(null);
    await context.endpoint.wait();
  }
  await context.balanced();
}

async function closes(context: ComplianceContext): Promise<void> {
  const { endpoint } = context;
  const reasons = recordClosed(endpoint);
  context.attach();
  endpoint.close();
  endpoint.close();
  assert.equal(endpoint.isAttached, false);
  await endpoint.wait();
  endpoint.close();
  endpoint.attach(null);
  await turns();
  assert.deepEqual(reasons.map(({ kind }) => kind), ['detached']);
  assert.equal(codeOf(() => context.attach()), 'ERR_LINK_CLOSED');
  assert.equal(endpoint.isAttached, false);
}

async function hangsUp(context: ComplianceContext): Promise<void> {
  const { endpoint, fixture } = context;
  const reasons = recordClosed(endpoint);
  context.attach();
  await fixture.hangUp?.();
  await until('closed', () => reasons.length > 0);
  await endpoint.wait();
  await turns();
  assert.deepEqual(reasons.map(({ kind }) => kind), ['hangup']);
  assert.equal(endpoint.isAttached, false);
  assert.equal(codeOf(() => context.attach()), 'ERR_LINK_CLOSED');
  endpoint.close();
  assert.equal(reasons.length, 1);
}

async function deliversBeforeHangup(context: ComplianceContext): Promise<void> {
  const reasons = recordClosed(context.endpoint);
  const dispatcher = context.attach();
  const sequences = Array.from({ length: 20 }, (_, index) => index);
  const sent = context.send(...sequences);
  await sent;
  await context.fixture.hangUp?.();
  await until('closed', () => reasons.length > 0);
  assert.deepEqual(dispatcher.sequences, sequences);
  await context.balanced();
}
