/**
 * GC and STATUS. GC removes what attachments have left behind that the runtime has forgotten: addresses, by IPAM's own
 * GC, masquerade rules, by the hash of the network, and spoof checks of ports that are gone. The reference has no GC.
 */

import { Rtnl } from '../../sandbox/netlink/rtnl.ts';
import { readValidAttachments } from '../attachments.ts';
import { execGc, execStatus } from '../delegate.ts';
import { toCniError } from '../error.ts';
import { collectMasquerade } from '../masquerade.ts';
import { collectSpoofChecks } from '../spoof-check.ts';
import type { PluginContext } from '../types.ts';
import { readBridgeConfig } from './config.ts';

/** Runs GC. @throws CniError the first failure, when everything was tried */
export async function collectGarbage(context: PluginContext): Promise<void> {
  const config = readBridgeConfig(context);
  const valid = readValidAttachments(context.config);
  const { ipam } = config;
  const works = [
    ...(ipam === undefined ? [] : [() => execGc(ipam, context)]),
    ...(ipam !== undefined && config.masquerade ? [() => collectMasquerade(config.network, valid)] : []),
    ...(config.spoofCheck ? [collectGonePorts] : []),
  ];
  const outcomes = await Promise.allSettled(works.map((work) => work()));
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [toCniError(outcome.reason)] : []));
  for (const { message } of errors.slice(1)) context.warn(message);
  if (errors[0] !== undefined) throw errors[0];
}

/** Runs STATUS: whether ADD would work is IPAM's to say. @throws CniError as IPAM reports it */
export async function reportStatus(context: PluginContext): Promise<void> {
  const { ipam } = readBridgeConfig(context);
  if (ipam !== undefined) await execStatus(ipam, context);
}

async function collectGonePorts(): Promise<void> {
  using host = Rtnl.open();
  await collectSpoofChecks((name) => host.links.find(name) !== undefined);
}
