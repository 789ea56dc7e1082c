/** Endpoints from what a scan found, and from what was written down. */

import { match } from 'ts-pattern';

import { LinkpointError } from '../../errors.ts';
import type { Endpoint, NetworkScope } from './endpoint.ts';
import type { InterworkingModel } from './interworking.ts';
import { createMacvtapEndpoint, MacvtapEndpoint } from './macvtap-endpoint.ts';
import { PciBus } from './pci-device.ts';
import { PhysicalEndpoint } from './physical-endpoint.ts';
import type { ScannedInterface } from './scan.ts';
import type { EndpointState } from './state-shape.ts';
import { createTapEndpoint, TapEndpoint } from './tap-endpoint.ts';
import { VhostUserEndpoint } from './vhost-user-endpoint.ts';
import { createTuntapEndpoint, createVirtualEndpoint, VirtualEndpoint } from './virtual-endpoint.ts';

/** Makes the endpoint of an interface. @param index number of the endpoint, from 0 */
export function endpointOf(
  scope: NetworkScope,
  index: number,
  model: InterworkingModel,
  found: ScannedInterface,
): Endpoint {
  const { type, name, properties } = found;
  const queue = { interfaceName: name, properties };
  const joined = { ...queue, model };
  return match(type)
    .returnType<Endpoint>()
    .with('virtual', () => createVirtualEndpoint(scope, index, joined))
    .with('tuntap', () => createTuntapEndpoint(scope, index, joined))
    .with('tap', () => createTapEndpoint(scope, index, queue))
    .with('macvtap', () => createMacvtapEndpoint(scope, index, queue))
    .with('physical', () => {
      const device = new PciBus(scope.sysfs).read(found.bdf ?? '');
      return new PhysicalEndpoint(scope, { type: 'physical', ...device, ...identity(found), undo: [] });
    })
    .with('vhost-user', () => {
      const { socketPath = '' } = found;
      return new VhostUserEndpoint(scope, { type: 'vhost-user', ...identity(found), socketPath });
    })
    .exhaustive();
}

/** Makes an endpoint again. Nothing is attached by it; what was, can be detached. */
export function restoreEndpoint(scope: NetworkScope, state: EndpointState): Endpoint {
  return match(state)
    .returnType<Endpoint>()
    .with({ type: 'virtual' }, { type: 'tuntap' }, (one) => new VirtualEndpoint(scope, one))
    .with({ type: 'tap' }, (one) => new TapEndpoint(scope, one))
    .with({ type: 'macvtap' }, (one) => new MacvtapEndpoint(scope, one))
    .with({ type: 'physical' }, (one) => new PhysicalEndpoint(scope, one))
    .with({ type: 'vhost-user' }, (one) => new VhostUserEndpoint(scope, one))
    .exhaustive();
}

type Identity = Pick<Endpoint, 'name' | 'hardwareAddress'> & Pick<ScannedInterface, 'properties'>;

function identity({ name, properties }: ScannedInterface): Identity {
  const hardwareAddress = properties.link.address;
  if (hardwareAddress !== undefined) return { name, hardwareAddress, properties };
  throw new LinkpointError('ERR_NO_LINK_ADDRESS', `Cannot use "${name}" for a sandbox: it has no link address`);
}
