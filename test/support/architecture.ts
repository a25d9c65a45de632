/**
 * Reads the imports of a package's sources and checks the rules of both packages.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** Who a layer may import besides itself, and whose types only. */
export interface LayerRule {
  readonly uses: readonly string[];
  readonly types?: readonly string[];
}

/** A layer is a folder of `src/`, or a file that stands beside the folders. */
export type Layers = Readonly<Record<string, LayerRule>>;

/** File names that say nothing about the content. */
const vagueNames = ['utils', 'util', 'helpers', 'helper', 'types', 'common', 'misc'];

const maxLines = 400;

export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

export interface Source {
  /** From `src/`, without extension: `delivery/connection`. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Names that are used as values and are not declared: candidates for globals. */
  readonly identifiers: ReadonlySet<string>;
}

/** The sources under a package's `src/`. */
export function readSources(root: string): readonly Source[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.c?ts$/.test(file))
    .map((file) => readSource(root, file.replaceAll('\\', '/')));
}

function readSource(root: string, file: string): Source {
  const text = readFileSync(join(root, file), 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const identifiers = new Set<string>();
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== undefined) imports.push(found);
    if (ts.isIdentifier(node) && !isPropertyName(node)) identifiers.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { path: file.replace(/\.c?ts$/, ''), lines: text.split('\n').length - 1, imports, identifiers };
}

/** The import that a node makes: a declaration, a re-export, `import()`, `require()` or an import type. */
function importOf(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, typeOnly: onlyTypes(node.importClause) };
  }
  if (
    ts.isExportDeclaration(node) &&
    node.moduleSpecifier !== undefined &&
    ts.isStringLiteral(node.moduleSpecifier)
  ) {
    return { specifier: node.moduleSpecifier.text, typeOnly: node.isTypeOnly };
  }
  if (
    ts.isImportTypeNode(node) &&
    ts.isLiteralTypeNode(node.argument) &&
    ts.isStringLiteral(node.argument.literal)
  ) {
    return { specifier: node.argument.literal.text, typeOnly: true };
  }
  const call = ts.isCallExpression(node) ? node : undefined;
  const argument = call?.arguments[0];
  if (call === undefined || argument === undefined || !ts.isStringLiteral(argument)) return undefined;
  const required = ts.isIdentifier(call.expression) && call.expression.text === 'require';
  if (call.expression.kind !== ts.SyntaxKind.ImportKeyword && !required) return undefined;
  return { specifier: argument.text, typeOnly: false };
}

function onlyTypes(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return (
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.every((element) => element.isTypeOnly)
  );
}

function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node) ||
    ts.isPropertySignature(parent) ||
    ts.isMethodSignature(parent)
  );
}

/** The path that a specifier of ours names, or undefined for a package. */
export function targetOf(source: Source, specifier: string): string | undefined {
  if (specifier === '#platform') return 'platform/node/index';
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(source.path), specifier).replace(/\.c?js$/, '');
}

/** Declares the tests of the rules that hold in both packages. */
export function describeArchitecture(sources: readonly Source[], layers: Layers): void {
  const layerOf = (path: string): string => {
    const name = Object.keys(layers).find((layer) => path === layer || path.startsWith(`${layer}/`));
    if (name === undefined) throw new Error(`src/${path} is in no layer of this test's table`);
    return name;
  };

  it('reads the sources', () => {
    assert.ok(sources.length > 20, `${sources.length} files`);
    assert.ok(sources.some((source) => source.imports.length > 2));
  });

  it('has arrows between layers that go one way only', () => {
    const wrong: string[] = [];
    for (const source of sources) {
      const from = layerOf(source.path);
      for (const { specifier, typeOnly } of source.imports) {
        const target = targetOf(source, specifier);
        if (target === undefined) continue;
        const to = layerOf(target);
        const { uses, types = [] } = layers[from]!;
        if (from === to || uses.includes(to) || (typeOnly && types.includes(to))) continue;
        wrong.push(`${source.path} -> ${target}${typeOnly ? '' : ' (not only types)'}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it('imports only what exists', () => {
    const paths = new Set(sources.map((source) => source.path));
    const missing = sources.flatMap((source) =>
      source.imports
        .map(({ specifier }) => targetOf(source, specifier))
        .filter((target) => target !== undefined && !paths.has(target))
        .map((target) => `${source.path} -> ${target}`),
    );
    assert.deepEqual(missing, []);
  });

  it('has no cycles', () => {
    const graph = new Map(
      sources.map((source) => [
        source.path,
        source.imports.flatMap(({ specifier }) => targetOf(source, specifier) ?? []),
      ]),
    );
    assert.deepEqual(findCycle(graph), []);
  });

  it('names Node’s own modules with their prefix', () => {
    const wrong = sources.flatMap((source) =>
      source.imports
        .filter(({ specifier }) => !specifier.startsWith('node:') && isBuiltin(specifier))
        .map(({ specifier }) => `${source.path} imports ${specifier}`),
    );
    assert.deepEqual(wrong, []);
  });

  it(`has no file of more than ${maxLines} lines`, () => {
    const long = sources
      .filter(({ lines }) => lines > maxLines)
      .map(({ path, lines }) => `${path}: ${lines}`);
    assert.deepEqual(long, []);
  });

  it('has kebab-case file names that say something', () => {
    const names = sources.map(({ path }) => posix.basename(path));
    assert.deepEqual(
      names.filter((name) => vagueNames.includes(name) || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)),
      [],
    );
  });
}

/** One cycle of a graph, as the paths along it; empty if there is none. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): readonly string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  for (const path of graph.keys()) {
    const cycle = visit(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
