/** The written pages of the repository, and the code blocks in them. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { findRoot } from './tidy/_source.ts';

const root = findRoot();

/** One page. */
export interface Page {
  /** From the repository root: `docs/guide/testing.md`. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block of TypeScript, with the declarations that an HTML comment before it takes as given. */
export interface CodeBlock {
  /** `README.md:12`: where it begins. */
  readonly place: string;
  readonly code: string;
  readonly given: string;
}

/** All pages: those at the root, and everything under docs/. */
export function readPages(): Page[] {
  const docs = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  const names = [...readdirSync(root), ...docs.map((name) => path.posix.join('docs', name))];
  return names.filter((name) => name.endsWith('.md')).sort().map(readPage);
}

/** One page by its path. */
export function readPage(name: string): Page {
  return { path: name, text: readFileSync(path.join(root, name), 'utf8') };
}

/**
 * The ```ts blocks of a page. What a block takes as given stands in a comment directly before it:
 *
 *     <!-- given: import type { LinkEndpoint } from 'linkpoint'; declare const endpoint: LinkEndpoint; -->
 */
export function codeBlocks({ path: name, text }: Page): CodeBlock[] {
  const pattern = /(?:<!-- given: ([^]*?) -->\n)?^```ts\n([^]*?)^```$/gm;
  return [...text.matchAll(pattern)].map((found) => {
    const line = text.slice(0, found.index).split('\n').length;
    return { place: `${name}:${line}`, given: found[1] ?? '', code: found[2] as string };
  });
}

/** Type errors of blocks, each as a module of its own at the root of the package, as `place: message`. */
export function typeErrors(blocks: readonly CodeBlock[]): string[] {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), ts.sys.readFile) as { config: object };
  const { options: own } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const { rootDir, outDir, tsBuildInfoFile, ...kept } = own;
  const relaxed = { isolatedDeclarations: false, noUnusedLocals: false, noUnusedParameters: false, incremental: false };
  const options: ts.CompilerOptions = { ...kept, ...relaxed, declaration: false, noEmit: true };
  const modules = new Map(blocks.map((block, index) => [path.join(root, `doc-block-${index}.ts`), block]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  const textOf = (name: string): string | undefined => {
    const block = modules.get(path.normalize(name));
    return block === undefined ? undefined : `${block.given}\n${block.code}`;
  };
  host.fileExists = (name) => textOf(name) !== undefined || fileExists(name);
  host.readFile = (name) => textOf(name) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = textOf(name);
    return text === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, text, version, true);
  };
  const program = ts.createProgram([...modules.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const place = modules.get(diagnostic.file?.fileName ?? '')?.place ?? diagnostic.file?.fileName ?? 'options';
    return `${place}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
  });
}
