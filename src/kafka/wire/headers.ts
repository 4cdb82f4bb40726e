// What stands before a message in its frame.
//
//   request   key int16 · version int16 · correlation int32 · client nullable string · [tagged fields]
//   response  correlation int32 · [tagged fields]
//
// The tagged fields are there where the message is flexible. The answer to ApiVersions never has them, because a client
// that is told that its version is too new cannot know. The client's name is never compact.
import type { Api } from './api.ts';
import { WireError, type WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

/** The part of a header that can be read whatever the API is. */
export interface RequestStart {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
}

const apiVersionsKey = 18;

export function readRequestStart(reader: WireReader): RequestStart {
  return { apiKey: reader.int16(), apiVersion: reader.int16(), correlationId: reader.int32() };
}

/** The rest of the header: the client's name. */
export function readRequestRest(reader: WireReader, isFlexible: boolean): string | null {
  const sizeBytes = reader.int16();
  const clientId = sizeBytes < 0 ? null : reader.string(sizeBytes);
  if (isFlexible) skipTagged(reader);
  return clientId;
}

export function writeRequestHeader(
  writer: WireWriter,
  api: Api,
  { apiVersion, correlationId, clientId }: Omit<RequestStart, 'apiKey'> & { readonly clientId: string | null },
): void {
  writer.int16(api.key);
  writer.int16(apiVersion);
  writer.int32(correlationId);
  const sizeBytes = clientId === null ? -1 : Buffer.byteLength(clientId);
  if (sizeBytes > 32_767) throw new WireError('the name of a client has at most 32,767 bytes');
  writer.int16(sizeBytes);
  if (clientId !== null) writer.text(clientId, sizeBytes);
  if (api.isFlexible(apiVersion)) writer.unsignedVarint(0);
}

export function writeResponseHeader(writer: WireWriter, api: Api, apiVersion: number, correlationId: number): void {
  writer.int32(correlationId);
  if (api.key !== apiVersionsKey && api.isFlexible(apiVersion)) writer.unsignedVarint(0);
}

/** The correlation id of an answer. */
export function readResponseHeader(reader: WireReader, api: Api, apiVersion: number): number {
  const correlationId = reader.int32();
  if (api.key !== apiVersionsKey && api.isFlexible(apiVersion)) skipTagged(reader);
  return correlationId;
}

function skipTagged(reader: WireReader): void {
  const count = reader.elements(reader.unsignedVarint());
  for (let i = 0; i < count; i++) {
    reader.unsignedVarint();
    reader.skip(reader.unsignedVarint());
  }
}
