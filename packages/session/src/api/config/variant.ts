/** One case of a choice, as the bindings write them: a tag, and what goes with it. */
export interface Variant<Tag extends string, Inner> {
  readonly tag: Tag;
  readonly inner: Inner;
}

export interface VariantMaker<Tag extends string, Inner> {
  new (inner: Inner): Variant<Tag, Inner>;
  readonly new: (inner: Inner) => Variant<Tag, Inner>;
  instanceOf(value: unknown): value is Variant<Tag, Inner>;
}

export interface PlainVariant<Tag extends string> {
  readonly tag: Tag;
}

export interface PlainVariantMaker<Tag extends string> {
  new (): PlainVariant<Tag>;
  readonly new: () => PlainVariant<Tag>;
  instanceOf(value: unknown): value is PlainVariant<Tag>;
}

/** A record that may be made by `create`, with defaults filled in, or written as a plain object. */
export interface RecordMaker<T> {
  create(partial: Partial<T>): T;
  readonly new: (partial: Partial<T>) => T;
  defaults(): Partial<T>;
}

export function variant<Tag extends string, Inner>(tag: Tag): VariantMaker<Tag, Inner> {
  return makerOf(tag) as unknown as VariantMaker<Tag, Inner>;
}

export function plainVariant<Tag extends string>(tag: Tag): PlainVariantMaker<Tag> {
  return makerOf(tag) as unknown as PlainVariantMaker<Tag>;
}

/** The cases of a choice under one name. */
export function choice<const Cases extends object, Value>(
  cases: Cases,
): Cases & { instanceOf(value: unknown): value is Value } {
  const makers = Object.values(cases) as { instanceOf(value: unknown): boolean }[];
  const instanceOf = (value: unknown): value is Value =>
    makers.some((maker) => maker.instanceOf(value));
  return { ...cases, instanceOf };
}

export function recordOf<T>(defaults: Partial<T> = {}): RecordMaker<T> {
  const create = (partial: Partial<T>): T => ({ ...defaults, ...partial }) as T;
  return { create, new: create, defaults: () => ({ ...defaults }) };
}

function makerOf(tag: string): new (inner?: unknown) => unknown {
  return class Made {
    readonly tag: string = tag;
    declare readonly inner?: unknown;

    constructor(inner?: unknown) {
      if (inner !== undefined) this.inner = inner;
    }

    static new(inner?: unknown): Made {
      return new Made(inner);
    }

    static instanceOf(value: unknown): boolean {
      return value instanceof Made;
    }
  };
}
