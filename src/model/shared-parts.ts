import { FieldWriter } from './field-writer.js';
import type { InstrumentationScopeLike, ResourceLike } from './readable-span.js';
import { RecordContext } from './record-context.js';

interface Part {
  readonly values: Readonly<Record<string, unknown>>;
  readonly context: RecordContext;
}

/**
 * Maps each resource and instrumentation scope once. Nearly all records share them, and both are immutable (OpenTelemetry
 * specification, "Resource SDK"; sdk-logs promises a stable identity of the scope).
 */
export class SharedParts {
  /** By the attributes object, because a resource returns a new one while asynchronous attributes are pending. */
  readonly #resources = new WeakMap<object, Part>();
  readonly #scopes = new WeakMap<object, Part>();

  /** Writes `resource`, `resourceJson` and `resourceSchemaUrl`. */
  putResource(target: FieldWriter, resource: ResourceLike | undefined, context: RecordContext): void {
    const attributes: unknown = resource?.attributes;
    const part = remember(this.#resources, attributes, (writer) => {
      writer.attributes('resource', attributes);
    });
    context.adopt(part.context);
    Object.assign(target.values, part.values);
    target.optionalText('resourceSchemaUrl', resource?.schemaUrl);
  }

  /** Writes `scope`. */
  putScope(target: FieldWriter, scope: InstrumentationScopeLike | undefined, context: RecordContext): void {
    if (!scope) return;
    const part = remember(
      this.#scopes,
      scope,
      (writer) => {
        writer.text('name', scope.name);
        writer.optionalText('version', scope.version);
        writer.optionalText('schemaUrl', scope.schemaUrl);
        writer.countedAttributes(scope.attributes, scope.droppedAttributesCount);
      },
      'scope.',
    );
    context.adopt(part.context);
    target.values.scope = part.values;
  }
}

function remember(
  parts: WeakMap<object, Part>,
  key: unknown,
  write: (writer: FieldWriter) => void,
  path = '',
): Part {
  const isObject = typeof key === 'object' && key !== null;
  const known = isObject ? parts.get(key) : undefined;
  if (known !== undefined) return known;
  const context = new RecordContext();
  const writer = new FieldWriter(context, path);
  write(writer);
  const part = { values: writer.values, context };
  if (isObject) parts.set(key, part);
  return part;
}
