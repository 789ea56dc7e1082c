/** Whose a rule is: the names that both backends make of a network and an attachment. */

import { createHash } from 'node:crypto';

import type { CniAttachment } from './types.ts';

/** An attachment of a network. */
export interface MasqueradeOwner extends CniAttachment {
  /** Name of the network. */
  readonly network: string;
}

/** The first `length` characters of a prefix and a text's SHA-512 in hexadecimal, as the reference names chains. */
export const hashName = (length: number, prefix: string, text: string): string =>
  `${prefix}${createHash('sha512').update(text).digest('hex')}`.slice(0, length);
