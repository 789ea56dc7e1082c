/** What the tests of network models share: a scripted CNI provider and a sink, which write one log. */

import {
  type DeviceSink,
  type Dns,
  type NetworkAttachment,
  type NetworkProvider,
  openNetNamespace,
  type ReleaseDevice,
  type SinkTap,
} from '../../sandbox/index.ts';

/** What happened, in order. */
export type Log = string[];

/** Options of a scripted provider. */
export interface ProviderScript {
  readonly dns?: Dns;
  /** Interfaces that it makes. Default `eth0`. */
  readonly interfaces?: readonly string[];
  readonly failAdd?: Error;
  readonly failRemove?: Error;
}

/** Makes veth pairs with addresses, as a CNI plugin would, and deletes them again. */
export class ScriptedProvider implements NetworkProvider {
  readonly attachments: NetworkAttachment[] = [];
  readonly #log: Log;
  readonly #script: ProviderScript;

  constructor(log: Log, script: ProviderScript = {}) {
    this.#log = log;
    this.#script = script;
  }

  async add(attachment: NetworkAttachment): Promise<{ dns?: Dns }> {
    this.attachments.push(attachment);
    this.#log.push('provider.add');
    await using namespace = openNetNamespace(attachment.namespacePath);
    using rtnl = await namespace.rtnl();
    for (const [i, name] of this.#names().entries()) {
      rtnl.links.add({ kind: 'veth', name, peer: { name: `host${i}` } });
      rtnl.addresses.add(name, { address: `192.0.2.${i + 1}/24` });
      rtnl.links.set(name, { up: true });
    }
    if (this.#script.failAdd !== undefined) throw this.#script.failAdd;
    return this.#script.dns === undefined ? {} : { dns: this.#script.dns };
  }

  async remove({ namespacePath }: NetworkAttachment): Promise<void> {
    this.#log.push('provider.remove');
    if (this.#script.failRemove !== undefined) throw this.#script.failRemove;
    await using namespace = openNetNamespace(namespacePath);
    using rtnl = await namespace.rtnl();
    for (const name of this.#names()) if (rtnl.links.find(name) !== undefined) rtnl.links.delete(name);
  }

  #names(): readonly string[] {
    return this.#script.interfaces ?? ['eth0'];
  }
}

/** A sink that logs `attach NAME` and `release NAME`; fails for the names in `failing` and `failingRelease`. */
export class LoggingSink implements DeviceSink {
  readonly failing: Set<string> = new Set<string>();
  readonly failingRelease: Set<string> = new Set<string>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  async addTap({ name }: SinkTap): Promise<ReleaseDevice> {
    if (this.failing.has(name)) throw new Error(`the sink refuses ${name}`);
    this.#log.push(`attach ${name}`);
    return async () => {
      this.#log.push(`release ${name}`);
      if (this.failingRelease.has(name)) throw new Error(`the sink keeps ${name}`);
    };
  }

  addVhostUser(): Promise<never> {
    return Promise.reject(new Error('This sink takes no vhost-user devices'));
  }

  addPci(): Promise<never> {
    return Promise.reject(new Error('This sink takes no PCI devices'));
  }
}
