/** A process that detaches what another one has attached: fd 3 is the namespace, its argument the endpoint's state. */

import { openNetNamespace } from '../../sandbox/index.ts';
import { VirtualEndpoint, type VirtualState } from '../../sandbox/network/virtual-endpoint.ts';

const namespace = openNetNamespace(3);
const warnings: string[] = [];
const scope = {
  namespace,
  queues: 1,
  vhost: 'off',
  sysfs: '/sys',
  onStep: () => undefined,
  warn: (message: string) => void warnings.push(message),
} as const;
const endpoint = new VirtualEndpoint(scope, JSON.parse(process.argv[2] ?? '') as VirtualState);
const wasAttached = endpoint.isAttached;
await endpoint.detach();
console.log(JSON.stringify({ wasAttached, isAttached: endpoint.isAttached, warnings }));
