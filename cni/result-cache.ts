/**
 * The cache of results: what ADD answered, kept until DEL, in the files that libcni, the reference, keeps. CHECK, DEL
 * and GC are told from it what ADD made, also in another process and by another runtime.
 *
 *     CACHE_DIR/results/NETWORK-CONTAINER-INTERFACE       {"kind":"cniCacheV1","containerId":…,"config":BASE64,…}
 *
 * A name may be that of two attachments, `a` of `b-c` and `a-b` of `c`: a file that another one has is left alone.
 * Files of older runtimes hold the result and nothing else. Source: libcni/api.go, `cachedInfo`.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { marshalMembers } from './go-json.ts';
import { arrayAt, isJsonObject, type JsonObject, objectAt, stringAt } from './json.ts';
import { convertResult, parseResult } from './result.ts';
import type { CniAttachment, CniResult } from './types.ts';
import { CNI_DEFAULT_VERSION } from './version.ts';

/** Where runtimes keep what plugins answered. */
export const DEFAULT_CACHE_DIR = '/var/lib/cni';

const KIND = 'cniCacheV1';
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** Pairs of `CNI_ARGS`, in order. */
export type CniArgs = readonly (readonly [key: string, value: string])[];

/** An attachment that was made, and with what. */
export interface CachedAttachment extends CniAttachment {
  readonly network: string;
  /** Path of the namespace; empty where ADD was given none. */
  readonly netns: string;
  /** The network's configuration, as it was at ADD. Read it with `parseNetworkList`. */
  readonly config: string;
  readonly args: CniArgs;
  readonly capabilityArgs: JsonObject;
}

/** Which attachment: its network's name, its container, its interface. */
export type AttachmentKey = CniAttachment & { readonly network: string };

/** The files of one cache directory. Names are checked before: they become paths. */
export class ResultCache {
  readonly #folder: string;

  constructor(directory: string) {
    this.#folder = join(directory, 'results');
  }

  /** Keeps what ADD answered. @throws Error of the file system, or where the file is another attachment's */
  write(attachment: CachedAttachment, result: CniResult, cniVersion: string): void {
    const path = this.#path(attachment);
    if (this.#isForeign(attachment)) throw new Error(`"${path}" is the file of another attachment`);
    mkdirSync(this.#folder, { recursive: true, mode: FOLDER_MODE });
    replace(path, formatEntry(attachment, convertResult(result, cniVersion)));
  }

  /** What an attachment was made with; undefined where nothing is known. */
  find(key: AttachmentKey): CachedAttachment | undefined {
    const entry = readEntry(this.#path(key));
    return entry !== undefined && isSame(entry, key) ? entry : undefined;
  }

  /**
   * What ADD answered, undefined where nothing is known.
   *
   * @param version that plugins are to be told it in
   * @throws Error where the file holds no result, or one that has no shape in this version
   */
  result(key: AttachmentKey, version: string): CniResult | undefined {
    const text = readIfThere(this.#path(key));
    if (text === undefined || this.#isForeign(key)) return undefined;
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value)) throw new TypeError('cannot read the result: it is no JSON object');
    const result = parseResult(value['kind'] === KIND ? (objectAt(value, 'result') ?? {}) : value, CNI_DEFAULT_VERSION);
    convertResult(result, version);
    return result;
  }

  /** Forgets an attachment; it may be unknown. */
  delete(key: AttachmentKey): void {
    if (!this.#isForeign(key)) rmSync(this.#path(key), { force: true });
  }

  /** All attachments, in the order of their file names. @param containerId only those of this container */
  list(containerId?: string): CachedAttachment[] {
    return filesOf(this.#folder)
      .map((name) => readEntry(join(this.#folder, name)))
      .filter((entry) => entry !== undefined)
      .filter(({ network, ifName }) => network !== '' && ifName !== '')
      .filter((entry) => containerId === undefined || entry.containerId === containerId);
  }

  #path({ network, containerId, ifName }: AttachmentKey): string {
    return join(this.#folder, `${network}-${containerId}-${ifName}`);
  }

  /** Whether the file says that it is another attachment's. */
  #isForeign(key: AttachmentKey): boolean {
    const entry = readEntry(this.#path(key));
    return entry !== undefined && !isSame(entry, key);
  }
}

const isSame = (a: AttachmentKey, b: AttachmentKey): boolean =>
  a.network === b.network && a.containerId === b.containerId && a.ifName === b.ifName;

/** Whole or not at all: libcni takes half a file for a result of an older version. */
function replace(path: string, text: string): void {
  const aside = join(dirname(path), `.${randomUUID()}.new`);
  try {
    writeFileSync(aside, text, { mode: FILE_MODE });
    renameSync(aside, path);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}

/** Members in the order of libcni's structure; what is empty is left out where that does. */
function formatEntry(attachment: CachedAttachment, result: JsonObject): string {
  const { containerId, network, ifName, netns, config, args, capabilityArgs } = attachment;
  const orAbsent = <T extends object>(value: T): T | undefined => (Object.keys(value).length === 0 ? undefined : value);
  return marshalMembers([
    ['kind', KIND],
    ['containerId', containerId],
    ['config', Buffer.from(config).toString('base64')],
    ['ifName', ifName],
    ['networkName', network],
    ['netns', netns === '' ? undefined : netns],
    ['cniArgs', orAbsent(args)],
    ['capabilityArgs', orAbsent(capabilityArgs)],
    ['result', orAbsent(result)],
  ]);
}

/** An entry of libcni's kind; undefined for a file that is missing, or anything else. */
function readEntry(path: string): CachedAttachment | undefined {
  try {
    const value: unknown = JSON.parse(readIfThere(path) ?? '');
    return isJsonObject(value) && value['kind'] === KIND ? parseEntry(value) : undefined;
  } catch {
    return undefined;
  }
}

function parseEntry(value: JsonObject): CachedAttachment {
  return {
    network: stringAt(value, 'networkName') ?? '',
    containerId: stringAt(value, 'containerId') ?? '',
    ifName: stringAt(value, 'ifName') ?? '',
    netns: stringAt(value, 'netns') ?? '',
    config: Buffer.from(stringAt(value, 'config') ?? '', 'base64').toString('utf8'),
    args: arrayAt(value, 'cniArgs').map(parsePair),
    capabilityArgs: objectAt(value, 'capabilityArgs') ?? {},
  };
}

function parsePair(pair: unknown): [string, string] {
  if (Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string')) {
    return [pair[0] as string, pair[1] as string];
  }
  throw new TypeError(`cannot read key "cniArgs": ${JSON.stringify(pair)} is no pair`);
}

/** A file's text; as for libcni, one that cannot be read is not there. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Files of attachments; no name of a network begins with a dot. */
function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
