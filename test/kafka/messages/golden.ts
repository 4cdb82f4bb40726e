// The golden frames, which Kafka's own Java client encoded: see GoldenFrames.java.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Api } from '../../../src/kafka/wire/api.ts';
import {
  readRequestRest,
  readRequestStart,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from '../../../src/kafka/wire/headers.ts';
import { WireReader } from '../../../src/kafka/wire/wire-reader.ts';
import { WireWriter } from '../../../src/kafka/wire/wire-writer.ts';
import { servedApis } from './served-apis.ts';

export interface GoldenFrame {
  readonly api: Api;
  readonly version: number;
  readonly is: 'request' | 'response';
  /** By the names of Kafka; bytes are base64. Fields that the version does not have are not there. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly frame: Uint8Array;
}

interface GoldenLine extends Omit<GoldenFrame, 'api' | 'frame'> {
  readonly api: string;
  readonly frame: string;
}

export const goldenCorrelationId = 0x0102_0304;

export const goldenFrames: readonly GoldenFrame[] = gunzipSync(
  readFileSync(new URL('golden/frames.jsonl.gz', import.meta.url)),
)
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => {
    const { api, frame, ...rest } = JSON.parse(line) as GoldenLine;
    const found = servedApis.find(({ name }) => name.toLowerCase() === api.toLowerCase());
    if (found === undefined) throw new Error(`there is no table of ${api}`);
    return { ...rest, api: found, frame: Buffer.from(frame, 'base64') };
  });

/** Header and message of a frame. */
export interface ReadFrame {
  readonly correlationId: number;
  readonly clientId: string | null;
  readonly value: unknown;
  /** Bytes behind the message. */
  readonly rest: number;
}

export function readFrame({ api, version, is }: Omit<GoldenFrame, 'value' | 'frame'>, frame: Uint8Array): ReadFrame {
  const reader = new WireReader(frame);
  if (is === 'response') {
    const correlationId = readResponseHeader(reader, api, version);
    const value = api.readResponse(reader, version);
    return { correlationId, clientId: null, value, rest: reader.remaining };
  }
  const { correlationId } = readRequestStart(reader);
  const clientId = readRequestRest(reader, api.isFlexible(version));
  const value = api.readRequest(reader, version);
  return { correlationId, clientId, value, rest: reader.remaining };
}

/** The bytes of a frame without the length before it. */
export function writeFrame(
  { api, version, is }: Omit<GoldenFrame, 'value' | 'frame'>,
  { correlationId, clientId, value }: Omit<ReadFrame, 'rest'>,
): Uint8Array {
  const writer = new WireWriter(1); // It grows all the time: nothing may depend on where.
  if (is === 'response') {
    writeResponseHeader(writer, api, version, correlationId);
    api.writeResponse(writer, version, value);
  } else {
    writeRequestHeader(writer, api, { apiVersion: version, correlationId, clientId });
    api.writeRequest(writer, version, value);
  }
  return writer.toBytes();
}
