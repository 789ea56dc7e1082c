/** Errors of a plugin that quote another one: `failed to create bridge "cni0": operation not supported`. */

import { CNI_ERROR, CniError } from './error.ts';
import { causeText } from './strerror.ts';

/** An internal error (999), as the reference reports whatever has no code of its own. */
export const refusal = (message: string): CniError => new CniError(CNI_ERROR.internal, message);

/** An internal error that ends in what `cause` says. */
export const failure = (message: string, cause: unknown): CniError =>
  new CniError(CNI_ERROR.internal, `${message}: ${causeText(cause)}`, '', { cause });

/** Runs `change`; what it throws is thrown as `failure(message, …)`. */
export function during<T>(message: string, change: () => T): T {
  try {
    return change();
  } catch (error) {
    throw failure(message, error);
  }
}
