import { deepStrictEqual } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeClusterFile, encodeClusterFile } from '../../src/format/cluster-file.ts';
import { encodeDataObject } from '../../src/format/data-object.ts';
import { decodeJournalRecord, encodeJournalRecord } from '../../src/format/journal-record.ts';
import { decodeJournalRoot, encodeJournalRoot } from '../../src/format/journal-root.ts';
import { decodeWhole } from '../../src/format/object-directory.ts';
import { decodeSnapshot, decodeSnapshotHead, SnapshotEncoder } from '../../src/format/snapshot.ts';
import { decodeWalSeal, encodeWalSeal, readGroupBatches, readGroupHead } from '../../src/format/wal-group.ts';
import { GroupBuffer } from '../../src/format/wal-group-buffer.ts';
import { decodeWalPlate, encodeWalPlate } from '../../src/format/wal-plate.ts';
import type { StreamBatch } from '../../src/model/record-batch.ts';
import { encodeStated, parseStated } from './golden-cases.mjs';
import type { Stated } from './golden-cases.mjs';

const format = {
  encodeClusterFile,
  encodeDataObject,
  encodeJournalRecord,
  encodeJournalRoot,
  encodeWalPlate,
  encodeWalSeal,
  GroupBuffer,
  SnapshotEncoder,
};
const key = 'golden';

/** What a golden file holds, in the words in which it is stated. */
function decodeStated(bytes: Uint8Array, stated: Stated): unknown {
  if (stated.structure === 'data object') {
    const { footer, batches } = decodeWhole(key, bytes);
    const { indexPosition: _position, indexSizeBytes: _size, indexCrc: _crc, ...head } = footer;
    return { head, batches: batches.map((batch) => withoutUndefined(batch)) };
  }
  if (stated.structure === 'journal record') {
    const { clusterId, index } = stated.record;
    return { record: decodeJournalRecord(bytes, { key, clusterId, index }) };
  }
  if (stated.structure === 'journal root') return { root: decodeJournalRoot(bytes, { key }) };
  if (stated.structure === 'snapshot')
    return { head: decodeSnapshotHead(bytes, { key }), chunks: [...decodeSnapshot(bytes, { key })] };
  if (stated.structure === 'WAL plate') return { plate: decodeWalPlate(bytes, { key }) };
  if (stated.structure === 'WAL seal') {
    const { walId, nodeEpoch, number, segment } = decodeWalSeal(bytes, stated.origin, { key });
    return { origin: { walId, nodeEpoch }, number, segment };
  }
  if (stated.structure === 'WAL group') return decodeGroup(bytes, stated.origin);
  const { clusterId, extra } = decodeClusterFile(bytes);
  return { fields: { clusterId, ...extra } };
}

function decodeGroup(bytes: Uint8Array, origin: { walId: string; nodeEpoch: number }): unknown {
  const head = readGroupHead(bytes, 0, origin, { key });
  if (head === undefined) return undefined;
  const { walId, nodeEpoch, number, segment, segmentStart } = head;
  const batches: StreamBatch[] = [];
  readGroupBatches(bytes, 0, head, { key }, (batch) => batches.push(batch));
  const place = { number, segment, segmentStart };
  return { origin: { walId, nodeEpoch }, place, batches: batches.map((batch) => withoutUndefined(batch)) };
}

function withoutUndefined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The same without what only says how it was made, and with the batches in the order of the object. */
function expected(stated: Stated): unknown {
  if (stated.structure !== 'data object') {
    const { structure: _, ...rest } = stated;
    return rest;
  }
  const batches = stated.batches.toSorted((a, b) => a.stream - b.stream || a.startOffset - b.startOffset);
  return { head: stated.head, batches };
}

const versions = readdirSync(new URL('golden/', import.meta.url)).filter((name) => /^v\d+$/.test(name));

describe.each(versions)('golden files of %s', (version) => {
  const folder = new URL(`golden/${version}/`, import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));

  test('cover every structure and every kind of object', () => {
    const all = names.map((name) => parseStated(readFileSync(new URL(name, folder), 'utf8')));
    expect(new Set(all.map(({ structure }) => structure)).size).toBe(8);
    expect(new Set(all.map((stated) => stated.structure === 'data object' && stated.head.kind)).size).toBe(5);
  });

  test.each(names)('hold what %s states', (name) => {
    const stated = parseStated(readFileSync(new URL(name, folder), 'utf8'));
    const bytes = readFileSync(new URL(name.replace('.json', '.bin'), folder));
    deepStrictEqual(decodeStated(bytes, stated), expected(stated));
  });

  // When a later version writes other bytes, this test goes to that version's folder; the one above stays for ever.
  test.each(names)('are what is written today for %s', (name) => {
    const stated = parseStated(readFileSync(new URL(name, folder), 'utf8'));
    const bytes = readFileSync(new URL(name.replace('.json', '.bin'), folder));
    expect(Buffer.from(encodeStated(format, stated)).toString('hex')).toBe(bytes.toString('hex'));
  });
});
