/** Holding a file: many do, anybody can ask, and a child that has the descriptor does so until it ends. */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test, { type ExecutionContext } from 'ava';

import { closeFd, constants, openFd } from '../../native/index.ts';
import { holdFile, isFileHeld, releaseFile } from '../../native/file-hold.ts';

/** Descriptors of one file, each opened for itself. */
function openings(t: ExecutionContext, count: number): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'linkpoint-hold-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'file');
  writeFileSync(path, '');
  return Array.from({ length: count }, () =>
    openFd('Cannot open the file', path, constants.O_RDONLY | constants.O_CLOEXEC, ''),
  );
}

test('a file is held as long as one of its holders is left', (t) => {
  const [first = -1, second = -1, asking = -1] = openings(t, 3);
  t.false(isFileHeld(asking));
  holdFile(first);
  holdFile(second);
  t.true(isFileHeld(asking));
  releaseFile(first);
  t.true(isFileHeld(asking));
  t.true(isFileHeld(first), 'the other one');
  t.false(isFileHeld(second), 'nobody but itself');
  closeFd(second);
  t.false(isFileHeld(asking));
  for (const fd of [first, asking]) closeFd(fd);
});

test('a child holds the file that it was given when who gave it has closed it', async (t) => {
  const [given = -1, other = -1, asking = -1] = openings(t, 3);
  holdFile(given);
  const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore', given] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  closeFd(given);
  t.true(isFileHeld(asking));
  child.stdin?.end();
  await ended;
  t.false(isFileHeld(asking));
  for (const fd of [other, asking]) closeFd(fd);
});

test('released, the file is nobody’s, whatever a child still has', async (t) => {
  const [given = -1, asking = -1] = openings(t, 2);
  holdFile(given);
  const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore', given] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  releaseFile(given);
  t.false(isFileHeld(asking));
  child.stdin?.end();
  await ended;
  for (const fd of [given, asking]) closeFd(fd);
});

test('a descriptor that is none cannot be held, nor asked about', (t) => {
  t.throws(() => holdFile(-1), { code: 'EBADF', message: /Cannot hold the file of fd -1: fcntl\(F_OFD_SETLK\)/ });
  t.throws(() => isFileHeld(-1), { code: 'EBADF' });
});
