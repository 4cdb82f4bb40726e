// Identities. A number is always an id and a string is always a name.

declare const streamIdBrand: unique symbol;

/** Identity of a stream: dense, given once, never reused. */
export type StreamId = number & { readonly [streamIdBrand]: true };

/** A stream, by its id or by its name. */
export type StreamRef = StreamId | string;

/** What an app attaches to streams and nodes: small strings by name. */
export type Attributes = Readonly<Record<string, string>>;

/** Brands a number that is known to be a stream id. */
export function streamId(value: number): StreamId {
  return value as StreamId;
}
