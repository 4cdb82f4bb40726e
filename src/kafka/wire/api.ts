// One API of the protocol: its number, its versions, and its two messages, as bytes and as values.
import type { Struct } from './schema.ts';
import { frameElementsMax, type WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

/** What there is to say of an API. */
export interface ApiTable<Q, S> {
  readonly key: number;
  readonly name: string;
  /** First and last version that is served. */
  readonly versions: readonly [number, number];
  /** The first version with compact lengths and tagged fields. */
  readonly flexibleFrom: number;
  /** Whether a request may be about all partitions there are: then it may have as many elements as a frame may. */
  readonly isOfPartitions?: boolean;
  readonly request: Struct<Q>;
  readonly response: Struct<S>;
}

/** Elements of arrays in any other request, all together: each costs more to serve than to send. */
export const requestElementsMax = 10_000;

/** An API, compiled on first use of each version. */
export class Api<Q = unknown, S = unknown> {
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly flexibleFrom: number;
  readonly #table: ApiTable<Q, S>;

  constructor(table: ApiTable<Q, S>) {
    this.key = table.key;
    this.name = table.name;
    [this.minVersion, this.maxVersion] = table.versions;
    this.flexibleFrom = table.flexibleFrom;
    this.#table = table;
  }

  serves(version: number): boolean {
    return version >= this.minVersion && version <= this.maxVersion;
  }

  isFlexible(version: number): boolean {
    return version >= this.flexibleFrom;
  }

  readRequest(reader: WireReader, version: number): Q {
    reader.limitElements(this.#table.isOfPartitions === true ? frameElementsMax : requestElementsMax);
    return this.#table.request.codec(version, this.isFlexible(version)).read(reader);
  }

  writeRequest(writer: WireWriter, version: number, request: Q): void {
    this.#table.request.codec(version, this.isFlexible(version)).write(writer, request);
  }

  readResponse(reader: WireReader, version: number): S {
    return this.#table.response.codec(version, this.isFlexible(version)).read(reader);
  }

  writeResponse(writer: WireWriter, version: number, response: S): void {
    this.#table.response.codec(version, this.isFlexible(version)).write(writer, response);
  }
}
