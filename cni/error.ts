/**
 * The error of the CNI protocol: what a plugin prints on stdout, as JSON, before it exits with status 1.
 *
 *     { "code": 7, "msg": "missing network name", "details": "…" }
 *
 * Source: CNI SPEC 1.1.0, "Error". The reference prints no `cniVersion` in it, though the specification lists one; so
 * do we, for runtimes parse both.
 */

import { asError } from '../errors.ts';

/** The codes that the specification gives a meaning to; a plugin's own begin at 100. */
export const CNI_ERROR = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  ioFailure: 5,
  decodingFailure: 6,
  invalidNetworkConfig: 7,
  invalidNetns: 8,
  tryAgainLater: 11,
  pluginNotAvailable: 50,
  limitedConnectivity: 51,
  internal: 999,
} as const;

/**
 * A failure with its numeric CNI code. It is no `LinkpointError`: there `code` is a name, here the protocol has taken
 * the property for a number.
 */
export class CniError extends Error {
  /** One of {@link CNI_ERROR}, or the number that another plugin gave. */
  readonly code: number;
  /** What went wrong, one line. */
  readonly msg: string;
  /** More about it; empty where there is no more. */
  readonly details: string;

  constructor(code: number, msg: string, details = '', options?: { cause?: unknown }) {
    super(details === '' ? msg : `${msg}; ${details}`, options);
    this.name = 'CniError';
    this.code = code;
    this.msg = msg;
    this.details = details;
  }

  /** As the protocol prints it. */
  toJSON(): { code: number; msg: string; details?: string } {
    return { code: this.code, msg: this.msg, ...(this.details === '' ? {} : { details: this.details }) };
  }
}

/** Anything thrown, as a CniError: what is none yet becomes an internal error (999) with its message. */
export function toCniError(thrown: unknown): CniError {
  if (thrown instanceof CniError) return thrown;
  return new CniError(CNI_ERROR.internal, asError(thrown).message, '', { cause: thrown });
}
