// Keys are ordered by their UTF-8 bytes, which is not how JavaScript compares strings: in UTF-16 a character beyond
// U+FFFF sorts below U+E000. A byte string holds one character (0 to 255) for each byte, so that `<` compares bytes
// and startsWith and concatenation work on bytes too. For ASCII keys it is the key itself.

/** The byte string of a key. */
export function toByteString(key: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\u0000-\u007f]*$/.test(key) ? key : Buffer.from(key, 'utf8').toString('latin1');
}

/** The key of a byte string; undefined when the bytes are no well-formed UTF-8. */
export function fromByteString(bytes: string): string | undefined {
  const key = Buffer.from(bytes, 'latin1').toString('utf8');
  return toByteString(key) === bytes ? key : undefined;
}
