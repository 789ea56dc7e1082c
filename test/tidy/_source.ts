/** The sources of the repository, parsed, for the rules of tidy.test.ts. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** One TypeScript file. */
export interface Source {
  /** From the repository root, with slashes: `stack/nic.ts`. */
  readonly path: string;
  readonly file: ts.SourceFile;
}

/** Folders that hold no sources of ours. */
const SKIPPED = new Set(['node_modules', 'dist', 'coverage']);

/** The repository root: the nearest folder above the compiled test that has a tsconfig.json. */
export function findRoot(from: string = import.meta.url): string {
  let folder = path.dirname(fileURLToPath(from));
  while (!existsSync(path.join(folder, 'tsconfig.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error(`Cannot find the repository root above ${from}: there is no tsconfig.json`);
    folder = parent;
  }
  return folder;
}

/** All TypeScript files under `root`. */
export function readSources(root: string): Source[] {
  return listFiles(root, '').map((name) => parseSource(name, readFileSync(path.join(root, name), 'utf8')));
}

/** One file as a source; the bad samples of the self-tests are made by this. */
export function parseSource(name: string, text: string): Source {
  return { path: name, file: ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true) };
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) || entry.name.startsWith('.') ? [] : listFiles(root, name);
    return entry.name.endsWith('.ts') ? [name] : [];
  });
}

/** Calls `visit` for every node of a source, the outer ones first. */
export function walk(source: Source, visit: (node: ts.Node) => void): void {
  const step = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, step);
  };
  step(source.file);
}

/** `stack/nic.ts:12`, for a message. */
export function placeOf(source: Source, node: ts.Node): string {
  return `${source.path}:${source.file.getLineAndCharacterOfPosition(node.getStart(source.file)).line + 1}`;
}
