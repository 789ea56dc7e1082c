/** Where programs of the system are looked for. */

/** `PATH` without the folders that npm puts before the system's: another package's `nft` may be in one. */
export function systemPath(): string {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.filter((folder) => !folder.endsWith('/node_modules/.bin')).join(':');
}
