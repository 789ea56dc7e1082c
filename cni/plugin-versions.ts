/**
 * Which versions of the specification a plugin speaks: the command VERSION.
 *
 *     {"cniVersion":"1.1.0","supportedVersions":["0.1.0", … ]}      CNI SPEC 1.1.0, "VERSION"
 *
 * Plugins older than the command, and than the list in its answer, are known by that.
 */

import { execPlugin, type PluginCaller } from './delegate.ts';
import { CNI_ERROR, CniError } from './error.ts';
import { isJsonObject, stringAt, stringsAt } from './json.ts';
import { CNI_CURRENT_VERSION } from './version.ts';

const INPUT = JSON.stringify({ cniVersion: CNI_CURRENT_VERSION });

/** Plugins made with an old skeleton want these for VERSION, too. */
const VARIABLES = { CNI_CONTAINERID: '', CNI_NETNS: 'dummy', CNI_IFNAME: 'dummy', CNI_ARGS: '', CNI_PATH: 'dummy' };

/** What a plugin answers that does not know the command. */
const NO_VERSION_COMMAND = 'unknown CNI_COMMAND: VERSION';

/** The versions of the plugin `type`. @throws CniError as the plugin reports it, or 6 for no answer to the question */
export async function askVersions(type: string, caller: PluginCaller): Promise<readonly string[]> {
  try {
    return readVersions(await execPlugin('VERSION', type, { ...caller, env: { ...caller.env, ...VARIABLES } }, INPUT));
  } catch (error) {
    if ((error as Error).message === NO_VERSION_COMMAND) return ['0.1.0'];
    throw error;
  }
}

function readVersions(stdout: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(stdout);
    if (!isJsonObject(value)) throw new TypeError('it is no JSON object');
    const version = stringAt(value, 'cniVersion') ?? '';
    if (version === '') throw new TypeError('missing field cniVersion');
    const versions = stringsAt(value, 'supportedVersions');
    if (versions.length > 0) return versions;
    if (version === '0.2.0') return ['0.1.0', '0.2.0'];
    throw new TypeError('missing field supportedVersions');
  } catch (cause) {
    const message = `decoding version info: ${(cause as Error).message}`;
    throw new CniError(CNI_ERROR.decodingFailure, message, '', { cause });
  }
}
