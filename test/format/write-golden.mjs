// Writes the golden files that are not there yet: `npm run build && node test/format/write-golden.mjs`. A file that is
// there is never written again, because it shows what a released version wrote.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { encodeClusterFile } from '../../dist/format/cluster-file.js';
import { encodeDataObject } from '../../dist/format/data-object.js';
import { encodeJournalRecord } from '../../dist/format/journal-record.js';
import { encodeJournalRoot } from '../../dist/format/journal-root.js';
import { SnapshotEncoder } from '../../dist/format/snapshot.js';
import { encodeWalSeal } from '../../dist/format/wal-group.js';
import { GroupBuffer } from '../../dist/format/wal-group-buffer.js';
import { encodeWalPlate } from '../../dist/format/wal-plate.js';
import { encodeStated, parseStated } from './golden-cases.mjs';

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
const folder = new URL('golden/v1/', import.meta.url);

for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const stated = parseStated(readFileSync(new URL(name, folder), 'utf8'));
  const target = name.replace(/\.json$/, '.bin');
  try {
    writeFileSync(new URL(target, folder), encodeStated(format, stated), { flag: 'wx' });
    console.log(`${target}: written`);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    console.log(`${target}: there already, left alone`);
  }
}
