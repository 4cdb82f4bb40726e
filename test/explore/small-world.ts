// What the clients of an exploration share: an object store and a journal, as values that never change. A request makes
// another world and an answer; equal worlds are one object with one number, and so are equal requests and equal
// answers. What a request does to a world is worked out once.
import { invalidArgument } from '../../src/model/errors.ts';

/** A request through a seam: to the object store, or to a journal that is one atomic step per call. */
export type Request =
  | {
      readonly op: 'put';
      readonly key: string;
      readonly body: string;
      readonly when: 'absent' | { readonly etag: string } | undefined;
    }
  | {
      readonly op: 'get';
      readonly key: string;
      readonly range: { readonly start: number; readonly end: number } | { readonly last: number } | undefined;
      readonly ifNoneMatch: string | undefined;
    }
  | { readonly op: 'list'; readonly prefix: string; readonly after: string; readonly limit: number }
  | { readonly op: 'delete'; readonly keys: readonly string[] }
  | { readonly op: 'append'; readonly index: number; readonly body: string }
  | { readonly op: 'read'; readonly from: number; readonly limit: number };

/** A request with its number: equal requests have the same. */
export interface NumberedRequest {
  readonly id: number;
  readonly request: Request;
  /** Short, for schedules. */
  readonly label: string;
}

/** What a client is told. Plain data, bodies as text in one character per byte. */
export interface Answer {
  readonly id: number;
  readonly value: unknown;
}

export interface World {
  readonly id: number;
  /** All of it, as text. */
  readonly text: string;
  /** Bytes by key; the etag of a value is made of the value, so equal worlds are equal. */
  readonly values: ReadonlyMap<string, string>;
  /** Records of the atomic journal, from index 1 on. */
  readonly records: readonly string[];
  /** What a scope keeps about the past, as text. */
  readonly past: string;
}

interface Effect {
  readonly world: World;
  readonly answer: Answer;
}

/** Says what of the past is to be kept once `request` has made `after` of `before`. May throw: then it is a violation. */
export type Historian = (before: World, request: Request, after: Pick<World, 'values' | 'records'>) => string;

export class Worlds {
  readonly #historian: Historian;
  readonly #worlds = new Map<string, World>();
  readonly #answers = new Map<string, Answer>();
  readonly #requests = new Map<string, NumberedRequest>();
  readonly #effects: Map<number, Effect>[] = [];

  constructor(historian: Historian = ({ past }) => past) {
    this.#historian = historian;
  }

  get count(): number {
    return this.#worlds.size;
  }

  empty(): World {
    return this.#intern(new Map(), [], '');
  }

  number(request: Request): NumberedRequest {
    const text = JSON.stringify(request);
    let known = this.#requests.get(text);
    if (known === undefined) {
      known = { id: this.#requests.size, request, label: labelOf(request) };
      this.#requests.set(text, known);
    }
    return known;
  }

  answer(value: unknown): Answer {
    const text = JSON.stringify(value) ?? '';
    let known = this.#answers.get(text);
    if (known === undefined) {
      known = { id: this.#answers.size, value };
      this.#answers.set(text, known);
    }
    return known;
  }

  /** What `request` does to `world`, and how it is answered. */
  perform(world: World, { id, request }: NumberedRequest): Effect {
    const known = (this.#effects[world.id] ??= new Map<number, Effect>());
    let effect = known.get(id);
    if (effect === undefined) {
      const { values, records, value } = perform(world, request);
      const past = this.#historian(world, request, { values, records });
      effect = { world: this.#intern(values, records, past), answer: this.answer(value) };
      known.set(id, effect);
    }
    return effect;
  }

  #intern(values: ReadonlyMap<string, string>, records: readonly string[], past: string): World {
    const stored = [...values].map(([key, value]) => `${key}=${idOf(value)}`).toSorted();
    const text = JSON.stringify([stored, records.map(idOf), past]);
    let known = this.#worlds.get(text);
    if (known === undefined) {
      known = { id: this.#worlds.size, text, values, records, past };
      this.#worlds.set(text, known);
    }
    return known;
  }
}

function perform(
  { values, records }: World,
  request: Request,
): Pick<World, 'values' | 'records'> & { readonly value: unknown } {
  const same = (value: unknown): ReturnType<typeof perform> => ({ values, records, value });
  switch (request.op) {
    case 'put': {
      const { key, body, when } = request;
      const standing = values.get(key);
      if (when === 'absent' && standing !== undefined) return same({ outcome: 'exists' });
      if (typeof when === 'object' && (standing === undefined || when.etag !== etagOf(standing)))
        return same({ outcome: 'changed' });
      return { values: new Map(values).set(key, body), records, value: { outcome: 'stored', etag: etagOf(body) } };
    }
    case 'get': {
      const value = values.get(request.key);
      if (value === undefined) return same('missing');
      if (request.ifNoneMatch === etagOf(value)) return same('not-modified');
      const { range } = request;
      const bytes =
        range === undefined ? value : 'last' in range ? value.slice(-range.last) : value.slice(range.start, range.end);
      return same({ bytes, etag: etagOf(value), size: value.length });
    }
    case 'list': {
      const { prefix, after, limit } = request;
      const keys = [...values.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted();
      const page = keys.slice(0, limit).map((key) => ({ key, size: values.get(key)?.length }));
      return same({ keys: page, more: keys.length > limit });
    }
    case 'delete': {
      const rest = new Map(values);
      for (const key of request.keys) rest.delete(key);
      return { values: rest, records, value: { failed: [] } };
    }
    case 'append': {
      const { index, body } = request;
      const standing = records[index - 1];
      if (standing !== undefined) return same(standing === body ? 'appended' : 'taken');
      if (index !== records.length + 1) throw invalidArgument(`a record at ${index} would leave a hole`);
      return { values, records: [...records, body], value: 'appended' };
    }
    case 'read': {
      const { from, limit } = request;
      return same({ records: records.slice(from - 1, from - 1 + limit) });
    }
  }
}

const ids = new Map<string, number>();

/** A small number for a text: the same for the same text, as long as the process lives. */
function idOf(text: string): number {
  const id = ids.get(text) ?? ids.size + 1;
  ids.set(text, id);
  return id;
}

function etagOf(value: string): string {
  return `e${idOf(value)}`;
}

function labelOf(request: Request): string {
  const short = (key: string): string => key.replace(/[0-9a-f]{32}\//g, '').replace(/-[0-9a-f]{64}$/, '');
  switch (request.op) {
    case 'put':
      return `put ${short(request.key)} (${request.body.length} bytes, number ${idOf(request.body)})`;
    case 'get':
      return `get ${short(request.key)}`;
    case 'list':
      return `list ${short(request.prefix)} after ${short(request.after)}`;
    case 'delete':
      return `delete ${request.keys.map(short).join(' ')}`;
    case 'append':
      return `append record ${request.index} (number ${idOf(request.body)})`;
    case 'read':
      return `read the journal from ${request.from}`;
  }
}
