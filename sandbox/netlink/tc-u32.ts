/**
 * The u32 classifier with the action mirred, linux/pkt_cls.h and linux/tc_act/tc_mirred.h.
 *
 *     TCA_OPTIONS { TCA_U32_ACT { 1 { "mirred", TCA_ACT_OPTIONS { TCA_MIRRED_PARMS: struct tc_mirred } } }, TCA_U32_SEL }
 *
 *     struct tc_u32_sel: | flags u8 | offshift u8 | nkeys u8 | pad | offmask u16 | off u16 | offoff s16 | hoff s16 |
 *                        | hmask u32 | keys: { mask be32 | value be32 | offset i32 | offset mask i32 } … |
 *     struct tc_mirred:  | index u32 | capab u32 | action i32 | refcnt i32 | bindcnt i32 | eaction i32 | ifindex u32 |
 */

import { NetlinkMessageError } from '../../errors.ts';
import { Attributes } from './attributes.ts';
import type { NetlinkMessage } from './message.ts';
import { type Names, namesOf } from './names.ts';

const TCA_U32_SEL = 5, TCA_U32_ACT = 7;
const TCA_ACT_KIND = 1, TCA_ACT_OPTIONS = 2;
const TCA_MIRRED_PARMS = 2;
const SELECTOR_BYTES = 16, KEY_BYTES = 16, MIRRED_BYTES = 28;
const TC_U32_TERMINAL = 1;

/** TCA_EGRESS_REDIR … TCA_INGRESS_MIRROR. */
const MOVES: Names = namesOf('mirred action', {
  1: 'egress redirect',
  2: 'egress mirror',
  3: 'ingress redirect',
  4: 'ingress mirror',
});
const TC_ACT_STOLEN = 4, TC_ACT_PIPE = 3;

/** What a u32 filter matches: all keys. */
export interface U32Selector {
  /** TC_U32_… bits; 1 is terminal. */
  readonly flags: number;
  readonly keys: readonly { readonly mask: number; readonly value: number; readonly offset: number }[];
}

/** Sends, or has received, what was matched, by another link. */
export interface MirredAction {
  readonly kind: string;
  readonly action?: 'redirect' | 'mirror';
  readonly direction?: 'egress' | 'ingress';
  /** Index of the other link; 0 once it is gone. */
  readonly toIndex?: number;
}

/** Appends options of a u32 filter that matches everything (one key, mask 0) and moves it. */
export function writeRedirect(
  options: NetlinkMessage,
  { action, direction, index }: { action: 'redirect' | 'mirror'; direction: 'egress' | 'ingress'; index: number },
): void {
  const parameters = new DataView(new ArrayBuffer(MIRRED_BYTES));
  parameters.setInt32(8, action === 'redirect' ? TC_ACT_STOLEN : TC_ACT_PIPE, true);
  parameters.setInt32(20, MOVES.number(`${direction} ${action}`), true);
  parameters.setUint32(24, index, true);
  options.nest(TCA_U32_ACT, (actions) => {
    actions.nest(1, (first) => {
      first.text(TCA_ACT_KIND, 'mirred');
      first.nest(TCA_ACT_OPTIONS, (nest) => nest.attribute(TCA_MIRRED_PARMS, new Uint8Array(parameters.buffer)));
    });
  });
  const selector = new Uint8Array(SELECTOR_BYTES + KEY_BYTES);
  selector[0] = TC_U32_TERMINAL;
  selector[2] = 1;
  options.attribute(TCA_U32_SEL, selector);
}

/** Reads the selector of a u32 filter; undefined for its classifier and hash table. @throws NetlinkMessageError */
export function readU32(options: Attributes): U32Selector | undefined {
  const bytes = options.bytes(TCA_U32_SEL);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength < SELECTOR_BYTES ? Number.POSITIVE_INFINITY : view.getUint8(2);
  if (bytes.byteLength < SELECTOR_BYTES + count * KEY_BYTES) {
    const state = `a u32 selector has ${bytes.byteLength} bytes, too few for its keys`;
    throw new NetlinkMessageError('Cannot read a netlink message', state);
  }
  const keys = Array.from({ length: count }, (_, i) => {
    const at = SELECTOR_BYTES + i * KEY_BYTES;
    return { mask: view.getUint32(at), value: view.getUint32(at + 4), offset: view.getInt32(at + 8, true) };
  });
  return { flags: view.getUint8(0), keys };
}

/** Reads the actions of a u32 filter. @throws NetlinkMessageError */
export function readMirred(options: Attributes): MirredAction[] | undefined {
  if (!options.has(TCA_U32_ACT)) return undefined;
  return options.list(TCA_U32_ACT).map(({ bytes }) => {
    const action = new Attributes(bytes);
    const kind = action.text(TCA_ACT_KIND) ?? '';
    const parameters = kind === 'mirred' ? action.nest(TCA_ACT_OPTIONS)?.bytes(TCA_MIRRED_PARMS) : undefined;
    if (parameters === undefined || parameters.byteLength < MIRRED_BYTES) return { kind };
    const view = new DataView(parameters.buffer, parameters.byteOffset, parameters.byteLength);
    const [direction, verb] = MOVES.of(view.getInt32(20, true)).split(' ') as ['egress' | 'ingress', 'redirect' | 'mirror'];
    return { kind, action: verb, direction, toIndex: view.getUint32(24, true) };
  });
}
