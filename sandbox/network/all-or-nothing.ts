/** Errors of what is tried in spite of errors: the end of an attach that failed, and the removal of many things. */

import { asError } from '../../errors.ts';
import type { UndoStack } from './undo.ts';

/** Runs `attach`; unwinds the stack when it fails. @throws what failed; AggregateError when unwinding failed, too */
export async function attachOrUnwind<Step>(stack: UndoStack<Step>, attach: () => Promise<void>): Promise<void> {
  try {
    await attach();
  } catch (error) {
    await undoAfter(error, () => stack.unwind());
    throw error;
  }
}

/** Runs `undo` because of `error`. @throws AggregateError of both when `undo` fails, too */
export async function undoAfter(error: unknown, undo: () => Promise<void>): Promise<void> {
  try {
    await undo();
  } catch (second) {
    throw new AggregateError([error, second], `${asError(error).message}; and undoing it: ${asError(second).message}`);
  }
}

/** Runs all of `actions`, one after another, whatever fails. @throws AggregateError with what failed, in that order */
export async function tryAll(what: string, actions: readonly (() => void | Promise<void>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const action of actions) {
    try {
      await action();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 0) return;
  const reasons = errors.map((error) => asError(error).message).join('; ');
  throw new AggregateError(errors, `${what}: ${errors.length} of ${actions.length} steps failed: ${reasons}`);
}
