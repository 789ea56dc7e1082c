/**
 * The steps of one ADD and how to take them back, last first: a failed ADD leaves nothing.
 *
 *     bridge ─► port ─► rules ─► addresses of IPAM ─► ...      a step that fails unwinds those before it
 *      undo ◄── undo ◄── undo ◄── DEL of IPAM ◄──────┘
 */

import { asError } from '../errors.ts';

/** Called before each step with its number, from 1, and name. What it throws fails the step: tests do that. */
export type StepObserver = (number: number, name: string) => MaybePromiseVoid;

type MaybePromiseVoid = void | Promise<void>;

/** Steps that were begun, and their undoing. */
export class UndoList {
  readonly #observe: StepObserver;
  readonly #undos: (() => MaybePromiseVoid)[] = [];
  #steps = 0;

  constructor(observe: StepObserver = () => undefined) {
    this.#observe = observe;
  }

  /** Does a step that is over at once, as the observer must be; `undo` is remembered when it has succeeded. */
  step<T>(name: string, change: () => T, undo?: (result: T) => MaybePromiseVoid): T {
    void this.#observe(++this.#steps, name);
    const result = change();
    if (undo !== undefined) this.#undos.push(() => undo(result));
    return result;
  }

  /** Does a step that takes time and may be half done when it fails: `undo` is remembered before it begins. */
  async begin<T>(name: string, change: () => Promise<T>, undo?: () => MaybePromiseVoid): Promise<T> {
    await this.#observe(++this.#steps, name);
    if (undo !== undefined) this.#undos.push(undo);
    return change();
  }

  /** Takes everything back, last first, whatever fails. @returns what failed */
  async unwind(): Promise<readonly Error[]> {
    const errors: Error[] = [];
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      try {
        await undo();
      } catch (error) {
        errors.push(asError(error));
      }
    }
    return errors;
  }
}
