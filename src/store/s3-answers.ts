// Small facts about what S3 servers are told and answer: pure.
import { crc32 } from '../base/checksum.ts';

/** The checksum of a body as a header has it: a damaged body is refused. */
export function checksumOf(body: Uint8Array): string {
  const four = Buffer.allocUnsafe(4);
  four.writeUInt32BE(crc32(body));
  return four.toString('base64');
}

/** An etag without quotes and without the mark of a weak one. */
export function bareEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^W\//, '').replaceAll('"', '');
}

/** A key as a list with `encoding-type=url` gives it. */
export function decodeKey(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** Whether XML can hold a key, so that it comes out as it went in. */
export function isXmlText(key: string): boolean {
  return !/[\p{Cc}\ufffe\uffff]/u.test(key);
}
