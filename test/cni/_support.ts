/** Calls of a plugin in this process, and folders that go with the test. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { ExecutionContext } from 'ava';

import type { JsonObject } from '../../cni/json.ts';
import { runPlugin } from '../../cni/skel.ts';
import type { CniPlugin, PluginContext } from '../../cni/types.ts';

/** What a call is made of; the rest has defaults. */
export interface Call {
  readonly command?: string;
  readonly config?: JsonObject | string;
  /** Added to the environment; an empty value is the same as none. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a call came to. */
export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of a call for attachment `eth0` of container `c1`. */
export const environment = (command: string, extra: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  CNI_COMMAND: command,
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/nowhere/netns',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/nowhere/bin',
  ...extra,
});

/** A configuration as text. */
export const asText = (config: JsonObject | string): string =>
  typeof config === 'string' ? config : JSON.stringify(config);

/** One command of a plugin, in this process. */
export async function call(plugin: CniPlugin, { command = 'ADD', config = {}, env = {} }: Call): Promise<Answer> {
  const said = { stdout: '', stderr: '' };
  const status = await runPlugin(plugin, {
    env: environment(command, env),
    stdin: () => asText(config),
    stdout: (text) => (said.stdout += text),
    stderr: (text) => (said.stderr += text),
  });
  return { status, ...said };
}

/** stdout of a call, decoded. */
export const decode = (answer: Answer): JsonObject => JSON.parse(answer.stdout) as JsonObject;

/** A call as a plugin sees it. */
export function contextOf(config: JsonObject, overrides: Partial<PluginContext> = {}): PluginContext {
  return {
    command: 'ADD',
    containerId: 'c1',
    netns: '/nowhere/netns',
    ifName: 'eth0',
    args: '',
    path: [],
    config,
    raw: JSON.stringify(config),
    cniVersion: typeof config['cniVersion'] === 'string' ? config['cniVersion'] : '0.1.0',
    env: {},
    warn: () => undefined,
    ...overrides,
  };
}

/** A folder that is removed after the test. */
export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'linkpoint-cni-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The files of a folder and what is in them. */
export const filesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
