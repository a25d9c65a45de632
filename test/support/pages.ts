/**
 * The Markdown pages of the repository, found by reading its folders.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const checkout = fileURLToPath(new URL('../..', import.meta.url));

export interface Page {
  /** From the root of the repository, with slashes: `docs/server.md`. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block. */
export interface Snippet {
  readonly page: string;
  readonly language: string;
  /** The line of the page on which the block begins. */
  readonly line: number;
  readonly text: string;
}

/** Every page, those of the root first. */
export const pages: readonly Page[] = [
  ...read('', false),
  ...read('docs', true),
  ...read('realm-ingest', false),
  ...read('test/faults', false),
];

/** @throws Error if there is no such page */
export function pageAt(path: string): Page {
  const page = pages.find((candidate) => candidate.path === path);
  if (page === undefined) throw new Error(`there is no page ${path}`);
  return page;
}

/** The fenced blocks of one language, on every page. */
export function snippets(language: string): Snippet[] {
  return pages.flatMap(({ path, text }) =>
    [...text.matchAll(/^```(\S+)\n(.*?)^```/gms)]
      .filter(([, found]) => found === language)
      .map(({ 2: block = '', index }) => ({
        page: path,
        language,
        line: text.slice(0, index).split('\n').length,
        text: block,
      })),
  );
}

/** A section of a page, from its heading to the next one of the same level or a higher one. */
export function sectionOf(path: string, heading: string): string {
  const lines = pageAt(path).text.split('\n');
  const start = lines.findIndex((line) => line.replace(/^#+ /, '') === heading && line.startsWith('#'));
  if (start < 0) throw new Error(`${path} has no section "${heading}"`);
  const level = /^#+/.exec(lines[start] ?? '')?.[0].length ?? 0;
  const length = lines.slice(start + 1).findIndex((line) => {
    const hashes = /^#+(?= )/.exec(line)?.[0].length;
    return hashes !== undefined && hashes <= level;
  });
  return lines.slice(start, length < 0 ? undefined : start + 1 + length).join('\n');
}

/** What stands in backticks in the first cells of a section's tables. */
export function namesInTables(section: string): string[] {
  return [...section.matchAll(/^\|([^|]*)\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
}

function read(folder: string, recursive: boolean): Page[] {
  return readdirSync(join(checkout, folder), { recursive, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name).replaceAll('\\', '/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(checkout, path), 'utf8') }));
}
