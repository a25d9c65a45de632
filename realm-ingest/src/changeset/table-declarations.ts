import type { AddColumn, AddTable } from './instruction.js';

/** A column as a client declares it. */
export type ColumnDeclaration = Pick<
  AddColumn,
  'field' | 'columnType' | 'nullable' | 'collection' | 'target' | 'keyType'
>;

/** A class as a client declares it; for diagnosis only, since payloads carry their types. */
export interface TableDeclaration {
  readonly table: string;
  /** Undefined where the changeset only adds columns. */
  readonly kind: AddTable['kind'] | undefined;
  /** Undefined for embedded classes, and where the changeset only adds columns. */
  readonly primaryKey: AddTable['primaryKey'];
  readonly columns: readonly ColumnDeclaration[];
}

/** So many tables and columns are kept; what is beyond is left out, for a declaration never fails. */
const maxDeclarations = 10_000;

interface OpenDeclaration extends TableDeclaration {
  kind: TableDeclaration['kind'];
  primaryKey: TableDeclaration['primaryKey'];
  readonly columns: ColumnDeclaration[];
}

/** Collects what AddTable and AddColumn declare, conflicting or not. */
export class TableDeclarations {
  readonly #tables = new Map<string, OpenDeclaration>();
  #count = 0;

  addTable({ table, kind, primaryKey }: AddTable): void {
    const declaration = this.#open(table);
    if (declaration) Object.assign(declaration, { kind, primaryKey });
  }

  addColumn({ table, field, columnType, nullable, collection, target, keyType }: AddColumn): void {
    const declaration = this.#open(table);
    if (!declaration || ++this.#count > maxDeclarations) return;
    declaration.columns.push({ field, columnType, nullable, collection, target, keyType });
  }

  /** In the order of their first mention. */
  list(): TableDeclaration[] {
    return [...this.#tables.values()];
  }

  #open(table: string): OpenDeclaration | undefined {
    const known = this.#tables.get(table);
    if (known || ++this.#count > maxDeclarations) return known;
    const opened: OpenDeclaration = { table, kind: undefined, primaryKey: undefined, columns: [] };
    this.#tables.set(table, opened);
    return opened;
  }
}
