// The golden files: for each, a JSON file says what it holds, and a file beside it has the bytes. They are written
// once by write-golden.mjs and never again: whatever a released version wrote must always be read.
//
// In the JSON, {"$hex": "…"} stands for bytes, {"$float64": […]} and {"$uint32": […]} for columns of numbers.

/** Reads a JSON file that states what a golden file holds. */
export function parseStated(text) {
  return JSON.parse(text, (_, value) => {
    if (typeof value !== 'object' || value === null) return value;
    if (typeof value.$hex === 'string')
      return Uint8Array.from(value.$hex.match(/../g) ?? [], (hex) => parseInt(hex, 16));
    if (Array.isArray(value.$float64)) return Float64Array.from(value.$float64);
    if (Array.isArray(value.$uint32)) return Uint32Array.from(value.$uint32);
    return value;
  });
}

/** The bytes of what is stated, made by the functions of src/format given as `format`. */
export function encodeStated(format, stated) {
  switch (stated.structure) {
    case 'data object':
      return format.encodeDataObject(stated.head, stated.batches, stated.options).bytes;
    case 'journal record':
      return format.encodeJournalRecord(stated.record);
    case 'journal root':
      return format.encodeJournalRoot(stated.root);
    case 'snapshot': {
      const encoder = new format.SnapshotEncoder(stated.head);
      for (const { chunk, rows } of stated.chunks) encoder.add(chunk, rows);
      return encoder.finish();
    }
    case 'WAL group': {
      const buffer = new format.GroupBuffer(65_536, stated.origin);
      for (const batch of stated.batches) buffer.add(batch);
      return Buffer.concat(buffer.finish(stated.place.number, stated.place.segment, stated.place.segmentStart));
    }
    case 'WAL seal':
      return format.encodeWalSeal(stated.origin, stated.number, stated.segment);
    case 'WAL plate':
      return format.encodeWalPlate(stated.plate);
    case 'cluster file':
      return format.encodeClusterFile(stated.fields);
    default:
      throw new Error(`no structure is called ${stated.structure}`);
  }
}
