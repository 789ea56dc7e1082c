/** Plugins that do nothing: they write down what they are called with, and answer what they are told to. */

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { ExecutionContext } from 'ava';

import type { CniClientOptions, JsonObject } from '../../cni/index.ts';
import { temporaryFolder } from './_support.ts';

/** What a plugin is to say. */
export interface FakeAnswer {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly status?: number;
}

/** A call as the plugin saw it. */
export interface FakeCall {
  /** `bridge ADD` */
  readonly what: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly config: JsonObject;
}

const PATH = '/usr/bin:/bin';

/** A folder of plugins, one of networks, one of results; gone after the test. */
export class FakePlugins {
  readonly root: string;

  constructor(t: ExecutionContext, ...names: readonly string[]) {
    this.root = temporaryFolder(t);
    for (const folder of ['bin', 'calls', 'answers', 'net.d']) mkdirSync(path.join(this.root, folder));
    for (const name of names) this.write(name, this.#script(name));
  }

  /** Options of a client of these plugins and no others. */
  get options(): CniClientOptions & { readonly confDir: string; readonly cacheDir: string } {
    const cacheDir = path.join(this.root, 'cache');
    const confDir = path.join(this.root, 'net.d');
    const env = { PATH, RUNTIME: 'kept', CNI_ARGS: 'GONE=1' };
    return { path: [path.join(this.root, 'bin')], confDir, cacheDir, env };
  }

  /** What the plugin answers from now on; without that, nothing, and 0. */
  answer(name: string, command: string, { stdout = '', stderr = '', status = 0 }: FakeAnswer): void {
    const file = path.join(this.root, 'answers', `${name}.${command}`);
    writeFileSync(file, stdout);
    writeFileSync(`${file}.stderr`, stderr);
    writeFileSync(`${file}.status`, String(status));
  }

  /** The plugin fails with this error. */
  fail(name: string, command: string, error: JsonObject): void {
    this.answer(name, command, { stdout: JSON.stringify(error), status: 1 });
  }

  /** All calls, in order. */
  calls(): FakeCall[] {
    const folder = path.join(this.root, 'calls');
    const files = readdirSync(folder).filter((name) => name.endsWith('.env'));
    return files.sort().map((file) => {
      const base = path.join(folder, file.slice(0, -'.env'.length));
      const [, name, command] = path.basename(base).split('+');
      const stdin = readFileSync(`${base}.stdin`, 'utf8');
      const lines = readFileSync(`${base}.env`, 'utf8').trimEnd().split('\n');
      const env = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
      return { what: `${name} ${command}`, env, stdin, config: JSON.parse(stdin) as JsonObject };
    });
  }

  /** `bridge ADD`, … */
  said(): string[] {
    return this.calls().map(({ what }) => what);
  }

  /** A file of a network. */
  network(file: string, content: JsonObject | string): void {
    const target = path.join(this.options.confDir, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, typeof content === 'string' ? content : JSON.stringify(content));
  }

  /** The file that the cache has for an attachment; null where it has none. */
  cached(name: string): string | null {
    const file = path.join(this.options.cacheDir, 'results', name);
    return existsSync(file) ? readFileSync(file, 'utf8') : null;
  }

  /** Writes such a file. */
  cache(name: string, text: string): void {
    const folder = path.join(this.options.cacheDir, 'results');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }

  /** An executable of one's own. */
  write(name: string, script: string): void {
    const file = path.join(this.root, 'bin', name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  /** Names of calls sort by their time. */
  #script(name: string): string {
    return [
      `call="${this.root}/calls/$(date +%s%N)+${name}+$CNI_COMMAND"`,
      'cat >"$call.stdin"',
      'env >"$call.env"',
      `answer="${this.root}/answers/${name}.$CNI_COMMAND"`,
      '[ -f "$answer" ] || exit 0',
      'cat "$answer"',
      'cat "$answer.stderr" >&2',
      'exit "$(cat "$answer.status")"',
    ].join('\n');
  }
}
