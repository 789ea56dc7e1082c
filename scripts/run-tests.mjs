// Runs AVA in two passes, unprivileged files side by side, privileged ones alone, and adds up their TAP output.
//
// A privileged test makes the namespaces that it needs. Where the user is not root, that pass runs inside a user and
// network namespace of its own (unshare -Urn), where the same user has every right over what it makes there.

import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import process from 'node:process';

const PRIVILEGED = '/privileged/';
/** Skips with this in the title are the kernel's doing and allowed in CI. */
const KERNEL_LACKS = 'this kernel lacks';

function testFiles(under) {
  const entries = readdirSync(under, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`)
    .sort();
}

function asRoot(command) {
  if (process.getuid() === 0) return command;
  const own = ['unshare', '-Urn', '--kill-child', '--'];
  if (spawnSync(own[0], [...own.slice(1), 'true']).status === 0) return [...own, ...command];
  console.error('Privileged tests need root or user namespaces: run as root, or set sysctl kernel.unprivileged_userns_clone=1');
  return command;
}

const totals = { passed: 0, failed: 0, skipped: [] };

async function pass(files, concurrency, wrap) {
  if (files.length === 0) return;
  const ava = ['node', 'node_modules/ava/entrypoints/cli.mjs', '--tap', '--concurrency', String(concurrency), ...files];
  const [program, ...args] = wrap(ava);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let failing = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const result = /^(not ok|ok) \d+ - (.*)$/.exec(line);
    if (result !== null) failing = report(result[1] === 'ok', result[2]);
    else if (failing && !/^(TAP version|1\.\.|# )/.test(line)) console.log(line);
  }
  const code = await new Promise((resolve) => child.exitCode === null ? child.on('close', resolve) : resolve(child.exitCode));
  if (code !== 0 && totals.failed === 0) {
    console.log(`not ok - ava ended with code ${code} and named no failed test`);
    totals.failed++;
  }
}

/** Counts one result; true while its details should be printed. */
function report(ok, title) {
  const skipped = /^(.*?) # SKIP/i.exec(title);
  if (skipped !== null) totals.skipped.push(skipped[1]);
  else if (ok) totals.passed++;
  else totals.failed++;
  if (!ok) console.log(`FAILED ${title}`);
  return !ok;
}

const chosen = process.argv.slice(2);
const files = chosen.length > 0 ? chosen : testFiles('dist/test');
await pass(files.filter((file) => !file.includes(PRIVILEGED)), 2, (command) => command);
await pass(files.filter((file) => file.includes(PRIVILEGED)), 1, asRoot);

for (const title of totals.skipped) console.log(`skipped: ${title}`);
if (process.env.CI === 'true') {
  const missing = totals.skipped.filter((title) => !title.includes(KERNEL_LACKS));
  if (missing.length > 0) console.log(`In CI only what the kernel lacks may be skipped: ${missing.length} skips are not that`);
  totals.failed += missing.length;
}
if (totals.passed === 0) console.log('No test passed: that is a failure');
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped.length} skipped`);
process.exit(totals.failed > 0 || totals.passed === 0 ? 1 : 0);
