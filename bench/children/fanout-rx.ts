/**
 * Contestant of the fan-out suite: one endpoint over several fds, or several endpoints, in any way of running. Prints
 * what the event loop's delay was, too.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';

import { openFdBased } from '../../index.ts';
import type { RunMode } from '../../index.ts';
import { burning, type BurnOptions } from './burn-dispatcher.ts';
import { ChildOptions, PATIENCE_MILLISECONDS, printLine, sayReady } from './window.ts';

const options = new ChildOptions(['fds', 'shape', 'run', 'burn-us', 'prefilled']);
const fds = options.text('fds', '3').split(',').map(Number);
const run = options.text('run', 'inline') as RunMode;
const burn: BurnOptions = { microseconds: options.number('burn-us', 0) };
const groups = options.text('shape', 'group') === 'group' ? [fds] : fds.map((fd) => [fd]);
const endpoints = await Promise.all(groups.map((group) => openFdBased({ fds: group, run })));
const module = new URL('./burn-dispatcher.js', import.meta.url);
for (const endpoint of endpoints) endpoint.attach(run === 'worker' ? { module, data: burn } : burning(burn));
const delay = monitorEventLoopDelay({ resolution: 1 });
if (options.text('prefilled') !== 'true') await pause(300); // workers start
sayReady();
await measure();
for (const endpoint of endpoints) endpoint.close();
await Promise.all(endpoints.map((endpoint) => endpoint.wait()));

async function measure(): Promise<void> {
  const deadline = performance.now() + PATIENCE_MILLISECONDS;
  while (delivered() === 0 && performance.now() < deadline) await pause(1);
  await pause(options.number('warm-ms', 300));
  delay.enable();
  const [at, packets, cpu] = [performance.now(), delivered(), process.cpuUsage()];
  await pause(options.number('measure-ms', 250));
  const seconds = (performance.now() - at) / 1e3;
  const { user, system } = process.cpuUsage(cpu);
  const counted = delivered() - packets;
  delay.disable();
  const delayP99Ms = delay.percentile(99) / 1e6 - 1; // it measures a timer of 1 ms
  printLine({ packets: counted, seconds, userNs: user * 1e3, systemNs: system * 1e3, delayP99Ms, total: delivered() });
}

function delivered(): number {
  return endpoints.reduce((sum, endpoint) => sum + endpoint.statistics.get('deliveredPackets'), 0);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
