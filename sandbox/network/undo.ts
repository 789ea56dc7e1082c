/**
 * Changes that can be taken back: every kernel step of an attach pushes the step that undoes it.
 *
 *     attach     create tap ─► set its MTU ─► veth MAC := pair's ─► ...          a failure unwinds what is there,
 *     stack      [delete-link]  [          ]  [set-link address]                 last first, and so does detach
 *
 * What the kernel keeps when this process dies (links, addresses, queueing disciplines) is undone by *data*, so that a
 * stack can be written down and another process can detach; what dies with the process (descriptors, a sink's device)
 * is undone by a function and never written down.
 */

import { asError } from '../../errors.ts';
import type { SandboxUndo } from './undo-steps.ts';

/** Called before each step with its number, from 1, and name. What it throws fails the step: tests do that. */
export type StepObserver = (number: number, name: string) => void;

/** Takes one recorded change back. Must be harmless when there is nothing left of the change. */
export type Undoer<Step = SandboxUndo> = (step: Step) => void | Promise<void>;

type Entry<Step> = { readonly data: Step } | { readonly live: () => void | Promise<void> };

/** Steps done, and how to take them back, last first. `Step` is the data that undoes one. */
export class UndoStack<Step = SandboxUndo> {
  readonly #undo: Undoer<Step>;
  readonly #observe: StepObserver;
  readonly #entries: Entry<Step>[] = [];
  #steps = 0;

  /** @param recorded steps that an earlier process has done and written down */
  constructor(undo: Undoer<Step>, observe: StepObserver = () => undefined, recorded: readonly Step[] = []) {
    this.#undo = undo;
    this.#observe = observe;
    for (const data of recorded) this.#entries.push({ data });
  }

  /** Nothing to take back. */
  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** What another process needs to take the changes back: plain data, first step first. */
  get recorded(): readonly Step[] {
    return this.#entries.flatMap((entry) => ('data' in entry ? [entry.data] : []));
  }

  /**
   * Does a step; `undo` is recorded when it has succeeded. Leave it out where an earlier step's undo covers this one;
   * let it give undefined where nothing was changed.
   */
  step<T>(name: string, change: () => T, undo?: Step | ((result: T) => Step | undefined)): T {
    this.#observe(++this.#steps, name);
    const result = change();
    const data = typeof undo === 'function' ? (undo as (result: T) => Step | undefined)(result) : undo;
    if (data !== undefined) this.#entries.push({ data });
    return result;
  }

  /** As `step`, for what takes time. */
  async wait<T>(name: string, change: () => Promise<T>, undo?: Step): Promise<T> {
    this.#observe(++this.#steps, name);
    const result = await change();
    if (undo !== undefined) this.#entries.push({ data: undo });
    return result;
  }

  /**
   * Does a step whose result is this process's own; `undo` gives it up.
   * @param data what another process has to do about it when this one is gone; done here, too, after `undo`
   */
  async live<T>(
    name: string,
    change: () => T | Promise<T>,
    undo: (result: T) => void | Promise<void>,
    data?: Step,
  ): Promise<T> {
    this.#observe(++this.#steps, name);
    const result = await change();
    if (data !== undefined) this.#entries.push({ data });
    this.#entries.push({ live: () => undo(result) });
    return result;
  }

  /** Takes everything back, last first, whatever fails. Afterwards the stack is empty. @throws AggregateError */
  async unwind(): Promise<void> {
    const errors: unknown[] = [];
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      try {
        await ('data' in entry ? this.#undo(entry.data) : entry.live());
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 0) return;
    const reasons = errors.map((error) => asError(error).message).join('; ');
    throw new AggregateError(errors, `Cannot undo ${errors.length} step(s): ${reasons}`);
  }
}
