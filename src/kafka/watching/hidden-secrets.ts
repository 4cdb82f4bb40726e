// What must never be in a log, by how it looks (pure). Whoever logs knows better; this is for what slips through: the
// message of an error that quotes a URL, a field that was named after what is in it.

/** Text that is looked at. What is written of it is far shorter, so that no secret is cut in two by its end. */
const lookMaxLength = 8_192;

const secretNames = /pass(word|phrase|wd)?$|secret|token$|credential|authorization|api[-_]?key|private[-_]?key|jaas/i;

const shapes: readonly (readonly [RegExp, string])[] = [
  // The user and password of a URL.
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@]{1,4000}@/gi, '$1(hidden)@'],
  // What signs a URL.
  [/([?&](?:x-amz-(?:signature|credential|security-token)|sig|signature)=)[^&\s"]+/gi, '$1(hidden)'],
  // name=value, name: value, "name":"value".
  [
    /((?:pass(?:word|phrase|wd)|(?:session|auth|access)[-_]?token|api[-_]?key)["']?\s*[=:]\s*["']?)[^\s"',;&}]+/gi,
    '$1(hidden)',
  ],
  [/(secret(?:[-_]?access)?(?:[-_]?key)?["']?\s*[=:]\s*["']?)[^\s"',;&}]+/gi, '$1(hidden)'],
  [/\b(Bearer|Basic) [A-Za-z0-9+/._~=-]{8,}/g, '$1 (hidden)'],
  // An id of an AWS key: no secret by itself, and the half of one.
  [/\b(AKIA|ASIA)[A-Z0-9]{16}\b/g, '$1(hidden)'],
];

/** Whether a field of this name is never shown. */
export function isSecretName(name: string): boolean {
  return secretNames.test(name);
}

/** The text, with what looks like a secret taken out; a long one is cut. */
export function withoutSecrets(text: string): string {
  let shown = text.length <= lookMaxLength ? text : text.slice(0, lookMaxLength);
  for (const [shape, put] of shapes) shown = shown.replace(shape, put);
  return shown;
}
