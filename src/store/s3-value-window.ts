// Which bytes of an answer are the value that was asked for: pure.
import { resolveRange } from './check-request.ts';
import type { ByteRange } from './object-store.ts';

/** Headers of an answer, names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Of the body of an answer, leave `skip` bytes out and keep `take`; or what is wrong with the answer. `size` is that of
 * the whole value, undefined where nothing is answered and it is not said of how much.
 */
export type ValueWindow = { readonly skip: number; readonly take: number; readonly size: number | undefined } | string;

/** What to keep of a 200 or a 206, by its headers. */
export function expectedWindow(status: number, headers: AnswerHeaders, range: ByteRange | undefined): ValueWindow {
  const length = lengthOf(headers['content-length']);
  if (length === undefined) return 'the answer does not say how long the value is';
  if (status === 200) {
    const { start, end } = resolveRange(range, length);
    return { skip: start, take: end - start, size: length };
  }
  if (length === 0) return { skip: 0, take: 0, size: undefined };
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(String(headers['content-range']));
  if (match === null) return 'the answer does not say which range it is';
  const [first, last, size] = match.slice(1).map(Number) as [number, number, number];
  const { start, end } = resolveRange(range, size);
  if (first !== start || last + 1 !== end || length !== end - start)
    return `bytes [${start}, ${end}) were asked for, and ${length} bytes of [${first}, ${last + 1}) were answered`;
  return { skip: 0, take: length, size };
}

function lengthOf(text: string | string[] | undefined): number | undefined {
  const length = Number(text);
  return text === undefined || !Number.isSafeInteger(length) || length < 0 ? undefined : length;
}
