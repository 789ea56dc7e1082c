/**
 * Leases on disk, in the reference's format, so that both can share a folder.
 *
 *     <dataDir>/<network>/lock                    flock(2) while anything here is read or written
 *                         192.0.2.2               "containerID\r\nifname", once just "containerID"
 *                         2001:db8::2             the name is the address
 *                         last_reserved_ip.0      the address that range set 0 gave last
 *                         .reserving              a lease that is being written; a leftover means nothing
 *
 * A lease is written aside and renamed: whoever is killed at any point leaves a whole lease, which DEL finds by its
 * owner, or none. The reference creates the file first, and one that is killed then leaves an address without an owner.
 */

import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { lockFile } from '../../native/file-lock.ts';
import { readAddress } from '../addresses.ts';
import { causeText } from '../strerror.ts';
import type { CniAttachment } from '../types.ts';
import { type Address, addressText, toAddress } from './address.ts';

const LOCK = 'lock';
const RESERVING = '.reserving';
const LAST_RESERVED = 'last_reserved_ip.';

const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o600;
/** What the reference gives its lock. */
const LOCK_MODE = 0o750;

/** An address that is taken. */
export interface Lease {
  /** Name of its file. */
  readonly name: string;
  readonly address: Address;
  /** The file's text, trimmed. */
  readonly owner: string;
}

/** Opens the folder, made if it is missing, and locks it while `use` runs: synchronously, the lock is the thread's. */
export function withLeases<T>(directory: string, use: (store: LeaseStore) => T): T {
  explain(`mkdir ${directory}`, () => makeDirectory(directory));
  return withLock(directory, use);
}

/** As {@link withLeases}; where there is no folder nothing is made, and the answer is `absent`: for GC and STATUS. */
export function withExistingLeases<T>(directory: string, absent: T, use: (store: LeaseStore) => T): T {
  return existsSync(directory) ? withLock(directory, use) : absent;
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  } catch (error) {
    // A file is in the way.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new Error('not a directory', { cause: error });
    throw error;
  }
}

function withLock<T>(directory: string, use: (store: LeaseStore) => T): T {
  const path = join(directory, LOCK);
  const fd = explain(`open ${path}`, () => openSync(path, constants.O_RDONLY | constants.O_CREAT, LOCK_MODE));
  try {
    lockFile(fd);
    return use(new LeaseStore(directory));
  } finally {
    closeSync(fd);
  }
}

/** The leases of one network, while their folder is locked. */
export class LeaseStore {
  readonly #directory: string;
  readonly #taken: Set<string>;
  /** Nobody's leases, though the name of one is taken. */
  readonly #folders: ReadonlySet<string>;

  constructor(directory: string) {
    this.#directory = directory;
    const entries = readdirSync(directory, { withFileTypes: true });
    this.#taken = new Set(entries.map(({ name }) => name));
    this.#folders = new Set(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name));
  }

  /**
   * Takes an address for an attachment and remembers it as the set's last; false if it is taken. The lease is there in
   * the last step: what fails before, a full disk for one, leaves none.
   */
  reserve({ containerId, ifName }: CniAttachment, address: Address, setIndex: number): boolean {
    const name = addressText(address);
    if (this.#taken.has(name)) return false;
    this.#write(RESERVING, ownerText(containerId, ifName));
    this.#write(`${LAST_RESERVED}${setIndex}`, name);
    renameSync(this.#path(RESERVING), this.#path(name));
    this.#taken.add(name);
    return true;
  }

  /** The address that the set gave last; null where there is none. */
  lastReserved(setIndex: number): Address | null {
    const name = `${LAST_RESERVED}${setIndex}`;
    const ip = this.#taken.has(name) ? readAddress(this.#read(name)) : null;
    return ip === null ? null : toAddress(ip);
  }

  /** Every lease. */
  leases(): Lease[] {
    return [...this.#taken].flatMap((name) => {
      const ip = readAddress(name);
      if (ip === null || this.#folders.has(name)) return [];
      return [{ name, address: toAddress(ip), owner: this.#read(name).trim() }];
    });
  }

  /** The leases of an attachment, those of before there were interface names included. */
  leasesOf({ containerId, ifName }: CniAttachment): Lease[] {
    const owners = [ownerText(containerId, ifName), containerId.trim()];
    return this.leases().filter(({ owner }) => owners.includes(owner));
  }

  /** Gives up an address. */
  release(name: string): void {
    rmSync(this.#path(name), { force: true });
    this.#taken.delete(name);
  }

  /** Gives up what an attachment has; a lease of before there were interface names, only if it has nothing else. */
  releaseOf(attachment: CniAttachment): void {
    const own = this.leasesOf(attachment);
    const exact = own.filter(({ owner }) => owner === ownerText(attachment.containerId, attachment.ifName));
    for (const { name } of exact.length > 0 ? exact : own) this.release(name);
    this.#sweep();
  }

  /** Gives up what none of these attachments has. */
  releaseAllBut(valid: readonly CniAttachment[]): void {
    const owners = new Set(valid.flatMap(({ containerId, ifName }) => [ownerText(containerId, ifName), containerId]));
    for (const { name, owner } of this.leases()) if (!owners.has(owner)) this.release(name);
    this.#sweep();
  }

  /** Whoever wrote this was killed: the lock is ours now. */
  #sweep(): void {
    if (this.#taken.has(RESERVING)) this.release(RESERVING);
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #read(name: string): string {
    return readFileSync(this.#path(name), 'utf8');
  }

  #write(name: string, text: string): void {
    writeFileSync(this.#path(name), text, { mode: FILE_MODE });
  }
}

const ownerText = (containerId: string, ifName: string): string => `${containerId.trim()}\r\n${ifName}`;

/** A failure in the reference's words: `open /var/lib/…: permission denied`. */
function explain<T>(action: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new Error(`${action}: ${causeText(cause)}`, { cause });
  }
}
