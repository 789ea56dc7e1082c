/** Twins: a machine for the reference and one for ours, on which the same case is run, and what is compared of them. */

import type { ExecutionContext } from 'ava';

import { stringAt } from '../../cni/json.ts';
import { type Case, CHECKED, type Tampered } from './cni-cases.ts';
import { type Build, type Call, type Config, type Container, DEBIAN, type Outcome, printed, Site } from './cni-site.ts';
import { mask, stateOf } from './cni-state.ts';

type Whose = 'ours' | 'debian';

/** A machine on which one of the two has done its work. */
class Twin {
  readonly site: Site;
  readonly container: Container;
  readonly whose: Whose;
  readonly #case: Case;

  constructor(t: ExecutionContext, whose: Whose, one: Case, build: Build) {
    this.site = new Site(t, build);
    this.container = this.site.container('cont1');
    this.whose = whose;
    this.#case = one;
    for (const command of one.before ?? []) this.site.run(command);
  }

  call(command: Call['command'], more: Config = {}, whose: Whose = this.whose): Outcome {
    const { config, env = {} } = this.#case;
    return this.site.call({ command, config: { ...config, ...more }, container: this.container, whose, env });
  }

  state(): unknown {
    return stateOf(this.site, [this.container]);
  }

  /** Masked, with all that is of this twin only. */
  masked(outcome: Outcome): unknown {
    const { bin, dataDir } = this.site;
    const paths = { [this.container.path]: '<netns>', [dataDir]: '<data>', [bin]: '<bin>', [DEBIAN]: '<bin>' };
    return mask({ status: outcome.status, printed: printed(outcome) }, paths);
  }
}

/** Versions are listed up to 1.1.0 by ours. */
const sayings = (masked: unknown): unknown => JSON.parse(JSON.stringify(masked).replaceAll(' \\"1.1.0\\"', ''));

/** IPAM remembers the last address that it gave, though it was given back. */
const withoutData = (state: unknown): unknown => ({ ...(state as object), files: undefined });

/** HEAD of the reference, and so ours, keeps IPv6 addresses of a link that goes down; Debian's does not do so yet. */
const likeHead = (state: unknown): unknown =>
  JSON.parse(JSON.stringify(state).replaceAll(/keep_addr_on_down [01]/g, 'keep_addr_on_down'));

function twins(t: ExecutionContext, one: Case, build: Build): [theirs: Twin, ours: Twin] {
  return [new Twin(t, 'debian', one, build), new Twin(t, 'ours', one, build)];
}

/** The case works: equal results and equal machines after ADD, a silent CHECK, and two DELs. */
export function checkSame(t: ExecutionContext, one: Case, build: Build = 'hooked'): void {
  const [theirs, ours] = twins(t, one, build);
  const both = [theirs, ours];
  const compare = (what: string, of: (twin: Twin) => unknown): void => void t.deepEqual(of(ours), of(theirs), what);
  const added = new Map(both.map((twin) => [twin, twin.call('ADD')]));
  t.deepEqual([added.get(ours)?.status, added.get(ours)?.stderr], [0, ''], added.get(ours)?.stdout);
  compare('result', (twin) => twin.masked(added.get(twin) as Outcome));
  compare('state after ADD', (twin) => likeHead(twin.state()));
  for (const twin of both) {
    const prevResult = printed(added.get(twin) as Outcome);
    if (/^0\.[123]/.test(stringAt(one.config, 'cniVersion') ?? '0.1.0')) continue; // versions without CHECK
    const { status, stdout } = twin.call('CHECK', { prevResult });
    const passes = twin === ours || one.debianCheckFails === undefined;
    t.deepEqual({ status, isSilent: stdout === '' }, { status: passes ? 0 : 1, isSilent: passes }, stdout);
  }
  for (const round of ['first', 'second']) {
    for (const twin of both) t.is(twin.call('DEL').status, 0);
    compare(`state after the ${round} DEL`, (twin) => likeHead(twin.state()));
  }
}

/** The port that the previous result names. */
const portOf = (added: Config): string => (added['interfaces'] as { name: string }[])[1]?.name ?? '';

/** CHECK says the same of a machine on which somebody has changed something since ADD. */
export function checkTampered(t: ExecutionContext, tampered: Tampered, build: Build = 'hooked'): void {
  const { command, where, debianMissesIt } = tampered;
  const [theirs, ours] = twins(t, CHECKED, build).map((twin) => {
    const prevResult = printed(twin.call('ADD'));
    const { site, container } = twin;
    site.run(command.replace('PORT', portOf(prevResult)), where === 'host' ? site.host : container.fd);
    return twin.masked(twin.call('CHECK', { prevResult }));
  });
  if (debianMissesIt) t.deepEqual([theirs, ours].map((one) => (one as Outcome).status), [0, 1]);
  else t.deepEqual(ours, theirs);
}

/**
 * The case is refused with the same words. What a failing ADD of the reference leaves is left out:
 * cni-bridge-failure.test.ts shows that ours leaves nothing.
 */
export function checkRefused(t: ExecutionContext, one: Case, build: Build = 'hooked'): void {
  const [theirs, ours] = twins(t, one, build);
  const before = ours.state();
  const outcome = ours.call('ADD');
  t.is(outcome.status, 1);
  t.deepEqual(sayings(ours.masked(outcome)), sayings(theirs.masked(theirs.call('ADD'))));
  t.deepEqual(withoutData(ours.state()), withoutData(before));
}
