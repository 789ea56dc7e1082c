/** Versions of the CNI specification: which there are, and how two are compared. */

/** The versions of which this package speaks every one, oldest first. */
export const CNI_VERSIONS: readonly string[] = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];

/** The newest version; results have its shape inside this package. */
export const CNI_CURRENT_VERSION = '1.1.0';

/** What a configuration without `cniVersion` means. */
export const CNI_DEFAULT_VERSION = '0.1.0';

const PARTS = ['major', 'minor', 'micro'] as const;

/**
 * Reads `1.1.0`; missing parts are 0.
 *
 * @throws Error with the reference's words: the version is empty, has too many parts, or a part is no number
 */
export function parseVersion(version: string): [major: number, minor: number, micro: number] {
  if (version === '') throw new Error('invalid version "": the version is empty');
  const parts = version.split('.');
  if (parts.length > PARTS.length) throw new Error(`invalid version ${JSON.stringify(version)}: too many parts`);
  const [major = 0, minor = 0, micro = 0] = parts.map((part, index) => {
    if (/^[+-]?\d+$/.test(part)) return Number(part);
    const quoted = JSON.stringify(part);
    const reason = `strconv.Atoi: parsing ${quoted}: invalid syntax`;
    throw new Error(`failed to convert ${PARTS[index]} version part ${quoted}: ${reason}`);
  });
  return [major, minor, micro];
}

/** Whether `version` is `floor` or newer. @throws Error as {@link parseVersion} */
export function isAtLeast(version: string, floor: string): boolean {
  const [wanted, least] = [parseVersion(version), parseVersion(floor)];
  for (const [index, part] of wanted.entries()) {
    if (part !== least[index]) return part > (least[index] ?? 0);
  }
  return true;
}
