/**
 * Interworking models: how an interface of the namespace is joined to the device that a sandbox uses. Kata's words.
 *
 *     bridged    veth ══ bridge ══ TAP          frames of both are switched by a bridge
 *     macvtap    veth ══ macvtap                the device is a second address of the veth
 *     tcfilter   veth ◄═ redirects ═► TAP       each sends what the other receives
 *     none       nothing is joined, and nothing handed over
 */

import { InvalidOptionError } from '../../errors.ts';

/** The models by name; `default` is one of the others, see `setDefaultInterworkingModel`. */
export const INTERWORKING_MODELS = ['default', 'bridged', 'macvtap', 'tcfilter', 'none'] as const;

/** Name of a model. */
export type InterworkingModel = (typeof INTERWORKING_MODELS)[number];

/** A model that says what to do. */
export type ResolvedModel = Exclude<InterworkingModel, 'default'>;

let defaultModel: ResolvedModel = 'tcfilter';

/** Whether it names a model: Kata's IsValid. */
export function isInterworkingModel(value: unknown): value is InterworkingModel {
  return (INTERWORKING_MODELS as readonly unknown[]).includes(value);
}

/**
 * The model of that name: Kata's SetModel.
 * @throws InvalidOptionError `Unknown type X`; `Unsupported networking model` for Kata's `enlightened`
 */
export function parseInterworkingModel(name: string): InterworkingModel {
  if (isInterworkingModel(name)) return name;
  const reason = name === 'enlightened' ? 'Unsupported networking model' : `Unknown type ${name}`;
  const models = INTERWORKING_MODELS.map((model) => `"${model}"`).join(', ');
  throw new InvalidOptionError(`Cannot use the interworking model "${name}": ${reason}; one of ${models} is required`);
}

/** What `default` stands for in this process: `tcfilter`, unless it was set. */
export function getDefaultInterworkingModel(): ResolvedModel {
  return defaultModel;
}

/** Sets what `default` stands for from now on; endpoints that exist keep theirs. @throws InvalidOptionError */
export function setDefaultInterworkingModel(name: string): void {
  const model = parseInterworkingModel(name);
  if (model !== 'default') defaultModel = model;
}

/** The model that says what to do: itself, or what `default` stands for. @throws InvalidOptionError */
export function resolveInterworkingModel(name: string): ResolvedModel {
  const model = parseInterworkingModel(name);
  return model === 'default' ? defaultModel : model;
}
