/**
 * Builds one netlink request, netlink(7): a header, a fixed part that the message type has, and attributes.
 *
 *     0               4       6       8               12              16
 *     | length        | type  | flags | sequence      | port id       | fixed part … | attribute | attribute …
 *
 *     attribute, padded to 4 bytes:  | length u16 | type u16 | payload, or attributes again: a nest |
 */

const HEADER_BYTES = 16;
const LENGTH = 0;
const TYPE = 4;
const FLAGS = 6;
const SEQUENCE = 8;

const ATTRIBUTE_HEADER_BYTES = 4;
const ATTRIBUTE_TYPE = 2;
/** Lengths of attributes have 16 bits. */
const ATTRIBUTE_BYTES_MAX = 0xffff;

/** Set on the type of a nest; kernels since 5.2 ask for it where they check strictly. */
const NLA_F_NESTED = 0x8000;

/** This is a request; every request has it. */
export const NLM_F_REQUEST = 0x1;
/** Answer with an acknowledgement. */
export const NLM_F_ACK = 0x4;
/** Of a request to read: everything, a dump. */
export const NLM_F_DUMP = 0x300;
/** Of a request for something new: put it in the place of what is there. */
export const NLM_F_REPLACE = 0x100;
/** Of a request for something new: fail with EEXIST if it is there. */
export const NLM_F_EXCL = 0x200;
/** Of a request for something new: make it. */
export const NLM_F_CREATE = 0x400;

/** Of a request for something new: after what is there. */
export const NLM_F_APPEND = 0x800;

/** A request that grows; `finish()` gives its bytes. */
export class NetlinkMessage {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #end = HEADER_BYTES;

  /**
   * @param type RTM_… of linux/rtnetlink.h
   * @param flags NLM_F_…
   * @param sequence what the replies repeat; any number, as long as one request is under way per socket
   */
  constructor(type: number, flags: number, sequence = 1) {
    this.#view.setUint16(TYPE, type, true);
    this.#view.setUint16(FLAGS, flags, true);
    this.#view.setUint32(SEQUENCE, sequence, true);
  }

  /** Appends a fixed part, such as a struct ifinfomsg. */
  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.byteLength);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Appends zeros up to a multiple of 4: attributes begin there. */
  pad(): this {
    this.#grow(-this.#end & 3);
    return this;
  }

  /** Appends an attribute with these bytes. */
  attribute(type: number, payload: Uint8Array): this {
    const at = this.#open(type);
    this.raw(payload);
    return this.#close(at);
  }

  /** Appends an attribute with a text, zero-terminated. */
  text(type: number, value: string): this {
    return this.attribute(type, new Uint8Array(Buffer.from(`${value}\0`)));
  }

  /** Appends an attribute without a payload. */
  flag(type: number): this {
    return this.attribute(type, new Uint8Array(0));
  }

  /** Appends an attribute with an 8-bit number. */
  u8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  /** Appends an attribute with a 16-bit number in host byte order. */
  u16(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value & 0xff, value >>> 8));
  }

  /** Appends an attribute with a 32-bit number in host byte order. */
  u32(type: number, value: number): this {
    const at = this.#open(type);
    const payload = this.#grow(4);
    this.#view.setUint32(payload, value, true);
    return this.#close(at);
  }

  /** Appends an attribute that holds what `fill` appends. */
  nest(type: number, fill: (message: this) => void): this {
    const at = this.#open(type | NLA_F_NESTED);
    fill(this);
    return this.#close(at);
  }

  /** The request, with its length. */
  finish(): Uint8Array {
    this.#view.setUint32(LENGTH, this.#end, true);
    return this.#bytes.slice(0, this.#end);
  }

  #open(type: number): number {
    const at = this.#grow(ATTRIBUTE_HEADER_BYTES);
    this.#view.setUint16(at + ATTRIBUTE_TYPE, type, true);
    return at;
  }

  #close(at: number): this {
    const length = this.#end - at;
    if (length > ATTRIBUTE_BYTES_MAX) {
      const action = 'Cannot build a netlink message';
      throw new RangeError(`${action}: an attribute has ${length} bytes; at most ${ATTRIBUTE_BYTES_MAX} fit`);
    }
    this.#view.setUint16(at, length, true);
    this.#grow(-length & 3);
    return this;
  }

  /** Appends `count` zero bytes; where they begin. */
  #grow(count: number): number {
    const at = this.#end;
    this.#end += count;
    if (this.#end > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(this.#end, this.#bytes.byteLength * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
