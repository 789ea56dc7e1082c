/**
 * The plugin `bridge` as an executable with hooks, which its real executable does not have:
 *
 *     fail NUMBER     step NUMBER of ADD throws
 *     kill NUMBER     the process kills itself before step NUMBER, as `kill -9` would
 *     steps FILE      the names of the steps are written to FILE, a line each
 */

import { appendFileSync } from 'node:fs';

import { createBridgePlugin } from '../../cni/bridge/plugin.ts';
import { runPluginMain } from '../../cni/main.ts';

const [hook, argument = ''] = process.argv.slice(2);

function observe(number: number, name: string): void {
  if (hook === 'steps') appendFileSync(argument, `${name}\n`);
  if (number !== Number(argument)) return;
  if (hook === 'fail') throw new Error(`step ${number} (${name}) failed`);
  if (hook === 'kill') process.kill(process.pid, 'SIGKILL');
}

void runPluginMain(createBridgePlugin(observe));
