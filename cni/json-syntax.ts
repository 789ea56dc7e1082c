/**
 * What is wrong with a text that is no JSON, in the words of Go's encoding/json: `unexpected end of JSON input`,
 * `invalid character '}' looking for beginning of value`. Node words it another way, and users search for these.
 *
 * A walk over the bytes, for a text that JSON.parse has refused already. Grammar: RFC 8259.
 */

const SPACE = /[ \t\r\n]/;
const DIGIT = /[0-9]/;
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };
/** Deeper than that Go refuses to go. */
const DEPTH_MAX = 10_000;

/** Ends the walk; its message is the answer. */
class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** What is wrong with the text; null where nothing is. */
export function jsonSyntaxError(text: string): string | null {
  try {
    new JsonScanner(text).scan();
    return null;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.message;
    throw error;
  }
}

/** Walks over one text, a byte a character: Go quotes bytes. */
class JsonScanner {
  readonly #bytes: string;
  /** Brackets that are open, innermost last: no recursion, for nobody knows how deep the text is. */
  readonly #open: string[] = [];
  #at = 0;

  constructor(text: string) {
    this.#bytes = Buffer.from(text).toString('latin1');
  }

  /** @throws JsonSyntaxError */
  scan(): void {
    this.#value();
    while (this.#open.length > 0) this.#afterValue();
    this.#skipSpace();
    if (this.#at < this.#bytes.length) this.#refuse('after top-level value');
  }

  /** A value, or the way to the first one that is no bracket. */
  #value(): void {
    for (let next = this.#peek(); next === '{' || next === '['; next = this.#peek()) {
      if (!this.#enter(next)) return;
    }
    this.#scalar(this.#current());
  }

  #scalar(first: string): void {
    if (first === '"') return this.#string();
    if (first === '-' || DIGIT.test(first)) return this.#number();
    const literal = LITERALS[first] ?? this.#refuse('looking for beginning of value');
    for (const expected of literal) this.#expect(expected, `in literal ${literal} (expecting '${expected}')`);
  }

  /** Whether there is something in the brackets; then this is at its value. */
  #enter(bracket: string): boolean {
    if (this.#open.length === DEPTH_MAX) this.#refuse('exceeded max depth');
    this.#at++;
    this.#open.push(bracket);
    if (this.#peek() === (bracket === '{' ? '}' : ']')) {
      this.#leave();
      return false;
    }
    if (bracket === '{') this.#key();
    return true;
  }

  #leave(): void {
    this.#at++;
    this.#open.pop();
  }

  #afterValue(): void {
    const isObject = this.#open.at(-1) === '{';
    const next = this.#peek();
    if (next === (isObject ? '}' : ']')) return this.#leave();
    if (next !== ',') this.#refuse(isObject ? 'after object key:value pair' : 'after array element');
    this.#at++;
    if (isObject) this.#key();
    this.#value();
  }

  #key(): void {
    if (this.#peek() !== '"') this.#refuse('looking for beginning of object key string');
    this.#string();
    if (this.#peek() !== ':') this.#refuse('after object key');
    this.#at++;
  }

  #string(): void {
    for (this.#at++; ; this.#at++) {
      const byte = this.#current();
      if (byte === '"') break;
      if (byte === '\\') this.#escape();
      else if (byte < ' ') this.#refuse('in string literal');
    }
    this.#at++;
  }

  #escape(): void {
    this.#at++;
    if (!/["\\/bfnrtu]/.test(this.#current())) this.#refuse('in string escape code');
    if (this.#current() !== 'u') return;
    for (let digit = 0; digit < 4; digit++) {
      this.#at++;
      if (!/[0-9a-fA-F]/.test(this.#current())) this.#refuse('in \\u hexadecimal character escape');
    }
  }

  #number(): void {
    if (this.#bytes[this.#at] === '-') this.#at++;
    if (!DIGIT.test(this.#current())) this.#refuse('in numeric literal');
    if (this.#bytes[this.#at] === '0') this.#at++;
    else this.#digits();
    if (this.#bytes[this.#at] === '.') {
      this.#at++;
      if (!DIGIT.test(this.#current())) this.#refuse('after decimal point in numeric literal');
      this.#digits();
    }
    if (!/[eE]/.test(this.#bytes[this.#at] ?? '')) return;
    this.#at++;
    if (/[+-]/.test(this.#current())) this.#at++;
    if (!DIGIT.test(this.#current())) this.#refuse('in exponent of numeric literal');
    this.#digits();
  }

  #digits(): void {
    while (DIGIT.test(this.#bytes[this.#at] ?? '')) this.#at++;
  }

  #expect(byte: string, context: string): void {
    if (this.#current() !== byte) this.#refuse(context);
    this.#at++;
  }

  #skipSpace(): void {
    while (SPACE.test(this.#bytes[this.#at] ?? '')) this.#at++;
  }

  /** The next byte that is no space. */
  #peek(): string {
    this.#skipSpace();
    return this.#current();
  }

  #current(): string {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new JsonSyntaxError('unexpected end of JSON input');
    return byte;
  }

  #refuse(context: string): never {
    throw new JsonSyntaxError(`invalid character ${quoteByte(this.#current())} ${context}`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ "'": "\\'", '"': '"', '\\': '\\\\', '\u0007': '\\a', '\b': '\\b', '\f': '\\f' },
  ...{ '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' },
};

/** A byte as Go quotes it: `'\n'`, `'\x00'`, `'ï'`. */
function quoteByte(byte: string): string {
  const code = byte.charCodeAt(0);
  const hex = code.toString(16);
  const isPrintable = (code >= 0x20 && code < 0x7f) || (code > 0xa0 && code !== 0xad);
  const other = code < 0x80 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
  return `'${ESCAPES[byte] ?? (isPrintable ? byte : other)}'`;
}
