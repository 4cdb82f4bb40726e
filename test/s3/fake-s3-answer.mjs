// Answers of the fake S3 server: the XML of AWS, and failures as errors that are thrown.
const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';
const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** A request that is refused: status, the code and message of the S3 API, further elements and headers. */
export class S3Failure extends Error {
  constructor(status, code, message = code, { elements = {}, headers = {} } = {}) {
    super(message);
    Object.assign(this, { status, code, elements, headers });
  }
}

/** Reads like AWS: text, a list of elements of the same name, or elements by name. */
function xml(name, content, attributes = '') {
  if (content === undefined) return '';
  if (Array.isArray(content)) return content.map((one) => xml(name, one)).join('');
  const inside =
    typeof content === 'object'
      ? Object.entries(content)
          .map(([inner, one]) => xml(inner, one))
          .join('')
      : escapeXml(String(content));
  return inside === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${inside}</${name}>`;
}

/** A document with the namespace of the S3 API. */
export function document(name, content) {
  return Buffer.from(declaration + xml(name, content, ` xmlns="${namespace}"`));
}

/** The document of a failure; it has no namespace. */
export function failureDocument({ code, message, elements }, resource, requestId) {
  const ids = { RequestId: requestId, HostId: 'fake' };
  return Buffer.from(
    declaration + xml('Error', { Code: code, Message: message, ...elements, Resource: resource, ...ids }),
  );
}

const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

function escapeXml(text) {
  // Control characters are written as AWS writes them, though XML 1.0 has no way to say them.
  return text.replaceAll(/[&<>"']|\p{Cc}/gu, (one) => entities[one] ?? `&#x${one.charCodeAt(0).toString(16)};`);
}

/** Texts of all elements of a name, in order. Enough for the two documents that clients send. */
export function textsOf(body, name) {
  const found = body.matchAll(new RegExp(`<${name}(?: [^>]*)?>([^]*?)</${name}>`, 'g'));
  return [...found].map(([, text]) => text);
}

/** What an XML text says. */
export function unescapeXml(text) {
  return text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name === undefined) return String.fromCodePoint(parseInt(hex ?? decimal, hex === undefined ? 10 : 16));
    return Object.entries(entities).find(([, entity]) => entity === `&${name};`)?.[0] ?? whole;
  });
}

/** As `encoding-type=url` has it: slashes stay, a space is a plus. */
export function encodeName(name) {
  return encodeURIComponent(name)
    .replaceAll('%2F', '/')
    .replaceAll('%20', '+')
    .replaceAll(/[!'()]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
