/**
 * One poll handle of the event loop for one fd, shared by its reader and its writer: the loop allows only one.
 *
 * The handle exists while either side is interested. libuv stops a handle whose fd reports an error; `revive` starts it
 * again.
 */

import { Readiness } from '../native/readiness.ts';

/** Called when the fd is ready; `status` is 0, or -errno when libuv has stopped the handle. */
export type ReadyCallback = (status: number) => void;

/** Readiness of one fd on this thread's event loop. */
export class FdPoll {
  readonly fd: number;
  #reader: ReadyCallback | null = null;
  #writer: ReadyCallback | null = null;
  #handle: Readiness | null = null;
  #isPaused = false;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Who is called when the fd is readable or hangs up; null for nobody. */
  setReader(callback: ReadyCallback | null): void {
    this.#reader = callback;
    this.#isPaused = false;
    this.#update();
  }

  /** Tells the reader nothing until `resume()`; hang-up and errors wait, too. */
  pause(): void {
    this.#isPaused = true;
    this.#update();
  }

  /** Tells the reader again of what is there. */
  resume(): void {
    this.#isPaused = false;
    this.#update();
  }

  /** Who is called when the fd is writable; null for nobody. */
  setWriter(callback: ReadyCallback | null): void {
    this.#writer = callback;
    this.#update();
  }

  /** Starts polling again after a callback with a negative status. */
  revive(): void {
    this.#handle?.restart();
  }

  /** Stops polling; idempotent. */
  close(): void {
    this.#reader = null;
    this.#writer = null;
    this.#update();
  }

  #update(): void {
    const readable = this.#reader !== null && !this.#isPaused;
    const interest = { readable, disconnect: readable, writable: this.#writer !== null };
    if (this.#reader === null && this.#writer === null) {
      this.#handle?.close();
      this.#handle = null;
    } else if (this.#handle === null) {
      this.#handle = Readiness.watch(this.fd, interest, (status, readable, writable, disconnect) => {
        if (status < 0 || readable || disconnect) this.#reader?.(status);
        if (status < 0 || writable) this.#writer?.(status);
      });
    } else {
      this.#handle.update(interest);
    }
  }
}
