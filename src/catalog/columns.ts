// Tables as columns of numbers, for snapshots: a column of small whole numbers takes four bytes each, any other eight.
import { assert } from '../base/assert.ts';

/** Numbers of many rows. */
export type Column = Float64Array | Uint32Array;

/** A column in the narrower of the two forms that hold it exactly. */
export function narrowed(column: Float64Array): Column {
  const narrow = Uint32Array.from(column);
  return narrow.every((value, i) => Object.is(value, column[i])) ? narrow : column;
}

/** Rows of equal width, column by column. */
export function columnsOf(rows: readonly (readonly number[])[]): readonly Column[] {
  const width = rows[0]?.length ?? 0;
  return Array.from({ length: width }, (_, column) =>
    narrowed(Float64Array.from(rows, (row) => row[column] as number)),
  );
}

/** The rows whose columns these are. */
export function rowsOf(columns: unknown, width: number): readonly (readonly number[])[] {
  const list = columns as readonly Column[];
  if (list.length === 0) return [];
  const count = list[0]?.length ?? 0;
  assert(list.length === width && list.every(({ length }) => length === count), 'columns of a table are equally long');
  return Array.from({ length: count }, (_, row) => list.map((column) => column[row] as number));
}

/** Cuts a series into slices of `length`; the last may be shorter. */
export function* sliced<T>(values: Iterable<T>, length: number): Iterable<readonly T[]> {
  let slice: T[] = [];
  for (const value of values) {
    slice.push(value);
    if (slice.length < length) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}
