/**
 * Whether an interface is attached, and the steps that did it: what the endpoints over a TAP or macvtap have in common.
 *
 *     attach   wire it, step by step ─► hand the queues to the sink          what fails is unwound, last step first
 *     detach   the sink lets go ─► close the queues ─► take the changes of links back
 */

import { asError } from '../../errors.ts';
import type { Rtnl } from '../netlink/rtnl.ts';
import { attachOrUnwind } from './all-or-nothing.ts';
import type { DeviceSink, SinkTap } from './device-sink.ts';
import type { NetworkScope } from './endpoint.ts';
import { UndoStack } from './undo.ts';
import { undoLinkChange } from './undo-run.ts';
import type { LinkUndo } from './undo-steps.ts';
import { alreadyAttached, Wiring } from './wiring.ts';

/** Wires an interface; undefined where nothing is to be handed over. */
export type Wire = (wiring: Wiring) => Promise<SinkTap | undefined>;

/** The attachment of one interface. */
export class Attachment {
  readonly #name: string;
  readonly #scope: NetworkScope;
  #stack: UndoStack<LinkUndo>;
  #isAttached: boolean;
  /** Opened by the first change that is taken back, and closed after the last. */
  #rtnl: Promise<Rtnl> | undefined;
  readonly #warned = new Set<string>();
  /** One attach or detach at a time: the next waits for it. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param name of the interface, for errors
   * @param recorded what an earlier process has done
   */
  constructor(name: string, scope: NetworkScope, recorded: readonly LinkUndo[] = []) {
    this.#name = name;
    this.#scope = scope;
    this.#stack = this.#newStack(recorded);
    this.#isAttached = recorded.length > 0;
  }

  /** From the end of attach to the end of detach. */
  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** What another process needs to detach it. */
  get recorded(): readonly LinkUndo[] {
    return this.#stack.recorded;
  }

  /** Wires the interface and hands its queues to the sink. @throws what failed; everything before it is taken back */
  attach(sink: DeviceSink, wire: Wire): Promise<SinkTap | undefined> {
    return this.#exclusively(async () => {
      if (this.#isAttached) throw alreadyAttached(this.#name);
      this.#stack = this.#newStack();
      let device: SinkTap | undefined;
      try {
        await attachOrUnwind(this.#stack, async () => {
          device = await this.#attach(sink, wire);
        });
      } finally {
        await this.#closeRtnl();
      }
      this.#isAttached = true;
      return device;
    });
  }

  /** Takes everything back. @throws AggregateError with what could not be; the rest is */
  detach(): Promise<void> {
    return this.#exclusively(async () => {
      try {
        await this.#stack.unwind();
      } finally {
        this.#isAttached = false;
        await this.#closeRtnl();
      }
    });
  }

  async #attach(sink: DeviceSink, wire: Wire): Promise<SinkTap | undefined> {
    using rtnl = await this.#scope.namespace.rtnl();
    const device = await wire(new Wiring(this.#scope, rtnl, this.#stack));
    if (device === undefined) return undefined;
    await this.#stack.live(`hand ${device.name} to the sink`, () => sink.addTap(device), (release) => release());
    return device;
  }

  #newStack(recorded: readonly LinkUndo[] = []): UndoStack<LinkUndo> {
    return new UndoStack((step) => this.#undo(step), this.#scope.onStep, recorded);
  }

  async #undo(step: LinkUndo): Promise<void> {
    this.#rtnl ??= this.#scope.namespace.rtnl();
    undoLinkChange(await this.#rtnl, step, (message) => this.#warnOnce(message));
  }

  /** Several changes of one interface are taken back, and it is gone but once. */
  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#scope.warn(message);
  }

  async #closeRtnl(): Promise<void> {
    const opening = this.#rtnl;
    this.#rtnl = undefined;
    this.#warned.clear();
    // What failed to open has failed every step already.
    await opening?.then((rtnl) => rtnl.close(), asError);
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(asError);
    return result;
  }
}
