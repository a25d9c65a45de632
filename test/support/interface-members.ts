import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { checkout } from './pages.js';

/**
 * The members of the interfaces of a source file, without those that have computed names.
 *
 * @param names - which interfaces
 */
export function interfaceMembers(path: string, names: RegExp): string[] {
  const source = ts.createSourceFile(
    path,
    readFileSync(join(checkout, path), 'utf8'),
    ts.ScriptTarget.Latest,
  );
  const members = source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name }) => names.test(name.text))
    .flatMap((declaration) => [...declaration.members])
    .flatMap(({ name }) => (name !== undefined && ts.isIdentifier(name) ? [name.text] : []));
  return [...new Set(members)];
}
