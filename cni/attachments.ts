/**
 * What GC is told: the attachments that the runtime still has. Everything else of the network is to be cleaned.
 *
 *     "cni.dev/valid-attachments": [{ "containerID": "…", "ifname": "eth0" }]      CNI SPEC 1.1.0, "GC"
 */

import { CNI_ERROR, CniError } from './error.ts';
import { type JsonObject, objectsAt, stringAt } from './json.ts';
import type { CniAttachment } from './types.ts';

const KEY = 'cni.dev/valid-attachments';
const DRAFT_KEY = 'cni.dev/attachments';

/**
 * The attachments to keep; `null` is none.
 *
 * @throws CniError 7 without the key: a runtime that forgets it must not lose every container's address
 */
export function readValidAttachments(config: JsonObject): CniAttachment[] {
  if (!(KEY in config)) {
    throw new CniError(CNI_ERROR.invalidNetworkConfig, `missing key "${KEY}"`, 'GC removes all that is not in it');
  }
  return objectsAt(config, KEY).map((each) => ({
    containerId: stringAt(each, 'containerID') ?? '',
    ifName: stringAt(each, 'ifname') ?? '',
  }));
}

/** What a plugin is told at GC. Drafts of the specification had another name for the key: libcni writes both. */
export function gcMembers(valid: readonly CniAttachment[]): JsonObject {
  const attachments = valid.map(({ containerId, ifName }) => ({ containerID: containerId, ifname: ifName }));
  return { [KEY]: attachments, [DRAFT_KEY]: attachments };
}
