/** What may lie at the root of the repository: DESIGN section 1. */

const FILES = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'LICENSE',
  'index.ts',
  'errors.ts',
];

const FOLDERS = [
  'native',
  'header',
  'gso',
  'stack',
  'dispatch',
  'link',
  'testing',
  'sandbox',
  'cni',
  'cli',
  'examples',
  'bench',
  'test',
  'docs',
  'scripts',
];

/** Made by npm and the compiler, ignored by git. */
const GENERATED = ['node_modules', 'dist', 'coverage'];

/** Entries of the root that DESIGN does not name. Dot-files are free; folders that are yet to come may be missing. */
export function findForeignEntries(entries: readonly string[]): string[] {
  const known = new Set([...FILES, ...FOLDERS, ...GENERATED]);
  return entries.filter((name) => !name.startsWith('.') && !known.has(name));
}

/** Files that DESIGN names and the root lacks. */
export function findMissingFiles(entries: readonly string[]): string[] {
  return FILES.filter((name) => !entries.includes(name));
}
