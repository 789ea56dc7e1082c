/** Rules about what a source declares, and how long it may be. Each answers with its violations. */

import ts from 'typescript';
import { placeOf, type Source, walk } from './_source.ts';

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 50;

/** Sources that are no library: their exports are for the tests beside them. */
const NO_LIBRARY = /^(?:test|examples|bench)\//;

/** Modules of named offsets into C structures and shared memory. */
const LAYOUTS = /(?:^|[/-])layout\.ts$/;

/**
 * Modules whose contract is a default export: piscina calls that of dispatch/worker, and dispatch/worker that of the
 * user's module, which makes a dispatcher.
 */
const DEFAULT_EXPORTS =
  /^(?:dispatch\/worker\.ts$|test\/.*\/_[^/]*\.ts$|(?:test|examples|bench|cli)\/.*(?:worker|dispatcher)[^/]*\.ts$)/;

/** Files longer than one idea. */
export function findLongFiles(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, file }) => {
    const lines = file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0);
    return lines > FILE_LINES_MAX ? [`${path}: ${lines} lines, at most ${FILE_LINES_MAX}`] : [];
  });
}

/** Functions, methods and accessors that do not fit a screen. */
export function findLongFunctions(sources: readonly Source[]): string[] {
  return collect(sources, (source, node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return null;
    const lineOf = (position: number): number => source.file.getLineAndCharacterOfPosition(position).line;
    const lines = lineOf(node.end) - lineOf(node.getStart(source.file)) + 1;
    return lines > FUNCTION_LINES_MAX ? `${lines} lines, at most ${FUNCTION_LINES_MAX}` : null;
  });
}

/**
 * Exported declarations of the library without a docstring. In a layout, the picture of a structure documents all the
 * offsets that follow it without an empty line.
 */
export function findUndocumentedExports(sources: readonly Source[]): string[] {
  return collect(sources, (source, node) => {
    if (NO_LIBRARY.test(source.path) || node.parent !== source.file || !ts.canHaveModifiers(node)) return null;
    if (!isExported(node) || isLaterOverload(source, node)) return null;
    return hasDocstring(source, node) || isOffsetUnderPicture(source, node)
      ? null
      : `${node.getText().split('\n')[0]?.slice(0, 60)}: no docstring`;
  });
}

/** Default exports where no contract asks for one. */
export function findDefaultExports(sources: readonly Source[]): string[] {
  return collect(sources, (source, node) => {
    if (DEFAULT_EXPORTS.test(source.path)) return null;
    const isAssignment = ts.isExportAssignment(node);
    const isSpecifier = ts.isExportSpecifier(node) && node.name.text === 'default';
    const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
    const isModified = modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword);
    return isAssignment || isSpecifier || isModified ? 'a default export' : null;
  });
}

/** The type `any`. */
export function findAny(sources: readonly Source[]): string[] {
  return collect(sources, (_source, node) => (node.kind === ts.SyntaxKind.AnyKeyword ? 'any' : null));
}

function collect(sources: readonly Source[], check: (source: Source, node: ts.Node) => string | null): string[] {
  return sources.flatMap((source) => {
    const found: string[] = [];
    walk(source, (node) => {
      const violation = check(source, node);
      if (violation !== null) found.push(`${placeOf(source, node)}: ${violation}`);
    });
    return found;
  });
}

const isExported = (node: ts.HasModifiers): boolean =>
  (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

/** Overloads share the docstring of the first. */
function isLaterOverload(source: Source, node: ts.Node): boolean {
  if (!ts.isFunctionDeclaration(node)) return false;
  const before = source.file.statements[source.file.statements.indexOf(node) - 1];
  return before !== undefined && ts.isFunctionDeclaration(before) && before.name?.text === node.name?.text;
}

/** A constant of a layout whose run of constants begins with a comment. */
function isOffsetUnderPicture(source: Source, node: ts.Node): boolean {
  if (!LAYOUTS.test(source.path) || !ts.isVariableStatement(node)) return false;
  const run =
    source.file.text
      .slice(0, node.getStart())
      .split(/\n\s*\n/)
      .at(-1) ?? '';
  return /^\s*\/[/*]/.test(run);
}

/** A comment that the file itself opens with counts for the file, not for its first declaration. */
function hasDocstring(source: Source, node: ts.Node): boolean {
  const { text } = source.file;
  const comments = ts.getLeadingCommentRanges(text, node.pos) ?? [];
  const docs = comments.filter(({ pos, end }) => text.slice(pos, end).startsWith('/**'));
  const isFirst = source.file.statements[0] === node;
  return (
    docs.length > (isFirst && docs.length > 0 && text.slice(docs[0]?.end, node.getStart()).includes('\n\n') ? 1 : 0)
  );
}
